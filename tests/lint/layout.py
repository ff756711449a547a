"""The formatter's verdict on every C file, where the version that .clang-format is written for is
at hand (another version formats otherwise and would only make noise)."""
import pathlib
import re
import shutil
import subprocess

from tree import sources

VERSION = 14

# Headers written before the formatter was run over them; each leaves the list when it is formatted,
# and the list must get empty.
LATER = {
    "runtime/base/types.h", "runtime/image/builder.h", "runtime/image/image.h",
    "runtime/image/value.h", "runtime/run/tracker.h", "runtime/set/set.h", "runtime/set/space.h",
    "runtime/tree/tree.h", "runtime/vm/vm.h",
}


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
        if found and found.group(1) not in seen | LATER:
            seen.add(found.group(1))
            yield f"{found.group(1)}:{found.group(2)}: not as clang-format -i leaves it"
