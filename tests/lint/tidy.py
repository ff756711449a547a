#!/usr/bin/env python3
"""usage: tidy.py ROOT BUILD: runs clang-tidy as .clang-tidy says over every source of ours that the
build compiles, and prints each finding once. Exit code 0 when there is none, 1 when there is one, 77
where clang-tidy (of the version the checks were chosen with) is not installed.
"""
import concurrent.futures
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys

VERSION = 14

# Findings known when the checks were first run, (file, check); the list must get empty.
LATER = {
    ("runtime/base/codec_number.c", "cert-err34-c"),
    ("runtime/image/builder.c", "clang-analyzer-core.NonNullParamChecker"),
    ("runtime/io/capture_reader.h", "clang-analyzer-core.NullDereference"),
    ("runtime/tree/tree.c", "clang-analyzer-core.NullDereference"),
    ("runtime/tree/value_text.c", "clang-analyzer-deadcode.DeadStores"),
    ("tests/base/test_codec.c", "cert-err34-c"),
}
FINDING = re.compile(r"^(.+?):(\d+):\d+: (?:error|warning): (.*)$", re.MULTILINE)


def checker():
    for name in (f"clang-tidy-{VERSION}", "clang-tidy"):
        if shutil.which(name):
            said = subprocess.run([name, "--version"], text=True, capture_output=True, check=False)
            found = re.search(r"version (\d+)", said.stdout)
            if found and int(found.group(1)) == VERSION:
                return name
    return None


def compiled(root, build):
    """The sources of ours in the compile commands; what was generated into the build is not ours."""
    commands = json.loads((build / "compile_commands.json").read_text(encoding="utf-8"))
    paths = {pathlib.Path(command["directory"], command["file"]).resolve() for command in commands}
    return sorted(path for path in paths
                  if path.is_relative_to(root) and not path.is_relative_to(build))


def look(tool, root, build, path):
    """The findings of one source, in it and in the headers of ours that it includes."""
    done = subprocess.run([tool, "-p", str(build), "--quiet", str(path)], text=True,
                          capture_output=True, check=False, cwd=build)
    findings = set()
    for where, line, what in FINDING.findall(done.stdout):
        real = pathlib.Path(build, where).resolve()
        if not real.is_relative_to(root) or real.is_relative_to(build):
            continue
        name = real.relative_to(root).as_posix()
        if not any(name == path and f"[{check}" in what for path, check in LATER):
            findings.add((name, int(line), what))
    if done.returncode and not FINDING.search(done.stdout):
        findings.add((path.relative_to(root).as_posix(), 1, done.stderr.strip()[-400:]))
    return findings


def main(arguments):
    if len(arguments) != 2:
        print(__doc__, file=sys.stderr)
        return 2
    name = checker()
    if not name:
        return 77
    root, build = (pathlib.Path(word).resolve() for word in arguments)
    findings = set()
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for some in pool.map(lambda path: look(name, root, build, path), compiled(root, build)):
            findings |= some
    for where, line, what in sorted(findings):
        print(f"{where}:{line}: {what}")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
