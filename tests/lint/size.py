"""How long files and functions may be.

The formatter puts a function's braces alone in the first column and those of structs and tables
not, so a function runs from the line where its signature begins to the `}` in column one. The
limits: 600 lines a file, 100 a function, a median of at most 12 over the product's functions.
"""
import pathlib
import re
import statistics

from tree import sources, walk

FILE_LIMIT = 600
FUNCTION_LIMIT = 100
MEDIAN_LIMIT = 12

# Longer than a function may be, and why: (file, function) -> reason. An interpreter's loop only.
LONG_FUNCTIONS = {
    ("runtime/vm/eval.c", "pk_vm_step_expr"): "the interpreter's loop: one case an instruction",
}

PRODUCT = ("grammar", "compiler", "runtime")
NAME = re.compile(r"([A-Za-z_]\w*)\s*\(")


def functions(text):
    """(name, first line, lines) of each function of a formatted C text, lines from 1."""
    lines = text.splitlines()
    opened = None
    for number, line in enumerate(lines):
        if line == "{" and opened is None:
            opened = number
        elif line == "}" and opened is not None:
            first = opened
            while first > 0 and lines[first - 1].strip() and not lines[first - 1].endswith(
                    (";", "}", "*/", "\\")) and not lines[first - 1].startswith(("#", "//", "%")):
                first -= 1
            name = NAME.search("\n".join(lines[first:opened]))
            if name:
                yield name.group(1), first + 1, number - first + 1
            opened = None


def check_files(root):
    for path in sources(root, (".c", ".h", ".y", ".re", ".py", ".sh")):
        count = len(pathlib.Path(root, path).read_text(encoding="utf-8").splitlines())
        if count > FILE_LIMIT:
            yield f"{path}:1: {count} lines in a file (limit {FILE_LIMIT})"


def check(root, build=None):
    """Yields what is too long; a name on the list above that is not needed there is told too."""
    del build
    yield from check_files(root)
    lengths, long_ones, files = [], set(), set()
    for path in sources(root, (".c", ".h", ".y", ".re")):
        files.add(path.as_posix())
        for name, line, count in functions(pathlib.Path(root, path).read_text(encoding="utf-8")):
            if path.parts[0] in PRODUCT:
                lengths.append(count)
            if count <= FUNCTION_LIMIT:
                continue
            long_ones.add((path.as_posix(), name))
            if (path.as_posix(), name) not in LONG_FUNCTIONS:
                yield f"{path}:{line}: {name} has {count} lines (limit {FUNCTION_LIMIT})"
    for path, name in sorted(set(LONG_FUNCTIONS) - long_ones):
        if path in files:
            yield f"{path}:1: {name} is short enough to leave the list of long functions"
    if lengths and statistics.median(lengths) > MEDIAN_LIMIT:
        yield f"the median function has {statistics.median(lengths)} lines (limit {MEDIAN_LIMIT})"


def report(root):
    """One line on the shape of the tree, for the reader of the test's log."""
    lengths = sorted(count for path in walk(root)
                     if path.suffix in (".c", ".h", ".y", ".re") and path.parts[0] in PRODUCT
                     for _, _, count in functions(pathlib.Path(root, path).read_text()))
    if not lengths:
        return "no functions"
    return (f"{len(lengths)} functions, median {statistics.median(lengths):g} lines, "
            f"99th percentile {lengths[int(len(lengths) * 0.99)]}, longest {lengths[-1]}")
