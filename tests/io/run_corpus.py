#!/usr/bin/env python3
"""run_corpus.py PROGRAM: gives the corpus reader the captures of $PKTC_SHARED, real and hostile.

The hostile ones are made on the spot by the generator that lies there. Skipped (77) without it."""
import os
import pathlib
import subprocess
import sys
import tempfile

SHARED = os.environ.get("PKTC_SHARED")
if not SHARED or not pathlib.Path(SHARED, "corpus").is_dir():
    print("skipped: PKTC_SHARED names no folder with a corpus")
    sys.exit(77)

with tempfile.TemporaryDirectory() as hostile:
    generator = pathlib.Path(SHARED, "oracle", "gen_hostile.py")
    subprocess.run([sys.executable, generator, hostile], check=True, stdout=subprocess.DEVNULL)
    for folder, least in ((pathlib.Path(SHARED, "corpus"), "10000"), (hostile, "60")):
        done = subprocess.run([sys.argv[1], "-n", least, folder], timeout=120, check=False)
        if done.returncode:
            sys.exit(1)
