"""The formatter's verdict on every C file, where the version that .clang-format is written for is
at hand (another version formats otherwise and would only make noise)."""
import pathlib
import re
import shutil
import subprocess

from tree import sources

VERSION = 14


def formatter():
    for name in (f"clang-format-{VERSION}", "clang-format"):
        if shutil.which(name):
            said = subprocess.run([name, "--version"], text=True, capture_output=True, check=False)
            found = re.search(r"version (\d+)", said.stdout)
            if found and int(found.group(1)) == VERSION:
                return name
    return None


def check(root, build=None):
    del build
    name = formatter()
    files = [path.as_posix() for path in sources(root, (".c", ".h"))]
    if not name or not files:
        return
    done = subprocess.run([name, "--dry-run", "--style=file", *files], text=True,
                          capture_output=True, check=False, cwd=pathlib.Path(root))
    seen = set()
    for line in done.stderr.splitlines():
        found = re.match(r"^(\S+?):(\d+):\d+: (?:warning|error): ", line)
        if found and found.group(1) not in seen:
            seen.add(found.group(1))
            yield f"{found.group(1)}:{found.group(2)}: not as clang-format -i leaves it"
