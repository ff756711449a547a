"""A pretend machine for bootstrap: a copy of the script in a folder with a blank in its name, and a
PATH that holds only what a case puts there. The pretend tools write down how they were called."""
import os
import pathlib
import shutil
import subprocess
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]

# What bootstrap takes for granted on any machine: POSIX and coreutils.
BASICS = ["sh", "cat", "sed", "grep", "tr", "ls", "mkdir", "mktemp", "rm", "dirname", "readlink",
          "find", "tail", "env", "cksum", "uname", "chmod", "touch"]

VERSIONS = {"meson": "1.0.1", "ninja": "1.11.1", "re2c": "re2c 3.0",
            "bison": "bison (GNU Bison) 3.8.2", "python3": "Python 3.11.2"}
PLAIN = ["musl-gcc", "jq", "tcpdump", "ip", "clang-format"]
PACKAGES = {"meson": "meson", "ninja-build": "ninja", "re2c": "re2c", "bison": "bison",
            "pkg-config": "pkg-config", "gcc": "cc", "libpcap-dev": "libpcap",
            "musl-tools": "musl-gcc", "python3": "python3", "jq": "jq", "tcpdump": "tcpdump",
            "iproute2": "ip"}

MESON = """
case $1 in
--version) echo 1.0.1 ;;
setup)
    for folder; do last=$before; before=$folder; done
    mkdir -p "$last/meson-private" "$last/compiler/cli"
    echo "# for $CC" >"$last/build.ninja" ;;
esac
"""
NINJA = """
[ "$1" = --version ] && echo 1.11.1 && exit
read -r line && echo "ninja read $line" >>"$MACHINE/calls"
[ -e "$MACHINE/broken" ] && cat "$MACHINE/broken" && exit 1
cat >"$2/compiler/cli/pktc" <<'PROGRAM'
#!/bin/sh
for word; do printf '<%s>' "$word"; done
printf ' in %s\\n' "$PWD"
read -r line && echo "read $line"
exit 7
PROGRAM
chmod +x "$2/compiler/cli/pktc"
"""
PKG_CONFIG = '[ -e "$MACHINE/libpcap" ]\n'
COMPILER = """
while [ $# -gt 0 ]; do
    [ "$1" = -o ] && printf '#!/bin/sh\\n' >"$2" && chmod +x "$2"
    shift
done
"""
APT_GET = """
for word; do
    case $word in
    update) touch "$MACHINE/lists"; exit 0 ;;
    install) [ -e "$MACHINE/lists" ] || exit 100 ;;
    esac
done
for word; do
    [ -e "$MACHINE/store/$word" ] || continue
    read -r tool <"$MACHINE/store/$word"
    case $tool in
    libpcap) touch "$MACHINE/libpcap" ;;
    *) cat "$MACHINE/store/tool-$tool" >"$MACHINE/bin/$tool"; chmod +x "$MACHINE/bin/$tool" ;;
    esac
done
"""

class Machine:
    """with Machine(uid=1000) as machine: ..."""

    def __init__(self, uid=0, user="ann"):
        self.base = pathlib.Path(tempfile.mkdtemp(prefix="pktc house "))
        self.bin = self.base / "bin"
        self.tree = self.base / "my tree"
        for folder in (self.bin, self.tree, self.base / "store", self.base / "tmp"):
            folder.mkdir()
        shutil.copy(ROOT / "bootstrap", self.tree / "bootstrap")
        for name in BASICS:
            (self.bin / name).symlink_to(shutil.which(name))
        self.become(uid, user)

    def __enter__(self):
        return self

    def __exit__(self, *error):
        shutil.rmtree(self.base)

    def become(self, uid, user="ann"):
        """The next runs are this user's. What it finds is really its own where the tests run as
        root; where they do not, files stay ours and only `id` says otherwise."""
        self.uid = uid
        self.put("id", f'case $1 in -un) echo {user} ;; *) echo {uid} ;; esac\n')

    def give(self, path, uid):
        for file in [path, *path.rglob("*")]:
            os.chown(file, uid, uid)

    def put(self, name, text):
        self.write(self.bin / name,
                   f'#!/bin/sh\necho "{name} $*" >>"$MACHINE/calls"\n{text}')

    @staticmethod
    def write(path, text):
        path.write_text(text)
        path.chmod(0o755)

    def tool_text(self, tool):
        return {"meson": MESON, "ninja": NINJA, "pkg-config": PKG_CONFIG, "cc": COMPILER}.get(
            tool, f'echo "{VERSIONS.get(tool, tool)}"\n')

    def install(self, *without):
        """All the tools but these; `libpcap` is one of them."""
        for tool in [*VERSIONS, *PLAIN, "cc", "pkg-config"]:
            if tool not in without:
                self.put(tool, self.tool_text(tool))
        if "libpcap" not in without:
            (self.base / "libpcap").touch()

    def debian(self, lists=True):
        """An apt-get whose store has every package."""
        self.put("apt-get", APT_GET)
        if lists:
            (self.base / "lists").touch()
        for package, tool in PACKAGES.items():
            (self.base / "store" / package).write_text(tool + "\n")
            (self.base / "store" / f"tool-{tool}").write_text(
                f'#!/bin/sh\necho "{tool} $*" >>"$MACHINE/calls"\n{self.tool_text(tool)}')

    def run(self, *arguments, stdin="", cwd=None, **more):
        calls = self.base / "calls"
        calls.unlink(missing_ok=True)
        environment = {"PATH": str(self.bin), "MACHINE": str(self.base), "HOME": str(self.base),
                       "TMPDIR": str(self.base / "tmp"), **more}
        done = subprocess.run([str(self.tree / "bootstrap"), *arguments], input=stdin, text=True,
                              capture_output=True, check=False, env=environment,
                              cwd=cwd or self.tree, timeout=60)
        self.calls = calls.read_text().splitlines() if calls.exists() else []
        return done

    def called(self, word):
        return [call for call in self.calls if call.split()[0] == word]
