"""Instructions a packet, counted by callgrind: two runs that differ only in their rounds.

Usage: instructions.py BENCH_READ VECTORS [KIND [CORPUS]]

Unlike time, the count does not depend on what else the machine is doing. Exits with 77 (skipped)
where there is no valgrind.
"""

import re
import shutil
import subprocess
import sys

SKIPPED = 77
ROUNDS = 4


def counted(program, vectors, kind, corpus, rounds):
    run = subprocess.run(
        ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null", program, vectors, kind,
         corpus, str(rounds)], capture_output=True, text=True, check=True)
    return int(re.search(r"Collected : (\d+)", run.stderr)[1]), int(run.stdout)


def main(program, vectors, kind=None, corpus=None):
    if not shutil.which("valgrind"):
        print("no valgrind here")
        return SKIPPED
    for one_corpus in [corpus] if corpus else ["syn", "options", "mix"]:
        for one_kind in [kind] if kind else ["dissect", "line", "json", "tree"]:
            few, packets = counted(program, vectors, one_kind, one_corpus, ROUNDS)
            many, _ = counted(program, vectors, one_kind, one_corpus, 2 * ROUNDS)
            each = (many - few) / (ROUNDS * packets)
            print(f"{one_corpus:8} {one_kind:8} {each:9.0f} instructions a packet", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
