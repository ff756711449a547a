#!/usr/bin/env python3
"""run_identity.py PROGRAM real|hostile: gives the program the captures of $PKTC_SHARED, the real ones or those made
to be hostile. All their packets must come back from their descriptions; of the real ones fewer than 0.2 % may
need more than the brief description."""
import os
import pathlib
import re
import subprocess
import sys
import tempfile

SHARED = os.environ.get("PKTC_SHARED")
ONCE = 200  # captures a run


def run(program, captures):
    counts = [0, 0, 0, 0, 0]
    for at in range(0, len(captures), ONCE):
        done = subprocess.run([program, *captures[at:at + ONCE]], capture_output=True, text=True, check=False)
        figures = re.search(r"packets (\d+), brief (\d+), every field (\d+), bytes (\d+), different (\d+)", done.stdout)
        if done.returncode or not figures:
            print(done.stdout, done.stderr)
            sys.exit(f"captures {at}..: exit code {done.returncode}")
        counts = [have + int(more) for have, more in zip(counts, figures.groups())]
    return counts


def main():
    program, kind = sys.argv[1:3]
    if not SHARED or not pathlib.Path(SHARED, "corpus").is_dir():
        print("skipped: PKTC_SHARED names no folder with a corpus")
        sys.exit(77)
    with tempfile.TemporaryDirectory() as folder:
        where = pathlib.Path(SHARED, "corpus")
        if kind == "hostile":
            where = pathlib.Path(folder)
            maker = pathlib.Path(SHARED, "oracle", "gen_hostile.py")
            subprocess.run([sys.executable, maker, folder], check=True, stdout=subprocess.DEVNULL)
        captures = sorted(str(path) for path in where.rglob("*") if path.is_file() and path.suffix != ".csv")
        packets, brief, full, as_bytes, different = run(program, captures)
    print(f"{len(captures)} captures, {packets} packets: {brief} in brief, {full} with every field, "
          f"{as_bytes} as bytes")
    if not packets or brief + full + as_bytes != packets or different:
        sys.exit("not every packet was written, or not the same")
    if kind == "real" and (full + as_bytes) * 500 >= packets:
        sys.exit("too many needed more than the brief description")


main()
