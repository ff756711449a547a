"""run_shortcuts.py PROGRAM real|hostile: gives the program the captures of $PKTC_SHARED, the real ones or those
made to be hostile."""
import os
import pathlib
import subprocess
import sys
import tempfile

SHARED = os.environ.get("PKTC_SHARED")
ONCE = 200  # captures a run


def main():
    program, kind = sys.argv[1:3]
    if not SHARED or not pathlib.Path(SHARED, "corpus").is_dir():
        print("skipped: PKTC_SHARED names no folder with a corpus")
        sys.exit(77)
    with tempfile.TemporaryDirectory() as folder:
        where = pathlib.Path(SHARED, "corpus")
        if kind == "hostile":
            where = pathlib.Path(folder)
            maker = pathlib.Path(SHARED, "oracle", "gen_hostile.py")
            subprocess.run([sys.executable, maker, folder], check=True, stdout=subprocess.DEVNULL)
        captures = sorted(str(path) for path in where.rglob("*") if path.is_file() and path.suffix != ".csv")
        for at in range(0, len(captures), ONCE):
            done = subprocess.run([program, *captures[at:at + ONCE]], capture_output=True, text=True, check=False)
            print(done.stdout, done.stderr, end="")
            if done.returncode:
                sys.exit(f"captures {at}..: exit code {done.returncode}")


main()
