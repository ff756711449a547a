#!/usr/bin/env python3
"""Writes a stub as C text: embed_stub.py STUB OUTPUT.c"""
import sys


def main():
    with open(sys.argv[1], 'rb') as stub:
        data = stub.read()
    with open(sys.argv[2], 'w', encoding='ascii') as out:
        out.write('#include "probe_stub.h"\n\n')
        out.write('_Alignas(8) const uint8_t pk_probe_stub[] = {\n')
        for at in range(0, len(data), 16):
            out.write(','.join('%d' % byte for byte in data[at:at + 16]) + ',\n')
        out.write('};\nconst size_t pk_probe_stub_size = sizeof pk_probe_stub;\n')


if __name__ == '__main__':
    main()
