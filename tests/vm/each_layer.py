#!/usr/bin/env python3
"""usage: each_layer.py PKTC STDLAYERS: every layer file compiles by itself, in the place of the
standard layers that it declares anew, and its checks hold; every layer builds with nothing given.
TAP."""
import pathlib
import subprocess
import sys


def pktc(program, *words):
    return subprocess.run([program, *words], capture_output=True, text=True, check=False)


def names(program):
    """The layers of the reference: `NAME, ALIAS    on ...` in each line."""
    lines = pktc(program, "layers").stdout.splitlines()
    return [line.split()[0].rstrip(",") for line in lines if line and line[0].isalpha()]


def main(arguments):
    program, folder = arguments
    files = sorted(pathlib.Path(folder).glob("*/*.pkt"))
    cases = [(str(file.relative_to(folder)), ("check", str(file))) for file in files]
    cases += [(f"{name}()", ("show", "-e", f"{name}()", "--as", "hex")) for name in names(program)]
    failed = not files or len(cases) == len(files)
    print(f"1..{len(cases)}")
    for number, (title, words) in enumerate(cases, 1):
        done = pktc(program, *words)
        failed |= done.returncode != 0
        print("ok" if done.returncode == 0 else "not ok", number, "-", title)
        if done.returncode:
            print(done.stdout + done.stderr, file=sys.stderr)
    return failed


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
