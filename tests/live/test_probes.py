#!/usr/bin/env python3
"""Probes against a kernel: what is asked is sent, what is answered is matched to its stimulus."""
import os
import sys
import unittest

import live
from live import field, probe


class Probes(unittest.TestCase):
    def test_a_ping_sweep_of_256_is_answered_256_times(self):
        done = probe('ip(dst=10.1.2.0/24)/icmp(id=7, seq=1)\n')
        self.assertEqual(done.code, 0, done.messages)
        self.assertEqual(len(done.answers), 256)
        for answer in done.answers:
            self.assertEqual(field(answer['reply'], 'ip.src'), field(answer['sent'], 'ip.dst'))
            self.assertEqual(field(answer['reply'], 'icmp.type'), 0)
            self.assertEqual(field(answer['sent'], 'ip.dst'), '10.1.2.%s' % answer['n'])
        self.assertEqual(len({answer['n'] for answer in done.answers}), 256)
        self.assertTrue(done.balance(), done.messages)

    def test_a_ping_sweep_of_ipv6_is_refused_or_answered_but_never_silent(self):
        done = probe('ipv6(dst=2001:db8::/124)/udp(sport=4000, dport=9)\n', '--timeout', '300ms')
        self.assertEqual(done.count('asked'), 16)
        self.assertTrue(done.balance(), done.messages)

    def test_syn_to_1000_ports_tells_the_3_that_listen(self):
        done = probe('ip(dst=10.7.7.7)/tcp(sport=4000, dport=1..1000, flags=S, seq=77)\n',
                     '--listen', '22,80,443')
        self.assertEqual(done.code, 0, done.messages)
        self.assertEqual(len(done.answers), 1000)
        flags = {}
        for answer in done.answers:
            port = field(answer['sent'], 'tcp.dport')
            self.assertEqual(field(answer['reply'], 'tcp.sport'), port)
            self.assertEqual(field(answer['reply'], 'tcp.ack'), 78)
            flags.setdefault(field(answer['reply'], 'tcp.flags'), []).append(port)
        self.assertEqual(sorted(flags), [0x12, 0x14])  # SA, RA
        self.assertEqual(sorted(flags[0x12]), [22, 80, 443])
        self.assertTrue(done.balance(), done.messages)

    def test_each_error_report_of_a_closed_udp_port_finds_its_stimulus(self):
        done = probe('ip(dst=10.9.9.0/30)/udp(sport=5000, dport=20000..20099)/"pktc"\n')
        self.assertEqual(done.code, 0, done.messages)
        self.assertEqual(len(done.answers), 400)
        for answer in done.answers:
            self.assertEqual(answer['kind'], 'error report')
            self.assertIs(answer['quoted'], True)
            self.assertEqual(field(answer['reply'], 'icmp.type'), 3)
            self.assertEqual(field(answer['reply'], 'icmp.code'), 3)
            self.assertEqual(field(answer['reply'], 'udp.dport'), field(answer['sent'], 'udp.dport'))
            self.assertEqual(field(answer['reply'], 'ip.dst', 1), field(answer['sent'], 'ip.dst'))
        self.assertTrue(done.balance(), done.messages)

    def test_a_ttl_ladder_names_each_router_and_then_the_target(self):
        done = probe('let t = 1..6\n'
                     'send ip(dst=10.5.5.5, ttl=t, id=t)/udp(sport=33000, dport=33434)\n',
                     '--hops', '4')
        self.assertEqual(done.code, 0, done.messages)
        hops = {field(a['sent'], 'ip.ttl'): (field(a['reply'], 'ip.src'),
                                             field(a['reply'], 'icmp.type')) for a in done.answers}
        for ttl in range(1, 5):
            self.assertEqual(hops[ttl], ('198.18.%d.2' % (ttl - 1), 11))
        for ttl in (5, 6):
            self.assertEqual(hops[ttl], ('10.5.5.5', 3))

    def test_arp_is_answered_on_the_link(self):
        done = probe('eth(dst=ff:ff:ff:ff:ff:ff)/arp(pdst=10.1.2.0/29)\n')
        self.assertEqual(len(done.answers), 8, done.messages)
        for answer in done.answers:
            self.assertEqual(field(answer['reply'], 'arp.psrc'), field(answer['sent'], 'arp.pdst'))

    def test_a_link_layer_is_put_before_arp(self):
        done = probe('arp(pdst=10.1.2.3)\n')
        self.assertEqual(len(done.answers), 1, done.messages)
        self.assertEqual(done.answers[0]['sent']['layers'][0]['layer'], 'eth')

    def test_the_unanswered_are_listed_and_tried_again(self):
        done = probe('ip(dst=10.1.1.1, proto=[1, 253])/icmp(id=9)\n', '--timeout', '200ms',
                     '--retry', '2', '--unanswered')
        silent = [e for e in done.all if e['kind'] == 'no answer']
        self.assertEqual(len(silent) + len(done.answers), 2, done.messages)
        self.assertTrue(done.balance(), done.messages)

    def test_equal_stimuli_are_answered_one_by_one(self):
        done = probe('send ip(dst=10.1.1.1)/icmp(id=1, seq=1), count=50\n')
        self.assertEqual(sorted(int(a['n']) for a in done.answers), list(range(50)), done.messages)

    def test_random_order_sends_every_packet_once(self):
        done = probe('send ip(dst=10.3.0.0/25)/icmp(), order=random, seed=5\n')
        self.assertEqual(sorted(int(a['n']) for a in done.answers), list(range(128)), done.messages)

    def test_the_default_view_is_a_line_an_exchange(self):
        done = live.run([os.environ['PKTC'], 'run', '--lab', '-'], 'ip(dst=10.1.2.0/28)/icmp()\n')
        lines = done.stdout.splitlines()
        self.assertEqual(len(lines), 16, done.stderr)
        for line in lines:
            self.assertRegex(line, r'^\d+  [\d.]+ (us|ms)  ip .*> 10\.1\.2\.\d+.*=>  ip 10\.1\.2\.')

    def test_a_run_ends_soon_after_the_last_answer(self):
        import time
        begin = time.monotonic()
        done = probe('send ip(dst=10.1.2.3)/icmp(), timeout=20s\n')
        self.assertEqual(len(done.answers), 1, done.messages)
        self.assertLess(time.monotonic() - begin, 5)

    def test_no_answer_is_exit_code_1_after_the_time_out(self):
        done = probe('send ip(dst=10.1.2.3, proto=17, len=20)/udp(dport=9, chksum=1), timeout=200ms\n')
        self.assertEqual(done.code, 1, done.messages)
        self.assertEqual(done.count('unanswered'), 1)


if __name__ == '__main__':
    live.main(sys.argv[1:])
