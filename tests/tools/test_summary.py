#!/usr/bin/env python3
"""The last line of a test run tells the truth: what is counted, and when the code is not 0."""
import json
import pathlib
import subprocess
import sys
import tempfile
import unittest

SUMMARY = pathlib.Path(__file__).with_name("summary.py")


def summarize(steps, tests=None):
    """The printed lines and the exit code for these steps and these records of a meson log."""
    with tempfile.TemporaryDirectory() as folder:
        base = pathlib.Path(folder)
        if tests is not None:
            (base / "build x" / "meson-logs").mkdir(parents=True)
            text = "".join(json.dumps(test) + "\n" for test in tests)
            (base / "build x" / "meson-logs" / "testlog.json").write_text(text)
        (base / "steps").write_text(steps.replace("FOLDER", str(base / "build x")))
        done = subprocess.run([sys.executable, SUMMARY, base / "steps"], text=True,
                              capture_output=True, check=False)
        return done.stdout.splitlines(), done.returncode


class Summary(unittest.TestCase):
    def test_steps_and_plain_tests_count_one_each(self):
        lines, code = summarize("passed a\nskipped b\nlog FOLDER\n",
                                [{"name": "x", "result": "OK", "stdout": "hello"},
                                 {"name": "y", "result": "SKIP"}])
        self.assertEqual(lines[-1], "2 passed, 0 failed, 2 skipped")
        self.assertEqual(code, 0)

    def test_a_failed_test_is_named_and_fails_the_run(self):
        for result in ("FAIL", "TIMEOUT", "ERROR", "UNEXPECTEDPASS", "INTERRUPT"):
            lines, code = summarize("passed a\nlog FOLDER\n", [{"name": "x", "result": result}])
            self.assertEqual(lines, [f"failed: build x: x: {result.lower()}", "1 passed, 1 failed"])
            self.assertEqual(code, 1)

    def test_each_tap_point_counts(self):
        text = "1..4\nok 1 - a\nnot ok 2 - b\nok 3 - c # SKIP no reason\nok 4\n"
        lines, code = summarize("log FOLDER\n", [{"name": "t", "result": "FAIL", "stdout": text}])
        self.assertEqual(lines, ["skipped: build x: t: c", "failed: build x: t: b",
                                 "2 passed, 1 failed, 1 skipped"])
        self.assertEqual(code, 1)

    def test_a_tap_test_that_breaks_off_is_a_failure(self):
        lines, code = summarize("log FOLDER\n", [
            {"name": "t", "result": "ERROR", "stdout": "1..2\nok 1 - a\n"}])
        self.assertEqual(lines[-1], "1 passed, 1 failed")
        self.assertEqual(code, 1)

    def test_a_log_that_is_absent_is_a_failure(self):
        lines, code = summarize("passed a\nlog /nonexistent/build\n")
        self.assertEqual(lines[-1], "1 passed, 1 failed")
        self.assertEqual(code, 1)

    def test_nothing_counted_is_not_a_success(self):
        self.assertEqual(summarize(""), (["0 passed, 0 failed"], 1))


if __name__ == "__main__":
    unittest.main()
