#!/usr/bin/env python3
"""What goes wrong in a run: it is told, counted, and has its exit code; nothing is lost in silence."""
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest

import live
from live import Run

PKTC = 'PKTC'


def start(text, *flags, **more):
    process = subprocess.Popen([os.environ[PKTC], 'run', '--lab', *flags, '-'],
                               stdin=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **more)
    process.stdin.write(text)
    process.stdin.close()
    process.stdin = None
    return process


class Faults(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()

    def tearDown(self):
        self.folder.cleanup()

    def test_an_interrupt_stops_sending_and_keeps_the_accounts(self):
        process = start('send ip(dst=10.0.0.0/8)/icmp(), rate=1kpps\n', '--as', 'json',
                        stdout=subprocess.PIPE)
        out = process.stdout.readline()
        process.send_signal(signal.SIGINT)
        begin = time.monotonic()
        out += process.stdout.read()
        messages = process.stderr.read()
        process.wait(timeout=20)
        process.stdout.close()
        process.stderr.close()
        self.assertLess(time.monotonic() - begin, 1.5)
        self.assertEqual(process.returncode, 0, messages)
        done = Run(subprocess.CompletedProcess([], 0, out, messages))
        self.assertTrue(done.balance(), messages)
        self.assertIn('stopped', messages)
        self.assertGreater(done.count('sent'), 0)
        self.assertEqual(done.count('answered'), done.count('sent'))

    def test_a_second_interrupt_leaves_at_once(self):
        process = start('send ip(dst=10.0.0.0/8, proto=253)/icmp(), rate=1kpps, timeout=60s\n',
                        stdout=subprocess.DEVNULL)
        time.sleep(0.7)
        process.send_signal(signal.SIGINT)
        time.sleep(0.3)
        process.send_signal(signal.SIGINT)
        begin = time.monotonic()
        process.communicate(timeout=20)
        self.assertLess(time.monotonic() - begin, 1.5)

    def test_results_that_cannot_be_written_are_exit_code_4(self):
        with open('/dev/full', 'w', encoding='ascii') as full:
            process = start('ip(dst=10.0.0.0/28)/icmp()\n', stdout=full)
            _, messages = process.communicate(timeout=20)
        self.assertEqual(process.returncode, 4, messages)

    def test_a_file_that_cannot_be_written_is_exit_code_4_before_anything_is_sent(self):
        process = start('ip(dst=10.0.0.0/28)/icmp()\n', '-w', '/dev/full',
                        stdout=subprocess.PIPE)
        out, messages = process.communicate(timeout=20)
        self.assertEqual(process.returncode, 4, messages)
        self.assertEqual(out, '')
        self.assertIn('No space left', messages)

    def test_a_closed_pipe_stops_sending(self):
        process = start('send ip(dst=10.0.0.0/16)/icmp(), rate=2kpps\n', stdout=subprocess.PIPE)
        process.stdout.readline()
        process.stdout.close()
        process.stdout = None
        _, messages = process.communicate(timeout=20)
        sent = int(re.search(r'= (\d+) sent', messages).group(1))
        self.assertLess(sent, 60000)
        self.assertNotIn('error', messages)

    def test_a_killed_run_leaves_whole_records(self):
        path = os.path.join(self.folder.name, 'run.pcapng')
        process = start('send ip(dst=10.0.0.0/8)/icmp(), rate=2kpps\n', '-w', path,
                        stdout=subprocess.PIPE)
        reported = 0
        while reported < 200:
            process.stdout.readline()
            reported += 1
        process.kill()
        process.communicate()
        done = live.run([os.environ[PKTC], 'read', path])
        self.assertEqual(done.returncode, 0, done.stderr)
        replies = [line for line in done.stdout.splitlines() if 'echo_reply' in line]
        self.assertGreaterEqual(len(replies), reported)

    def test_an_unknown_interface_is_named_with_those_there_are(self):
        done = live.run([os.environ[PKTC], 'run', '-i', 'nosuch0', '-'], 'ip(dst=10.0.0.1)/icmp()\n')
        self.assertEqual(done.returncode, 3)
        self.assertIn('nosuch0', done.stderr)
        self.assertIn('lo', done.stderr)

    @unittest.skipUnless(shutil.which('setpriv') and os.geteuid() == 0, 'not root, or no setpriv')
    def test_missing_privilege_is_named_with_the_way_out(self):
        done = live.run(['setpriv', '--bounding-set=-all', '--inh-caps=-all', '--reuid=65534',
                         '--clear-groups', os.environ[PKTC], 'run', '-i', 'lo', '-'],
                        'ip(dst=10.0.0.1)/icmp()\n')
        self.assertEqual(done.returncode, 3, done.stderr)
        self.assertIn('CAP_NET_RAW', done.stderr)

    @unittest.skipUnless(shutil.which('ip') and shutil.which('unshare'), 'no ip or unshare')
    def test_a_link_that_goes_down_and_up_again_costs_no_packet(self):
        script = '''ip link set lo up
            ip link add v0 type veth peer name v1 && ip link set v0 up && ip link set v1 up
            (sleep 0.4; ip link set v0 down; sleep 0.5; ip link set v0 up) &
            echo 'send eth(dst=02:00:00:00:00:09)/ip(src=10.0.0.1, dst=10.0.0.0/23)/icmp(), \
rate=500pps, timeout=100ms' | "$0" run -i v0 -'''
        done = live.run(['unshare', '-Urn', 'sh', '-c', script, os.environ[PKTC]])
        self.assertRegex(done.stderr, r'asked 512 = 512 sent \+ 0 failed \+ 0 not sent')

    @unittest.skipUnless(shutil.which('ip') and shutil.which('unshare'), 'no ip or unshare')
    def test_a_link_that_is_removed_ends_the_run_with_its_name(self):
        script = '''ip link add v0 type veth peer name v1 && ip link set v0 up && ip link set v1 up
            (sleep 0.4; ip link del v0) &
            echo 'send eth(dst=02:00:00:00:00:09)/ip(src=10.0.0.1, dst=10.0.0.0/16)/icmp(), \
rate=500pps, timeout=100ms' | "$0" run -i v0 -'''
        done = live.run(['unshare', '-Urn', 'sh', '-c', script, os.environ[PKTC]])
        self.assertEqual(done.returncode, 3, done.stderr)
        self.assertIn('pktc: cannot send on v0', done.stderr)
        self.assertRegex(done.stderr, r'asked 65536 = \d+ sent')

    def test_absent_neighbours_do_not_hold_up_the_others(self):
        # The near end's own network: one neighbour answers, two do not exist.
        done = live.probe('ip(dst=[198.18.0.2, 198.18.0.1])/icmp(id=3)\n', '--timeout', '500ms')
        self.assertTrue(done.balance(), done.messages)
        self.assertIn('198.18.0.2', [live.field(a['sent'], 'ip.dst') for a in done.answers])


if __name__ == '__main__':
    live.main(sys.argv[1:])
