"""run_shortcuts.py PROGRAM real|hostile: gives the program the captures of $PKTC_SHARED, the real ones or those
made to be hostile."""
import pathlib
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "tools"))
from captures import ONCE, captures  # noqa: E402  (the folder is known only now)


def main():
    program, kind = sys.argv[1:3]
    with tempfile.TemporaryDirectory() as folder:
        found = captures(kind, folder)
        for at in range(0, len(found), ONCE):
            done = subprocess.run([program, *found[at:at + ONCE]], capture_output=True, text=True, check=False)
            print(done.stdout, done.stderr, end="")
            if done.returncode:
                sys.exit(f"captures {at}..: exit code {done.returncode}")


main()
