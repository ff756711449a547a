"""Stimuli and answers at constant memory: stateless runs of growing sets in the lab.

Usage: stateless.py PKTC [--most N] [--rate RATE]

Each run sends echo requests to ten times as many addresses as the one before, up to N (10,000,000 on a
quiet machine), and everything is answered. Prints what each took; fails when an answer is missing or
when the largest run had two MiB more memory than the smallest. Exits with 77 where there is no lab.
"""

import argparse
import os
import re
import subprocess
import sys
import time

SKIPPED = 77
SLACK_KB = 2048


def run(pktc, count, rate):
    text = "send ip(dst=10.0.0.0/8)/icmp(), stateless, rtt=no, count=%d, timeout=2s\n" % count
    begin = time.monotonic()
    process = subprocess.Popen([pktc, "run", "--lab", "--rate", rate, "-e", text],
                               stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    messages = process.stderr.read()
    process.stderr.close()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode == 3:
        print(messages, file=sys.stderr)
        sys.exit(SKIPPED)
    found = re.search(r"sent (\d+) = (\d+) answered", messages)
    if not found:
        sys.exit(messages)
    sent, answered = int(found[1]), int(found[2])
    return sent, answered, usage.ru_maxrss, time.monotonic() - begin


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("pktc")
    parser.add_argument("--most", type=int, default=100000)
    parser.add_argument("--rate", default="50kpps")
    arguments = parser.parse_args()
    count, memories, good = 1000, [], True
    while count <= arguments.most:
        sent, answered, memory, seconds = run(arguments.pktc, count, arguments.rate)
        print(f"{sent} sent, {answered} answered, {memory} kB, {seconds:.1f} s")
        good = good and sent == answered == count
        memories.append(memory)
        count *= 10
    return 0 if good and max(memories) - memories[0] < SLACK_KB else 1


if __name__ == "__main__":
    sys.exit(main())
