#!/usr/bin/env python3
"""usage: run.py [--bless] PKTC ROOT CASE-OR-FOLDER...

Runs command-line cases against the program PKTC and speaks TAP; --bless writes what came out into
the cases instead of comparing, and the reviewer reads `git diff`.

A case is a file NAME.golden: first a sentence that says what it holds, then sections, each begun by
a line `--- WORD`:

    A misspelt field is answered with the one that was meant.
    --- command
    pktc show - <probe.pkt
    --- file probe.pkt
    ip()/tcp(dprot=80)
    --- stdin
    --- stdout
    --- stderr
    stdin:1:10: ...
    --- exit
    2

`command` is given to sh in an empty folder that holds the `file`s; `pktc` is on its PATH and in
$PKTC, the source tree in $ROOT. A section that is left out is empty, exit is 0 then. When output
does not end with a newline its section is `--- stdout without newline`. `<*>` in an expected line
stands for any text within that line; blessing keeps such a line where it still fits. A `needs`
section holds shell commands; the case is skipped where they fail (`needs lab` is built in).
"""
import concurrent.futures
import difflib
import os
import pathlib
import re
import subprocess
import sys
import tempfile

SECTION = re.compile(r"^--- (command|stdin|stdout|stderr|exit|needs|file \S+)( without newline)?$")
ORDER = ["needs", "command", "file", "stdin", "stdout", "stderr", "exit"]
SECONDS = 60


class BadCase(Exception):
    pass


def parse(text):
    """title and sections (name -> text) of a case."""
    title, sections, name, bare = [], {}, None, set()
    for line in text.splitlines(keepends=True):
        found = SECTION.match(line.rstrip("\n"))
        if found:
            name = found.group(1)
            if name in sections:
                raise BadCase(f"two sections {name}")
            sections[name] = ""
            if found.group(2):
                bare.add(name)
        elif line.startswith("--- "):
            raise BadCase(f"no such section: {line.rstrip()}")
        elif name is None:
            title.append(line.strip())
        else:
            sections[name] += line
    if "command" not in sections:
        raise BadCase("no section command")
    for name in bare:
        sections[name] = sections[name].removesuffix("\n")
    return " ".join(word for word in title if word), sections


def render(title, sections):
    text = title + "\n"
    for name in sorted(sections, key=lambda name: ORDER.index(name.split()[0])):
        body = sections[name]
        if not body and name in ("stdin", "stdout", "stderr"):
            continue
        bare = body and not body.endswith("\n")
        text += f"--- {name}{' without newline' if bare else ''}\n{body}{chr(10) if bare else ''}"
    return text


def fits(expected, got):
    """Whether a line is the expected one, where <*> is any text."""
    pattern = ".*".join(re.escape(part) for part in expected.split("<*>"))
    return re.fullmatch(pattern, got) is not None


def settle(expected, got):
    """What came out, with the expected line kept wherever it fits: equal to `expected` on success."""
    before, after = expected.split("\n"), got.split("\n")
    if len(before) == len(after) and all(map(fits, before, after)):
        return expected
    matcher = difflib.SequenceMatcher(None, before, after, autojunk=False)
    lines = []
    for tag, i, i_end, j, j_end in matcher.get_opcodes():
        if tag == "equal":
            lines += after[j:j_end]
            continue
        for offset in range(j_end - j):
            old = before[i + offset] if i + offset < i_end else None
            new = after[j + offset]
            lines.append(old if old is not None and "<*>" in old and fits(old, new) else new)
    return "\n".join(lines)


def environment(pktc, root, folder):
    return {"PATH": os.pathsep.join([str(pktc.parent), os.environ["PATH"], "/usr/sbin", "/sbin"]),
            "PKTC": str(pktc), "ROOT": str(root), "HOME": str(folder), "TMPDIR": str(folder),
            "LC_ALL": "C.UTF-8", "TZ": "UTC", "NO_COLOR": "1", "TERM": "dumb",
            **{name: value for name, value in os.environ.items()
               if name.startswith(("ASAN_", "UBSAN_", "LSAN_"))}}


