#!/usr/bin/env python3
"""What ./bootstrap does on machines of every kind, each pretended (see machine.py)."""
import os
import shutil
import subprocess
import unittest

from machine import Machine, ROOT

AS_ROOT = os.getuid() == 0


class Machines(unittest.TestCase):
    def machine(self, uid=None, user="ann"):
        """Its files belong to whoever runs the tests, so that is who `id` names unless told."""
        machine = Machine(os.getuid() if uid is None else uid, user)
        self.addCleanup(machine.__exit__)
        return machine


class Installing(Machines):
    def test_with_everything_there_no_privilege_is_asked_for(self):
        machine = self.machine(uid=1000)
        machine.install()
        machine.debian()
        machine.put("sudo", "exit 1\n")
        done = machine.run("show")
        self.assertEqual(done.returncode, 7)
        self.assertEqual(machine.called("apt-get") + machine.called("sudo"), [])

    def test_root_on_debian_gets_all_that_is_missing(self):
        machine = self.machine(uid=0)
        machine.debian()
        done = machine.run("show", "x")
        self.assertEqual(done.returncode, 7, done.stderr)
        self.assertIn("installing gcc libc6-dev meson ninja-build re2c bison pkg-config "
                      "libpcap-dev musl-tools", done.stderr)
        self.assertTrue(done.stdout.startswith("<show><x> in "))
        self.assertEqual(len(machine.called("apt-get")), 1)

    def test_only_what_is_missing_is_installed(self):
        machine = self.machine(uid=0)
        machine.debian()
        machine.install("re2c", "libpcap")
        machine.run("show")
        self.assertEqual([call.split()[-2:] for call in machine.called("apt-get")],
                         [["re2c", "libpcap-dev"]])

    def test_empty_package_lists_are_fetched_and_the_install_tried_again(self):
        machine = self.machine(uid=0)
        machine.debian(lists=False)
        machine.install("bison")
        done = machine.run("show")
        self.assertEqual(done.returncode, 7, done.stderr)
        self.assertEqual([[word for word in call.split() if word in ("install", "update")]
                          for call in machine.called("apt-get")],
                         [["install"], ["update"], ["install"]])

    def test_sudo_without_a_password_is_used_and_one_that_asks_is_not(self):
        machine = self.machine(uid=1000)
        machine.debian()
        machine.install("re2c")
        machine.put("sudo", '[ -e "$MACHINE/asks" ] && exit 1\n[ "$1" = -n ] && shift\n"$@"\n')
        (machine.base / "asks").touch()
        done = machine.run("show")
        self.assertEqual(done.returncode, 3)
        self.assertIn("missing: re2c\n", done.stderr)
        self.assertIn("install with, as root: apt-get install re2c\n", done.stderr)
        self.assertEqual(machine.called("apt-get"), [])
        (machine.base / "asks").unlink()
        self.assertEqual(machine.run("show").returncode, 7)
        self.assertEqual(len(machine.called("apt-get")), 1)

    def test_elsewhere_the_packages_are_named_and_nothing_is_installed(self):
        for manager, words in (("dnf", "dnf install libpcap-devel musl-gcc"),
                               ("pacman", "pacman -S libpcap musl"),
                               ("zypper", "zypper install libpcap-devel"),
                               ("apk", "apk add libpcap-dev"),
                               (None, "install, as your system names them: libpcap-dev musl-tools")):
            machine = self.machine(uid=0)
            machine.install("libpcap", "musl-gcc")
            if manager:
                machine.put(manager, "exit 0\n")
            done = machine.run("show")
            self.assertEqual(done.returncode, 3)
            self.assertEqual(done.stdout, "")
            self.assertIn("missing: libpcap and its headers\n", done.stderr)
            self.assertIn(f"install with, as root: {words}\n", done.stderr)
            self.assertEqual(machine.called(manager or "none"), [])

    def test_a_version_that_is_too_old_counts_as_missing_and_is_told(self):
        for tool, says, fits in (("bison", "bison (GNU Bison) 3.7.6", False),
                                 ("bison", "bison (GNU Bison) 3.10", True),
                                 ("bison", "bison (GNU Bison) 4", True),
                                 ("meson", "0.61.2", False), ("meson", "1.0.0rc1", True)):
            machine = self.machine(uid=1000)
            machine.install(tool)
            text = machine.tool_text(tool).replace("echo 1.0.1", f"echo '{says}'")
            machine.put(tool, text if tool == "meson" else f"echo '{says}'\n")
            done = machine.run("show")
            self.assertEqual(done.returncode, 7 if fits else 3, (says, done.stderr))
            if not fits:
                self.assertIn(f"or newer (found {says.split()[-1]})", done.stderr)

    def test_what_is_only_wished_for_does_not_stop_it(self):
        machine = self.machine(uid=1000)
        machine.install("musl-gcc")
        done = machine.run("show")
        self.assertEqual(done.returncode, 7)
        self.assertIn("going on without musl-gcc", done.stderr)

    def test_a_compiler_that_cannot_build_is_not_taken_for_one(self):
        machine = self.machine(uid=1000)
        machine.install()
        machine.put("cc", "exit 1\n")
        done = machine.run("show")
        self.assertEqual(done.returncode, 3)
        self.assertIn("missing: a C compiler that can build a program", done.stderr)

    def test_an_install_that_fails_shows_why(self):
        machine = self.machine(uid=0)
        machine.install("re2c")
        machine.put("apt-get", "echo 'E: no network'\nexit 100\n")
        done = machine.run("show")
        self.assertEqual(done.returncode, 3)
        self.assertIn("E: no network", done.stderr)
        self.assertIn("missing: re2c", done.stderr)


