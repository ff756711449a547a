"""Everything that is written in the language must parse without a diagnostic.

accepts.py PARSE_FILE PATH...

A PATH is a .pkt file, a folder of them, or a Markdown document, of which each fenced block that is
marked `pkt` is parsed. A block marked `pkt bad` must be refused.
"""
import pathlib
import re
import subprocess
import sys
import tempfile

FENCE = re.compile(r"^```(\S+)([^\n]*)\n(.*?)^```$", re.S | re.M)


def parse(program, path):
    done = subprocess.run([program, path], stdout=subprocess.PIPE, text=True, check=False)
    return done.returncode, done.stdout


def blocks(document):
    """(name, text, whether it must be refused) of each block marked `pkt`."""
    text = document.read_text(encoding="utf-8")
    for found in FENCE.finditer(text):
        if found.group(1) == "pkt":
            line = text.count("\n", 0, found.start()) + 2
            yield f"{document.name}:{line}", found.group(3), "bad" in found.group(2).split()


def check_document(program, document):
    for name, text, bad in blocks(document):
        with tempfile.NamedTemporaryFile("w", suffix=".pkt", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            status, out = parse(program, file.name)
        fine = status == 1 if bad else status == 0 and not out
        yield name, None if fine else out or f"status {status}, though marked bad={bad}"


def check_file(program, path):
    status, out = parse(program, path)
    yield path.name, None if status == 0 and not out else out or f"status {status}"


def check(program, path):
    if path.suffix == ".md":
        yield from check_document(program, path)
    elif path.is_dir():
        for file in sorted(path.rglob("*.pkt")):
            yield from check_file(program, file)
    else:
        yield from check_file(program, path)


def main(program, paths):
    count, failed = 0, 0
    for path in paths:
        for name, wrong in check(program, pathlib.Path(path)):
            count += 1
            if wrong is not None:
                failed += 1
                print(f"{name}: refused\n{wrong}")
    print(f"{count} texts, {failed} wrong")
    return 1 if failed or not count else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2:]))
