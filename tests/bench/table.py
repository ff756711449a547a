#!/usr/bin/env python3
"""Floors and pktc in turn, for what crosses a link or a file system, and what compiling costs.

usage: table.py BENCH_PROBE PKTC [--rounds N] [--write]

Floors are the C programs of $PKTC_SHARED/perf, compiled here; without that folder only pktc is
measured. Packets go through two network namespaces made for this, which needs root; without it those
rows are left out. A figure is the median of its rounds, less is better. --write makes TABLE.md of it
(expanding and reading have tables of their own: expand.py, instructions.py).
"""
import argparse
import contextlib
import datetime
import os
import pathlib
import platform
import re
import shutil
import statistics
import subprocess
import tempfile
import time

from guard import SYN, each

HERE = pathlib.Path(__file__).resolve().parent
NEAR, FAR = "pktc-bench-near", "pktc-bench-far"
PACKETS, TARGETS = 2000000, 65536
SWEEP = ("probe sweep { send eth(dst=02:00:00:00:00:02, src=02:00:00:00:00:01)/"
         "ip(src=10.0.0.1, dst=10.1.0.0/16)/icmp() ; timeout 1s ; rate line }")


def sh(*words, check=True):
    return subprocess.run([str(w) for w in words], capture_output=True, text=True, check=check)


def compile_floors(folder):
    shared = os.environ.get("PKTC_SHARED")
    floors = {}
    for name, libraries in (("build_floor", []), ("probe_floor", ["-lpthread"]),
                            ("tx_floor", ["-lpcap"])):
        source = pathlib.Path(shared or "") / "perf" / (name + ".c")
        out = pathlib.Path(folder) / name
        if shared and source.exists() and sh("cc", "-O2", "-w", "-o", out, source, *libraries,
                                             check=False).returncode == 0:
            floors[name] = out
    return floors


@contextlib.contextmanager
def network():
    """A near end and a far kernel that answers for 10.1.0.0/16; None where it cannot be made."""
    try:
        for name in (NEAR, FAR):
            sh("ip", "netns", "add", name)
        sh("ip", "-n", NEAR, "link", "add", "va", "type", "veth", "peer", "name", "vb", "netns", FAR)
        for name, link, mac in ((NEAR, "va", "02:00:00:00:00:01"), (FAR, "vb", "02:00:00:00:00:02")):
            sh("ip", "netns", "exec", name, "sysctl", "-qw", "net.ipv4.icmp_ratelimit=0",
               "net.ipv4.icmp_msgs_per_sec=100000000", f"net.ipv6.conf.{link}.disable_ipv6=1",
               check=False)
            sh("ip", "-n", name, "link", "set", link, "address", mac, "up")
            sh("ip", "-n", name, "link", "set", "lo", "up")
        sh("ip", "-n", NEAR, "addr", "add", "10.0.0.1/30", "dev", "va")
        sh("ip", "-n", FAR, "addr", "add", "10.0.0.2/30", "dev", "vb")
        sh("ip", "-n", FAR, "route", "add", "local", "10.1.0.0/16", "dev", "lo")
        sh("ip", "-n", FAR, "neigh", "replace", "10.0.0.1", "lladdr", "02:00:00:00:00:01", "dev", "vb")
        yield ["ip", "netns", "exec", NEAR]
    except (subprocess.CalledProcessError, FileNotFoundError):
        yield None
    finally:
        for name in (NEAR, FAR):
            with contextlib.suppress(FileNotFoundError):
                sh("ip", "netns", "del", name, check=False)


def seconds(command):
    start = time.monotonic()
    run = subprocess.run([str(w) for w in command], capture_output=True, text=True, check=False)
    return (time.monotonic() - start if run.returncode == 0 else None), run


def run_seconds(command, answered):
    """What the summary of a run or send says it took; a run must have every answer."""
    _, run = seconds(command)
    found = re.search(r"^([0-9.]+) s; rate", run.stderr, re.M)
    lost = re.search(r"\+ ([0-9]+) unanswered", run.stderr)
    return float(found[1]) if found and lost and not (answered and int(lost[1])) else None