class Building(Machines):
    def setUp(self):
        self.here = self.machine()
        self.here.install()

    def test_words_stdin_and_exit_code_are_handed_through_from_any_folder(self):
        done = self.here.run("run", "a b", "*", "", "--help", stdin="typed\n", cwd="/")
        self.assertEqual(done.stdout, "<run><a b><*><><--help> in /\nread typed\n")
        self.assertEqual(done.returncode, 7)

    def test_without_words_it_builds_and_says_what_next(self):
        done = self.here.run()
        self.assertEqual(done.returncode, 0)
        self.assertEqual(done.stdout, "")
        self.assertIn("try: ./bootstrap run --lab examples/ping_sweep.pkt", done.stderr)

    def test_help_builds_nothing(self):
        done = self.here.run("--help")
        self.assertEqual(done.returncode, 0)
        self.assertTrue(done.stdout.startswith("usage: ./bootstrap"))
        self.assertEqual(self.here.calls, [])

    def test_the_second_run_neither_configures_nor_looks_for_tools(self):
        self.here.run("show")
        done = self.here.run("show")
        self.assertEqual([call.split()[0] for call in self.here.calls], ["id", "ninja"])
        self.assertEqual(done.stderr, "")

    def test_a_tree_that_was_moved_is_configured_again(self):
        self.here.run("show")
        moved = self.here.base / "elsewhere"
        self.here.tree.rename(moved)
        self.here.tree = moved
        done = self.here.run("show")
        self.assertEqual(done.returncode, 7)
        self.assertEqual(len([call for call in self.here.called("meson") if "setup" in call]), 1)

    def test_a_configure_that_was_cut_short_is_begun_again(self):
        self.here.run("show")
        (self.here.tree / "build" / "build.ninja").unlink()
        self.assertEqual(self.here.run("show").returncode, 7)

    def test_a_folder_that_is_no_build_is_not_touched(self):
        kept = self.here.tree / "build" / "kept"
        kept.parent.mkdir()
        kept.write_text("mine")
        done = self.here.run("show")
        self.assertEqual(done.returncode, 3)
        self.assertIn("is not a build folder; move it away", done.stderr)
        self.assertEqual(kept.read_text(), "mine")

    def test_a_build_that_fails_shows_the_compiler_and_runs_nothing(self):
        (self.here.base / "broken").write_text("[1/2] fine\nFAILED: a.o\na.c:1:2: error: what\n")
        done = self.here.run("show")
        self.assertEqual(done.returncode, 1)
        self.assertEqual(done.stdout, "")
        self.assertIn("a.c:1:2: error: what", done.stderr)
        self.assertNotIn("[1/2] fine", done.stderr)

    def test_a_build_folder_of_another_meson_is_made_anew(self):
        self.here.run("show")
        broken = "ninja: error: rebuilding 'build.ninja': subcommand failed\n"
        (self.here.base / "broken").write_text(broken)
        done = self.here.run("show")
        self.assertEqual(done.returncode, 1)
        self.assertEqual(len([call for call in self.here.called("meson") if "setup" in call]), 1)
        self.assertEqual(len(self.here.called("ninja")), 2)
        self.assertIn("rebuilding 'build.ninja'", done.stderr)

    def test_another_users_build_is_left_alone(self):
        self.here.run("show")
        other = os.getuid() + 1
        if AS_ROOT:
            self.here.give(self.here.tree / "build", other)
        else:
            self.here.become(other, "bob")
        done = self.here.run("show")
        self.assertEqual(done.returncode, 7, done.stderr)
        name = "build-ann" if AS_ROOT else "build-bob"
        self.assertTrue((self.here.tree / name / "build.ninja").exists())

    @unittest.skipIf(AS_ROOT, "root may write everywhere")
    def test_a_tree_that_is_read_only_is_built_in_the_cache(self):
        self.here.tree.chmod(0o555)
        self.addCleanup(self.here.tree.chmod, 0o755)
        self.assertEqual(self.here.run("show").returncode, 7)
        self.assertEqual(len(list((self.here.base / ".cache" / "pktc").glob("build-*"))), 1)


class Testing(Machines):
    def test_an_option_it_does_not_have_is_refused(self):
        machine = self.machine()
        machine.install()
        done = machine.run("test", "--qiuck")
        self.assertEqual(done.returncode, 2)
        self.assertIn("test has no option --qiuck", done.stderr)


@unittest.skipUnless(shutil.which("shellcheck"), "needs shellcheck")
class Shell(unittest.TestCase):
    def test_bootstrap_is_posix_sh_without_findings(self):
        done = subprocess.run(["shellcheck", "--shell=sh", ROOT / "bootstrap"], text=True,
                              capture_output=True, check=False)
        self.assertEqual(done.stdout, "")


if __name__ == "__main__":
    unittest.main()
