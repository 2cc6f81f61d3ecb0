#!/usr/bin/env python3
"""Feeds changed files and random arguments to the tool, and keeps what ends it in a way that it must not end.

    Scripts/fuzz/run.py [TARGET …] [--seconds 60] [--jobs 2] [--seed 0] [--executions N] [--unfold PATH]
    Scripts/fuzz/run.py --place Scripts/fuzz/findings/NAME FOLDER    fills a folder, and prints the command to run in it

Past findings (Scripts/fuzz/findings) run first. New ones go to build/fuzz/findings, a folder each: `case.json`, which names
the command, and the changed files. Equal findings, by how they ended and their last message, are kept once. One seed
decides every change of a job. Ends with code 1 where there was a finding; messages that are wrong (without advice, too
long, with control characters) are told, and count only with --messages.
"""

import argparse
import hashlib
import multiprocessing
import os
import random
import shutil
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import seeds as seed_maker
from cases import Case
from judge import judge
from limits import Limits
from minimise import minimise
from targets import TARGETS

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("targets", nargs="*", metavar="TARGET", help=f"all, or some of {', '.join(TARGETS)}")
    parser.add_argument("--seconds", type=float, default=60, help="for each target")
    parser.add_argument("--executions", type=int, default=10**9, help="for each target and job at most")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--limit", type=float, default=10, help="seconds that a command may take")
    parser.add_argument("--memory", type=float, default=6, help="GiB of addresses that a command may have")
    parser.add_argument("--unfold", default=os.environ.get("UNFOLD", str(ROOT / ".build/release/unfold")))
    parser.add_argument("--work", type=Path, default=ROOT / "build/fuzz")
    parser.add_argument("--messages", action="store_true", help="messages that are wrong are findings too")
    parser.add_argument("--place", nargs=2, type=Path, metavar=("FINDING", "FOLDER"))
    given = parser.parse_args()
    given.targets = list(TARGETS) if given.targets in ([], ["all"]) else given.targets
    for name in given.targets:
        if name not in TARGETS:
            parser.error(f"there is no target {name}: {', '.join(TARGETS)}")
    given.unfold = str(Path(given.unfold).resolve())
    os.environ["UNFOLD"] = given.unfold
    return given


class Runner:
    """Executes cases in a folder of its own."""

    def __init__(self, options, seeds):
        self.options, self.seeds = options, seeds
        self.folder = Path(tempfile.mkdtemp(prefix="unfold-fuzz-"))
        self.limits = Limits(seconds=options.limit, memory=int(options.memory * (1 << 30)))

    def judged(self, case):
        return self.execute(case)[1]

    def execute(self, case):
        outcome = case.run(self.options.unfold, self.folder, self.seeds, self.limits)
        is_asked_for = case.target in ("arguments", "numbers", "streams")
        finding = judge(outcome, is_asked_for, case.odd)
        if finding and not finding.is_message:
            # An end without words is told apart by what was run, and by the last flag where flags are what is odd.
            flags = [word for word in case.arguments if word.startswith("--") and word not in ("--json", "--quiet")]
            finding.detail += f" in {' '.join(case.arguments[:2])} {flags[-1] if is_asked_for and flags else ''}".rstrip()
        return outcome, finding

    def named(self, case, finding):
        """The finding with the name of its fault, which only --json tells."""
        if finding.is_message and "--json" not in case.arguments:
            again = Case(case.target, [*case.arguments, "--json"], case.files, case.base, case.stdin, case.odd)
            return self.judged(again) or finding
        return finding

    def small(self, case, finding):
        def is_same(smaller):
            found = self.judged(smaller)
            return found is not None and found.key == finding.key

        # What takes its whole time is tried less often.
        return minimise(case, is_same, 12 if finding.kind == "time-out" else 60)


