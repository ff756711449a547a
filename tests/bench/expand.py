#!/usr/bin/env python3
"""Measures expanding in memory: nanoseconds and instructions a packet.

usage: expand.py BENCH_EXPAND [--short] [--write]

Floors are the C programs of $PKTC_SHARED/perf (build_floor.c, vm_bench.c), compiled here at -O2 and
-O3 when that folder is given. All are run in turn, round after round; a figure is the median of its
rounds. Instructions are counted by callgrind where valgrind is there, as the difference of two runs
of different length, so that starting does not count. --write makes RESULTS.md of it.
"""
import datetime
import os
import pathlib
import platform
import re
import shutil
import statistics
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
WAYS = ["general", "plain", "sse2", "avx2", "best-inplace"]
ROWS = [  # title, set of bench_expand, floors (source, arguments before the count)
    ("64 B SYN, 3 fields (one random), both checksums", "syn-random",
     [("build_floor", ["tmpl", "64"]), ("build_floor", ["inplace", "64"])]),
    ("64 B SYN, 3 fields (none random), both checksums", "syn",
     [("build_floor", ["tmpl", "64"]), ("build_floor", ["inplace", "64"])]),
    ("6 mutations (two random)", "six-random",
     [("vm_bench", ["handcopy"]), ("vm_bench", ["hand"]), ("vm_bench", ["batch"])]),
    ("6 mutations (none random)", "six",
     [("vm_bench", ["handcopy"]), ("vm_bench", ["hand"]), ("vm_bench", ["batch"])]),
    ("1,500 B SYN", "long", [("build_floor", ["tmpl", "1500"]), ("build_floor", ["inplace", "1500"])]),
]


def compile_floors(folder):
    """Programs by (source, level)."""
    shared = os.environ.get("PKTC_SHARED")
    compiler = shutil.which("gcc") or shutil.which("cc")
    programs = {}
    if not shared or not compiler:
        return programs
    for source in ("build_floor", "vm_bench"):
        path = pathlib.Path(shared) / "perf" / (source + ".c")
        for level in ("-O2", "-O3"):
            out = pathlib.Path(folder) / (source + level)
            made = subprocess.run([compiler, level, "-w", "-o", out, path], check=False)
            if path.exists() and made.returncode == 0:
                programs[source, level] = out
    return programs


def plan(bench, programs):
    """(row, name) -> command without its count, in the order of the table."""
    commands = {}
    for title, packets, floors in ROWS:
        for source, arguments in floors:
            for level in ("-O2", "-O3"):
                if (source, level) in programs:
                    name = f"floor: {source} {' '.join(arguments)} {level}"
                    commands[title, name] = [programs[source, level], *arguments]
        for way in WAYS:
            commands[title, way] = [bench, packets, way]
    return commands


def run(command, count):
    done = subprocess.run([*command, str(count)], capture_output=True, text=True, check=False)
    return float(done.stdout) if done.returncode == 0 else None


def instructions(command, low, high):
    """Instructions a packet, or None without valgrind."""
    if not shutil.which("valgrind"):
        return None
    counts = []
    for count in (low, high):
        done = subprocess.run(
            ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null", *command, str(count)],
            capture_output=True, text=True, check=False)
        found = re.search(r"Collected : (\d+)", done.stderr)
        if done.returncode or not found:
            return None
        counts.append(int(found.group(1)))
    return (counts[1] - counts[0]) / (high - low)


def counts_of(name):
    slow = name == "general"
    return (40_000, 256, 768) if slow else (4_000_000, 25_600, 51_200)


def measure(commands, rounds, count_instructions):
    times = {key: [] for key in commands}
    for _ in range(rounds):
        for key, command in commands.items():
            times[key].append(run(command, counts_of(key[1])[0]))
    figures = {}
    for key, command in commands.items():
        good = [t for t in times[key] if t is not None]
        counted = None
        if count_instructions and good:
            counted = instructions(command, *counts_of(key[1])[1:])
        figures[key] = (statistics.median(good) if good else None, counted)
    return figures


def machine():
    model = "unknown processor"
    try:
        text = pathlib.Path("/proc/cpuinfo").read_text(encoding="utf-8")
        model = re.search(r"model name\s*: (.*)", text).group(1)
    except (OSError, AttributeError):
        pass
    load = ", ".join(f"{x:.1f}" for x in os.getloadavg())
    return [f"* processor: {model}, {os.cpu_count()} of them seen here",
            f"* system: {platform.system()} {platform.release()} {platform.machine()}",
            f"* load averages at the end: {load}",
            f"* date: {datetime.date.today().isoformat()}"]


def table(figures):
    lines = []
    for title, _, _ in ROWS:
        lines += ["", f"## {title}", "", "| way | ns a packet | instructions a packet |",
                  "|---|---|---|"]
        for (row, name), (time, counted) in figures.items():
            if row != title:
                continue
            shown = "refused" if time is None else f"{time:.1f}"
            lines.append(f"| {name} | {shown} | {'-' if counted is None else f'{counted:.0f}'} |")
    return lines


def main():
    bench = sys.argv[1]
    short = "--short" in sys.argv
    with tempfile.TemporaryDirectory() as folder:
        commands = plan(bench, compile_floors(folder))
        figures = measure(commands, 1 if short else 5, not short)
    lines = ["# Expanding packets in memory, as measured", "",
             "Written by `tests/bench/expand.py BENCH_EXPAND --write`; nothing here is typed. Times "
             "are medians and depend on what else the machine does; instruction counts do not. "
             "`general` is the general machine, the others are the template's kernels; `-inplace` "
             "leaves out the copy of the constant bytes. The floors draw with xorshift, packets with "
             "Philox4x32-7; the floors' counters run side by side, the packets' axes multiply.", "", *machine(), *table(figures), ""]
    print("\n".join(lines))
    if "--write" in sys.argv:
        (HERE / "RESULTS.md").write_text("\n".join(lines), encoding="utf-8")
    failed = [key for key, (time, _) in figures.items()
              if time is None and key[1] in ("general", "plain", "best-inplace")]
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
