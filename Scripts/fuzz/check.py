#!/usr/bin/env python3
"""Checks the driver itself: that each kind of finding is found, that sound ends are none, and that a seed decides all."""

import random
import shutil
import sys
import tempfile
from pathlib import Path

import mutate_text
from checksums import crc32c, lookup3
from judge import judge
from limits import Limits, execute
from mutate_bytes import mutate as mutate_bytes
from mutate_json import mutate as mutate_json
from regexes import pattern

# What a command does, and what is to be said of it.
ENDS = [
    ("exit 0", None), ("echo 'error: no'; echo '  try:      yes'; exit 65", None),
    ("kill -SEGV $$", "signal"), ("kill -XFSZ $$", "signal"), ("sleep 60", "time-out"), ("exit 3", "exit code"), ("exit 139", "exit code"),
    ("echo 'Fatal error: index'; exit 65", "trap"), ("echo 'error: it should not have failed' >&2; exit 70", "unexpected"),
    ("echo 'error: no' >&2; exit 65", "without advice"), ("exit 65", "without advice"), ("printf 'error: \\033[31m\\n  try: x' >&2; exit 65", "control character"),
    ("echo \"error: $(head -c 5000 /dev/zero | tr '\\0' a)\" >&2; echo '  try:      x' >&2; exit 65", "long message"),
    ("python3 -c 'x = bytearray(3500 << 20)'", "memory"), ("python3 -c 'x = bytearray(7000 << 20)' 2>/dev/null || exit 71", "without advice"),
    ("head -c 2000000000 /dev/zero > big", "signal")]


def check_ends(problems):
    folder = Path(tempfile.mkdtemp())
    for command, expected in ENDS:
        found = judge(execute(["bash", "-c", f"exec 2>&2; {command}"], folder, folder, Limits(seconds=1 if "sleep" in command else 30)))
        kind = found.kind if found else None
        # The shell says of a command below it that it ended by a signal.
        if kind != expected and not (kind == "exit code" and expected == "signal"):
            problems.append(f"{command}: {kind}, expected {expected}")
    shutil.rmtree(folder)


def check_seeds(problems):
    source = '{"a": [1, 2.5, "x", null, {"b": true}], "c": {"d": "text"}}\n' * 3
    for name, change in [
            ("bytes", lambda r: mutate_bytes(r, source.encode())), ("JSON", lambda r: mutate_json(r, source.splitlines()[0])),
            ("lines", lambda r: mutate_text.json_lines(r, source)), ("table", lambda r: mutate_text.table(r, "a,b\n1,2\n")),
            ("YAML", lambda r: mutate_text.yaml(r, "a: 1\nb: [2]\n")), ("gzip", lambda r: mutate_text.compressed(r, source)), ("patterns", pattern)]:
        first = [change(random.Random(i)) for i in range(200)]
        if first != [change(random.Random(i)) for i in range(200)]:
            problems.append(f"{name}: one seed, two results")
        if len(set(first)) < 60:
            problems.append(f"{name}: {len(set(first))} of 200 changes differ")


def main():
    problems = []
    if crc32c(b"123456789") != 0xE3069283:
        problems.append("CRC-32C")
    # The values that Jenkins's lookup3.c names.
    if lookup3(b"Four score and seven years ago") != 0x17770551 or lookup3(b"") != 0xDEADBEEF:
        problems.append("lookup3")
    check_seeds(problems)
    check_ends(problems)
    for problem in problems:
        print(f"failed: {problem}")
    print(f"{len(ENDS)} ends, 7 kinds of changes, 2 checksums: {len(problems)} failed")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
