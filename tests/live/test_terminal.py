#!/usr/bin/env python3
"""How a run behaves at the terminal: plan, progress, signals, what it says of itself."""
import json
import os
import pty
import re
import signal
import subprocess
import sys
import tempfile
import time
import unittest

import wire
from wire import pktc, start

SLOW = ('send', '--rate', '200pps', '-e', 'ip(dst=8.0.0.0/20)/icmp()')


class Terminal(unittest.TestCase):
    def setUp(self):
        self.wire = wire.Wire()
        self.folder = tempfile.TemporaryDirectory()

    def tearDown(self):
        self.folder.cleanup()

    def test_a_dry_run_sends_nothing_and_asks_nobody(self):
        file = os.path.join(self.folder.name, 'run.pcapng')
        done = pktc('run', '--dry-run', '-w', file, '-e', '[ip(dst=8.8.8.0/24)/icmp(), '
                    'ip(dst=192.0.2.9)/icmp()]')
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn('257 packets on v0 at 100pps, 2.6 s\n', done.stdout)
        self.assertIn('first packet, number 0: ip 192.0.2.1 > 8.8.8.0 / icmp\n', done.stdout)
        self.assertIn('last packet, number 256: ip 192.0.2.1 > 192.0.2.9 / icmp\n', done.stdout)
        self.assertEqual([f for f in self.wire.take() if f[12] == 8], [])
        self.assertFalse(os.path.exists(file))

    def test_the_first_interrupt_stops_sending_within_100_ms(self):
        process = start(*SLOW)
        time.sleep(0.5)
        process.send_signal(signal.SIGINT)
        time.sleep(0.1)
        before = len(self.wire.frames)
        time.sleep(0.3)
        self.assertEqual(len(self.wire.frames), before)
        _, messages = process.communicate(timeout=10)
        self.assertGreater(before, 20)
        self.assertRegex(messages, r'asked 4096 = %d sent \+ 0 failed' % before)

    def test_usr1_tells_how_it_goes_and_the_run_goes_on(self):
        process = start('send', '--rate', '100pps', '-q', '-e', 'ip(dst=8.8.8.0/25)/icmp()')
        time.sleep(0.2)
        process.send_signal(signal.SIGUSR1)
        _, messages = process.communicate(timeout=10)
        self.assertEqual(process.returncode, 0)
        self.assertRegex(messages, r'^sent \d+ of 128, .* to go\n$')
        self.assertEqual(len(self.wire.destinations()[0]), 128)

    def test_a_terminal_has_a_progress_line_with_rate_and_time_left(self):
        ours, theirs = pty.openpty()
        process = subprocess.Popen([os.environ['PKTC'], *SLOW], stderr=theirs,
                                   stdout=subprocess.DEVNULL, stdin=subprocess.DEVNULL)
        time.sleep(0.7)
        process.send_signal(signal.SIGINT)
        process.wait(timeout=10)
        os.close(theirs)
        text = os.read(ours, 65536).decode()
        os.close(ours)
        self.assertRegex(text, r'\r\x1b\[Ksent \d+ of 4096, .* \d+ pps of 200pps, [\d.]+ s to go')

    def test_the_summary_of_a_run_is_kept_as_json(self):
        file = os.path.join(self.folder.name, 'run.json')
        done = pktc('send', '--rate', 'line', '--meta', file, '--exclude', '8.8.8.3', '-D', 'last=7',
                    '-e', 'param last: int = 3\nip(dst=8.8.8.0..8.8.8.7)/udp(dport=last)')
        with open(file, encoding='ascii') as text:
            meta = json.load(text)
        self.assertEqual((meta['v'], meta['exit'], done.returncode), (1, 0, 0))
        self.assertEqual(meta['params'], {'last': '7'})
        self.assertEqual(meta['config']['rate'], 'line')
        counts = {name: int(value) for name, value in meta['counts'].items()}
        self.assertEqual((counts['asked'], counts['sent'], counts['excluded']), (8, 7, 1))
        self.assertRegex(meta['began'], r'^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z$')
        self.assertLess(meta['began'], meta['ended'])
        self.assertIn(meta['seed'], done.stderr)

    def test_late_answers_are_waited_for_as_long_as_asked(self):
        begin = time.monotonic()
        done = pktc('run', '--timeout', '50ms', '--wait', '600ms', '-e', 'ip(dst=8.8.8.8)/icmp()')
        self.assertEqual(done.returncode, 1)
        self.assertTrue(0.6 < time.monotonic() - begin < 1.5)

    def test_the_exit_rule_decides(self):
        for rule, code in (('any', 1), ('all', 1), ('ran', 0)):
            done = pktc('run', '-q', '--timeout', '20ms', '--exit', rule, '-e',
                        'ip(dst=8.8.8.8)/icmp()')
            self.assertEqual(done.returncode, code, rule)

    def test_the_configuration_reads_back_as_clauses(self):
        done = pktc('run', '--print-config', '--rate', '2kpps', '-e',
                    'send ip(dst=8.8.8.8)/icmp(), timeout=250ms, order=random, seed=7, collect=3')
        self.assertEqual(done.returncode, 0)
        block = 'probe p {\n  send ip(dst=8.8.8.8)/icmp()\n' + done.stdout + '}\n'
        again = pktc('run', '--print-config', '-', text=block)
        self.assertEqual(again.stdout, done.stdout, again.stderr)
        self.assertTrue(re.search('rate 2kpps\n', done.stdout))


if __name__ == '__main__':
    wire.main(sys.argv[1:])
