#!/usr/bin/env python3
"""usage: run.py PKTC ROOT DOCUMENT PENDING: runs the marked examples of a Markdown file; TAP.

An example is a fenced block right after a comment `<!-- test NAME -->`; it is given to `sh -e` and
must end with 0, or with what `<!-- test NAME exit 2 -->` says. A fenced block right after
`<!-- output NAME -->` is what it prints, stdout and stderr as a terminal shows them; there `...`
stands for any text in a line and, alone in its line, for any lines. `needs lab` or `needs TOOL` in
the first comment skips the example where that is not there.

All examples of a document run in order in one folder that holds `examples/` and a `./bootstrap`
which hands its words to the built program, as the real one does; `pktc` is on the PATH.

PENDING is a list of `NAME reason`, the examples that this version of pktc cannot run yet. They are
skipped; one that runs after all is told, so that it leaves the list.
"""
import os
import pathlib
import re
import subprocess
import sys
import tempfile

BLOCK = re.compile(r"<!-- (test|output) (\S+)((?: [^>]*?)?) -->\n```\w*\n(.*?)^```$",
                   re.MULTILINE | re.DOTALL)
MARK = re.compile(r"<!-- (?:test|output) ")
LAB = "unshare -n true || unshare -Urn true"
SECONDS = 120


class Example:
    def __init__(self, name, words, text):
        self.name, self.text, self.output = name, text, None
        found = re.search(r"exit (\d+)", words)
        self.code = int(found.group(1)) if found else 0
        self.needs = re.findall(r"needs (\S+)", words)


def examples(document):
    """The examples of a Markdown text in order; a mark that belongs to no block is an error."""
    found = {}
    blocks = list(BLOCK.finditer(document))
    if len(blocks) != len(MARK.findall(document)):
        raise ValueError("a test or output mark without a fenced block right after it")
    for block in blocks:
        kind, name, words, text = block.groups()
        if kind == "test":
            if name in found:
                raise ValueError(f"two examples are named {name}")
            found[name] = Example(name, words, text)
        else:
            found[name].output = text
    return list(found.values())


def shown(expected, got):
    """Whether the output is as the document shows it."""
    pattern = ""
    for line in expected.splitlines():
        if line.strip() == "...":
            pattern += r"(?:.*\n)*?"
        else:
            pattern += "[^\n]*".join(re.escape(part) for part in line.split("...")) + "\n"
    return re.fullmatch(pattern, got if not got or got.endswith("\n") else got + "\n") is not None


def lacking(example):
    for need in example.needs:
        command = LAB if need == "lab" else f"command -v {need}"
        if subprocess.run(["sh", "-c", command], capture_output=True, check=False).returncode:
            return need
    return None


def execute(example, folder, environment):
    """None, or why the example does not do what the document says."""
    try:
        done = subprocess.run(["sh", "-e", "-c", example.text], stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, check=False,
                              cwd=folder, env=environment, timeout=SECONDS)
    except subprocess.TimeoutExpired:
        return f"still running after {SECONDS} seconds"
    got = done.stdout.decode("utf-8", errors="backslashreplace")
    if done.returncode != example.code:
        return f"ended with {done.returncode} where {example.code} is promised:\n{got}"
    if example.output is not None and not shown(example.output, got):
        return f"promised:\n{example.output}printed:\n{got}"
    return None


def prepare(folder, pktc, root):
    (folder / "examples").symlink_to(root / "examples")
    (folder / "bootstrap").write_text(f"#!/bin/sh\nexec '{pktc}' \"$@\"\n")
    (folder / "bootstrap").chmod(0o755)
    path = os.pathsep.join([str(pktc.parent), os.environ["PATH"], "/usr/sbin", "/sbin"])
    return dict(os.environ, PATH=path, NO_COLOR="1", TERM="dumb", LC_ALL="C.UTF-8", TZ="UTC")


def report(number, example, trouble, reason):
    """The TAP line of an example that was run, and its explanation."""
    if reason is not None:
        note = reason if trouble else f"{reason} (it runs now: take it off the list)"
        return f"ok {number} - {example.name} # SKIP {note}"
    if trouble:
        return "\n# ".join([f"not ok {number} - {example.name}", *trouble.splitlines()])
    return f"ok {number} - {example.name}"


def main(arguments):
    if len(arguments) != 4:
        print(__doc__, file=sys.stderr)
        return 2
    pktc, root = pathlib.Path(arguments[0]).resolve(), pathlib.Path(arguments[1]).resolve()
    found = examples(pathlib.Path(arguments[2]).read_text(encoding="utf-8"))
    lines = pathlib.Path(arguments[3]).read_text(encoding="utf-8").splitlines()
    pending = dict(line.partition(" ")[::2] for line in lines if line and line[0] != "#")
    strangers = sorted(set(pending) - {example.name for example in found})
    if strangers:
        raise ValueError(f"{arguments[3]} names no example: {', '.join(strangers)}")
    if not os.access(pktc, os.X_OK):
        print(f"1..0 # SKIP there is no {pktc}")
        return 0
    failed = 0
    print(f"1..{len(found)}")
    with tempfile.TemporaryDirectory(prefix="pktc-docs-") as name:
        folder = pathlib.Path(name)
        environment = prepare(folder, pktc, root)
        for number, example in enumerate(found, 1):
            need = lacking(example)
            if need:
                print(f"ok {number} - {example.name} # SKIP needs {need}")
                continue
            trouble = execute(example, folder, environment)
            failed += bool(trouble) and example.name not in pending
            if trouble:
                print(f"{example.name}: {trouble}", file=sys.stderr)
            print(report(number, example, trouble, pending.get(example.name)), flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
