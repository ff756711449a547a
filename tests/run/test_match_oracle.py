#!/usr/bin/env python3
"""The matcher against Scapy's judgement of pairs of packets, where the pairs are at hand.

Usage: test_match_oracle.py MATCH_CASES. PKTC_SHARED names the folder with oracle/match.jsonl;
without it the test is skipped (exit status 77).

Scapy asks whether addresses agree (match) or leaves them out of it (match_nocheckIPaddr); a case
is agreed on when ours is the strict judgement. Where we mean to differ, the case is listed with why.
"""
import json
import os
import subprocess
import sys

DIFFER = {
    'tcp-syn/rst-noack': 'a reset without ACK must repeat what the stimulus acknowledged (RFC 9293)',
    'tcp-syn/ack+2': 'Scapy lets an acknowledgement be off by two',
    'tcp-data/bad-seq': 'an acknowledgement of our bytes is an answer, wherever the peer stands',
    'tcp-syn/icmp-timex-24(short quote)': 'four bytes of TCP hold both ports',
    'tcp-syn/icmp-to-other-host': 'whoever the report is sent to, it quotes our packet',
    'udp/reply-empty': 'an empty datagram to the asking port is an answer',
    'udp/reply-other-sport': 'an answer comes from the port that was asked',
    'echo6/reply-other-data': 'as for ICMP, where Scapy accepts it: id and seq say which',
    'dhcp/offer-broadcast (needs checkIPaddr=False)':
        'who has no address yet is answered at any (RFC 2131 section 4.1)',
    'tcp6-hbh-syn/synack': 'extension headers need not come back',
}


def judged(program, cases):
    lines = ''.join('%s %s %s %s\n' % (c['sent_first'], c['sent'], c['recv_first'], c['recv'])
                    for c in cases)
    done = subprocess.run([program], input=lines, capture_output=True, text=True, check=True)
    return [line.split()[0] in ('answer', 'quote') for line in done.stdout.splitlines()]


def main():
    shared = os.environ.get('PKTC_SHARED')
    path = os.path.join(shared, 'oracle', 'match.jsonl') if shared else None
    if not path or not os.path.exists(path):
        print('PKTC_SHARED is not set: no pairs to judge')
        return 77
    with open(path, encoding='utf-8') as pairs:
        cases = [json.loads(line) for line in pairs]
    ours = judged(sys.argv[1], cases)
    assert len(ours) == len(cases), (len(ours), len(cases))
    wrong = agreed = 0
    for case, got in zip(cases, ours):
        differs = got != case['match']
        listed = case['case'] in DIFFER
        agreed += not differs
        if differs and not listed:
            wrong += 1
            print('%s: Scapy says %s, we %s' % (case['case'], case['match'], got))
        if not differs and case['case'] in DIFFER:
            wrong += 1
            print('%s: listed as different, and agreed on' % case['case'])
    print('%d of %d agreed on, %d differ as listed, %d wrong'
          % (agreed, len(cases), len(cases) - agreed - wrong, wrong))
    return 1 if wrong else 0


if __name__ == '__main__':
    sys.exit(main())
