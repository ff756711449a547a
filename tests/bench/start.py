"""Instructions from exec to the first packet, counted by callgrind, and the time beside them.

Usage: start.py PKTC [--most N]

Fails when there are more than a tenth above N instructions for each byte of the image: most of them
check and copy it, and it grows with the standard layers. The time is not held to anything: it depends on
what else the machine is doing. Exits with 77 (skipped) where there is no valgrind.
"""

import argparse
import re
import shutil
import statistics
import subprocess
import sys
import time

SKIPPED = 77
SLACK = 1.1
ROUNDS, RUNS = 5, 100
DESCRIPTION = "ip(dst=10.0.0.1)/icmp()"
PACKET = "4500001c00010000400170e0000000000a0000010800f7ff00000000"


def counted(command):
    run = subprocess.run(["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null"] + command,
                         capture_output=True, text=True, check=True)
    if run.stdout.strip() != PACKET:
        sys.exit(f"the packet is not the one wanted: {run.stdout}")
    return int(re.search(r"Collected : (\d+)", run.stderr)[1])


def image_bytes(pktc):
    listing = subprocess.run([pktc, "disasm", "-e", DESCRIPTION], capture_output=True, text=True,
                             check=True)
    return int(re.match(r"image of (\d+) bytes", listing.stdout)[1])


def milliseconds(command):
    """The median over the rounds of what one run takes on average."""
    rounds = []
    for _ in range(ROUNDS):
        begin = time.perf_counter()
        for _ in range(RUNS):
            subprocess.run(command, stdout=subprocess.DEVNULL, check=True)
        rounds.append((time.perf_counter() - begin) * 1000 / RUNS)
    return statistics.median(rounds)


def main():
    options = argparse.ArgumentParser()
    options.add_argument("pktc")
    options.add_argument("--most", type=float)
    given = options.parse_args()
    if not shutil.which("valgrind"):
        print("no valgrind here")
        return SKIPPED
    command = [given.pktc, "show", "--as", "hex", "-e", DESCRIPTION]
    instructions = counted(command)
    each = instructions / image_bytes(given.pktc)
    print(f"start    {instructions:9} instructions, {each:.2f} for each byte of the image")
    print(f"start    {milliseconds(command):9.2f} ms, of which {milliseconds(['true']):.2f} ms for a "
          "process that does nothing")
    if given.most and each > given.most * SLACK:
        print(f"more than a tenth above {given.most} for each byte")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
