#!/usr/bin/env python3
"""usage: language.py PKTC DOCUMENT: holds the blocks of a language reference to what they say; TAP.

Each fenced block marked `pkt` is given to pktc. What follows the mark says what must come out:

    pkt count=25    a set of 25 packets (`pktc show --count`)
    pkt E0801       refused with that code, and with no other
    pkt bad         refused
    pkt             `pktc check` has nothing against it

A block marked `pkt lines` is a set of packets; the fenced block right after it is what
`pktc show --as line` prints for it. One marked `pkt lab [OPTION]..` is run in the lab, where there is
one, and the block after it is what that prints.
A fence `text NAME` is a file of that name, which every block finds in its working directory.
"""
import os
import pathlib
import re
import subprocess
import sys
import tempfile

FENCE = re.compile(r"^```pkt([^\n]*)\n(.*?)^```$(?:\n+```text\n(.*?)^```$)?", re.S | re.M)
CHECK = re.compile(r"^check ", re.M)
FILES = re.compile(r"^```text (\S+)\n(.*?)^```$", re.S | re.M)
CODE = re.compile(r"\[([EW]\d{4})\]")


def pktc(program, verb, block, *options):
    text, files = block
    with tempfile.TemporaryDirectory(prefix="pktc-language-") as folder:
        path = pathlib.Path(folder, "block.pkt")
        path.write_text(text, encoding="utf-8")
        for name, content in files:
            pathlib.Path(folder, name).write_text(content, encoding="utf-8")
        return subprocess.run([program, verb, path, *options], capture_output=True, text=True,
                              cwd=folder,
                              check=False, timeout=60, stdin=subprocess.DEVNULL,
                              env=dict(os.environ, NO_COLOR="1"))


def judge(program, mark, block, shown):
    """What is wrong, or None."""
    if mark == "lines":
        done = pktc(program, "show", block, "--as", "line", "--first", "100")
        fine = done.returncode == 0 and done.stdout == shown
    elif mark.split(" ")[0] == "lab":
        done = pktc(program, "run", block, "--lab", "-q", *mark.split()[1:])
        if done.returncode == 3 and re.search("namespace|not permitted", done.stderr):
            return None
        fine = done.returncode == 0 and done.stdout == shown
    elif mark.startswith("count="):
        done = pktc(program, "show", block, "--count")
        fine = done.returncode == 0 and done.stdout.strip() == mark.removeprefix("count=")
    elif mark.startswith("E"):
        done = pktc(program, "show", block, "--count")
        codes = {code for code in CODE.findall(done.stderr) if code[0] == "E"}
        fine = done.returncode == 2 and codes == {mark}
    elif mark == "bad":
        done = pktc(program, "check", block)
        fine = done.returncode == 2 and CODE.search(done.stderr)
    elif not mark:
        done = pktc(program, "check", block)
        fine = done.returncode == 0
    else:
        return f"no such mark: {mark}"
    if fine and done.returncode == 0 and CHECK.search(block[0]):
        done = pktc(program, "check", block)
        fine = done.returncode == 0
    return None if fine else f"exit {done.returncode}\n{done.stdout}{done.stderr}"


def main(program, document):
    text = pathlib.Path(document).read_text(encoding="utf-8")
    found = list(FENCE.finditer(text))
    files = FILES.findall(text)
    print(f"1..{len(found)}")
    failed = 0
    for block in found:
        line = text.count("\n", 0, block.start()) + 1
        wrong = judge(program, block.group(1).strip(), (block.group(2), files), block.group(3))
        failed += wrong is not None
        print(f"{'not ok' if wrong else 'ok'} - {pathlib.Path(document).name}:{line}"
              f" {block.group(1).strip()}")
        for said in (wrong or "").splitlines():
            print(f"# {said}")
    return 1 if failed or not found else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:3]))
