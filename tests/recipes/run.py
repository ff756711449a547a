#!/usr/bin/env python3
"""usage: run.py [--bless] PKTC COOKBOOK EXPECTED: runs the recipes of a cookbook; TAP.

The first `pktc ...` line in the comment at the head of a recipe, COOKBOOK/NAME.pkt, is run as it
stands there, and must print EXPECTED/NAME.txt on standard output and end with 0; `<*>` there is any
text within a line. `--bless` writes what came out instead, keeping such lines where they fit.

`pktc run` without --lab is given a network of its own (net.sh) in which responder.py answers.
"""
import os
import pathlib
import re
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "golden"))
import run as golden  # noqa: E402  (the folder is known only now)

COMMAND = re.compile(r"^#   (pktc .*)$", re.M)
SECONDS = 60
SKIPPED = 77


def command_of(text):
    """The command in the head, and whether it wants the responder's network."""
    found = COMMAND.search(text)
    if not found:
        return None, False
    command = found.group(1)
    return command, command.startswith("pktc run ") and "--lab" not in command


def execute(command, served, folder, environment):
    """(exit code, standard output, standard error) of a recipe."""
    words = ["sh", "-c", command]
    if served:
        words = [HERE / "net.sh", HERE / "responder.py", *words]
    done = subprocess.run(words, cwd=folder, env=environment, capture_output=True, text=True,
                          stdin=subprocess.DEVNULL, timeout=SECONDS, check=False)
    return done.returncode, done.stdout, done.stderr


def judge(recipe, expected_folder, environment, bless):
    """None, a reason to skip in a list, or what is wrong."""
    command, served = command_of(recipe.read_text(encoding="utf-8"))
    if not command:
        return "its head has no line `#   pktc ...`"
    path = expected_folder / (recipe.stem + ".txt")
    try:
        code, printed, said = execute(command, served, recipe.parent, environment)
    except subprocess.TimeoutExpired:
        return f"still running after {SECONDS} seconds: {command}"
    if code == SKIPPED and served:
        return ["no namespaces here"]
    expected = path.read_text(encoding="utf-8") if path.exists() else ""
    settled = golden.settle(expected, printed)
    if code == 0 and settled == expected and path.exists():
        return None
    if bless and code == 0:
        path.write_text(settled, encoding="utf-8")
        return None
    return f"{command}\nexit {code}\n{said}expected:\n{expected}printed:\n{printed}"


def main(arguments):
    bless = "--bless" in arguments or os.environ.get("PKTC_BLESS") == "1"
    words = [word for word in arguments if word != "--bless"]
    pktc, cookbook, expected = (pathlib.Path(word).resolve() for word in words[:3])
    path = os.pathsep.join([str(pktc.parent), os.environ["PATH"], "/usr/sbin", "/sbin"])
    environment = dict(os.environ, PATH=path, NO_COLOR="1", LC_ALL="C.UTF-8", TZ="UTC")
    if subprocess.run(["sh", "-c", golden.LAB], capture_output=True, check=False).returncode:
        print("1..0 # SKIP no namespaces here")
        return 0
    recipes = sorted(cookbook.glob("*.pkt"))
    only = words[3:]
    recipes = [recipe for recipe in recipes if not only or recipe.stem in only]
    print(f"1..{len(recipes)}")
    failed = not recipes
    for recipe in recipes:
        wrong = judge(recipe, expected, environment, bless)
        skipped = isinstance(wrong, list)
        failed |= bool(wrong) and not skipped
        print("not ok" if wrong and not skipped else "ok", "-", recipe.stem,
              f"# SKIP {wrong[0]}" if skipped else "", flush=True)
        if wrong and not skipped:
            print(f"{recipe.stem}: {wrong}", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
