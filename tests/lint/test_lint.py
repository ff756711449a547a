#!/usr/bin/env python3
"""Each rule can fail: a small tree that breaks it is found out, and one that keeps it is not."""
import json
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

import calls
import folders
import layout
import protocols
import rooms
import size
import symbols
import tidy
import words


class Tree(unittest.TestCase):
    def setUp(self):
        self.root = pathlib.Path(tempfile.mkdtemp(prefix="pktc lint "))
        self.addCleanup(shutil.rmtree, self.root)

    def put(self, path, text=""):
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        return file

    def found(self, rule, build=None):
        return list(rule.check(self.root, build))


class Folders(Tree):
    def test_a_folder_that_is_no_room_is_found(self):
        for name in ("grammar/a.c", "build-asan/x", ".gitignore", "README.md"):
            self.put(name)
        self.assertEqual(self.found(folders), [])
        self.put("common/a.c")
        self.put("notes.txt")
        self.assertEqual(self.found(folders), ["common/: not a room of the project",
                                               "notes.txt: not one of the files at the top"])


class Rooms(Tree):
    def setUp(self):
        super().setUp()
        for header in ("runtime/base/a.h", "runtime/image/i.h", "runtime/vm/v.h", "runtime/io/o.h",
                       "runtime/run/r.h", "grammar/ast.h", "compiler/c.h", "compiler/cli/m.h"):
            self.put(header)

    def includes(self, path, *names):
        self.put(path, "".join(f"#include {name}\n" for name in names))
        return self.found(rooms)

    def test_what_the_table_allows_passes(self):
        self.assertEqual(self.includes("grammar/x.c", '"ast.h"', '"base/a.h"', "<string.h>"), [])
        self.assertEqual(self.includes("compiler/x.c", '"ast.h"', '"image/i.h"'), [])
        self.assertEqual(self.includes("compiler/cli/x.c", '"c.h"', '"run/r.h"', "<getopt.h>"), [])
        self.assertEqual(self.includes("runtime/run/x.c", '"vm/v.h"', '"io/o.h"'), [])
        self.assertEqual(self.includes("tests/x.c", '"vm/v.h"', '"grammar/ast.h"'), [])

    def test_each_forbidden_direction_is_found(self):
        for path, name, room, other in (
                ("grammar/x.c", "image/i.h", "grammar", "runtime/image"),
                ("compiler/x.c", "vm/v.h", "compiler", "runtime/vm"),
                ("compiler/x.c", "cli/m.h", "compiler", "compiler/cli"),
                ("runtime/base/x.c", "image/i.h", "runtime/base", "runtime/image"),
                ("runtime/image/x.h", "vm/v.h", "runtime/image", "runtime/vm"),
                ("runtime/vm/x.c", "io/o.h", "runtime/vm", "runtime/io"),
                ("runtime/io/x.c", "vm/v.h", "runtime/io", "runtime/vm"),
                ("runtime/vm/x.c", "run/r.h", "runtime/vm", "runtime/run"),
                ("runtime/run/x.c", "c.h", "runtime/run", "compiler"),
                ("examples/x.c", "image/i.h", "examples", "runtime/image")):
            self.assertEqual(self.includes(path, f'"{name}"'),
                             [f"{path}:1: {room} may not include {other} ({name})"])
            (self.root / path).unlink()

    def test_a_relative_path_is_no_way_round(self):
        self.assertEqual(self.includes("runtime/vm/x.c", '"../io/o.h"'),
                         ["runtime/vm/x.c:1: runtime/vm may not include runtime/io (../io/o.h)"])
        self.assertEqual(len(self.includes("runtime/vm/x.c", '"/etc/hostname"')), 1)

    def test_a_header_that_is_nowhere_is_found_and_a_generated_one_is_not(self):
        self.assertEqual(self.includes("grammar/x.c", "<stdio.h>", '"made.h"'),
                         ['grammar/x.c:2: "made.h" is in no include folder'])
        made = self.put("build/grammar/made.h")
        self.assertEqual(self.found(rooms, made.parent.parent), [])

    def test_system_headers_of_other_rooms_are_found(self):
        self.assertEqual(self.includes("runtime/vm/x.c", "<sys/socket.h>"),
                         ["runtime/vm/x.c:1: runtime/vm may not include <sys/socket.h>"])
        self.assertEqual(self.includes("runtime/vm/x.c", "<netinet/ip.h>"),
                         ["runtime/vm/x.c:1: runtime/vm may not include <netinet/ip.h>"])
        self.assertEqual(self.includes("runtime/vm/x.c", "<pcap/pcap.h>"),
                         ["runtime/vm/x.c:1: runtime/vm may not include <pcap/pcap.h>"])


