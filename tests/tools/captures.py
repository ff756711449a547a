"""The captures of $PKTC_SHARED that tests read: the real ones, or those made to be hostile."""
import os
import pathlib
import subprocess
import sys

SHARED = os.environ.get("PKTC_SHARED")
SKIPPED = 77
ONCE = 200  # captures a run of a program


def captures(kind, folder):
    """The paths, hostile ones made in `folder`; ends the test as skipped where there are none."""
    if not SHARED or not pathlib.Path(SHARED, "corpus").is_dir():
        print("skipped: PKTC_SHARED names no folder with a corpus")
        sys.exit(SKIPPED)
    where = pathlib.Path(SHARED, "corpus")
    if kind == "hostile":
        where = pathlib.Path(folder)
        maker = pathlib.Path(SHARED, "oracle", "gen_hostile.py")
        subprocess.run([sys.executable, maker, folder], check=True, stdout=subprocess.DEVNULL)
    return sorted(str(path) for path in where.rglob("*")
                  if path.is_file() and path.suffix != ".csv")
