"""Holds what a packet costs: instructions counted by callgrind, with a tenth of headroom.

Usage: guard.py BENCH_EXPAND BENCH_PROBE PKTC

Each count is the difference of two runs of different length, so that starting does not count. Exits
with 77 (skipped) where there is no valgrind or no AVX2.
"""
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

SKIPPED = 77
HEADROOM = 1.1
SYN = ("send eth(dst=02:00:00:00:00:02, src=02:00:00:00:00:01)/ip(src=10.0.0.1, dst=10.1.0.0/16)/"
       "tcp(sport=40000, dport=1..1024, seq=random(u32), flags=S)/zeros(10)")


def collected(command):
    # meson's MALLOC_PERTURB_ fills what is allocated, which counts as well.
    quiet = {name: value for name, value in os.environ.items() if name != "MALLOC_PERTURB_"}
    run = subprocess.run(["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null",
                          *map(str, command)], capture_output=True, text=True, check=True, env=quiet)
    return int(re.search(r"Collected : (\d+)", run.stderr)[1])


def each(command, low, high):
    """Instructions for each of the packets that make the difference; {} stands for their number."""
    def filled(count):
        return [str(word).replace("{}", str(count)) for word in command]
    return (collected(filled(high)) - collected(filled(low))) / (high - low)


def cases(expand, probe, pktc, folder):
    """(what, limit, command, low, high)."""
    out = pathlib.Path(folder) / "out.pcap"
    return [
        ("expand a SYN, no field random", 42, [expand, "syn", "avx2", "{}"], 200000, 600000),
        ("expand a SYN, one field random", 60, [expand, "syn-random", "avx2", "{}"], 200000, 600000),
        ("write a SYN to a pcap file", 80, [pktc, "write", "-o", out, "-e", SYN, "--first", "{}"],
         20000, 120000),
        ("send a SYN, memory transport", 850, [probe, "send", "{}"], 1000, 5000),
        ("send, match and account an echo", 6700, [probe, "icmp", "{}"], 1000, 5000),
        ("send, match and account a SYN", 8000, [probe, "tcp", "{}"], 1000, 5000),
    ]


def main(expand, probe, pktc):
    if not shutil.which("valgrind") or "avx2" not in pathlib.Path("/proc/cpuinfo").read_text():
        print("no valgrind here, or no AVX2")
        return SKIPPED
    failed = 0
    with tempfile.TemporaryDirectory() as folder:
        for what, limit, command, low, high in cases(expand, probe, pktc, folder):
            count = each(command, low, high)
            good = count <= limit * HEADROOM
            failed += not good
            print(f"{'ok' if good else 'NOT OK':6} {what:36} {count:8.0f} of {limit}", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
