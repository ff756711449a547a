#!/usr/bin/env python3
"""usage: recorded.py PKTC FACTS
       recorded.py --record PKTC FACTS

Packets of real captures with what tshark said of them: facts.jsonl holds a packet a line, its link
type, its bytes, where it is from, and tshark's leaf fields as [name, runs of bits, number or null].
pktc must have a field on each of these spans with that number, and its leaves must tile the packet.
It runs everywhere; --record writes the file anew from the captures of $PKTC_SHARED, which must
have an answer in the oracle's cache (run.py fills it): for each protocol that is listed in
supported.txt the smallest packets of which at least nine tenths agree.
"""
import csv
import json
import os
import pathlib
import struct
import subprocess
import sys
import tempfile

import spans
import tally

HERE = pathlib.Path(__file__).resolve().parent
LONGEST, FOR_EACH, MOST = 200, 2, 0.9


def read(pktc, packets):
    """our records of packets, each (link type, bytes)"""
    records = []
    with tempfile.TemporaryDirectory() as folder:
        for number, (link, data) in enumerate(packets):
            path = pathlib.Path(folder, f"{number}.pcap")
            path.write_bytes(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 262144, link) +
                             struct.pack("<IIII", 0, 0, len(data), len(data)) + data)
            done = subprocess.run([pktc, "read", "--as", "spans", str(path)], check=True,
                                  capture_output=True, text=True)
            records.append(json.loads(done.stdout))
    return records


def numbers(record):
    """the numbers that a record has on each span, None for a text; without what is left raw"""
    found = {}
    for field in record["fields"]:
        if not field.get("blob"):
            found.setdefault(spans.key(field), set()).add(field.get("int"))
    return found


def wrong(entry, record):
    """what of an entry does not hold, as sentences"""
    found = numbers(record)
    for name, runs, number in entry["facts"]:
        ours = found.get(tuple(map(tuple, runs)))
        if ours is None:
            yield f"{name}: no field on {runs}"
        elif number is not None and number not in ours and ours != {None}:
            yield f"{name}: {ours} where tshark has {number} on {runs}"
    if not spans.tile(record["fields"], len(entry["hex"]) * 4):
        yield "the leaves do not tile the packet"


def check(pktc, path):
    entries = [json.loads(line) for line in path.read_text().splitlines()]
    records = read(pktc, [(e["link"], bytes.fromhex(e["hex"])) for e in entries])
    bad = [(entry["from"], line) for entry, record in zip(entries, records, strict=True)
           for line in wrong(entry, record)]
    for origin, line in bad:
        print(f"{origin}: {line}")
    print(f"{len(entries)} packets, {sum(len(e['facts']) for e in entries)} facts, {len(bad)} wrong")
    return 1 if bad or not entries else 0


def facts_of(oracle_record, ours):
    """tshark's fields that we have too, as facts; None when too many of its leaves lie in none of
    them or a number differs"""
    tally.settle(oracle_record, ours)
    found, facts, covered = numbers(ours), [], []
    for field in oracle_record["fields"]:
        number = found.get(spans.key(field))
        if number is None or field["blob"]:
            continue
        same = [n for n in (field.get("sint"), field.get("int")) if n is not None and n in number]
        if not same and number != {None}:
            return None
        facts.append([field["name"], field["bits"], same[0] if same else None])
        covered.append(spans.key(field))
    leaves = [spans.key(f) for f in oracle_record["fields"] if f["leaf"] and not f["blob"]]
    inside = sum(any(spans.inside(leaf, field) for field in covered) for leaf in leaves)
    if inside < MOST * len(leaves):
        return None
    return facts


def candidates(shared):
    """(tshark's record, link type, bytes, origin) of the short packets of the corpus"""
    import oracle
    peer = oracle.Oracle(shared, oracle.cache_folder())
    with open(pathlib.Path(shared, "corpus", "index.csv"), newline="") as file:
        rows = sorted(csv.DictReader(file), key=lambda row: (row["source"], row["file"]))
    for row in rows:
        path = pathlib.Path(shared, "corpus", row["source"], row["file"])
        if not path.exists() or not peer.place(path).exists():
            continue
        data = path.read_bytes()
        if data[:4] not in (b"\xd4\xc3\xb2\xa1", b"\xa1\xb2\xc3\xd4"):
            continue
        order = "<" if data[0] == 0xD4 else ">"
        link = struct.unpack_from(order + "I", data, 20)[0] & 0xFFFF
        frames = list(peer.module.frames(str(path)))
        for record in peer.records(path):
            if record["bytes_ok"] and not record["malformed"] and record["cap"] <= LONGEST:
                yield record, link, frames[record["n"] - 1][0], row


def record_facts(pktc, path):
    import run
    shared = os.environ["PKTC_SHARED"]
    wanted = {line.split()[0]: [] for line in run.lines_of(HERE / "supported.txt")}
    for record, link, data, row in candidates(shared):
        for name in {layer["name"] for layer in record["layers"]} & set(wanted):
            wanted[name].append((record["cap"], row["source"], row["file"], record["n"], link,
                                 data, record))
    chosen = {}
    for name, packets in sorted(wanted.items()):
        taken = 0
        for _, source, file, n, link, data, record in sorted(packets, key=lambda p: p[:4])[:40]:
            if taken == FOR_EACH:
                break
            entry = {"from": f"{source}/{file} #{n}", "link": link, "hex": data.hex()}
            if entry["from"] not in chosen:
                ours = read(pktc, [(link, data)])[0]
                entry["facts"] = facts_of(record, ours)
                if not entry["facts"] or not spans.tile(ours["fields"], len(data) * 8):
                    continue
                chosen[entry["from"]] = entry
            taken += 1
        print(f"{name}: {taken} of {len(packets)}")
    path.write_text("".join(json.dumps(entry, separators=(",", ":")) + "\n"
                            for _, entry in sorted(chosen.items())))
    print(f"{len(chosen)} packets")


if __name__ == "__main__":
    if sys.argv[1] == "--record":
        record_facts(sys.argv[2], pathlib.Path(sys.argv[3]))
    else:
        sys.exit(check(sys.argv[1], pathlib.Path(sys.argv[2])))
