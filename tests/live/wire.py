"""A network namespace of the test's own with a veth pair v0, v1, and what arrives at v1."""
import os
import shutil
import socket
import subprocess
import sys
import threading
import time
import unittest

import live

ROUTER = '02:00:00:00:00:09'
SETUP = f'''set -e; sysctl -qw net.ipv6.conf.all.disable_ipv6=1 2>/dev/null || true
    ip link set lo up; ip link add v0 type veth peer name v1; ip link set v0 up; ip link set v1 up
    ip addr add 192.0.2.1/24 dev v0; ip route add default via 192.0.2.254
    ip neigh add 192.0.2.254 lladdr {ROUTER} dev v0 nud permanent
    exec "$@"'''


class Wire(threading.Thread):
    """The frames that arrive at an interface."""

    def __init__(self, name='v1'):
        super().__init__(daemon=True)
        self.socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
        self.socket.bind((name, 0))
        self.frames = []
        self.start()

    def run(self):
        while True:
            frame, address = self.socket.recvfrom(65536)
            if address[2] != socket.PACKET_OUTGOING:
                self.frames.append(frame)

    def take(self):
        """What came since the last call."""
        time.sleep(0.1)
        frames, self.frames = self.frames, []
        return frames

    def destinations(self):
        """IPv4 destinations, and addresses asked for by ARP, of what came."""
        frames = self.take()
        return ({socket.inet_ntoa(f[30:34]) for f in frames if f[12:14] == b'\x08\0'},
                {socket.inet_ntoa(f[38:42]) for f in frames if f[12:14] == b'\x08\x06'})


def pktc(*words, text=None):
    return live.run([os.environ['PKTC'], *words], text)


def start(*words):
    return subprocess.Popen([os.environ['PKTC'], *words], text=True, stdin=subprocess.DEVNULL,
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def main(arguments):
    """Runs the calling module's tests in such a namespace. The first argument is pktc."""
    if os.environ.get('PKTC_INSIDE'):
        os.environ['PKTC'] = arguments[0]
        unittest.main(module='__main__', argv=[sys.argv[0], *arguments[1:]], verbosity=2)
    ways = [way for way in ('-n', '-Urn') if not live.run(['unshare', way, 'true']).returncode]
    if not shutil.which('ip') or not ways:
        print('no ip, or no network namespaces', file=sys.stderr)
        sys.exit(live.SKIPPED)
    os.environ['PKTC_INSIDE'] = '1'
    os.execvp('unshare', ['unshare', ways[0], 'sh', '-c', SETUP, 'sh', sys.executable, *sys.argv])
