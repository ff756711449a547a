#!/usr/bin/env python3
"""Links of every kind, and what happens on them: tun devices, too long packets, loss, duplicates and
disorder on the way, floods, slow readers, privileges."""
import fcntl
import json
import os
import re
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time
import unittest

import live
import wire
from wire import pktc, start

TUNSETIFF, IFF_TUN, IFF_NO_PI = 0x400454ca, 1, 0x1000
FORWARDER = os.path.join(os.environ.get('PKTC_SHARED', '/nonexistent'), 'oracle/fwd.py')


def system(*words):
    subprocess.run(words, check=True)


def checksum(data):
    total = sum(struct.unpack(f'!{len(data) // 2}H', data))
    total = (total >> 16) + (total & 0xffff)
    return ~(total + (total >> 16)) & 0xffff


def echo_reply(packet):
    """The answer to an IPv4 echo request of an even number of bytes, addresses exchanged."""
    icmp = b'\0\0\0\0' + packet[24:]
    icmp = icmp[:2] + struct.pack('!H', checksum(icmp)) + icmp[4:]
    return packet[:12] + packet[16:20] + packet[12:16] + icmp


class Tunnel(threading.Thread):
    """A tun device at whose other end every echo request is answered."""

    def __init__(self, name):
        super().__init__(daemon=True)
        self.file = os.open('/dev/net/tun', os.O_RDWR)
        fcntl.ioctl(self.file, TUNSETIFF, struct.pack('16sH', name.encode(), IFF_TUN | IFF_NO_PI))
        self.seen = []
        self.start()

    def run(self):
        while True:
            try:
                packet = os.read(self.file, 65536)
            except OSError:  # the device is gone
                return
            if packet[0] == 0x45 and packet[9] == 1:
                self.seen.append(packet)
                os.write(self.file, echo_reply(packet))


def counts(messages):
    numbers = {}
    for line in messages.splitlines():
        for number, name in re.findall(r'(\d+) (sent|failed|not sent|answered|unanswered|answers|'
                                       r'duplicates|late|unmatched|other traffic|lost here)', line):
            numbers[name] = int(number)
    numbers['received'] = int(re.search(r'received (\d+)', messages).group(1))
    return numbers


