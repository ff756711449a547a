"""Instructions a packet of reading, counted by callgrind: two runs that differ only in their rounds.

Usage: instructions.py BENCH_READ VECTORS [KIND [CORPUS]] [--hold] [--write]

Unlike time, the count does not depend on what else the machine is doing. --hold fails where a count is
above its limit. --write puts the counts, beside those of the hand-written floors of $PKTC_SHARED where it
is set, into READING.md. Exits with 77 (skipped) where there is no valgrind.
"""

import argparse
import os
import pathlib
import re
import shutil
import struct
import subprocess
import sys
import tempfile

SKIPPED = 77
ROUNDS = 40  # the first ones make what the others find
CORPORA = ["syn", "options", "mix"]
KINDS = ["dissect", "line", "json", "tree"]
SLACK = 1.15  # compilers differ

MOST = {
    ("syn", "dissect"): 360, ("options", "dissect"): 430, ("mix", "dissect"): 420,
    ("syn", "json"): 2700, ("options", "json"): 3900, ("mix", "json"): 5000,
    ("syn", "line"): 53000, ("options", "line"): 61000, ("mix", "line"): 38000,
}


def collected(command):
    run = subprocess.run(["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null"] + command,
                         capture_output=True, text=True, check=True)
    return int(re.search(r"Collected : (\d+)", run.stderr)[1]), run.stdout


def each(program, vectors, kind, corpus):
    few, packets = collected([program, vectors, kind, corpus, str(ROUNDS)])
    many, _ = collected([program, vectors, kind, corpus, str(2 * ROUNDS)])
    return (many - few) / (ROUNDS * int(packets))


def floors():
    """The modes of dissect_vm.c over one SYN: {mode: instructions}; empty where there is none."""
    source = pathlib.Path(os.environ.get("PKTC_SHARED", "/nowhere"), "perf", "dissect_vm.c")
    if not source.is_file():
        return {}
    syn = bytes.fromhex("020000000001020000000002080045000028000100004006000" "00a0000010a00000204000050000003"
                        "00100000005002200000000000")
    with tempfile.TemporaryDirectory() as folder:
        program, capture = os.path.join(folder, "floor"), os.path.join(folder, "syn.pcap")
        subprocess.run(["gcc", "-O2", "-w", "-o", program, source, "-lpcap"], check=True)
        record = struct.pack("<IIII", 1, 0, len(syn), len(syn)) + syn
        with open(capture, "wb") as file:
            file.write(struct.pack("<IHHIIII", 0xa1b2c3d4, 2, 4, 0, 0, 65535, 1) + 64 * record)
        found = {}
        for mode in ["handfull", "handjson", "text"]:
            few, _ = collected([program, mode, capture, "200"])
            many, _ = collected([program, mode, capture, "400"])
            found[mode] = (many - few) / (200 * 64)
        return found


def write(counts):
    by_hand = floors()
    lines = ["# Reading packets, as counted", "",
             "Written by `tests/bench/instructions.py BENCH_READ VECTORS --write`; nothing here is typed. Instructions "
             "a packet, dissecting included, of packets whose shapes were met before; the build is the default one.",
             "", "| packets | form | instructions a packet |", "|---|---|---|"]
    lines += [f"| {corpus} | {kind} | {count:.0f} |" for (corpus, kind), count in counts.items()]
    lines += [f"| syn | floor: dissect_vm {mode} -O2 | {count:.0f} |" for mode, count in by_hand.items()]
    text = "\n".join(lines) + "\n"
    pathlib.Path(__file__).with_name("READING.md").write_text(text, encoding="utf-8")


def main():
    options = argparse.ArgumentParser()
    options.add_argument("program")
    options.add_argument("vectors")
    options.add_argument("kind", nargs="?")
    options.add_argument("corpus", nargs="?")
    options.add_argument("--hold", action="store_true")
    options.add_argument("--write", action="store_true")
    given = options.parse_args()
    if not shutil.which("valgrind"):
        print("no valgrind here")
        return SKIPPED
    counts, above = {}, []
    for corpus in [given.corpus] if given.corpus else CORPORA:
        for kind in [given.kind] if given.kind else KINDS:
            count = counts[corpus, kind] = each(given.program, given.vectors, kind, corpus)
            most = MOST.get((corpus, kind))
            if given.hold and most and count > most * SLACK:
                above.append(f"{corpus} {kind}: {count:.0f} instructions, more than {SLACK} times {most}")
            print(f"{corpus:8} {kind:8} {count:9.0f} instructions a packet", flush=True)
    if given.write:
        write(counts)
    print("\n".join(above), end="\n" if above else "")
    return 1 if above else 0


if __name__ == "__main__":
    sys.exit(main())
