"""The files of the project: what the rules of this folder look at."""
import pathlib

SKIPPED = {".git", "__pycache__"}


def is_build(path):
    """A build folder: at the top, named build*, as .gitignore has it."""
    return len(path.parts) > 0 and path.parts[0].startswith("build") and path.suffix == ""


def walk(root):
    """Every file of the tree, relative to its root, in order; build folders and git's own left out."""
    root = pathlib.Path(root)
    stack = [root]
    found = []
    while stack:
        for entry in stack.pop().iterdir():
            path = entry.relative_to(root)
            if entry.name in SKIPPED:
                continue
            if entry.is_dir() and not entry.is_symlink():
                if not is_build(path):
                    stack.append(entry)
            elif entry.is_file():
                found.append(path)
    return sorted(found)


def sources(root, suffixes):
    return [path for path in walk(root) if path.suffix in suffixes]
