"""What the built libraries may hold and call, read from their symbols with nm.

No library of a room keeps mutable globals (a table of pointers that the loader relocates once and
then seals, .data.rel.ro, is constant), prints, ends the process, installs a signal handler or calls
what cannot be called safely; and what it exports is named pk_... or pktc_....
"""
import json
import pathlib
import re
import subprocess

from rooms import MAY_INCLUDE, room_of

# Rooms whose code is a program: it prints and exits, and is free of these rules.
PROGRAMS = {"compiler/cli", "runtime/stub", "tests", "examples", "stdlayers"}

MUTABLE = re.compile(r"^(\.data|\.bss|\.tdata|\.tbss|\*COM\*)")
SEALED = re.compile(r"^\.data\.rel\.ro")
EXPORTED = re.compile(r"^_*(pk|pktc|PK)_")
COMPILERS_OWN = re.compile(r"^_*(asan|ubsan|odr_asan|gcov|llvm|lsan)")

FORBIDDEN_CALLS = {
    **dict.fromkeys(["exit", "_exit", "_Exit", "quick_exit", "abort"], "ends the process"),
    **dict.fromkeys(["printf", "vprintf", "puts", "putchar", "perror", "stdout", "stderr",
                     "__printf_chk", "__vprintf_chk", "psignal", "warn", "err", "errx", "warnx"],
                    "prints"),
    **dict.fromkeys(["signal", "sigaction", "sigprocmask", "atexit", "setenv", "putenv", "unsetenv",
                     "setlocale", "umask", "chdir", "srand", "rand", "random", "srandom"],
                    "changes or reads the state of the whole process"),
    **dict.fromkeys(["system", "popen"], "runs a shell"),
    **dict.fromkeys(["gets", "strcpy", "strcat", "sprintf", "vsprintf", "strtok", "alloca",
                     "setjmp", "_setjmp", "longjmp", "tmpnam", "mktemp"], "is not safe"),
    **dict.fromkeys(["localtime", "gmtime", "ctime", "asctime", "gethostbyname", "inet_ntoa"], "answers in a buffer that all threads share"),
}

# What one room may call after all, and why.
ALLOWED_CALLS = {}


def nm(library):
    """(member, name, class letter, section) of each symbol of an archive."""
    done = subprocess.run(["nm", "--format=sysv", str(library)], text=True, capture_output=True,
                          check=True)
    member = ""
    for line in done.stdout.splitlines():
        title = re.match(r"^(?:Symbols|Undefined symbols) from .*\[?([^\[\]/]+\.o)\]?:$", line)
        if title:
            member = title.group(1)
        columns = [column.strip() for column in line.split("|")]
        if len(columns) == 7 and columns[0] != "Name":
            yield member, columns[0], columns[2], columns[6]


def libraries(build):
    """room -> archive, for the archives named libpk_*.a that meson leaves in the rooms' folders."""
    found = {}
    for archive in sorted(pathlib.Path(build).glob("**/libpk_*.a")):
        room = archive.parent.relative_to(build).as_posix()
        if room in MAY_INCLUDE:
            found.setdefault(room, []).append(archive)
    return found


def check_symbol(room, name, kind, section):
    if COMPILERS_OWN.match(name):
        return None
    if kind == "U":
        why = FORBIDDEN_CALLS.get(name)
        if why and (room, name) not in ALLOWED_CALLS:
            return f"calls {name}, which {why}"
        return None
    if MUTABLE.match(section) and not SEALED.match(section):
        return f"{name} is a global that can change ({section})"
    if kind.isupper() and kind not in "NU" and not EXPORTED.match(name):
        return f"exports {name}, a name without pk_ or pktc_"
    return None


def compiled_rooms(root, build):
    """The rooms of the sources that this build compiles."""
    commands = json.loads(pathlib.Path(build, "compile_commands.json").read_text(encoding="utf-8"))
    top = pathlib.Path(root).resolve()
    found = set()
    for command in commands:
        path = pathlib.Path(command["directory"], command["file"]).resolve()
        if path.is_relative_to(top):
            found.add(room_of(path.relative_to(top)))
    return found


def check(root, build=None):
    """Yields `archive(member): message`; a room that is compiled into no archive is found too."""
    if build is None:
        return
    archives = libraries(build)
    for room in sorted((set(MAY_INCLUDE) - PROGRAMS) & compiled_rooms(root, build)):
        if room not in archives:
            yield f"{room}: is compiled and builds no library libpk_*.a"
    for room, paths in archives.items():
        if room in PROGRAMS:
            continue
        for archive in paths:
            for member, name, kind, section in nm(archive):
                trouble = check_symbol(room, name, kind, section)
                if trouble:
                    yield f"{archive.name}({member}): {trouble}"
