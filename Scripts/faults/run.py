#!/usr/bin/env python3
"""Lets each system call of every writing command fail once, and looks at what is left.

    Scripts/faults/run.py [WRITER …] [--most 25] [--call write …] [--error EIO] [--lasts] [--unfold PATH]

A call fails on a file below the command's own folder: its inputs, its outputs and what it remembers. For each kind of call
all are tried, or --most of them, evenly spread. A command must then either end well with a result equal to an undisturbed
one, or end with a documented exit code and a message that says what to try; no file under a final name may be damaged; and
when it is given once more (with --resume where it has one) it must succeed with an equal result. With --lasts all calls
after the first fail too, as on a full disk.
"""

import argparse
import errno
import os
import re
import shutil
import struct
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

from writers import ROOT, WRITERS, Workplace, content, difference

KINDS = ["open", "read", "write", "sync", "rename", "truncate", "map", "folder", "remove", "close"]
# 0 moves half the bytes, which is no error: it must be gone on with.
ERRORS = {"open": ["EMFILE", "EACCES"], "read": ["EIO", "half", "EINTR"], "write": ["ENOSPC", "half", "EINTR"], "sync": ["EIO"], "rename": ["EIO"],
          "truncate": ["ENOSPC"], "map": ["ENOMEM"], "folder": ["ENOSPC"], "remove": ["EACCES"], "close": ["EIO"]}
DOCUMENTED = {64, 65, 66, 69, 70, 71, 73, 74, 75}


def number(name):
    return 0 if name == "half" else getattr(errno, name)


