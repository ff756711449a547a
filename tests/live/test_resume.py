#!/usr/bin/env python3
"""usage: test_resume.py PKTC: a run that is killed at random instants and gone on with misses no
stimulus, and sends none again that stands in its file. What is on the wire is seen at the other end
of a veth pair, in a network namespace of the test's own."""
import os
import random
import shutil
import socket
import struct
import subprocess
import sys
import tempfile
import time
import unittest

import live
import wire

COUNT, RATE = 1200, 800
FLUSHED = 0.3  # seconds: what is older stands in the file (a look at progress is 0.2 s)
PROGRAM = f"""let s = 0..{COUNT - 1}
send eth(dst=02:00:00:00:00:09)/ip(src=192.0.2.1, dst=192.0.2.2)/icmp(seq=s), \
rate={RATE}pps, timeout=50ms, order=random
"""


class Echoes(wire.Wire):
    """The numbers of the echo requests that arrive."""

    def __init__(self):
        super().__init__()
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)

    def numbers(self):
        return [struct.unpack('!H', f[40:42])[0] for f in self.take()
                if f[:6] == b'\x02\0\0\0\0\x09' and f[34] == 8]


class Resume(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp()
        self.file = os.path.join(self.folder, 'run.pcapng')
        self.pktc = os.environ['PKTC']

    def tearDown(self):
        shutil.rmtree(self.folder)

    def start(self, *flags):
        process = subprocess.Popen([self.pktc, 'run', '-q', '-i', 'v0', *flags, '-'], text=True,
                                   stdin=subprocess.PIPE, stdout=subprocess.DEVNULL,
                                   stderr=subprocess.PIPE)
        process.stdin.write(PROGRAM)
        process.stdin.close()
        process.stdin = None
        return process

    def has_begun(self):
        return os.path.exists(self.file) and os.path.getsize(self.file) > 0

    def recorded(self):
        done = live.run([self.pktc, 'read', '-T', 'fields', '-e', 'icmp.seq', self.file])
        self.assertEqual(done.returncode, 0, done.stderr)
        return {int(line, 0) for line in done.stdout.split()}

    def test_killed_at_random_instants_nothing_is_missed_and_nothing_recorded_is_repeated(self):
        dice = random.Random(int(os.environ.get('PKTC_TEST_SEED', time.time())))
        echoes, sent, kills = Echoes(), [], 0
        process = self.start('-w', self.file)
        while True:
            try:
                process.communicate(timeout=dice.uniform(0.1, 0.7))
            except subprocess.TimeoutExpired:
                process.kill()
                process.communicate()
                kills += 1
            sent += echoes.numbers()
            if process.returncode != -9:
                break
            known = self.recorded() if self.has_begun() else None
            self.assertTrue(known is None or known <= set(sent))
            process = self.start('-w' if known is None else '--resume', self.file)
            time.sleep(0.3)
            again = echoes.numbers()
            sent += again
            self.assertFalse(known and known & set(again), 'sent again although it stands in the file')
        self.assertIn(process.returncode, (0, 1))  # 0: the last kill came when all had been sent
        self.assertEqual(set(sent), set(range(COUNT)))
        self.assertEqual(self.recorded(), set(range(COUNT)))
        self.assertGreater(kills, 1)
        self.assertLess(len(sent) - COUNT, kills * RATE * FLUSHED)

    def test_a_record_that_is_torn_is_cut_off_and_its_stimulus_sent_again(self):
        echoes = Echoes()
        process = self.start('-w', self.file)
        time.sleep(0.6)
        process.kill()
        process.communicate()
        with open(self.file, 'r+b') as file:
            file.truncate(os.path.getsize(self.file) - 10)
        first = echoes.numbers()
        process = self.start('--resume', self.file)
        _, messages = process.communicate(timeout=30)
        self.assertEqual(process.returncode, 1, messages)
        self.assertEqual(set(first + echoes.numbers()), set(range(COUNT)))
        self.assertEqual(self.recorded(), set(range(COUNT)))

    def test_a_file_that_is_damaged_before_its_end_is_not_gone_on_with(self):
        process = self.start('-w', self.file)
        time.sleep(0.6)
        process.kill()
        process.communicate()
        size = os.path.getsize(self.file)
        with open(self.file, 'r+b') as file:
            file.seek(size // 2)
            file.write(bytes(200))
        process = self.start('--resume', self.file)
        _, messages = process.communicate(timeout=30)
        self.assertEqual(process.returncode, 2, messages)
        self.assertIn('at offset', messages)
        self.assertEqual(os.path.getsize(self.file), size)
        done = live.run([self.pktc, 'read', self.file])
        self.assertEqual(done.returncode, 2)
        self.assertRegex(done.stderr, r'bytes \d+ to \d+ are left out')
        self.assertGreater(len(done.stdout.splitlines()), 100)


if __name__ == '__main__':
    wire.main(sys.argv[1:])
