#!/usr/bin/env python3
"""run_identity.py PROGRAM real|hostile: gives the program the captures of $PKTC_SHARED, the real ones or those made
to be hostile. All their packets must come back from their descriptions; of the real ones fewer than 0.2 % may
need more than the brief description."""
import pathlib
import re
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "tools"))
from captures import ONCE, captures  # noqa: E402  (the folder is known only now)


def run(program, found):
    counts = [0, 0, 0, 0, 0]
    for at in range(0, len(found), ONCE):
        done = subprocess.run([program, *found[at:at + ONCE]], capture_output=True, text=True, check=False)
        figures = re.search(r"packets (\d+), brief (\d+), every field (\d+), bytes (\d+), different (\d+)", done.stdout)
        if done.returncode or not figures:
            print(done.stdout, done.stderr)
            sys.exit(f"captures {at}..: exit code {done.returncode}")
        counts = [have + int(more) for have, more in zip(counts, figures.groups())]
    return counts


def main():
    program, kind = sys.argv[1:3]
    with tempfile.TemporaryDirectory() as folder:
        found = captures(kind, folder)
        packets, brief, full, as_bytes, different = run(program, found)
    print(f"{len(found)} captures, {packets} packets: {brief} in brief, {full} with every field, "
          f"{as_bytes} as bytes")
    if not packets or brief + full + as_bytes != packets or different:
        sys.exit("not every packet was written, or not the same")
    if kind == "real" and (full + as_bytes) * 500 >= packets:
        sys.exit("too many needed more than the brief description")


main()
