#!/usr/bin/env python3
"""The runner of the language reference tells where the reference and the program differ."""
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

RUN = pathlib.Path(__file__).with_name("language.py")


class Language(unittest.TestCase):
    def setUp(self):
        self.base = pathlib.Path(tempfile.mkdtemp(prefix="pktc language "))
        self.addCleanup(shutil.rmtree, self.base)
        # The block is a shell script that says and returns what it likes.
        (self.base / "pktc").write_text('#!/bin/sh\nexec sh "$2"\n')
        (self.base / "pktc").chmod(0o755)

    def result(self, mark, script, shown=None):
        text = f"```pkt{mark}\n{script}\n```\n"
        if shown is not None:
            text += f"\n```text\n{shown}\n```\n"
        (self.base / "a.md").write_text(text)
        done = subprocess.run([sys.executable, RUN, self.base / "pktc", self.base / "a.md"],
                              text=True, capture_output=True, check=False)
        return done.returncode

    def test_a_count_is_compared(self):
        self.assertEqual(self.result(" count=25", "echo 25"), 0)
        self.assertEqual(self.result(" count=25", "echo 24"), 1)
        self.assertEqual(self.result(" count=25", "echo 25; exit 2"), 1)

    def test_packets_are_compared_with_the_text_behind_them(self):
        self.assertEqual(self.result(" lines", "echo a", "a"), 0)
        self.assertEqual(self.result(" lines", "echo a", "b"), 1)
        self.assertEqual(self.result(" lines", "echo a"), 1)

    def test_a_refusal_has_the_code_and_no_other(self):
        self.assertEqual(self.result(" E0801", "echo '[E0801]' >&2; exit 2"), 0)
        self.assertEqual(self.result(" E0801", "echo '[E0801] [E0301]' >&2; exit 2"), 1)
        self.assertEqual(self.result(" E0801", "echo '[E0801]' >&2"), 1)

    def test_bad_is_refused_and_anything_else_is_not(self):
        self.assertEqual(self.result(" bad", "echo '[E0201]' >&2; exit 2"), 0)
        self.assertEqual(self.result(" bad", "exit 0"), 1)
        self.assertEqual(self.result("", "exit 0"), 0)
        self.assertEqual(self.result("", "exit 2"), 1)
        self.assertEqual(self.result(" cuont=2", "exit 0"), 1)

    def test_a_document_without_blocks_is_no_success(self):
        (self.base / "a.md").write_text("nothing\n")
        done = subprocess.run([sys.executable, RUN, self.base / "pktc", self.base / "a.md"],
                              capture_output=True, check=False)
        self.assertEqual(done.returncode, 1)


if __name__ == "__main__":
    unittest.main()
