"""Diagnostics as JSON: each line is an object with the members of the reference, and its places lie in
the text.

json_lines.py PARSE_FILE FOLDER
"""
import json
import pathlib
import subprocess
import sys

PLACE = {"file": str, "line": int, "column": int, "end_line": int, "end_column": int}
REPORT = {"v": int, "severity": str, "code": str, "message": str, "notes": list} | PLACE


def once(pairs):
    """An object without repeated keys."""
    keys = [key for key, _ in pairs]
    assert len(keys) == len(set(keys)), f"a key twice in {keys}"
    return dict(pairs)


def check_members(members, wanted):
    for name, kind in wanted.items():
        assert isinstance(members.get(name), kind), f"{name} is {members.get(name)!r}"


def check_place(members, lines):
    first, last = members["line"], members["end_line"]
    assert 1 <= first <= last <= lines, f"lines {first} to {last} of {lines}"
    assert members["column"] >= 1 and members["end_column"] >= 1
    assert first < last or members["column"] <= members["end_column"]


def check_report(report, lines):
    check_members(report, REPORT)
    assert report["v"] == 1 and report["message"]
    assert report["severity"] == {"E": "error", "W": "warning"}[report["code"][0]]
    check_place(report, lines)
    for note in report["notes"]:
        assert note["kind"] in ("note", "help", "place") and note["message"]
        if note["kind"] == "place":
            check_members(note, PLACE)
            check_place(note, lines)


def check_file(program, path):
    out = subprocess.run([program, "--json", path], stdout=subprocess.PIPE, check=False).stdout
    lines = path.read_bytes().count(b"\n") + 1
    reports = [json.loads(line, object_pairs_hook=once) for line in out.decode("utf-8").splitlines()]
    assert reports, "no report"
    for report in reports:
        if "dropped" in report:
            assert report == {"v": 1, "dropped": report["dropped"], "severity": "error"}
        else:
            check_report(report, lines)
    return len(reports)


def main(program, folder):
    paths = sorted(pathlib.Path(folder).glob("*.pkt"))
    print(sum(check_file(program, path) for path in paths), "reports in", len(paths), "files")
    return 0 if paths else 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
