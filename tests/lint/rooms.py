"""Who may include whom: the one table of the rooms, and the rule that reads the #include lines.

A room is a folder; a file belongs to the deepest room that holds it. What a room may include is
itself and the rooms named beside it. An include in quotes is looked up as the compiler does: beside
the including file, then in the include folders (source tree and build tree, since some headers are
generated).
"""
import fnmatch
import pathlib
import re

from tree import sources

BASE, IMAGE = "runtime/base", "runtime/image"
MIDDLE = ["runtime/vm", "runtime/set", "runtime/tree", "runtime/io", "runtime/net"]
VIEW = "runtime/view"
RUN = [BASE, IMAGE, *MIDDLE, VIEW, "runtime/run"]

MAY_INCLUDE = {
    "grammar": [BASE],
    "compiler": ["grammar", BASE, IMAGE],
    # The program carries the stub of standalone probes and puts images into it.
    "compiler/cli": ["grammar", "compiler", "runtime/stub", *RUN],
    BASE: [],
    IMAGE: [BASE],
    **{room: [BASE, IMAGE] for room in MIDDLE},
    # The machines read a set's indices and fill field trees; neither knows the machines.
    "runtime/vm": [BASE, IMAGE, "runtime/set", "runtime/tree"],
    # Views read trees with the machine; what runs gives them their rows.
    VIEW: [BASE, IMAGE, "runtime/set", "runtime/tree", "runtime/vm"],
    "runtime/run": [BASE, IMAGE, *MIDDLE, VIEW],
    "runtime/stub": RUN,
    "stdlayers": [],
    "tests": ["*"],
    "examples": ["runtime/run"],
}

# The system's headers that only some rooms may use: pattern -> those rooms.
SYSTEM_ONLY_IN = {
    "sys/socket.h": ["runtime/io", "runtime/net", "runtime/run", "runtime/stub", "compiler/cli"],
    "net/*": ["runtime/io", "runtime/net", "runtime/run", "compiler/cli"],
    "netinet/*": ["runtime/io", "runtime/net", "runtime/run", "compiler/cli"],
    "netpacket/*": ["runtime/io", "runtime/net"],
    "linux/*": ["runtime/io", "runtime/net", "runtime/run", "runtime/stub", "compiler/cli"],
    "arpa/*": ["runtime/io", "runtime/net", "runtime/run", "compiler/cli"],
    "pcap*": ["compiler/cli"],
    "getopt.h": ["compiler/cli", "runtime/stub"],
    "signal.h": ["runtime/io", "runtime/run", "runtime/stub", "compiler/cli"],
}

# Folders given to the compiler as include folders.
INCLUDE_ROOTS = ["runtime", "runtime/stub", "grammar", "compiler", "compiler/cli", "tests",
                 "tests/naive", "."]

INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*(?:"([^"]+)"|<([^>]+)>)', re.MULTILINE)


def room_of(path):
    """The deepest room of a path relative to the root, or None."""
    for folder in path.parents:
        if folder.as_posix() in MAY_INCLUDE:
            return folder.as_posix()
    return None


def resolve(root, build, source, name):
    """The path, relative to the root, of the header that `source` means by `name`, or None."""
    for folder in [source.parent.as_posix(), *INCLUDE_ROOTS]:
        for top in [root, build] if build else [root]:
            found = pathlib.Path(top, folder, name)
            if found.is_file():
                try:
                    return found.resolve().relative_to(pathlib.Path(top).resolve())
                except ValueError:
                    return None
    return None


def check_quoted(root, build, source, room, name):
    header = resolve(root, build, source, name)
    if header is None:
        return f'"{name}" is in no include folder'
    other = room_of(header)
    if other is None:
        return f'"{name}" is {header}, which is in no room'
    allowed = MAY_INCLUDE[room]
    if other != room and other not in allowed and "*" not in allowed:
        return f"{room} may not include {other} ({name})"
    return None


def check_system(room, name):
    for pattern, rooms in SYSTEM_ONLY_IN.items():
        if fnmatch.fnmatch(name, pattern) and room not in rooms and room not in ("tests", "examples"):
            return f"{room} may not include <{name}>"
    return None


def check(root, build=None):
    """Yields `file:line: message` for each #include that the table does not allow."""
    for source in sources(root, (".c", ".h", ".y", ".re", ".def")):
        room = room_of(source)
        if room is None:
            yield f"{source}:1: this file is in no room"
            continue
        text = pathlib.Path(root, source).read_text(encoding="utf-8")
        for match in INCLUDE.finditer(text):
            quoted, system = match.groups()
            if quoted:
                trouble = check_quoted(root, build, source, room, quoted)
            else:
                trouble = check_system(room, system)
            if trouble:
                yield f"{source}:{text.count(chr(10), 0, match.start()) + 1}: {trouble}"
