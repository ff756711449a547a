"""Texts made to exhaust a parser: each gets its one message, within a second and 64 MB.

hostile.py PARSE_FILE SANITIZED

Time is processor time. Under the sanitizers only the messages are checked.
"""
import re
import resource
import subprocess
import sys
import tempfile

MILLION = 10**6
BIG = 16 * MILLION  # the longest source there may be
SECONDS = 1.0
MEGABYTES = 64

CASES = [  # name, text, code that must be reported (None: the text is fine)
    ("a million parentheses", lambda: b"let a = " + b"(" * MILLION, "E0901"),
    ("a million calls", lambda: b"send " + b"ip(" * MILLION, "E0901"),
    ("a million blocks", lambda: b"a {" * MILLION, "E0901"),
    ("a million closers", lambda: b")" * MILLION, "E0203"),
    ("one long name", lambda: b"a" * BIG, "E0906"),
    ("one long number", lambda: b"let a = " + b"1" * BIG, "E0906"),
    ("one long string", lambda: b'let a = "' + b"x" * BIG + b'"', "E0906"),
    ("one long hex string", lambda: b'let a = x"' + b"00" * (BIG // 2) + b'"', "E0906"),
    ("one long comment", lambda: b"#" + b"x" * BIG, None),
    ("blanks", lambda: b" " * BIG, None),
    ("empty lines", lambda: b"\n" * BIG, None),
    ("semicolons", lambda: b";" * BIG, None),
    ("quotes", lambda: b'"' * BIG, "E0201"),
    ("backslashes", lambda: b'"' + b"\\" * BIG, "E0104"),
    ("NULs", lambda: b"\0" * BIG, "E0103"),
    ("bytes that are no text", lambda: b"\xff" * BIG, "E0102"),
    ("colons", lambda: b":" * BIG, "E0906"),
    ("dotted digits", lambda: b"1." * (BIG // 2), "E0906"),
    ("a line of names", lambda: b" ".join(b"a%d" % i for i in range(MILLION)), "E0201"),
    ("minus signs", lambda: b"let a = " + b"-" * BIG, "E0904"),
    ("a stack of three million layers", lambda: b"send ip()" + b"/ip()" * (BIG // 5), "E0904"),
    ("a sum of eight million terms", lambda: b"let a = 1" + b"+1" * (BIG // 2), "E0904"),
    ("nested conditionals", lambda: b"let a = " + b"x?" * (BIG // 2), "E0904"),
    ("else if without end", lambda: b"if a {}" + b" else if b {}" * MILLION, "E0904"),
    ("an error on each line", lambda: b"let a =\n" * (BIG // 8), "E0201"),
    ("a list of eight million numbers", lambda: b"let a = [1" + b",1" * (BIG // 2) + b"]", "E0903"),
    ("two million statements", lambda: b"let a=1\n" * (BIG // 8), "E0903"),
]


def run(program, path):
    """Exit status, output, processor seconds and megabytes of one parse."""
    done = subprocess.run([program, "--usage", path], stdout=subprocess.PIPE, check=False)
    out, _, usage = done.stdout.decode().rstrip("\n").rpartition("\n")
    milliseconds, kilobytes = re.fullmatch(r"(\d+) ms, (\d+) kB", usage).groups()
    return done.returncode, out, int(milliseconds) / 1000, int(kilobytes) / 1024


def judge(result, code, sanitized):
    """What is wrong with the outcome, or None."""
    status, out, seconds, memory = result
    if status != (1 if code else 0):
        return f"exit status {status}"
    if code and f"[{code}]" not in out:
        return f"no {code} in: {out[:300]!r}"
    if len(out) > 32768:
        return f"{len(out)} bytes of messages"
    if not sanitized and seconds > SECONDS:
        return f"{seconds:.2f} s"
    if not sanitized and memory > MEGABYTES:
        return f"{memory:.0f} MB"
    return None


def main(program, sanitized):
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    failed = 0
    for number, (name, text, code) in enumerate(CASES, 1):
        with tempfile.NamedTemporaryFile(suffix=".pkt") as file:
            file.write(text())
            file.flush()
            result = run(program, file.name)
        wrong = judge(result, code, sanitized)
        failed += wrong is not None
        print(f"{'not ok' if wrong else 'ok'} {number} - {name}: {wrong or ''}"
              f" # {result[2]:.2f} s, {result[3]:.0f} MB", flush=True)
    print(f"1..{len(CASES)}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2] == "true"))
