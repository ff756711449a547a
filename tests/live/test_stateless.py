#!/usr/bin/env python3
"""Stateless runs in the lab: all answered, none kept."""
import os
import pathlib
import subprocess
import unittest

import live


def measured(targets, *flags):
    """A run of TCP SYNs to three ports of each target, and the most memory it had, in kB."""
    text = 'send ip(dst=%s)/tcp(dport=[80, 443, 8080]), stateless, timeout=1s\n' % targets
    process = subprocess.Popen([os.environ['PKTC'], 'run', '--lab', '--listen', '443', *flags, '-'],
                               stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE, text=True)
    process.stdin.write(text)
    process.stdin.close()
    lines = sum(1 for line in process.stdout)
    messages = process.stderr.read()
    process.stdout.close()
    process.stderr.close()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    return lines, messages, usage.ru_maxrss


def sanitized():
    return b'__asan_init' in pathlib.Path(os.environ['PKTC']).read_bytes()


class Stateless(unittest.TestCase):
    def test_all_are_answered_in_the_same_memory_for_ten_times_the_set(self):
        few_lines, few, few_memory = measured('10.1.0.0/23', '--rate', '20kpps')
        many_lines, many, many_memory = measured('10.1.0.0..10.1.19.255', '--rate', '20kpps')
        self.assertIn('sent 1536 = 1536 answered + 0 unanswered', few)
        self.assertIn('sent 15360 = 15360 answered + 0 unanswered', many)
        self.assertEqual((few_lines, many_lines), (1536, 15360))
        if not sanitized():  # a sanitizer keeps what was freed
            self.assertLess(many_memory - few_memory, 2048)

    def test_routers_on_the_way_quote_enough_of_the_cookie(self):
        done = live.probe('send ip(dst=10.1.0.0/28, ttl=1..3)/tcp(dport=80), stateless, '
                          'timeout=500ms\n', '--hops', '2')
        self.assertEqual(done.count('answered'), 48, done.messages)
        self.assertEqual(sum(e['quoted'] for e in done.answers), 32)
        for exchange in done.answers:
            self.assertGreater(exchange['rtt'], 0)

    def test_udp_is_told_by_the_asking_port(self):
        done = live.probe('send ip(dst=10.1.0.0/24)/udp(dport=9), stateless, order=random, '
                          'timeout=500ms\n')
        self.assertEqual(done.count('answered'), 256, done.messages)

    def test_a_run_without_times_says_that_it_has_none(self):
        done = live.probe('probe p { send ip(dst=10.1.0.1)/icmp() ; stateless, rtt=no ; '
                          'timeout 300ms }\n')
        self.assertEqual([e['rtt'] for e in done.answers], [None])


if __name__ == '__main__':
    import sys
    live.main(sys.argv[1:])
