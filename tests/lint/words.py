"""Words and shapes of text that do not belong in the project.

Paths of one person's machine, names of a workplace and its tools, hosts of package registries,
notes to oneself, trailing blanks. Each pattern below is written so that it does not match itself.
"""
import pathlib
import re

from tree import walk

FORBIDDEN = [
    (r"(?<![\w.$}])/[w]ork/", "a path of one machine"),
    (r"(?<![\w.$}])/[h]ome/\w", "a path of one machine"),
    (r"(?<![\w.$}])/[r]oot/\w", "a path of one machine"),
    (r"(?<![\w.$}])/[U]sers/\w", "a path of one machine"),
    (r"/tmp/[b]-", "a path of one machine"),
    (r"[t]eam\.md", "a workplace file"),
    (r"\.\./[s]hared\b", "a folder outside the project"),
    (r"(?<![\w./-])[s]hared/[A-Z]", "a folder outside the project"),
    (r"(?i)\b[i]ssues? ?#? ?\d", "an issue's number"),
    (r"(?i)\b(?:fixes|closes|resolves|refs) [#]\d", "an issue's number"),
    (r"\b[i]ssues (?:show|list|comment|close)\b", "a workplace tool"),
    (r"(?i)\b(?:[a]nthropic|[c]laude|[c]hatgpt|[o]penai|[c]opilot)\b", "a workplace name"),
    (r"(?i)\b(?:[p]ypi\.org|[p]ythonhosted\.org|[n]pmjs\.org|[c]rates\.io|[p]roxy\.golang\.org)\b",
     "a package registry's host"),
    (r"(?i)\b(?:[d]eb|[s]ecurity|[s]napshot|[a]rchive)\.(?:debian|ubuntu)\.(?:org|com)\b",
     "a package registry's host"),
    (r"\b(?:[T]ODO|[F]IXME|[X]XX)\b(?!\\b| or )", "a note to oneself"),
]
PATTERNS = [(re.compile(pattern), what) for pattern, what in FORBIDDEN]

# Text that is compared byte for byte, or is not ours to format.
BYTES_MATTER = (".golden", ".expected", ".json", ".txt", ".pcap", ".pcapng", ".bin", ".image")
TAB_IS_WRONG_IN = {".c", ".h", ".y", ".re", ".def", ".py", ".pkt", ".build", ".md"}


def check_shape(path, number, line):
    if line.rstrip() != line:
        yield f"{path}:{number}: blanks at the end of the line"
    if "\t" in line and path.suffix in TAB_IS_WRONG_IN:
        yield f"{path}:{number}: a tab"


def check(root, build=None):
    """Yields each forbidden word and each misshapen line of every text file."""
    del build
    for path in walk(root):
        data = pathlib.Path(root, path).read_bytes()
        if b"\0" in data:
            continue
        text = data.decode("utf-8", errors="replace")
        exact = path.suffix in BYTES_MATTER or "corpus" in path.parts
        for number, line in enumerate(text.split("\n"), 1):
            for pattern, what in PATTERNS:
                found = pattern.search(line)
                if found:
                    yield f"{path}:{number}: `{found.group()}` is {what}"
            if not exact:
                yield from check_shape(path, number, line)
        if text and not exact and not text.endswith("\n"):
            yield f"{path}:1: no newline at the end of the file"