class Size(Tree):
    @staticmethod
    def function(name, lines):
        return f"int {name}(void)\n{{\n" + "    f();\n" * (lines - 3) + "}\n\n"

    def test_functions_are_measured_from_signature_to_brace(self):
        text = ("struct a {\n    int b;\n};\n\nstatic int first(int a,\n                 int b)\n"
                "{\n    return a + b;\n}\n\n/* why */\nint second(void)\n{\n    return 1;\n}\n")
        self.assertEqual(list(size.functions(text)), [("first", 5, 5), ("second", 12, 4)])

    def test_a_long_function_and_a_long_file_are_found(self):
        self.put("tests/a.c", self.function("fits", 100))
        self.assertEqual(self.found(size), [])
        self.put("tests/a.c", self.function("long_one", 101))
        self.assertEqual(self.found(size), ["tests/a.c:1: long_one has 101 lines (limit 100)"])
        self.put("tests/a.c", "int a;\n" * 601)
        self.assertEqual(self.found(size), ["tests/a.c:1: 601 lines in a file (limit 600)"])

    def test_the_list_of_long_functions_is_no_shelter_for_short_ones(self):
        path, name = next(iter(size.LONG_FUNCTIONS))
        self.put(path, self.function(name, 120) + self.function("f", 5) * 3)
        self.assertEqual(self.found(size), [])
        self.put(path, self.function(name, 10))
        self.assertEqual(self.found(size),
                         [f"{path}:1: {name} is short enough to leave the list of long functions"])

    def test_a_median_that_is_too_long_is_found(self):
        self.put("grammar/a.c", self.function("f", 12))
        self.assertEqual(self.found(size), [])
        self.put("grammar/a.c", self.function("f", 13))
        self.assertEqual(self.found(size), ["the median function has 13 lines (limit 12)"])


class Words(Tree):
    def test_each_forbidden_word_is_found(self):
        for word in ("/wo" + "rk/x", "/ho" + "me/me", "/ro" + "ot/x", "../sha" + "red",
                     "is" + "sue 7", "is" + "sue #7", "Fixes " + "#12", "is" + "sues show",
                     "Clau" + "de", "py" + "pi.org", "de" + "b.debian.org", "TO" + "DO",
                     "FIX" + "ME", "XX" + "X", "/tmp/" + "b-me", "cra" + "tes.io"):
            self.put("README.md", f"a\nsee {word} b\n")
            found = self.found(words)
            self.assertEqual(len(found), 1, word)
            self.assertTrue(found[0].startswith("README.md:2: "), found)

    def test_ordinary_text_passes(self):
        self.put("README.md", "network/a, $root/a, shared memory, mktemp a.XXXXXX, issue a report\n")
        self.put("tests/golden/a.golden", "blank at the end \n\ttab, no newline")
        self.put("a.bin", "\0 /wo" + "rk/\n")
        self.assertEqual(self.found(words), [])

    def test_misshapen_lines_are_found(self):
        self.put("a.c", "int a; \n\tint b;\nint c;")
        self.assertEqual(self.found(words), ["a.c:1: blanks at the end of the line",
                                             "a.c:2: a tab",
                                             "a.c:1: no newline at the end of the file"])


