#!/usr/bin/env python3
"""usage: run.py [--all | --captures N] [--only TEXT] [--show N] [--jobs N] PKTC

Compares the dissection of real captures with tshark's, by bit span and value. $PKTC_SHARED names
the folder with corpus/ (the captures) and oracle/ (the programs that run tshark and compare); the
test is skipped (77) without it or without tshark.

Held: every packet's leaves tile its bytes; of tshark's leaf fields of the protocols listed in
supported.txt at least 97 % agree by span and value; at most 0.05 % conflict; and each conflict, of
any protocol, is one that conflicts.txt explains. Printed besides: the agreement of each protocol
and the opaque bytes, which are those that tshark names and pktc leaves raw: they say which
protocol is worth describing next. By default a sample of the captures, chosen by their names'
hash, is compared (PKTC_AGREEMENT=all: all of them). tshark's answers are kept between runs
(in PKTC_ORACLE_CACHE, else a folder in TMPDIR).
"""
import argparse
import collections
import concurrent.futures
import fnmatch
import hashlib
import json
import os
import pathlib
import shutil
import subprocess
import sys

import oracle
import tally

HERE = pathlib.Path(__file__).resolve().parent
LEAST_AGREEMENT, MOST_CONFLICTS = 0.97, 0.0005
SAMPLE = 60
SECONDS = 120


def lines_of(path):
    """the lines of a text file without comments and blank lines"""
    for line in path.read_text().splitlines():
        if line.strip() and not line.startswith("#"):
            yield line


class Explained:
    """conflicts.txt: `tshark's field | our field | why`, both fields with wildcards."""

    def __init__(self, path):
        self.rules = []
        for line in lines_of(path):
            theirs, ours, why = (part.strip() for part in line.split("|", 2))
            assert why, line
            self.rules.append((theirs, ours))
        self.used = collections.Counter()

    def __contains__(self, conflict):
        _, theirs, ours = conflict.split("|")
        for rule in self.rules:
            if fnmatch.fnmatchcase(theirs, rule[0]) and fnmatch.fnmatchcase(ours, rule[1]):
                self.used[rule] += 1
                return True
        return False


def captures(corpus, count, only):
    files = sorted(p for p in corpus.rglob("*") if p.is_file() and p.suffix != ".csv")
    if only:
        return [p for p in files if only in str(p)]
    chosen = sorted(files, key=lambda p: hashlib.sha256(p.name.encode()).digest())
    return sorted(chosen[:count]) if count else files


class Worker:
    """What one process needs to judge captures."""

    def __init__(self, pktc, shared):
        self.pktc = pktc
        self.folder = oracle.cache_folder()
        self.oracle = oracle.Oracle(shared, self.folder)
        program = pathlib.Path(shared, "oracle", "compare.py")
        self.compare = oracle.load(program)
        self.key = program.read_bytes() + (HERE / "tally.py").read_bytes()
        self.key += (HERE / "spans.py").read_bytes()

    def judge(self, capture):
        """the capture, its tally, and what went wrong with our program"""
        done = subprocess.run([self.pktc, "read", "--as", "spans", str(capture)],
                              capture_output=True, timeout=SECONDS)
        theirs = self.oracle.place(capture)
        trouble = done.stderr.decode(errors="replace").strip()
        name = hashlib.sha256(self.key + theirs.name.encode() + done.stdout).hexdigest()
        place = self.folder / "tally" / f"{name}.json"
        if place.exists():
            return capture, json.loads(place.read_text()), done.returncode, trouble
        mine = [json.loads(line) for line in done.stdout.decode().splitlines()]
        result = tally.tally(self.compare, self.oracle.records(capture), mine)
        place.parent.mkdir(parents=True, exist_ok=True)
        half = place.with_suffix(f".{os.getpid()}")
        half.write_text(json.dumps(result))
        half.rename(place)
        return capture, result, done.returncode, trouble


WORKER = None


def start_worker(pktc, shared):
    global WORKER
    WORKER = Worker(pktc, shared)


def judge(capture):
    try:
        return WORKER.judge(capture)
    except Exception as error:
        return capture, None, None, f"{type(error).__name__}: {error}"


def judge_all(files, jobs, pktc, shared):
    if jobs == 1:
        start_worker(pktc, shared)
        return [judge(capture) for capture in files]
    with concurrent.futures.ProcessPoolExecutor(jobs, None, start_worker, (pktc, shared)) as pool:
        return list(pool.map(judge, files, chunksize=4))