# The lab makes network namespaces, as root or in a user namespace.
LAB = "unshare -n true || unshare -Urn true"


def needed(needs, options):
    """The first need that this machine does not meet, or None."""
    for line in needs.splitlines():
        command = LAB if line.strip() == "lab" else line
        if line.strip() and subprocess.run(["sh", "-c", command], capture_output=True, check=False,
                                           stdin=subprocess.DEVNULL, **options).returncode:
            return line.strip()
    return None


def execute(case, pktc, root):
    """(title, expected sections, sections as they came out) or a reason to skip."""
    title, sections = parse(case.read_text(encoding="utf-8"))
    with tempfile.TemporaryDirectory(prefix="pktc-golden-") as folder:
        options = {"cwd": folder, "env": environment(pktc, root, folder), "timeout": SECONDS}
        lacking = needed(sections.get("needs", ""), options)
        if lacking:
            return title, None, lacking
        for name, body in sections.items():
            if name.startswith("file "):
                path = pathlib.Path(folder, name.split()[1])
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(body, encoding="utf-8")
        try:
            done = subprocess.run(["sh", "-c", sections["command"]], capture_output=True,
                                  check=False, input=sections.get("stdin", "").encode(), **options)
            code = f"{done.returncode}\n"
        except subprocess.TimeoutExpired as late:
            done, code = late, f"still running after {SECONDS} seconds\n"
        got = {}
        for name, data in (("stdout", done.stdout), ("stderr", done.stderr)):
            text = (data or b"").decode("utf-8", errors="backslashreplace")
            got[name] = text.replace(str(root), "$ROOT").replace(folder, "$HERE")
    result = dict(sections, exit=code)
    for name, text in got.items():
        result[name] = settle(sections.get(name, ""), text)
    return title, dict({"stdout": "", "stderr": "", "exit": "0\n"}, **sections), result


def difference(expected, got):
    lines = []
    for name in ("stdout", "stderr", "exit"):
        lines += difflib.unified_diff(expected[name].splitlines(), got[name].splitlines(),
                                      f"{name} expected", f"{name} as it came", lineterm="", n=2)
        if not lines and expected[name] != got[name]:
            lines.append(f"{name}: the last newline differs")
    return "\n".join(lines)


def judge(case, pktc, root, bless):
    """(TAP line, explanation)."""
    try:
        title, expected, got = execute(case, pktc, root)
    except (BadCase, UnicodeDecodeError) as error:
        return f"not ok - {case.stem}", f"{case}: {error}"
    label = f"{case.parent.name}/{case.stem}: {title}".replace("#", "")
    if expected is None:
        return f"ok - {label} # SKIP needs {got}", ""
    if all(expected[name] == got[name] for name in ("stdout", "stderr", "exit")):
        return f"ok - {label}", ""
    if bless:
        case.write_text(render(title, got), encoding="utf-8")
        return f"ok - {label}", f"blessed {case}"
    return f"not ok - {label}", difference(expected, got)


def collect(paths):
    cases = []
    for path in paths:
        cases += sorted(path.rglob("*.golden")) if path.is_dir() else [path]
    return cases


def main(arguments):
    bless = "--bless" in arguments or os.environ.get("PKTC_BLESS") == "1"
    words = [word for word in arguments if word != "--bless"]
    if len(words) < 3:
        print(__doc__, file=sys.stderr)
        return 2
    pktc, root = pathlib.Path(words[0]).resolve(), pathlib.Path(words[1]).resolve()
    cases = collect([pathlib.Path(word) for word in words[2:]])
    if not os.access(pktc, os.X_OK):
        print(f"1..0 # SKIP there is no {pktc}")
        return 0
    print(f"1..{len(cases)}")
    failed = 0
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for line, why in pool.map(lambda case: judge(case, pktc, root, bless), cases):
            print(line)
            for text in why.splitlines():
                print(f"# {text}")
            failed += line.startswith("not ok")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
