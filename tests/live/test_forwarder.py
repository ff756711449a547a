#!/usr/bin/env python3
"""Counters under faults: a forwarder between two namespaces loses, repeats, delays and damages frames
and keeps a log; the summary's numbers are the log's. Needs PKTC_SHARED with oracle/fwd.py; skipped
without it."""
import json
import os
import re
import shutil
import subprocess
import sys
import time
import unittest

import live

INSIDE = 'PKTC_FORWARDER_INSIDE'
SKIPPED = live.SKIPPED
COUNT = 300


def run(command, **more):
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=True, **more)


class Namespace:
    """A network namespace, held open by a process that sleeps in it."""

    def __init__(self):
        self.holder = subprocess.Popen(['unshare', '-n', 'sleep', '600'])
        time.sleep(0.2)
        self.inside = ['nsenter', '-t', str(self.holder.pid), '-n']

    def sh(self, script):
        run([*self.inside, 'sh', '-ec', script])

    def close(self):
        self.holder.kill()
        self.holder.wait()


def end(namespace, name, mac, address, other, other_mac):
    """Moves veth `name` into its namespace, with static neighbours: nobody asks for anybody."""
    run(['ip', 'link', 'set', 'dev', name, 'netns', str(namespace.holder.pid)])
    namespace.sh(f'''sysctl -qw net.ipv6.conf.all.disable_ipv6=1 2>/dev/null || true
        ip link set lo up; ip link set dev {name} address {mac}; ip link set dev {name} up
        ip addr add {address}/24 dev {name}; ip neigh replace {other} lladdr {other_mac} dev {name}''')


class Forwarder(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        run(['sh', '-ec', 'sysctl -qw net.ipv6.conf.all.disable_ipv6=1 2>/dev/null || true; '
             'ip link set lo up; for n in a b; do ip link add v$n type veth peer name m$n; '
             'ip link set dev m$n up; done'])
        cls.a, cls.b = Namespace(), Namespace()
        end(cls.a, 'va', '02:00:00:00:00:0a', '10.9.0.1', '10.9.0.2', '02:00:00:00:00:0b')
        end(cls.b, 'vb', '02:00:00:00:00:0b', '10.9.0.2', '10.9.0.1', '02:00:00:00:00:0a')

    @classmethod
    def tearDownClass(cls):
        cls.a.close()
        cls.b.close()

    def probe(self, clauses, *faults):
        """The counters of the run, and the forwarder's."""
        script = os.path.join(os.environ['PKTC_SHARED'], 'oracle', 'fwd.py')
        forwarder = subprocess.Popen([sys.executable, script, 'ma', 'mb', *faults],
                                     stdout=subprocess.PIPE, text=True)
        self.assertEqual(forwarder.stdout.readline(), 'ready\n')
        text = 'probe p { send ip(dst=10.9.0.2)/icmp(id=1..%d)/"PKTC" ; %s }\n' % (COUNT, clauses)
        done = subprocess.run([*self.a.inside, os.environ['PKTC'], 'run', '-i', 'va', '-'],
                              input=text, capture_output=True, text=True, timeout=120, check=False)
        time.sleep(0.2)
        forwarder.terminate()
        log = json.loads(forwarder.stdout.read())
        forwarder.stdout.close()
        forwarder.wait()
        found = re.search(r'received (\d+) = (\d+) answers \+ (\d+) duplicates \+ (\d+) late \+ '
                          r'(\d+) unmatched \+ (?:(\d+) heard \+ )?(\d+) other', done.stderr)
        self.assertIsNotNone(found, done.stderr)
        names = ('received', 'answers', 'duplicates', 'late', 'unmatched', 'heard', 'other')
        counts = dict(zip(names, (int(n or 0) for n in found.groups())))
        counts['answered'] = int(re.search(r'sent \d+ = (\d+) answered', done.stderr)[1])
        self.assertEqual(log['fwd']['kdrop'] + log['rev']['kdrop'], 0, log)
        self.assertEqual(counts['received'], sum(counts[n] for n in names[1:]), done.stderr)
        return counts, log['fwd'], log['rev']

    def test_what_is_lost_is_unanswered(self):
        counts, there, back = self.probe('rate 2kpps ; timeout 500ms', '--loss', '0.1')
        self.assertGreater(there['loss'] + back['loss'], 10)
        self.assertEqual(counts['answered'], COUNT - there['loss'] - back['loss'])
        self.assertEqual(counts['answers'], counts['answered'])
        self.assertEqual(counts['received'], back['tx'])

    def test_what_comes_twice_is_a_duplicate(self):
        # The time after the last answer is for the last copies.
        counts, there, back = self.probe('rate 2kpps ; timeout 500ms ; listen arp()', '--dup', '0.1')
        self.assertGreater(there['dup'] + back['dup'], 10)
        self.assertEqual(back['rx'], COUNT + there['dup'])
        self.assertEqual(counts['answered'], COUNT)
        self.assertEqual(counts['duplicates'], back['tx'] - COUNT)

    def test_what_is_only_delayed_is_an_answer(self):
        counts, there, back = self.probe('rate 200pps ; timeout 1s ; listen arp()',
                                         '--late', '0.1', '--delay', '0.3')
        self.assertGreater(there['late'] + back['late'], 10)
        self.assertEqual((counts['answers'], counts['late']), (COUNT, 0))
        self.assertEqual(counts['received'], back['tx'])

    def test_a_try_too_late_and_its_repetition_are_both_told(self):
        counts, there, back = self.probe('rate 500pps ; timeout 100ms ; retry 1 ; listen arp()',
                                         '--loss', '0.1', '--dup', '0.1', '--reorder', '0.1')
        self.assertEqual(counts['answers'] + counts['duplicates'] + counts['late'], back['tx'])
        self.assertEqual(counts['unmatched'], 0)
        self.assertEqual(counts['answers'], counts['answered'])

    def test_what_is_damaged_is_counted_once(self):
        counts, there, back = self.probe('rate 2kpps ; timeout 500ms ; listen arp()',
                                         '--corrupt', '0.2')
        self.assertGreater(there['corrupt'] + back['corrupt'], 20)
        self.assertEqual(counts['received'], back['tx'])
        self.assertLessEqual(counts['answers'], back['rx'])
        self.assertGreaterEqual(counts['answers'], COUNT - there['corrupt'] - back['corrupt'])


def main():
    shared = os.environ.get('PKTC_SHARED')
    if not shared or not os.path.exists(os.path.join(shared, 'oracle', 'fwd.py')):
        print('PKTC_SHARED is not set: no forwarder')
        return SKIPPED
    if not shutil.which('ip') or not shutil.which('nsenter') or \
            os.geteuid() or live.run(['unshare', '-n', 'true']).returncode:
        print('no ip, no nsenter, or no right to large buffers and network namespaces')
        return SKIPPED
    if not os.environ.get(INSIDE):
        os.environ[INSIDE] = '1'
        os.execvp('unshare', ['unshare', '-n', sys.executable, *sys.argv])
    os.environ['PKTC'] = sys.argv[1]
    unittest.main(module='__main__', argv=sys.argv[:1], verbosity=2)
    return 0


if __name__ == '__main__':
    sys.exit(main())
