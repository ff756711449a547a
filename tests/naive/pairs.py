#!/usr/bin/env python3
"""How many of the expression/bytes pairs of another program build identically with pk-naive.

    PKTC_SHARED=/path/to/shared pairs.py PK-NAIVE STDLAYERS [--show N] [--least SHARE]

The pairs (oracle/pairs.jsonl.gz below PKTC_SHARED) were built by Scapy. Those whose layers are all
described take part; of a set of packets the bytes are compared without regard to order, since the
order of expansion is our own. Exits 77 (skipped) without PKTC_SHARED.
"""
import collections
import gzip
import json
import os
import re
import subprocess
import sys


def load(path):
    with gzip.open(path, "rt") as lines:
        return [json.loads(line) for line in lines]


def described(folder):
    """Names of layers, structs, cases and their aliases in the standard layers."""
    names = set()
    for root, _, files in os.walk(folder):
        for name in files:
            if name.endswith(".pkt"):
                with open(os.path.join(root, name)) as text:
                    names.update(re.findall(r"\b(?:layer|struct|alias|case)\s+(\w+)", text.read()))
    return names


def used(pair):
    """Every layer and element class that a pair's expression names."""
    return set(re.findall(r"\b([A-Z]\w*)\(", pair["expr"]))


def build(program, folder, pairs):
    """Each pair with the packets that pk-naive builds, or its error, and those expected."""
    text = "".join(pair["expr"] + "\n" for pair in pairs)
    done = subprocess.run([program, "-l", folder, "batch"], input=text, capture_output=True,
                          text=True, check=True)
    for pair, line in zip(pairs, done.stdout.split("\n"), strict=False):
        got = [line] if line.startswith("error") else line.split(" ")
        yield pair, got, pair["hexes"] if "hexes" in pair else [pair["hex"]]


def verdict(got, want):
    if got and got[0].startswith("error"):
        return got[0][:100]
    if sorted(got) == sorted(want):
        return "same"
    return "count" if len(got) != len(want) else "different"


def main():
    shared = os.environ.get("PKTC_SHARED")
    if not shared:
        return 77
    program, folder = sys.argv[1:3]
    show = int(sys.argv[sys.argv.index("--show") + 1]) if "--show" in sys.argv else 0
    least = float(sys.argv[sys.argv.index("--least") + 1]) if "--least" in sys.argv else 0.0
    names = described(folder)
    pairs = [p for p in load(os.path.join(shared, "oracle/pairs.jsonl.gz")) if used(p) <= names]
    groups = collections.defaultdict(list)
    for pair in pairs:
        groups[pair["mode"]].append(pair)
    same = 0
    for mode, group in sorted(groups.items()):
        verdicts = collections.Counter()
        for pair, got, want in build(program, folder, group):
            answer = verdict(got, want)
            verdicts[answer.split(":")[0]] += 1
            if answer != "same" and show > 0:
                show -= 1
                print(f"#{pair['id']} {mode} {answer}\n  {pair['expr']}\n"
                      f"  want {want[0]}\n  got  {got[0]}")
        same += verdicts["same"]
        print(mode, dict(verdicts))
    print(f"{same} of {len(pairs)} pairs build identically")
    return 0 if pairs and same >= least * len(pairs) else 1


if __name__ == "__main__":
    sys.exit(main())
