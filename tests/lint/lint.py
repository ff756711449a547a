#!/usr/bin/env python3
"""usage: lint.py RULE ROOT [BUILD]: holds one rule over the tree and prints what breaks it.

Exit code 0 when nothing does, 1 when something does, 77 when the rule has no tool here.
"""
import sys

import calls
import folders
import layout
import protocols
import rooms
import size
import symbols
import words

RULES = {
    "calls": calls.check,
    "folders": folders.check,
    "protocols": protocols.check,
    "rooms": rooms.check,
    "size": size.check,
    "words": words.check,
    "symbols": symbols.check,
    "layout": layout.check,
}


def main(arguments):
    if len(arguments) not in (2, 3) or arguments[0] not in RULES:
        print(__doc__, file=sys.stderr)
        return 2
    rule, root = arguments[0], arguments[1]
    if rule == "layout" and not layout.formatter():
        print(f"there is no clang-format {layout.VERSION} here")
        return 77
    findings = list(RULES[rule](root, arguments[2] if len(arguments) == 3 else None))
    for finding in findings:
        print(finding)
    if rule == "size":
        print(size.report(root))
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
