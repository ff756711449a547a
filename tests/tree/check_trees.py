#!/usr/bin/env python3
"""check_trees.py EMIT_TREES [COUNT [SEED]]

Holds the JSON of random trees against the schema in runtime/tree/writers.h: valid, known keys only,
none twice, every bit of the packet in exactly one leaf, the bits of integers equal to their values;
spans tile the packet too; the forms for people hold no control character.
"""
import json, re, subprocess, sys, unicodedata

PACKET = {'v', 'n', 'time', 'len', 'cap', 'hex', 'layers', 'fields'}
LAYER = {'layer', 'off', 'len', 'fields', 'on', 'bit'}
STRUCT = {'name', 'layer', 'off', 'len', 'bit', 'fields', 'text', 'explicit'}
LIST = {'name', 'at', 'bits', 'list', 'explicit'}
LEAF = {'name', 'at', 'bits', 'runs', 'value', 'hex', 'bits01', 'text', 'explicit', 'raw', 'stopped'}


BIDI = '\u061c\u200e\u200f' + ''.join(map(chr, [*range(0x202a, 0x202f), *range(0x2066, 0x206a)]))


def safe(text):
    return not any(c in BIDI or unicodedata.category(c) in ('Cc', 'Zl', 'Zp') for c in text)


def once(pairs):
    keys = [k for k, _ in pairs]
    assert len(keys) == len(set(keys)), f'repeated key in {keys}'
    return dict(pairs)


def load(line):
    return json.loads(line, object_pairs_hook=once, parse_constant=lambda c: 1 / 0)


class Packet:
    def __init__(self, p):
        assert set(p) <= PACKET, set(p) - PACKET
        assert p['v'] == 1 and isinstance(p['n'], int) and p['len'] >= p['cap']
        self.bytes = bytes.fromhex(p['hex'])
        assert len(self.bytes) == p['cap']
        if 'time' in p:
            assert re.fullmatch(r'-?\d+\.\d{9}', p['time'])
        self.bits = ''.join(f'{b:08b}' for b in self.bytes)
        self.seen = [0] * len(self.bits)
        for i, layer in enumerate(p['layers']):
            assert set(layer) <= LAYER, set(layer) - LAYER
            assert layer.get('on', 0) < max(i, 1)
            self.items(layer['fields'], self.start(layer), True)
        assert p.get('fields') != []
        self.items(p.get('fields', []), 0, True)
        assert all(n == 1 for n in self.seen), f'bits not in one leaf in packet {p["n"]}'

    def start(self, instance):
        lo, n = instance.get('bit', [instance['off'] * 8, instance['len'] * 8])
        assert instance['off'] == lo // 8
        assert instance['len'] == (lo + n + 7) // 8 - lo // 8
        return lo

    def items(self, items, base, named):
        for item in items:
            if 'layer' in item:
                assert set(item) <= STRUCT, set(item) - STRUCT
                assert named or 'name' not in item
                self.items(item['fields'], self.start(item), True)
            elif 'list' in item:
                assert set(item) <= LIST and 'name' in item, item
                self.items(item['list'], base, False)
            else:
                self.leaf(item, base, named)

    def leaf(self, leaf, base, named):
        assert set(leaf) <= LEAF, set(leaf) - LEAF
        assert named == ('name' in leaf)
        assert sum(k in leaf for k in ('value', 'hex', 'bits01')) == 1, leaf
        runs = leaf.get('runs', [[leaf['at'], leaf['bits']]])
        assert sum(n for _, n in runs) == leaf['bits']
        found = ''
        for at, n in runs:
            for i in range(base + at, base + at + n):
                self.seen[i] += 1
            found += self.bits[base + at:base + at + n]
        if 'hex' in leaf:
            assert leaf['bits'] == 4 * len(leaf['hex'])
            assert ''.join(f'{int(c, 16):04b}' for c in leaf['hex']) == found
        elif 'bits01' in leaf:
            assert leaf['bits01'] == found
        elif isinstance(leaf['value'], int) and len(runs) == 1:
            assert leaf['value'] % (1 << leaf['bits']) == int(found, 2)
            assert leaf['bits'] <= 53


def spans(s, length):
    seen = [0] * (8 * length)
    whole = None  # the field before: a set of flags is followed by its bits
    assert set(s) == {'n', 'malformed', 'layers', 'fields'}
    for f in s['fields']:
        assert set(f) <= {'l', 'name', 'bits', 'int', 'hex', 'bits01', 'val', 'blob'}, f
        assert 'l' not in f or 0 <= f['l'] < len(s['layers'])
        if f['name'] == 'name':  # a struct with a text: its leaves are there as well
            continue
        covered = {i for at, n in f['bits'] for i in range(at, at + n)}
        if whole and f['name'].startswith(whole[0] + '.') and len(covered) == 1 and covered < whole[1]:
            continue
        whole = (f['name'], covered)
        for i in covered:
            seen[i] += 1
    assert all(n == 1 for n in seen)


def main():
    count, seed = (sys.argv[2:] + ['300', '1'])[:2] if len(sys.argv) < 4 else sys.argv[2:4]
    run = subprocess.run([sys.argv[1], count, seed], capture_output=True, check=True)
    lines = run.stdout.decode('utf-8').split('\n')[:-1]
    assert len(lines) == 3 * int(count), len(lines)
    for i in range(0, len(lines), 3):
        for line in lines[i:i + 3]:
            assert safe(line), ascii(line)
        packet = Packet(load(lines[i]))
        spans(load(lines[i + 1]), len(packet.bytes))
        outline, verbose, line, source, dump = json.loads(lines[i + 2])
        for text in outline, verbose, dump:
            assert all(safe(row) for row in text.split('\n')), ascii(text)
            assert text == '' or text.endswith('\n')
        assert safe(line) and safe(source), ascii(line + source)
        assert '(' in source or source.startswith('send '), source
        assert len(dump.split('\n')) - 1 == (len(packet.bytes) + 15) // 16
    print(f'{count} trees, seed {seed}: in order')


main()
