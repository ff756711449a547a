#!/usr/bin/env python3
"""`guard tcp`: while a probe runs the kernel sends no TCP resets by its interface, and as ever after it,
however it ends."""
import os
import signal
import socket
import struct
import subprocess
import sys
import time
import unittest

import wire

OWN, PEER = '192.0.2.1', '192.0.2.254'


def own_mac():
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0) as own:
        own.bind(('v0', 0))
        return own.getsockname()[4]


def inet_sum(data):
    total = sum(struct.unpack('>%dH' % (len(data) // 2), data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


def syn_ack():
    """What no socket here waits for: the kernel answers it with a reset."""
    ends = socket.inet_aton(PEER) + socket.inet_aton(OWN)
    tcp = struct.pack('>HHIIBBHHH', 80, 4000, 9, 8, 0x50, 0x12, 8192, 0, 0)
    tcp = tcp[:16] + struct.pack('>H', inet_sum(ends + struct.pack('>HH', 6, 20) + tcp)) + tcp[18:]
    ip = struct.pack('>BBHHHBBH', 0x45, 0, 40, 1, 0, 64, 6, 0) + ends
    ip = ip[:10] + struct.pack('>H', inet_sum(ip)) + ip[12:]
    mac = bytes.fromhex(wire.ROUTER.replace(':', ''))
    return own_mac() + mac + b'\x08\0' + ip + tcp


class Guard(unittest.TestCase):
    def setUp(self):
        self.wire = wire.Wire()
        self.socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
        self.socket.bind(('v1', 0))

    def tearDown(self):
        self.socket.close()

    def resets(self):
        self.wire.take()
        self.socket.send(syn_ack())
        return sum(f[12:14] == b'\x08\0' and f[23] == 6 and f[47] & 4 != 0
                   for f in self.wire.take())

    def start(self, *flags):
        process = wire.start('run', '-i', 'v0', *flags)
        time.sleep(0.5)
        return process

    def test_no_reset_leaves_while_it_stands(self):
        self.assertEqual(self.resets(), 1)
        process = self.start('-e', 'probe p { listen icmp() ; guard tcp ; duration 2s }')
        self.assertEqual(self.resets(), 0)
        messages = process.communicate(timeout=20)[1]
        self.assertNotIn('guard', messages)
        self.assertEqual(self.resets(), 1)

    def test_it_is_gone_after_a_kill(self):
        process = self.start('--guard', '-e', 'listen icmp(), duration=20s')
        self.assertEqual(self.resets(), 0)
        process.send_signal(signal.SIGKILL)
        process.communicate()
        self.assertEqual(self.resets(), 1)

    def test_without_the_privilege_it_says_so(self):
        done = subprocess.run(['setpriv', '--bounding-set=-net_admin', '--inh-caps=-net_admin',
                               os.environ['PKTC'], 'run', '-i', 'v0', '--guard', '-e',
                               'listen icmp(), duration=100ms'],
                              capture_output=True, text=True, timeout=20, check=False)
        if 'setpriv' in done.stderr:
            self.skipTest(done.stderr)
        self.assertIn('guard: this kernel will answer TCP with resets: it needs CAP_NET_ADMIN',
                      done.stderr)


if __name__ == '__main__':
    wire.main(sys.argv[1:])