class Built(Tree):
    """A library of one object, compiled from a text."""
    rule = symbols

    def library(self, text, room="runtime/vm", *options):
        self.put(f"{room}/a.c", text)
        folder = self.root / "build" / room
        folder.mkdir(parents=True, exist_ok=True)
        self.put("build/compile_commands.json", "[]")
        library = folder / "libpk_x.a"
        library.unlink(missing_ok=True)
        subprocess.run(["gcc", "-w", "-fPIC", *options, "-c", self.root / room / "a.c",
                        "-o", folder / "a.o"], check=True)
        subprocess.run(["ar", "rcs", library, folder / "a.o"], check=True)
        return self.found(self.rule, self.root / "build")


@unittest.skipUnless(shutil.which("gcc") and shutil.which("nm"), "needs gcc and nm")
class Symbols(Built):

    def test_a_pure_library_passes(self):
        self.assertEqual(self.library(
            "#include <assert.h>\n#include <stdio.h>\n"
            "static const char *const names[] = {\"a\", \"b\"};\n"
            "const char *pk_x_name(unsigned i) { assert(i < 2); return names[i]; }\n"
            "int pk_x_put(char *b) { return snprintf(b, 4, \"%d\", 3); }\n"), [])

    def test_mutable_globals_are_found(self):
        for text, name, section in (("static int a = 3; int *pk_x(void) { return &a; }", "a", ".data"),
                                    ("static int a; int *pk_x(void) { return &a; }", "a", ".bss"),
                                    ("int pk_a;", "pk_a", ".bss"),
                                    ("_Thread_local int pk_a;", "pk_a", ".tbss")):
            self.assertEqual(self.library(text),
                             [f"libpk_x.a(a.o): {name} is a global that can change ({section})"])
        found = self.library("int *pk_x(void) { static int calls = 1; return &calls; }")
        self.assertEqual(len(found), 1)
        self.assertIn("is a global that can change (.data)", found[0])

    def test_calls_that_a_library_does_not_make_are_found(self):
        for call, name in (("exit(1)", "exit"), ("abort()", "abort"), ("printf(\"%d\", 1)", "printf"),
                           ("fputs(\"a\", stderr)", "stderr"), ("sprintf(0, \"%d\", 1)", "sprintf")):
            found = self.library("#include <stdio.h>\n#include <stdlib.h>\n"
                                 f"void pk_x(void) {{ {call}; }}\n")
            self.assertEqual(len(found), 1, call)
            self.assertIn(f"calls {name}, which ", found[0])

    def test_a_program_may_print_and_exit(self):
        self.assertEqual(self.library("#include <stdio.h>\nvoid pk_x(void) { puts(\"a\"); }\n",
                                      "compiler/cli"), [])

    def test_a_public_name_without_prefix_is_found(self):
        self.assertEqual(self.library("void helper(void) {}"),
                         ["libpk_x.a(a.o): exports helper, a name without pk_ or pktc_"])

    def test_a_room_that_is_compiled_into_no_library_is_found(self):
        self.put("runtime/set/a.c", "int a;\n")
        self.put("build/compile_commands.json", json.dumps(
            [{"directory": str(self.root / "build"), "file": "../runtime/set/a.c"}]))
        self.assertEqual(self.found(symbols, self.root / "build"),
                         ["runtime/set: is compiled and builds no library libpk_*.a"])