class Links(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()

    def tearDown(self):
        self.folder.cleanup()

    @unittest.skipUnless(os.access('/dev/net/tun', os.R_OK | os.W_OK), 'no /dev/net/tun')
    def test_a_tun_device_carries_packets_without_a_link_header(self):
        tunnel = Tunnel('tun0')
        system('ip', 'link', 'set', 'tun0', 'up')
        system('ip', 'addr', 'add', '203.0.113.1/24', 'dev', 'tun0')
        path = os.path.join(self.folder.name, 'run.pcapng')
        done = pktc('run', '-w', path, '--as', 'json', '-e', 'ip(dst=203.0.113.8/30)/icmp(id=5)')
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(counts(done.stderr)['answered'], 4)
        self.assertEqual([p[:1] + p[16:20] for p in tunnel.seen],
                         [b'\x45\xcb\0\x71' + bytes([n]) for n in (8, 9, 10, 11)])
        exchange = json.loads(done.stdout.splitlines()[0])
        self.assertEqual([layer['layer'] for layer in exchange['reply']['layers']][-2:],
                         ['ip', 'icmp'])
        self.assertEqual(exchange['reply']['len'], 28)
        read = pktc('read', path)
        self.assertEqual(len(read.stdout.splitlines()), 8, read.stdout)
        self.assertRegex(read.stdout, '^rawip / ip 203.0.113.1 > 203.0.113.8 / icmp')
        system('ip', 'link', 'del', 'tun0')

    def test_what_is_longer_than_the_link_takes_is_told_with_both_numbers(self):
        frame = 'eth(dst=02:00:00:00:00:07)/ip(src=192.0.2.1,dst=8.8.8.8)/udp()/("x" * %d)'
        done = pktc('send', '-i', 'v0', '-e', frame % 1472)
        self.assertEqual(counts(done.stderr)['sent'], 1, done.stderr)
        for size in (1473, 3000):
            done = pktc('send', '-i', 'v0', '-e', frame % size)
            self.assertEqual(counts(done.stderr)['failed'], 1)
            self.assertEqual(done.returncode, 3)
            self.assertIn(f'a packet of {size + 28} bytes is too long for v0, whose MTU is 1500',
                          done.stderr)

    def test_only_what_the_network_needs_is_kept_of_privileges(self):
        process = start('send', '--rate', '50pps', '-e', 'ip(dst=8.8.8.0/26)/icmp()')
        time.sleep(0.4)
        with open(f'/proc/{process.pid}/status', encoding='ascii') as file:
            status = dict(line.rstrip('\n').split(':\t', 1) for line in file if ':\t' in line)
        process.communicate(timeout=10)
        self.assertEqual(process.returncode, 0)
        self.assertEqual(int(status['CapEff'], 16) & ~0x3000, 0, status['CapEff'])
        self.assertEqual(int(status['CapPrm'], 16) & ~0x3000, 0)
        self.assertEqual(status['NoNewPrivs'].strip(), '1')

    def test_a_slow_reader_costs_no_answer(self):
        process = subprocess.Popen([os.environ['PKTC'], 'run', '--lab', '--rate', '20kpps', '-v',
                                    '-e', 'ip(dst=10.0.0.0/20)/icmp()'], text=True,
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        time.sleep(1)  # the pipe is full long before
        out, messages = process.communicate(timeout=60)
        numbers = counts(messages)
        self.assertEqual((numbers['answered'], numbers['lost here']), (4096, 0), messages)
        self.assertEqual(out.count('packet 1, '), 4096)

    def test_answers_that_this_machine_loses_are_exit_code_5(self):
        process = start('run', '--timeout', '1s', '-e', 'ip(dst=8.8.8.8)/icmp()')
        time.sleep(0.4)
        process.send_signal(signal.SIGSTOP)
        done = pktc('send', '-i', 'v1', '--rate', 'line', '-e', 'eth(dst=02:00:00:00:00:01, '
                    'src=02:00:00:00:00:02)/ip(src=8.8.8.8, dst=192.0.2.1)/'
                    'udp(sport=1..40, dport=1..10000)')
        process.send_signal(signal.SIGCONT)
        _, messages = process.communicate(timeout=60)
        self.assertEqual(process.returncode, 5, messages)
        numbers = counts(messages)
        self.assertGreater(numbers['lost here'], 0)
        sent = counts(done.stderr)['sent']
        self.assertLess(abs(numbers['received'] + numbers['lost here'] - sent), 20, messages)

    @unittest.skipUnless(os.path.exists(FORWARDER) and shutil.which('nsenter'), 'no forwarder')
    def test_loss_duplicates_disorder_and_delay_are_counted_as_the_forwarder_did_them(self):
        far = subprocess.Popen(['unshare', '-n', 'sleep', '100'])
        time.sleep(0.3)
        inside = ('nsenter', '-t', str(far.pid), '-n', 'ip')
        try:
            system('ip', 'link', 'add', 'w0', 'type', 'veth', 'peer', 'name', 'w1')
            system('ip', 'link', 'set', 'w1', 'netns', str(far.pid))
            system('ip', 'link', 'set', 'w0', 'up')
            for words in (('link', 'set', 'lo', 'up'), ('link', 'set', 'w1', 'up'),
                          ('link', 'set', 'w1', 'address', '02:00:00:00:00:0b'),
                          ('addr', 'add', '192.0.2.2/24', 'dev', 'w1'),
                          ('neigh', 'add', '192.0.2.1', 'lladdr', '02:00:00:00:00:0a', 'dev', 'w1',
                           'nud', 'permanent')):
                system(*inside, *words)
            for faults in (('--loss', '0.1'), ('--dup', '0.1'), ('--reorder', '0.2'),
                           ('--late', '0.05', '--delay', '0.5'),
                           ('--loss', '0.05', '--dup', '0.1', '--reorder', '0.1')):
                self.compare(faults)
        finally:
            far.terminate()
            far.wait()

    def compare(self, faults):
        forwarder = subprocess.Popen([sys.executable, FORWARDER, 'v1', 'w0', *faults,
                                      '--skip-other'], stdout=subprocess.PIPE, text=True)
        if forwarder.stdout.readline() != 'ready\n':
            self.skipTest('the forwarder cannot run here')
        done = pktc('run', '-i', 'v0', '-c', '2000', '--rate', '4kpps', '--timeout', '300ms',
                    '--wait', '700ms', '-e', 'eth(dst=02:00:00:00:00:0b, src=02:00:00:00:00:0a)/'
                    'ip(src=192.0.2.1, dst=192.0.2.2)/icmp(seq=0..1999)/"PKTC"')
        forwarder.terminate()
        truth = json.loads(forwarder.communicate(timeout=10)[0])
        here = counts(done.stderr)
        about = f'{faults}\n{truth}\n{done.stderr}'
        out, back = truth['fwd'], truth['rev']
        self.assertEqual(here['sent'], 2000, about)
        replies = here['answers'] + here['duplicates'] + here['late']
        self.assertEqual((here['unmatched'], here['lost here']), (0, 0), about)
        requests = 2000 - out['loss'] + out['dup']
        self.assertEqual(replies, requests - back['loss'] + back['dup'], about)
        if '--dup' not in faults:
            self.assertEqual(here['duplicates'], 0, about)
        if '--loss' not in faults:
            self.assertEqual(here['answers'] + here['late'], 2000, about)
        if faults[0] == '--loss' and len(faults) == 2:
            self.assertEqual(here['unanswered'], out['loss'] + back['loss'], about)
        if faults[0] == '--dup':
            self.assertEqual(here['duplicates'], out['dup'] + back['dup'], about)
        if faults[0] == '--late':
            self.assertTrue(max(out['late'], back['late']) <= here['late'] <=
                            out['late'] + back['late'], about)
        self.assertEqual(here['late'] > 0, '--late' in faults, about)


if __name__ == '__main__':
    del live
    wire.main(sys.argv[1:])
