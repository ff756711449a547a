"""What may lie at the top of the tree: the rooms, and the few files beside them."""
import pathlib

from tree import is_build

FOLDERS = {"grammar", "compiler", "runtime", "stdlayers", "tests", "examples", ".ci", ".git"}
FILES = {"meson.build", "meson_options.txt", "bootstrap", "README.md", "LICENSE", "NEWS.md",
         "CONTRIBUTING.md"}


def check(root, build=None):
    del build
    for entry in sorted(pathlib.Path(root).iterdir()):
        path = entry.relative_to(root)
        if entry.is_dir():
            if entry.name not in FOLDERS and not is_build(path):
                yield f"{path}/: not a room of the project"
        elif entry.name not in FILES and not entry.name.startswith("."):
            yield f"{path}: not one of the files at the top"
