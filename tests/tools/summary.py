#!/usr/bin/env python3
"""Counts what the tests said and ends with one line: `N passed, N failed[, N skipped]`.

The argument is a file of steps, one a line: `passed WHAT`, `failed WHAT`, `skipped WHAT`, or
`log FOLDER`, a meson build folder whose meson-logs/testlog.json is counted. A test that speaks TAP
counts each of its points; any other counts as one. Whatever failed is named above the last line.
Exit code: 0 when nothing failed and something passed, 1 otherwise.
"""
import json
import pathlib
import re
import sys

GOOD = {"OK", "EXPECTEDFAIL"}
TAP_PLAN = re.compile(r"^1\.\.(\d+)", re.MULTILINE)
TAP_POINT = re.compile(r"^(not )?ok\b[ \d]*(?:- )?([^#\n]*)(#\s*(?:SKIP|TO-?DO)\b.*)?$",
                       re.MULTILINE | re.IGNORECASE)


class Tally:
    def __init__(self):
        self.passed = 0
        self.failures = []
        self.skips = []

    def line(self):
        text = f"{self.passed} passed, {len(self.failures)} failed"
        return text + (f", {len(self.skips)} skipped" if self.skips else "")


def count_tap(tally, name, text, result):
    """Each point for itself; a test that broke off has one failure more than its points tell."""
    failures = 0
    for bad, what, directive in TAP_POINT.findall(text):
        label = f"{name}: {what.strip()}"
        if directive:
            tally.skips.append(label)
        elif bad:
            failures += 1
            tally.failures.append(label)
        else:
            tally.passed += 1
    if result not in GOOD and result != "SKIP" and not failures:
        tally.failures.append(f"{name}: {result.lower()}")


def count_test(tally, test):
    result, name, text = test["result"], test["name"], test.get("stdout") or ""
    if TAP_PLAN.search(text) and TAP_POINT.search(text):
        count_tap(tally, name, text, result)
    elif result in GOOD:
        tally.passed += 1
    elif result == "SKIP":
        tally.skips.append(name)
    else:
        tally.failures.append(f"{name}: {result.lower()}")


def count_log(tally, folder):
    log = pathlib.Path(folder, "meson-logs", "testlog.json")
    where = pathlib.Path(folder).name
    try:
        lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        tally.failures.append(f"the tests of {where} left no log")
        return
    for line in lines:
        test = json.loads(line)
        test["name"] = f"{where}: {test['name']}"
        count_test(tally, test)


def count_steps(steps):
    tally = Tally()
    for line in pathlib.Path(steps).read_text(encoding="utf-8").splitlines():
        word, _, rest = line.partition(" ")
        if word == "passed":
            tally.passed += 1
        elif word == "failed":
            tally.failures.append(rest)
        elif word == "skipped":
            tally.skips.append(rest)
        else:
            count_log(tally, rest)
    return tally


def main():
    tally = count_steps(sys.argv[1])
    for skip in tally.skips:
        print(f"skipped: {skip}")
    for failure in tally.failures:
        print(f"failed: {failure}")
    print(tally.line())
    return 0 if tally.passed and not tally.failures else 1


if __name__ == "__main__":
    sys.exit(main())