class Trial:
    """One writer, with each of its calls failing in turn."""

    def __init__(self, work, writer, library, options):
        self.work, self.writer, self.library, self.options = work, writer, library, options
        self.counts = work.folder / "counts"
        self.problems = {}
        self.injected, self.ends = 0, Counter()

    def disturbed(self, command, kind="none", nth=0, error=0):
        self.counts.unlink(missing_ok=True)
        result = self.work.run(
            command, LD_PRELOAD=str(self.library), FAULTS_BELOW=str(self.work.place), FAULTS_COUNTS=str(self.counts), FAULTS_CALL=kind,
            FAULTS_NTH=str(nth), FAULTS_ERRNO=str(error), FAULTS_LASTS="1" if self.options.lasts else "0")
        counts = struct.unpack(f"<{len(KINDS) + 1}q", self.counts.read_bytes()[:8 * (len(KINDS) + 1)])
        return result, counts

    def result(self):
        path = self.work.place / self.writer.output
        return content(path) if path.exists() else None

    def baseline(self):
        """The undisturbed result, the counts of calls, and files that differ between two undisturbed runs."""
        results = []
        for _ in range(2):
            self.work.fresh()
            (code, error), counts = self.disturbed(self.writer.command)
            if code != 0:
                sys.exit(f"{self.writer.name} fails undisturbed: {error}")
            results.append(self.result())
        self.changing = {name for name in results[0] if results[0][name] != results[1].get(name)}
        self.expected = self.steady(results[0])
        return dict(zip(KINDS, counts))

    def steady(self, result):
        return {name: digest for name, digest in result.items() if name not in self.changing}

    def note(self, what, kind, error, nth, detail):
        name = re.sub(r"[0-9]+", "N", what)
        known = self.problems.setdefault((name, kind, error), [nth, 0, detail])
        known[1] += 1
        if known[1] == 1:
            print(f"  {self.writer.name}: {kind} {nth} with {error}: {what}\n      {detail[:400]}", flush=True)

    def attempt(self, kind, nth, error):
        self.work.fresh()
        (code, message), counts = self.disturbed(self.writer.command, kind, nth, number(error))
        if not counts[-1]:
            return
        self.injected += 1
        self.ends[code] += 1
        told = message.strip().replace("\n", " | ")[-400:]

        def note(what, detail=None):
            self.note(what, kind, error, nth, detail or told)

        if code is None:
            return note("hangs")
        if code < 0:
            note(f"ends by signal {-code}")
        elif code not in DOCUMENTED | {0}:
            note(f"exit code {code}")
        elif code and "try:" not in message:
            note("a message without advice")
        if "--resume" in message and not self.writer.resumes:
            note("advises --resume, which the command lacks")
        if "should not have" in message:
            note("an unexpected error")
        if code and error in ("half", "EINTR"):
            note("gives up on what is no error")
        found = self.result()
        if code == 0:
            wrong = difference(self.steady(found or {}), self.expected)
            if wrong:
                note("ends well with another result", wrong)
        elif found is not None:
            self.look(found, note)
        if code == 0:
            return
        code, message = self.work.run(self.writer.again())
        told = message.strip().replace("\n", " | ")[-400:]
        if code != 0:
            return note(f"once more: exit code {code}", told)
        found = self.result() or {}
        if self.writer.name == "label":
            # Another try may have another number, and lie beside one that counts no more.
            code, message = self.work.is_sound(self.writer.output)
            if code != 0:
                note("once more: not sound", message.strip().replace("\n", " | "))
            wrong = None if {self.expected["labels-00000.h5"]} <= set(found.values()) else "the labels differ"
        else:
            wrong = difference(self.steady(found), self.expected)
        if wrong:
            note("once more: another result", wrong)

    def look(self, found, note):
        """What a failed command left under final names: shards and single files must be whole."""
        for name in found:
            is_final = name == "" or Path(name).name.startswith("shard-") and name.endswith(".h5")
            if is_final and name in self.expected and found[name] != self.expected[name]:
                note("a damaged file under its final name", name)
        if self.writer.name in ("label", "merge", "pack", "capture-plain"):
            code, message = self.work.is_sound(self.writer.output)
            if code != 0 and (self.writer.name == "label" or "unfinished" not in message):
                note("what it left is not sound", message.strip().replace("\n", " | "))

    def run(self):
        counts = self.baseline()
        start = time.monotonic()
        for kind in self.options.call or KINDS:
            count = counts[kind]
            tries = range(1, count + 1)
            if count > self.options.most:
                tries = sorted({1 + round(i * (count - 1) / (self.options.most - 1)) for i in range(self.options.most)})
            for i, nth in enumerate(tries):
                errors = [self.options.error] if self.options.error else ERRORS[kind]
                for error in errors if self.options.most >= count else [errors[i % len(errors)]]:
                    self.attempt(kind, nth, error)
        calls = ", ".join(f"{kind} {count}" for kind, count in counts.items() if count)
        ends = ", ".join(f"{code}: {count}" for code, count in self.ends.most_common())
        changing = f"; not compared: {', '.join(self.changing)}" if self.changing else ""
        print(f"{self.writer.name:16}{self.injected:5} faults, {len(self.problems)} kinds of problems in {time.monotonic() - start:.0f} s"
              f"  (calls: {calls}; exit codes: {ends}{changing})", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("writers", nargs="*", help=", ".join(writer.name for writer in WRITERS))
    parser.add_argument("--most", type=int, default=25, help="calls of a kind that are tried")
    parser.add_argument("--call", action="append", choices=KINDS, help="only these kinds of calls")
    parser.add_argument("--error", help="only this one, such as EIO, ENOSPC or half")
    parser.add_argument("--lasts", action="store_true", help="all later calls of the kind fail too")
    parser.add_argument("--unfold", default=os.environ.get("UNFOLD", str(ROOT / ".build/release/unfold")))
    parser.add_argument("--work", type=Path, default=ROOT / "build/faults")
    options = parser.parse_args()
    work = Workplace(options.unfold, options.work)
    library = work.folder / "faults.so"
    compiler = os.environ.get("CC") or shutil.which("cc") or shutil.which("clang")
    subprocess.run([compiler, "-O2", "-Wall", "-Wextra", "-Werror", "-fPIC", "-shared", str(Path(__file__).parent / "faults.c"), "-o", str(library), "-ldl"], check=True)
    chosen = [writer for writer in WRITERS if not options.writers or writer.name in options.writers]
    faults = problems = 0
    for writer in chosen:
        trial = Trial(work, writer, library, options)
        trial.run()
        faults, problems = faults + trial.injected, problems + len(trial.problems)
    print(f"{faults} injected faults in {len(chosen)} writers: {problems} kinds of problems")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