def rows(floors, inside, pktc, folder):
    """(title, unit, [(name, measure)])."""
    shm = pathlib.Path("/dev/shm" if os.access("/dev/shm", os.W_OK) else folder)
    out = shm / "pktc-bench.pcap"
    write = [pktc, "write", "-o", out, "-e", SYN, "--first", str(PACKETS)]
    table = [("64-byte SYN to a pcap file in memory", "ns a packet",
              [("floor", lambda: float(seconds([floors["build_floor"], "tmpl", "64", PACKETS,
                                                out])[1].stdout)),
               ("pktc write", lambda: seconds(write)[0] * 1e9 / PACKETS)], "build_floor")]
    if inside:
        sweep = [*inside, pktc, "run", "-i", "va", "-e", SWEEP]
        send = [*inside, pktc, "send", "-i", "va", "-e", SYN, "--rate", "line", "-c", "1000000"]
        table += [
            (f"{TARGETS} ICMP stimuli, all answered", "s",
             [("floor", lambda: float(seconds([*inside, floors["probe_floor"], "va", "icmp",
                                               TARGETS])[1].stdout) / 1e6),
              ("pktc run", lambda: run_seconds(sweep, True))], "probe_floor"),
            ("AF_PACKET over veth", "ns a packet",
             [("floor: sendmmsg", lambda: 1e9 / float(seconds([*inside, floors["tx_floor"], "va",
                                                               "sendmmsg", 1])[1].stdout)),
              ("pktc send", lambda: run_seconds(send, False) * 1e3)], "tx_floor")]
    for title, count, text in (
            ("compile a list of 100,000 addresses", 100000,
             "send ip(dst=[%s])/icmp()\n" % ", ".join(address(i) for i in range(100000))),
            ("compile a list of 50,000 stacks", 50000,
             "send [%s]\n" % ",\n".join(f"ip(dst={address(i)})/udp(dport={i % 60000 + 1})"
                                        for i in range(50000)))):
        path = pathlib.Path(folder) / (re.sub(r"\W+", "-", title) + ".pkt")
        path.write_text(text)
        table.append((title, "s", [("pktc check", lambda path=path: seconds([pktc, "check", path])[0])],
                      None))
    return table


def address(i):
    return f"10.{i >> 16 & 255}.{i >> 8 & 255}.{i & 255}"


def measure(table, floors, rounds):
    lines = ["| work | way | median | of the floor |", "|---|---|---|---|"]
    for title, unit, ways, floor in table:
        ways = [way for way in ways if not way[0].startswith("floor") or floor in floors]
        figures = {name: [] for name, _ in ways}
        for _ in range(rounds):
            for name, take in ways:
                try:
                    figures[name].append(take())
                except (TypeError, ValueError, IndexError):
                    figures[name].append(None)
        base = None
        for name, _ in ways:
            good = [value for value in figures[name] if value is not None]
            median = statistics.median(good) if good else None
            base = median if name.startswith("floor") else base
            ratio = f"{median / base:.2f}" if base and median else "-"
            shown = f"{median:.3g} {unit}" if median else "failed"
            lines.append(f"| {title} | {name} | {shown} | {ratio} |")
            print(lines[-1], flush=True)
    return lines


def counted(probe):
    if not shutil.which("valgrind"):
        return []
    lines = ["", "| work | instructions each |", "|---|---|"]
    for kind in ("send", "icmp", "tcp"):
        lines.append(f"| {kind}, memory transport | {each([probe, kind, '{}'], 1000, 5000):.0f} |")
        print(lines[-1], flush=True)
    return lines


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("probe")
    parser.add_argument("pktc")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--write", action="store_true")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, network() as inside:
        floors = compile_floors(folder)
        lines = measure(rows(floors, inside, args.pktc, folder), floors, args.rounds)
    lines += counted(args.probe)
    pathlib.Path("/dev/shm/pktc-bench.pcap").unlink(missing_ok=True)
    if args.write:
        head = ["# Links, files and compiling, as measured", "",
                "Written by `tests/bench/table.py BENCH_PROBE PKTC --write`; nothing here is typed.", "",
                f"* system: {platform.system()} {platform.release()} {platform.machine()}, "
                f"{os.cpu_count()} processors",
                "* load averages at the end: " + ", ".join(f"{v:.1f}" for v in os.getloadavg()),
                f"* date: {datetime.date.today()}", ""]
        (HERE / "TABLE.md").write_text("\n".join(head + lines) + "\n")


if __name__ == "__main__":
    main()
