#!/usr/bin/env python3
"""Scapy's packet expressions, pasted: do they give Scapy's packets?

    run.py PKTC sample.jsonl differences.txt
    run.py PKTC all differences.txt

Each pair is an expression as it is written for Scapy and the packets that Scapy 2.5 built of it (a
set of packets in mode `set`, compared without regard to order). It is given to `pktc show -` as it
stands. What may differ is listed in differences.txt, each with its reason; a listed pair that no
longer differs is a failure too, so that the list stays true. `all` takes the 4,000 pairs of
$PKTC_SHARED/oracle and is skipped (77) without that folder; at least 3,900 of them must be identical.
"""
import collections
import concurrent.futures
import gzip
import json
import os
import subprocess
import sys

LEAST_OF_ALL = 3900
SECONDS = 60


def load(name):
    """The pairs of a file, or all those at hand; None when there are none."""
    if name != "all":
        with open(name, encoding="utf-8") as lines:
            return [json.loads(line) for line in lines]
    shared = os.environ.get("PKTC_SHARED")
    path = os.path.join(shared, "oracle", "pairs.jsonl.gz") if shared else ""
    if not os.path.exists(path):
        return None
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def reasons(name):
    """differences.txt: pair id -> why ours differs."""
    found = {}
    with open(name, encoding="utf-8") as lines:
        for line in lines:
            if line.strip() and not line.startswith("#"):
                number, why = line.split(None, 1)
                found[int(number)] = why.strip()
    return found


def build(program, pair):
    """(packets in hexadecimal, None), or (None, what the program said)."""
    command = [program, "show", "-q", "--as", "hex", "--first", "1000000", "-"]
    try:
        done = subprocess.run(command, input=pair["expr"].encode(), capture_output=True,
                              timeout=SECONDS)
    except subprocess.TimeoutExpired:
        return None, f"nothing after {SECONDS} seconds"
    if done.returncode != 0:
        return None, done.stderr.decode(errors="replace").split("\n")[0]
    return done.stdout.decode().split(), None


def judge(program, pair):
    """None when the packets are Scapy's, else a text that says what is not."""
    got, said = build(program, pair)
    if got is None:
        return said
    want = pair["hexes"] if "hexes" in pair else [pair["hex"]]
    if len(got) != len(want):
        return f"{len(got)} packets in place of {len(want)}"
    if sorted(got) == sorted(want):
        return None
    ours = sorted((collections.Counter(got) - collections.Counter(want)).elements())
    theirs = sorted((collections.Counter(want) - collections.Counter(got)).elements())
    return f"{len(ours)} of {len(got)} packets\n#   ours   {ours[0]}\n#   Scapy  {theirs[0]}"


def main():
    program, which, listed = sys.argv[1:4]
    pairs = load(which)
    if pairs is None:
        print("skipped: needs PKTC_SHARED (a folder with oracle/pairs.jsonl.gz)")
        return 77
    known = reasons(listed)
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        verdicts = list(pool.map(lambda pair: judge(program, pair), pairs))
    bad = 0
    for pair, verdict in zip(pairs, verdicts, strict=True):
        if verdict is not None and pair["id"] not in known:
            bad += 1
            print(f"# {pair['id']} ({pair['mode']}): {verdict}\n#   {pair['expr']}")
        elif verdict is None and pair["id"] in known:
            bad += 1
            print(f"# {pair['id']}: listed as a difference, but identical")
    same = verdicts.count(None)
    modes = collections.Counter(p["mode"] for p, v in zip(pairs, verdicts, strict=True) if v is None)
    print(f"# {same} of {len(pairs)} pairs identical: " +
          ", ".join(f"{mode} {n}" for mode, n in sorted(modes.items())))
    enough = which != "all" or same >= LEAST_OF_ALL
    print("1..2")
    print(f"{'not ' if bad else ''}ok 1 - every difference is listed, every listed one differs")
    print(f"{'' if enough and pairs else 'not '}ok 2 - enough pairs are identical")
    return 1 if bad or not enough or not pairs else 0


if __name__ == "__main__":
    sys.exit(main())