class Figures:
    """leaves of some protocols: how many, agreeing, conflicting, with a value of neither kind"""

    def __init__(self, everything, protocols):
        verdicts, values = collections.Counter(), collections.Counter()
        for protocol in protocols:
            verdicts.update(everything.verdicts.get(protocol, {}))
            values.update(everything.values.get(protocol, {}))
        bad_values = sum(values[v] for v in tally.BAD_VALUES)
        self.verdicts, self.values = verdicts, values
        self.leaves = sum(verdicts.values())
        self.agree = sum(verdicts[v] for v in tally.AGREE) - bad_values
        self.conflicts = verdicts["conflict"] + bad_values

    def share(self, count):
        return count / self.leaves if self.leaves else 1.0

    def __str__(self):
        rest = " ".join(f"{v} {n}" for v, n in self.verdicts.most_common() if v not in tally.AGREE)
        return (f"{self.leaves:8d} leaves  agree {self.share(self.agree):8.3%}  "
                f"conflicts {self.conflicts} ({self.share(self.conflicts):.4%})  {rest}")


def list_noted(notes, limit):
    """the entries of `conflicts` or `gaps` of many captures, the most frequent first"""
    grouped = collections.defaultdict(list)
    for capture, noted in notes:
        for kind, (count, packet, detail) in noted.items():
            grouped[kind].append((count, capture.name, packet, detail))
    order = sorted(grouped.items(), key=lambda item: -sum(e[0] for e in item[1]))
    for kind, entries in order[:limit]:
        count, name, packet, detail = max(entries)
        print(f"  {sum(e[0] for e in entries):6d} {kind}  e.g. {name} #{packet} {detail}")
    if len(order) > limit:
        print(f"  and {len(order) - limit} more kinds")


def report(everything, supported, show):
    """prints the tables; the figures of the supported protocols"""
    print("protocol                what of it agrees")
    order = sorted(everything.verdicts, key=lambda p: -sum(everything.verdicts[p].values()))
    for protocol in order:
        if protocol in supported:
            print(f"{protocol:20} {Figures(everything, [protocol])}")
    figures = Figures(everything, supported)
    print(f"{'all supported':20} {figures}")
    print(f"{'everything':20} {Figures(everything, order)}")
    print(f"values of the supported: {dict(figures.values)}")
    print(f"packets {everything.packets}, compared {everything.compared}, malformed "
          f"{dict(everything.malformed)}")
    named = sum(everything.opaque.values())
    print(f"opaque bytes: {named:.0f} named by tshark, of {everything.raw} raw, "
          f"of {everything.bytes} captured")
    for protocol, count in everything.opaque.most_common(max(show, 25)):
        state = "" if protocol not in supported else "  (supported)"
        print(f"  {count:10.0f} {protocol}{state}")
    return figures


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("pktc")
    parser.add_argument("--all", action="store_true", help="all captures, not a sample",
                        default=os.environ.get("PKTC_AGREEMENT") == "all")
    parser.add_argument("--captures", type=int, default=SAMPLE, help="size of the sample")
    parser.add_argument("--only", help="the captures whose path has this text")
    parser.add_argument("--show", type=int, default=0, help="list this many kinds of leaves that do not agree")
    parser.add_argument("--jobs", type=int, default=1)
    options = parser.parse_args()
    shared = os.environ.get("PKTC_SHARED")
    if not shared or not shutil.which("tshark"):
        print("skipped: needs PKTC_SHARED (a folder with corpus/ and oracle/) and tshark")
        return 77
    supported = [line.split()[0] for line in lines_of(HERE / "supported.txt")]
    explained = Explained(HERE / "conflicts.txt")
    files = captures(pathlib.Path(shared, "corpus"), 0 if options.all else options.captures,
                     options.only)
    judged = judge_all(files, options.jobs, options.pktc, shared)
    return conclude(judged, supported, explained, options.show)


def conclude(judged, supported, explained, show):
    """prints everything; 1 when something that must hold does not"""
    good = [(capture, result) for capture, result, _, _ in judged if result]
    everything = tally.total(result for _, result in good)
    figures = report(everything, supported, show)
    failures = []
    for capture, result, code, trouble in judged:
        if result is None or code not in (0, 1, 2):
            failures.append(f"{capture.name}: pktc ended with {code}: {trouble}")
        elif result["untiled"]:
            failures.append(f"{capture.name}: leaves do not tile packets {result['untiled'][:5]}")
    open_conflicts = [(capture, {kind: entry for kind, entry in result["conflicts"].items()
                                 if kind not in explained}) for capture, result in good]
    if any(noted for _, noted in open_conflicts):
        failures.append("conflicts that conflicts.txt does not explain:")
        print("conflicts not explained")
        list_noted(open_conflicts, max(show, 30))
    if show:
        print("leaves of the supported protocols that do not agree")
        list_noted([(capture, {kind: entry for kind, entry in result["gaps"].items()
                               if kind.split("|")[1].split(":")[0] in supported})
                    for capture, result in good], show)
    if figures.share(figures.agree) < LEAST_AGREEMENT:
        failures.append(f"agreement {figures.share(figures.agree):.3%} is below {LEAST_AGREEMENT:%}")
    if figures.share(figures.conflicts) > MOST_CONFLICTS:
        failures.append(f"conflicts {figures.share(figures.conflicts):.4%} exceed {MOST_CONFLICTS:%}")
    print(f"{len(judged)} captures, {len(failures)} failures")
    for line in failures:
        print(f"FAIL {line}")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
