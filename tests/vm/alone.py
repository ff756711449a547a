#!/usr/bin/env python3
"""usage: alone.py PKTC STDLAYERS: every layer file compiles by itself, in the place of the standard
layers that it declares anew, and its checks hold. TAP."""
import pathlib
import subprocess
import sys


def main(arguments):
    pktc, folder = arguments
    files = sorted(pathlib.Path(folder).glob("*/*.pkt"))
    failed = not files
    print(f"1..{len(files)}")
    for number, file in enumerate(files, 1):
        done = subprocess.run([pktc, "check", str(file)], capture_output=True, text=True,
                              check=False)
        failed |= done.returncode != 0
        print("ok" if done.returncode == 0 else "not ok", number, "-", file.relative_to(folder))
        if done.returncode:
            print(done.stdout + done.stderr, file=sys.stderr)
    return failed


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
