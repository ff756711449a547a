#!/usr/bin/env python3
"""The golden runner finds every kind of difference, and blessing writes what came out."""
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

RUN = pathlib.Path(__file__).with_name("run.py")
PROGRAM = "#!/bin/sh\ncase $1 in\nsay) shift; echo \"$@\" ;;\nin) cat ;;\nbad) echo bad >&2; exit 2 ;;\nesac\n"


class Golden(unittest.TestCase):
    def setUp(self):
        self.base = pathlib.Path(tempfile.mkdtemp(prefix="pktc golden "))
        self.addCleanup(shutil.rmtree, self.base)
        self.pktc = self.base / "pktc"
        self.pktc.write_text(PROGRAM)
        self.pktc.chmod(0o755)
        self.case = self.base / "cases" / "one.golden"
        self.case.parent.mkdir()

    def run_case(self, text, *more):
        self.case.write_text(text)
        return subprocess.run([sys.executable, RUN, *more, self.pktc, self.base, self.case.parent],
                              text=True, capture_output=True, check=False)

    def passes(self, text):
        done = self.run_case(text)
        self.assertEqual((done.returncode, done.stdout.splitlines()[:2]),
                         (0, ["1..1", "ok - cases/one: It holds"]), done.stdout)

    def fails(self, text, *lines):
        done = self.run_case(text)
        self.assertEqual(done.returncode, 1)
        self.assertIn("not ok - ", done.stdout)
        for line in lines:
            self.assertIn(f"# {line}\n", done.stdout)

    def test_output_error_and_code_are_all_compared(self):
        self.passes("It holds\n--- command\npktc say a\n--- stdout\na\n")
        self.passes("It holds\n--- command\npktc bad\n--- stderr\nbad\n--- exit\n2\n")
        self.fails("It holds\n--- command\npktc say a\n--- stdout\nb\n", "-b", "+a")
        self.fails("It holds\n--- command\npktc say a\n", "+a")
        self.fails("It holds\n--- command\npktc bad\n--- exit\n2\n", "+bad")
        self.fails("It holds\n--- command\npktc bad\n--- stderr\nbad\n", "-0", "+2")
        self.fails("It holds\n--- command\ntrue\n--- stdout\nb\n", "-b")

    def test_stdin_and_files_are_given(self):
        self.passes("It holds\n--- command\npktc in; pktc in <d/f\n--- stdin\nx\n"
                    "--- file d/f\ny\n--- stdout\nx\ny\n")

    def test_a_missing_last_newline_is_a_difference(self):
        self.passes("It holds\n--- command\nprintf a\n--- stdout without newline\na\n")
        self.fails("It holds\n--- command\nprintf a\n--- stdout\na\n",
                   "stdout: the last newline differs")
        self.fails("It holds\n--- command\necho a\n--- stdout without newline\na\n",
                   "stdout: the last newline differs")

    def test_a_wildcard_stays_within_its_line(self):
        self.passes("It holds\n--- command\necho x; pktc say in 12 ms; echo x\n"
                    "--- stdout\n<*>\nin <*> ms\nx\n")
        self.fails("It holds\n--- command\npktc say in 12 ms\n--- stdout\nin <*> s\n", "+in 12 ms")
        self.fails("It holds\n--- command\necho a; echo b\n--- stdout\na<*>\n", "+b")

    def test_paths_of_this_machine_are_replaced(self):
        self.passes("It holds\n--- command\necho \"$ROOT/a\" \"$PWD/b\"\n"
                    "--- stdout\n$ROOT/a $HERE/b\n")

    def test_a_case_that_cannot_be_read_is_a_failure(self):
        self.fails("It holds\n--- stdout\na\n", f"{self.case}: no section command")
        self.fails("It holds\n--- command\ntrue\n--- stduot\n",
                   f"{self.case}: no such section: --- stduot")

    def test_needs_that_are_not_met_skip_the_case(self):
        done = self.run_case("It holds\n--- needs\nfalse\n--- command\nexit 3\n")
        self.assertIn("ok - cases/one: It holds # SKIP needs false\n", done.stdout)
        self.passes("It holds\n--- needs\ntrue\n--- command\ntrue\n")

    def test_blessing_writes_what_came_out_and_keeps_wildcards(self):
        done = self.run_case("It holds\n--- command\npktc say a 3; pktc bad\n--- stdout\na <*>\n"
                             "old\n", "--bless")
        self.assertEqual(done.returncode, 0)
        text = "It holds\n--- command\npktc say a 3; pktc bad\n--- stdout\na <*>\n" \
               "--- stderr\nbad\n--- exit\n2\n"
        self.assertEqual(self.case.read_text(), text)
        self.passes(text)

    def test_blessed_output_without_a_newline_reads_back(self):
        self.run_case("It holds\n--- command\nprintf a\n", "--bless")
        self.passes(self.case.read_text())

    def test_without_the_program_it_skips(self):
        self.pktc.unlink()
        self.assertIn("1..0 # SKIP", self.run_case("It holds\n--- command\ntrue\n").stdout)


if __name__ == "__main__":
    unittest.main()