@unittest.skipUnless(shutil.which("gcc") and shutil.which("objdump"), "needs gcc and objdump")
class Calls(Built):
    rule = calls

    def test_functions_that_do_not_come_back_to_themselves_pass(self):
        text = ("int pk_put(int);\nvoid pk_spin(volatile int *p) { for (;;) *p = 1; }\n"
                "static int __attribute__((noinline)) a(int n) { return n + 1; }\n"
                "int pk_b(int n) { for (int i = 0; i < n; i++) n ^= pk_put(i); return a(n); }\n"
                "int pk_c(int n) { return pk_b(a(n)); }\n")
        for level in ("-O0", "-O2"):
            self.assertEqual(self.library(text, "runtime/vm", level), [])

    def test_a_function_that_calls_itself_is_found(self):
        text = "int pk_f(int n) { return n ? 1 + pk_f(n - 1) * pk_f(n / 2) : 0; }\n"
        for level in ("-O0", "-O2"):
            self.assertEqual(self.library(text, "runtime/vm", level),
                             ["libpk_x.a(a.o): pk_f: calls itself"])
        text = "static int f(int n) { return n ? 1 + f(n - 1) : 0; } int pk_g(int n) { return f(n); }"
        self.assertEqual(self.library(text, "runtime/vm", "-O0"),
                         ["libpk_x.a(a.o): f: calls itself"])

    def test_functions_that_call_each_other_are_found(self):
        text = ("int pk_g(int);\nint pk_f(int n) { return n ? 1 + pk_g(n - 1) : 0; }\n"
                "__attribute__((noinline)) int pk_h(int n) { return 2 * pk_f(n); }\n"
                "int pk_g(int n) { return n ? 3 + pk_h(n) : 0; }\n")
        self.assertEqual(self.library(text, "runtime/vm", "-O0"),
                         ["libpk_x.a(a.o): pk_f, pk_g, pk_h: calls itself"])

    def test_a_program_is_free(self):
        self.assertEqual(self.library("int pk_f(int n) { return n ? 1 + pk_f(n - 1) : 0; }\n",
                                      "runtime/stub", "-O0"), [])


class Protocols(Tree):
    def test_identifiers_and_strings_that_name_a_protocol_are_found(self):
        self.put("runtime/vm/a.c", "int a; /* tcp is\n * fine */\nint tcp_port;\n"
                 "const char *b = \"icmp\";\nint agree, sharp, IPv4; // udp\n"
                 "const char *c = \"add: icmp() \\\" // x\", *d = \"http://a\"; int PK_LINKTYPE_PPP;\n")
        self.assertEqual(self.found(protocols),
                         ["runtime/vm/a.c:3: `tcp_port` names a protocol (tcp)",
                          "runtime/vm/a.c:4: `icmp` names a protocol (icmp)"])

    def test_rooms_that_must_know_the_network_are_free(self):
        for path in ("runtime/net/a.c", "runtime/io/a.c", "compiler/cli/a.c", "tests/a.c",
                     "runtime/base/codec_a.c"):
            self.put(path, "int arp;\n")
        self.assertEqual(self.found(protocols), [])
        self.put("compiler/a.c", "int arp;\n")
        self.assertEqual(len(self.found(protocols)), 1)


@unittest.skipUnless(layout.formatter(), "needs clang-format")
class Layout(Tree):
    def test_a_file_that_is_not_formatted_is_found(self):
        self.put(".clang-format", "BasedOnStyle: LLVM\nIndentWidth: 4\n")
        self.put("grammar/a.c", "int a;\nint b;\n")
        self.assertEqual(self.found(layout), [])
        self.put("grammar/a.c", "int b;\nint a( void ) { return  1 ; }\n")
        self.assertEqual(self.found(layout), ["grammar/a.c:2: not as clang-format -i leaves it"])


@unittest.skipUnless(tidy.checker(), "needs clang-tidy")
class Tidy(Tree):
    def run_over(self, text):
        self.put("grammar/a.c", text)
        self.put(".clang-tidy", "Checks: '-*,bugprone-*'\nWarningsAsErrors: '*'\n")
        build = self.put("build/compile_commands.json", json.dumps(
            [{"directory": str(self.root / "build"), "file": "../grammar/a.c",
              "command": "cc -c ../grammar/a.c"}])).parent
        return subprocess.run([sys.executable, tidy.__file__, self.root, build], text=True,
                              capture_output=True, check=False)

    def test_a_finding_is_told_once_and_a_clean_file_passes(self):
        done = self.run_over("int f(int a)\n{\n    return a;\n}\n")
        self.assertEqual((done.returncode, done.stdout), (0, ""))
        done = self.run_over("int f(int a)\n{\n    if (a)\n        ;\n    return sizeof(sizeof(a));\n}\n")
        self.assertEqual(done.returncode, 1)
        self.assertIn("grammar/a.c:5: suspicious usage of 'sizeof(sizeof(...))'", done.stdout)


if __name__ == "__main__":
    unittest.main()
