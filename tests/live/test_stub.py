#!/usr/bin/env python3
"""Standalone probes: built without a compiler, static, whole after strip, their parameters flags."""
import os
import shutil
import subprocess
import sys
import tempfile
import unittest

import live
from live import field, Run

PROGRAM = '''param target: set(ip4) = 10.3.0.0/28   "hosts to ping"
param ttl: u8 = 64                       "time to live"
probe ping {
  send    ip(dst=target, ttl=ttl)/icmp(id=0x77)
  timeout 1s
}
'''
TWO = '''param host: ip4   "the one host"
probe ping { send ip(dst=host)/icmp(id=5) }
probe syn  { send ip(dst=host)/tcp(sport=4000, dport=[80, 81], flags=S) }
'''


class Stub(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.ping = cls.make(PROGRAM, 'ping')
        cls.two = cls.make(TWO, 'two')

    @classmethod
    def tearDownClass(cls):
        cls.folder.cleanup()

    @classmethod
    def make(cls, text, name):
        source = os.path.join(cls.folder.name, name + '.pkt')
        program = os.path.join(cls.folder.name, name)
        with open(source, 'w', encoding='utf-8') as out:
            out.write(text)
        done = live.run([os.environ['PKTC'], 'build', source, '-o', program])
        assert done.returncode == 0, done.stderr
        return program

    def lab(self, program, *flags):
        return Run(live.run([program, '--lab', '--as', 'json', *flags]))

    def test_it_runs_with_its_defaults(self):
        done = self.lab(self.ping)
        self.assertEqual(done.code, 0, done.messages)
        self.assertEqual({field(a['sent'], 'ip.dst') for a in done.answers},
                         {'10.3.0.%d' % i for i in range(16)})
        self.assertTrue(done.balance(), done.messages)

    def test_parameters_are_flags_and_the_first_set_needs_none(self):
        done = self.lab(self.ping, '--ttl', '33', '10.4.0.1,10.4.0.9')
        self.assertEqual([field(a['sent'], 'ip.dst') for a in done.answers],
                         ['10.4.0.1', '10.4.0.9'])
        self.assertEqual({field(a['sent'], 'ip.ttl') for a in done.answers}, {33})
        done = self.lab(self.ping, '--target=10.4.0.0/30')
        self.assertEqual(len(done.answers), 4, done.messages)

    def test_wrong_values_are_refused_by_name(self):
        for flags, words in ((['--ttl', '300'], ['--ttl', '300', '8-bit']),
                             (['--target', '10.0.0.0/40'], ['--target', '10.0.0.0/40']),
                             (['--nothing', '1'], ['--nothing']),
                             (['--rate', 'fast'], ['--rate', 'fast', '1kpps'])):
            done = live.run([self.ping, *flags])
            self.assertEqual(done.returncode, 2, done.stderr)
            for word in words:
                self.assertIn(word, done.stderr)

    def test_help_shows_parameters_with_type_and_default(self):
        done = live.run([self.ping, '--help'])
        self.assertEqual(done.returncode, 0)
        for part in ('--target', 'set of IPv4 addresses', 'hosts to ping', '10.3.0.0/28',
                     '8-bit integer', 'time to live', '--rate', '--lab'):
            self.assertIn(part, done.stdout)

    def test_several_probes_are_subcommands(self):
        done = live.run([self.two, '--host', '10.1.1.1'])
        self.assertEqual(done.returncode, 2)
        self.assertIn('ping', done.stderr)
        done = self.lab(self.two, 'syn', '--host', '10.1.1.1')
        self.assertEqual([field(a['sent'], 'tcp.dport') for a in done.answers], [80, 81])
        done = self.lab(self.two, 'ping', '--host', '10.1.1.1')
        self.assertEqual(len(done.answers), 1, done.messages)

    def test_a_needed_parameter_is_asked_for(self):
        done = live.run([self.two, 'ping', '--lab'])
        self.assertEqual(done.returncode, 2)
        self.assertIn('--host', done.stderr)
        self.assertIn('IPv4 address', done.stderr)

    def test_it_tells_what_it_is(self):
        self.assertIn('probe ping', live.run([self.ping, '--info']).stdout)
        self.assertIn('is sound', live.run([self.ping, '--verify']).stdout)
        self.assertEqual(live.run([self.ping, '--version']).returncode, 0)

    def test_it_carries_its_source(self):
        self.assertEqual(live.run([self.ping, '--source']).stdout.strip(), PROGRAM.strip())

    @unittest.skipUnless(shutil.which('readelf'), 'no readelf')
    def test_it_is_static_with_the_image_in_a_loaded_section(self):
        sections = live.run(['readelf', '-lSW', self.ping]).stdout
        self.assertNotIn('INTERP', sections)
        self.assertNotIn('DYNAMIC', sections)
        line = next(line for line in sections.splitlines() if '.pktc_image' in line)
        self.assertIn(' A ', line)

    @unittest.skipUnless(shutil.which('strip'), 'no strip')
    def test_it_works_after_strip(self):
        stripped = os.path.join(self.folder.name, 'stripped')
        shutil.copy(self.ping, stripped)
        subprocess.run(['strip', stripped], check=True)
        self.assertEqual(live.run([stripped, '--info']).stdout,
                         live.run([self.ping, '--info']).stdout)
        self.assertEqual(len(self.lab(stripped, '10.4.0.0/30').answers), 4)

    def test_a_flipped_or_cut_image_is_refused_and_nothing_sent(self):
        with open(self.ping, 'rb') as program:
            data = bytearray(program.read())
        broken = os.path.join(self.folder.name, 'broken')
        for at in (len(data) - 3, len(data) - len(data) // 8):
            flipped = bytearray(data)
            flipped[at] ^= 0x40
            with open(broken, 'wb') as out:
                out.write(flipped)
            os.chmod(broken, 0o755)
            done = live.run([broken, '--lab'])
            self.assertNotEqual(done.returncode, 0)
            self.assertNotIn('asked', done.stderr)

    def test_the_bare_stub_says_that_it_has_no_image(self):
        done = live.run([os.environ['STUB']])
        self.assertEqual(done.returncode, 2)
        self.assertIn('without an image', done.stderr)


if __name__ == '__main__':
    os.environ['STUB'] = sys.argv.pop(2)
    live.main(sys.argv[1:])
