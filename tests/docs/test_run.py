#!/usr/bin/env python3
"""The runner of the documents' examples finds what a document promises and the program breaks."""
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

import run

RUN = pathlib.Path(__file__).with_name("run.py")


class Docs(unittest.TestCase):
    def setUp(self):
        self.base = pathlib.Path(tempfile.mkdtemp(prefix="pktc docs "))
        self.addCleanup(shutil.rmtree, self.base)
        (self.base / "examples").mkdir()
        (self.base / "pktc").write_text("#!/bin/sh\nprintf '%s\\n' \"$@\"\nexit \"${CODE:-0}\"\n")
        (self.base / "pktc").chmod(0o755)

    def lines(self, document, pending=""):
        (self.base / "a.md").write_text(document)
        (self.base / "pending").write_text(pending)
        done = subprocess.run([sys.executable, RUN, self.base / "pktc", self.base,
                               self.base / "a.md", self.base / "pending"], text=True,
                              capture_output=True, check=False)
        return done.stdout.splitlines() if done.stdout else [done.stderr.splitlines()[-1]]

    def test_an_example_runs_and_what_it_prints_is_compared(self):
        text = ("# a\n<!-- test one -->\n```sh\n./bootstrap run x\n```\nprints\n"
                "<!-- output one -->\n```\n{}\n```\n")
        self.assertEqual(self.lines(text.format("run\nx")), ["1..1", "ok 1 - one"])
        self.assertEqual(self.lines(text.format("run\ny"))[1], "not ok 1 - one")
        self.assertEqual(self.lines(text.format("run"))[1], "not ok 1 - one")

    def test_the_exit_code_is_the_promised_one(self):
        text = "<!-- test one{} -->\n```sh\nCODE=2 pktc a\n```\n"
        self.assertEqual(self.lines(text.format(" exit 2"))[1], "ok 1 - one")
        self.assertEqual(self.lines(text.format(""))[1], "not ok 1 - one")

    def test_any_failing_command_of_a_block_counts(self):
        self.assertEqual(self.lines("<!-- test one -->\n```sh\nfalse\npktc a\n```\n")[1],
                         "not ok 1 - one")

    def test_examples_share_a_folder_in_order(self):
        self.assertEqual(self.lines("<!-- test one -->\n```sh\npktc a >x\n```\n"
                                    "<!-- test two -->\n```sh\ncat x\n```\n"
                                    "<!-- output two -->\n```\na\n```\n")[1:],
                         ["ok 1 - one", "ok 2 - two"])

    def test_dots_stand_for_text_and_for_lines(self):
        for expected, got, result in (("a ... c\n", "a b c\n", True), ("a ... c\n", "a b\nc\n", False),
                                      ("a\n...\nd\n", "a\nb\nc\nd\n", True),
                                      ("a\n...\nd\n", "a\nd\n", True), ("a\n...\n", "b\n", False),
                                      ("a\n", "a", True), ("a.c\n", "abc\n", False), ("", "", True)):
            self.assertEqual(run.shown(expected, got), result, (expected, got))

    def test_what_is_pending_is_skipped_and_told_when_it_runs(self):
        text = "<!-- test one -->\n```sh\n{}\n```\n"
        self.assertEqual(self.lines(text.format("false"), "one no lab yet\n")[1],
                         "ok 1 - one # SKIP no lab yet")
        self.assertEqual(self.lines(text.format("true"), "one no lab yet\n")[1],
                         "ok 1 - one # SKIP no lab yet (it runs now: take it off the list)")
        self.assertIn("names no example: two", self.lines(text.format("true"), "two x\n")[0])

    def test_a_need_that_is_not_met_skips(self):
        self.assertEqual(self.lines("<!-- test one needs no-such-tool -->\n```sh\nfalse\n```\n")[1],
                         "ok 1 - one # SKIP needs no-such-tool")

    def test_a_mark_without_a_block_is_an_error(self):
        self.assertIn("mark without a fenced block", self.lines("<!-- test one -->\n\n```sh\n```\n")[0])


if __name__ == "__main__":
    unittest.main()
