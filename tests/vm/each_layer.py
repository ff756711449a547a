#!/usr/bin/env python3
"""usage: each_layer.py PKTC STDLAYERS: every layer file compiles by itself, in the place of the
standard layers that it declares anew, and its checks hold; every layer builds with nothing given, and
has a title that names its source. TAP."""
import pathlib
import re
import subprocess
import sys


def pktc(program, *words):
    return subprocess.run([program, *words], capture_output=True, text=True, check=False)


def names(program):
    """The layers of the reference: `NAME, ALIAS    on ...` in each line."""
    lines = pktc(program, "layers").stdout.splitlines()
    return [line.split()[0].rstrip(",") for line in lines if line and line[0].isalpha()]


# Where a title says that the layer is from: a standard, a draft, who made it, or a page.
SOURCE = re.compile(r"RFC \d|IEEE|ITU-T|ISO|IEC|ANSI|3GPP|OASIS|AMQP|Scapy|draft-|vendor: |https://")
TITLE = 100


def titles(files):
    """Each layer that the files declare and what is wrong with its title, None when nothing is."""
    for file in files:
        for name, title in re.findall(r'^layer (\w+)(?: "([^"]*)")?', file.read_text(), re.M):
            good = title and len(title) <= TITLE and SOURCE.search(title)
            yield name, None if good else f"{file}: `{name}` has the title {title!r}"


def main(arguments):
    program, folder = arguments
    files = sorted(pathlib.Path(folder).glob("*/*.pkt"))
    cases = [(str(file.relative_to(folder)), ("check", str(file))) for file in files]
    cases += [(f"{name}()", ("show", "-e", f"{name}()", "--as", "hex")) for name in names(program)]
    failed = not files or len(cases) == len(files)
    titled = list(titles(files))
    print(f"1..{len(cases) + len(titled)}")
    for number, (title, words) in enumerate(cases, 1):
        done = pktc(program, *words)
        failed |= done.returncode != 0
        print("ok" if done.returncode == 0 else "not ok", number, "-", title)
        if done.returncode:
            print(done.stdout + done.stderr, file=sys.stderr)
    for number, (name, wrong) in enumerate(titled, len(cases) + 1):
        failed |= wrong is not None
        print("ok" if wrong is None else "not ok", number, f"- the title of {name}")
        if wrong:
            print(wrong, file=sys.stderr)
    return failed


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