def work(options, seeds, name, job, queue):
    """One job: changes and executes until the time is over."""
    runner = Runner(options, seeds)
    generator = random.Random(f"{options.seed} {name} {job}")
    end = time.monotonic() + options.seconds
    count, known, ends = 0, set(), Counter()
    try:
        while time.monotonic() < end and count < options.executions:
            case = TARGETS[name](generator, seeds)
            if generator.random() < 0.4:
                case.arguments = [*case.arguments, "--json"]
            outcome, finding = runner.execute(case)
            count += 1
            ends["time-out" if outcome.timed_out else outcome.code if outcome.signal is None else f"signal {outcome.signal}"] += 1
            if finding is None:
                continue
            finding = runner.named(case, finding)
            if finding.key in known:
                continue
            known.add(finding.key)
            queue.put(("finding", finding, case))
            if not finding.is_message:
                queue.put(("smaller", finding, runner.small(case, finding)))
    finally:
        shutil.rmtree(runner.folder, ignore_errors=True)
        queue.put(("end", count, ends))


class Findings:
    """All distinct findings of this call, in build/fuzz/findings."""

    def __init__(self, folder):
        self.folder, self.known = folder, {}

    def add(self, finding, case, note=""):
        is_new = finding.key not in self.known
        place = self.folder / f"{case.target}-{hashlib.sha256(finding.key.encode()).hexdigest()[:8]}"
        self.known[finding.key] = (finding, case.target)
        case.save(place, f"{finding.kind}: {finding.detail}")
        if is_new:
            print(f"  {finding.kind}: {finding.detail}\n    {case.shown[:300]}\n    {place}", flush=True)
        return is_new


def replay(options, seeds, findings):
    """Runs what was found before."""
    runner = Runner(options, seeds)
    count = 0
    for folder in sorted((HERE / "findings").glob("*/case.json")):
        case = Case.load(folder.parent)
        if case.target not in options.targets:
            continue
        count += 1
        finding = runner.judged(case)
        if finding and (options.messages or not finding.is_message):
            findings.add(finding, case)
    shutil.rmtree(runner.folder, ignore_errors=True)
    print(f"past findings: {count} run, {len(findings.known)} still there", flush=True)


def fuzz(options, seeds, findings, name):
    queue = multiprocessing.Queue()
    jobs = [multiprocessing.Process(target=work, args=(options, seeds, name, job, queue)) for job in range(options.jobs)]
    for job in jobs:
        job.start()
    left, executions, ends, counts = len(jobs), 0, Counter(), Counter()
    while left:
        kind, first, second = queue.get()
        if kind == "end":
            left, executions, ends = left - 1, executions + first, ends + second
        elif findings.add(first, second):
            counts["messages" if first.is_message else "findings"] += 1
    for job in jobs:
        job.join()
    shown = ", ".join(f"{end}: {count}" for end, count in sorted(ends.items(), key=lambda pair: -pair[1]))
    print(f"{name:18}{executions:7} executions, {counts['findings']} findings, {counts['messages']} wrong messages  ({shown})", flush=True)
    return executions


def main():
    options = arguments()
    seeds = seed_maker.make(options.unfold, options.work / "seeds")
    if options.place:
        case = Case.load(options.place[0])
        case.place(options.place[1], seeds)
        print(case.shown.replace("@seeds", str(seeds)).replace("@shipped", str(ROOT / "models/unfold-mini")))
        return 0
    findings = Findings(options.work / "findings")
    replay(options, seeds, findings)
    start = time.monotonic()
    executions = sum(fuzz(options, seeds, findings, name) for name in options.targets)
    real = [finding for finding, _ in findings.known.values() if options.messages or not finding.is_message]
    messages = len(findings.known) - len(real)
    print(f"{executions} executions of {len(options.targets)} targets in {time.monotonic() - start:.0f} s: {len(real)} findings"
          + ("" if options.messages else f", {messages} wrong messages"))
    return 1 if real else 0


if __name__ == "__main__":
    sys.exit(main())
