#!/usr/bin/env python3
"""Where a run does not send: exclusions, scope, special-purpose ranges, too many targets. What was
really sent is seen at the other end of a veth pair."""
import os
import re
import signal
import sys
import tempfile
import time
import unittest

import wire
from wire import pktc, start


def addresses(prefix, *numbers):
    return {f'{prefix}.{number}' for number in numbers}


class Scope(unittest.TestCase):
    def setUp(self):
        self.wire = wire.Wire()
        self.folder = tempfile.TemporaryDirectory()

    def tearDown(self):
        self.folder.cleanup()

    def list(self, text):
        path = os.path.join(self.folder.name, 'list')
        with open(path, 'w', encoding='ascii') as file:
            file.write(text)
        return path

    def accounts(self, done):
        found = re.search(r'asked (\d+) = (\d+) sent \+ (\d+) failed \+ (\d+) not sent'
                          r'(?: \((\d+) excluded\))?', done.stderr)
        asked, sent, failed, left, excluded = (int(n or 0) for n in found.groups())
        self.assertEqual(asked, sent + failed + left, done.stderr)
        return sent, failed, excluded

    def send(self, destination, *flags):
        done = pktc('send', '--rate', '1kpps', *flags, '-e', f'ip(dst={destination})/icmp()')
        return done, *self.wire.destinations()

    def test_what_is_excluded_is_not_sent_and_counted(self):
        done, sent, _ = self.send('8.8.8.0/29', '--exclude', '8.8.8.0-8.8.8.2,8.8.8.6')
        self.assertEqual(sent, addresses('8.8.8', 3, 4, 5, 7))
        self.assertEqual(self.accounts(done), (4, 0, 4))
        self.assertIn('8.8.8.0 is excluded', done.stderr)
        self.assertEqual(done.returncode, 0)

    def test_frames_that_name_all_addresses_themselves_are_judged_too(self):
        done = pktc('send', '-i', 'v0', '--rate', 'line', '--exclude', '8.8.8.2', '-e',
                    'eth(dst=02:00:00:00:00:07,src=02:00:00:00:00:08)/ip(src=9.9.9.9,'
                    'dst=[8.8.8.1,8.8.8.2,8.8.8.3])/udp(len=[8,9])')
        sent, _ = self.wire.destinations()
        self.assertEqual(sent, addresses('8.8.8', 1, 3))
        self.assertEqual(self.accounts(done), (4, 0, 2))

    def test_an_excluded_neighbour_is_not_asked_for_its_link_address(self):
        done, sent, asked = self.send('192.0.2.16/30', '--exclude', '192.0.2.16/31')
        self.assertEqual(sent, set())
        self.assertEqual(asked, addresses('192.0.2', 18, 19))
        self.assertEqual(self.accounts(done), (0, 2, 2))

    def test_files_exclude_and_a_scope_leaves_nothing_else(self):
        path = self.list('# others\n8.8.8.1\n\n8.8.8.4/31 # two\n')
        _, sent, _ = self.send('8.8.8.0/29', '--exclude-file', path)
        self.assertEqual(sent, addresses('8.8.8', 0, 2, 3, 6, 7))
        done, sent, _ = self.send('8.8.8.0/29', '--scope', path, '--exclude', '8.8.8.4')
        self.assertEqual(sent, addresses('8.8.8', 1, 5))
        self.assertEqual(self.accounts(done), (2, 0, 6))

    def test_a_bad_line_is_named_and_nothing_is_sent(self):
        path = self.list('8.8.8.1\n8.8.8\n')
        for flag in ('--exclude-file', '--scope'):
            done, sent, _ = self.send('8.8.8.0/29', flag, path)
            self.assertEqual((done.returncode, sent), (2, set()))
            self.assertIn(f'{path}:2: `8.8.8` is no address', done.stderr)

    def test_special_ranges_behind_a_router_want_to_be_named(self):
        done, sent, _ = self.send('[10.1.1.1, 198.51.100.1, 8.8.8.8, 100.64.0.1]')
        self.assertEqual(sent, {'8.8.8.8'})
        self.assertEqual(self.accounts(done), (1, 0, 3))
        self.assertIn('--allow 10.1.1.1', done.stderr)
        done, sent, _ = self.send('[10.1.1.1, 10.2.2.2]', '--allow', '10.1.0.0/16')
        self.assertEqual(sent, {'10.1.1.1'})
        done, sent, _ = self.send('[10.1.1.1, 10.2.2.2]')
        self.assertEqual((done.returncode, sent), (2, set()))

    def test_special_ranges_on_the_link_are_sent_to(self):
        done = pktc('send', '-e', 'eth(dst=02:00:00:00:00:07)/ip(dst=192.0.2.77)/icmp()')
        self.assertEqual(self.accounts(done), (1, 0, 0))
        self.assertEqual(self.wire.destinations()[0], {'192.0.2.77'})

    def test_many_targets_of_others_want_a_yes(self):
        for text, many in (('ip(dst=8.0.0.0/15)/icmp()', True),
                           ('ip(dst=8.0.0.0/16)/icmp()', False),
                           ('ip(dst=8.8.8.8)/icmp(id=0..65535, seq=1..2)', False),
                           ('ip(dst=10.0.0.0/8)/icmp()', False),
                           ('ip(dst=[10.0.0.0/16, 8.0.0.0/15])/icmp(seq=1..4)', True),
                           ('ip(dst=[10.0.0.0/16, 8.0.0.0/16])/icmp(seq=1..4)', False),
                           ('ip(dst=9.0.0.0..11.0.0.0)/icmp()', True),
                           ('ip(dst=random(0.0.0.0/0))/icmp(id=0..65535, seq=1..2)', True),
                           ('[ip(dst=8.0.0.0/16)/icmp(), ip(dst=9.0.0.0/16)/icmp()]', True)):
            done = pktc('send', '--rate', 'line', '--exclude', '0.0.0.0/0', '-e', text)
            self.assertEqual('--yes' in done.stderr, many, text)
            self.assertEqual(done.returncode, 2)
        done = pktc('send', '--yes', '--rate', 'line', '--exclude', '0.0.0.0/0', '-e',
                    'ip(dst=8.0.0.0/15)/icmp()')
        self.assertEqual(self.accounts(done), (0, 0, 131072))
        self.assertEqual(self.wire.destinations()[0], set())

    def test_hup_reads_the_exclusions_again_in_the_run(self):
        path = self.list('8.8.0.0/25\n')
        process = start('send', '--rate', '200pps', '--exclude-file', path, '-e',
                        'send ip(dst=8.8.0.0/22)/icmp(), duration=2s')
        time.sleep(0.6)
        self.list('8.8.0.0/25\n8.8.3.0\nnonsense\n')
        process.send_signal(signal.SIGHUP)
        time.sleep(0.5)
        self.list('8.8.0.0/16\n')
        process.send_signal(signal.SIGHUP)
        _, messages = process.communicate(timeout=20)
        self.assertIn('3: `nonsense` is no address', messages)
        self.assertIn('read again', messages)
        sent, _ = self.wire.destinations()
        self.assertFalse(sent & {f'8.8.0.{n}' for n in range(128)})
        self.assertTrue(100 < len(sent) < 400, len(sent))
        found = re.search(r'= (\d+) sent .* 0 not sent|= (\d+) sent .*\((\d+) excluded', messages)
        self.assertEqual(int(found.group(2)) + int(found.group(3)), 1024, messages)
        self.assertEqual(int(found.group(2)), len(sent))


if __name__ == '__main__':
    wire.main(sys.argv[1:])
