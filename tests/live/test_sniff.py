#!/usr/bin/env python3
"""What passes by: several interfaces, filters of libpcap, tags put back, checksums left to hardware."""
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import unittest

import wire
from wire import pktc, start

STACK = 'eth(dst=02:00:00:00:00:07)/%sip(src=192.0.2.1,dst=192.0.2.9)/'


def send(packets, vlan=''):
    done = pktc('send', '-q', '-i', 'v0', '--rate', 'line', '-e', STACK % vlan + packets)
    assert done.returncode == 0, done.stderr


def sniff(*words):
    process = start('sniff', *words)
    time.sleep(0.4)
    return process


class Sniff(unittest.TestCase):
    def test_each_packet_says_on_which_of_several_interfaces_it_was(self):
        process = sniff('-i', 'v0', '-i', 'v1', '-f', 'icmp', '-c', '4')
        send('udp(dport=9)')
        send('icmp(seq=0x0101..0x0102)')
        out, messages = process.communicate(timeout=10)
        lines = out.splitlines()
        self.assertEqual(sorted(line.split()[0] for line in lines), ['v0', 'v0', 'v1', 'v1'])
        self.assertTrue(all('icmp seq=0x010' in line for line in lines), out)
        self.assertEqual(messages, '4 packets; 0 lost here\n')
        self.assertEqual(process.returncode, 0)

    def test_json_names_the_interface_and_columns_work_as_for_a_file(self):
        process = sniff('-i', 'v0', '-i', 'v1', '-f', 'udp', '-c', '2', '--as', 'json')
        send('udp(dport=77)')
        out, _ = process.communicate(timeout=10)
        packets = [json.loads(line) for line in out.splitlines()]
        self.assertEqual({p['interface'] for p in packets}, {'v0', 'v1'})
        process = sniff('-i', 'v1', '-f', 'udp', '-c', '2', '-T', 'fields', '-e', 'udp.dport')
        send('udp(dport=[78, 79])')
        self.assertEqual(process.communicate(timeout=10)[0], '78\n79\n')

    def test_what_is_kept_reads_back_with_interfaces_and_tags(self):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, 'x.pcapng')
            process = sniff('-i', 'v0', '-i', 'v1', '-w', path)
            send('icmp(seq=1)', vlan='dot1q(vlan=7)/')
            time.sleep(0.4)
            process.send_signal(signal.SIGINT)
            process.communicate(timeout=10)
            self.assertEqual(process.returncode, 0)
            done = pktc('read', path)
            tagged = [line for line in done.stdout.splitlines() if 'seq=' in line]
            self.assertEqual(len(tagged), 2, done.stdout)
            self.assertTrue(all('dot1q vlan=7 / ip' in line for line in tagged), done.stdout)

    def test_checksums_left_to_the_hardware_are_marked_and_not_wrong(self):
        process = sniff('-i', 'v0', '-f', 'udp port 7777', '-c', '1', '--as', 'json')
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as out:
            out.sendto(b'x', ('192.0.2.254', 7777))
        packet = json.loads(process.communicate(timeout=10)[0])
        self.assertIs(packet.get('offloaded'), True)
        process = sniff('-i', 'v1', '-f', 'udp port 7777', '-c', '1', '--as', 'tree')
        send('udp(dport=7777)')
        self.assertNotIn('offloaded', process.communicate(timeout=10)[0])

    def test_errors_of_a_filter_are_libpcaps_own(self):
        for words in (('sniff', '-i', 'v0'), ('run', '-e', 'ip(dst=8.8.8.8)/icmp()')):
            done = pktc(*words, '-f', 'tcp prt 80')
            self.assertEqual(done.returncode, 2)
            self.assertIn("can't parse filter expression: syntax error", done.stderr)
        done = pktc('sniff', '-i', 'v0', '-f', 'vlan 7 and tcp')
        self.assertEqual(done.returncode, 2)
        self.assertIn('the kernel takes tags off', done.stderr)

    def test_a_run_receives_what_its_filter_takes_alone(self):
        for flags, clause in ((('-f', 'tcp'), ''), ((), ', capture="tcp"')):
            process = start('run', '--rate', '50pps', '--timeout', '100ms', *flags, '-e',
                            f'send ip(dst=8.8.8.0/28)/icmp(){clause}')
            time.sleep(0.1)
            subprocess.run([os.environ['PKTC'], 'send', '-q', '-i', 'v1', '-e',
                            'eth(dst=02:00:00:00:00:01)/ip(src=8.8.8.8,dst=192.0.2.1)/'
                            '[udp(), tcp()]'], check=True)
            _, messages = process.communicate(timeout=10)
            self.assertRegex(messages, 'received 1 = ')

    def test_a_standalone_probe_carries_its_filter(self):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, 'probe')
            done = pktc('build', '-o', path, '-e',
                        'send ip(dst=8.8.8.0/28)/icmp(), capture="udp port 53"')
            self.assertEqual(done.returncode, 0, done.stderr)
            process = subprocess.Popen([path, '--rate', '50pps', '--timeout', '100ms'],
                                       stderr=subprocess.PIPE, text=True)
            time.sleep(0.1)
            subprocess.run([os.environ['PKTC'], 'send', '-q', '-i', 'v1', '-e',
                            'eth(dst=02:00:00:00:00:01)/ip(src=8.8.8.8,dst=192.0.2.1)/'
                            'udp(sport=9, dport=[9, 53])'], check=True)
            _, messages = process.communicate(timeout=10)
            self.assertRegex(messages, 'received 1 = ')


if __name__ == '__main__':
    wire.main(sys.argv[1:])
