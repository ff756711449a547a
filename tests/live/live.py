"""What the live tests share: running programs in the lab and reading their exchanges.

The lab is a pair of network namespaces that pktc makes for itself; no network is touched and no
privilege is needed beyond user namespaces. Where the machine forbids those the tests are skipped
(exit status 77), and say so.
"""
import json
import os
import re
import subprocess
import sys
import unittest

SKIPPED = 77


def lab_works(pktc):
    done = run([pktc, 'run', '--lab', '-'], 'ip(dst=10.0.0.1)/icmp()\n')
    if done.returncode == 3 and re.search('namespace|not permitted', done.stderr):
        print('no lab on this machine:', done.stderr.strip(), file=sys.stderr)
        return False
    return True


def run(command, text=None, timeout=120):
    return subprocess.run(command, input=text, capture_output=True, text=True, timeout=timeout,
                          check=False)


def layers(packet, name):
    return [layer for layer in packet['layers'] if layer['name' if 'name' in layer else 'layer']
            == name]


def field(packet, path, which=0):
    """The value of `ip.src`; of the second ip layer with which=1. None where there is none."""
    layer, name = path.split('.')
    found = layers(packet, layer)
    if len(found) <= which:
        return None
    for item in found[which]['fields']:
        if item.get('name') == name:
            return item.get('value', item.get('hex'))
    return None


class Run:
    """A finished run: its exchanges by kind, and the numbers of its summary."""

    def __init__(self, done):
        self.code = done.returncode
        self.messages = done.stderr
        self.all = [json.loads(line) for line in done.stdout.splitlines()]
        self.answers = [e for e in self.all if e['kind'] in ('answer', 'error report')]

    def count(self, name):
        """The number before or behind a word of the summary: `asked`, `sent`, `answered`.."""
        for pattern in (r'%s (\d+)' % name, r'(\d+) %s' % name):
            found = re.search(pattern, self.messages)
            if found:
                return int(found.group(1))
        raise AssertionError('no %s in %r' % (name, self.messages))

    def balance(self):
        """Every number is accounted for (BEHAVIOUR)."""
        asked = re.search(r'asked (\d+) = (\d+) sent \+ (\d+) failed \+ (\d+) not sent',
                          self.messages)
        sent = re.search(r'sent (\d+) = (\d+) answered \+ (\d+) unanswered', self.messages)
        got = re.search(r'received (\d+) = (\d+) answers \+ (\d+) duplicates \+ (\d+) late \+ '
                        r'(\d+) unmatched \+ (\d+) other', self.messages)
        sums = [[int(n) for n in m.groups()] for m in (asked, sent, got)]
        return all(line[0] == sum(line[1:]) for line in sums) and sums[0][1] == sums[1][0]


def main(arguments):
    """Runs the calling module's tests when the lab works. The first argument is pktc."""
    if not lab_works(arguments[0]):
        sys.exit(SKIPPED)
    os.environ['PKTC'] = arguments[0]
    unittest.main(module='__main__', argv=[sys.argv[0], *arguments[1:]], verbosity=2)


def probe(text, *flags, form='json'):
    return Run(run([os.environ['PKTC'], 'run', '--lab', '--as', form, *flags, '-'], text))
