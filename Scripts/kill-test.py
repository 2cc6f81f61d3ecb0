#!/usr/bin/env python3
"""Kills writing commands at random moments, gives them again, and compares the end with that of an undisturbed run.

    Scripts/kill-test.py [KILLS] [WRITER …] [--signals KILL] [--seed 0] [--unfold PATH]

The kills (SIGKILL) are shared out over all commands that write. Each round gives a command until it ends by itself, with
--resume where it has one; where it has none, once more as it was. Nothing is removed between. The result must be equal to
the undisturbed one byte for byte, no file under a final name may be damaged, and nothing may lie beside the result. With
--signals INT,TERM,HUP it is asked to stop instead, and must then end with code 75 or well, never by the signal itself.
"""

import argparse
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent / "faults"))
from writers import ROOT, WRITERS, Workplace, content, difference  # noqa: E402


class Killing:
    def __init__(self, work, writer, generator, signals):
        self.work, self.writer, self.generator, self.signals = work, writer, generator, signals
        self.problems = []

    def whole(self):
        """The undisturbed result, and how long it takes."""
        results, self.seconds = [], float("inf")
        for _ in range(2):
            self.work.fresh()
            start = time.monotonic()
            code, error = self.work.run(self.writer.command)
            if code != 0:
                sys.exit(f"{self.writer.name} fails undisturbed: {error}")
            # The least of them: a machine may be busy with other things.
            self.seconds = min(self.seconds, time.monotonic() - start)
            results.append(content(self.work.place / self.writer.output))
            self.beside = self.names()
        self.changing = {name for name in results[0] if results[0][name] != results[1].get(name)}
        self.expected = self.steady(results[0])

    def steady(self, result):
        return {name: digest for name, digest in result.items() if name not in self.changing}

    def names(self):
        return {path.name for path in self.work.place.iterdir()}

    def left_behind(self):
        """What is wrong with what a kill has left, or None."""
        path = self.work.place / self.writer.output
        if not path.exists():
            return None
        if self.writer.name == "label":
            code, _ = self.work.is_sound(self.writer.output)
            return "the store that was being labelled is not sound" if code else None
        found = content(path)
        for name, digest in found.items():
            is_final = name == "" or Path(name).name.startswith("shard-") and name.endswith(".h5")
            if is_final and digest != self.expected.get(name, digest):
                return f"{name or self.writer.output} under its final name is damaged"
        return None

    def round(self, kills):
        """Kills until the command ends by itself; how many kills it took."""
        self.work.fresh()
        done = 0
        command = self.writer.command
        while True:
            start, process = time.monotonic(), self.work.start(command, subprocess.PIPE)
            sent = None
            if done < kills:
                time.sleep(self.generator.uniform(0.02, 1.05 * self.seconds))
                if process.poll() is None:
                    sent = self.generator.choice(self.signals)
                    process.send_signal(sent)
            error = process.communicate()[1].decode("utf-8", "replace")
            if sent is None and not done:
                self.seconds = min(self.seconds, time.monotonic() - start)
            if sent is not None and process.returncode in (-sent, 75):
                done += 1
                if sent != signal.SIGKILL and process.returncode != 75:
                    self.problems.append(f"ends by {sent.name}, not with code 75")
                wrong = self.left_behind()
                if wrong:
                    self.problems.append(wrong)
                command = self.writer.again()
                continue
            if process.returncode == 73 and done and "exist" in error:
                # The kill came behind the last step: the result stands, and the command says so.
                pass
            elif process.returncode != 0:
                self.problems.append(f"after {done} kills: exit code {process.returncode}: {error.strip()[:300]}")
                return done
            break
        self.compare(done)
        return done

    def compare(self, done):
        found = content(self.work.place / self.writer.output)
        if self.writer.name == "label":
            code, error = self.work.is_sound(self.writer.output)
            same = self.expected["labels-00000.h5"] in found.values()
            wrong = f"not sound: {error.strip()[:200]}" if code else None if same else "the labels differ"
        else:
            wrong = difference(self.steady(found), self.expected)
        if wrong:
            self.problems.append(f"after {done} kills: {wrong}")
        more = self.names() - self.beside
        if more:
            self.problems.append(f"after {done} kills there lies beside the result: {', '.join(sorted(more))}")

    def run(self, kills):
        self.whole()
        done = rounds = 0
        empty = 0
        while done < kills and empty < 20:
            killed = self.round(min(kills - done, 5))
            done, rounds, empty = done + killed, rounds + 1, empty + 1 if not killed else 0
            if len(self.problems) > 20:
                break
        counts = {}
        for problem in self.problems:
            key = "".join("N" if c.isdigit() else c for c in problem)
            first, count = counts.get(key, (problem, 0))
            counts[key] = (first, count + 1)
        print(f"{self.writer.name:16}{done:5} stops in {rounds} rounds of {self.seconds:.2f} s, {len(self.problems)} problems", flush=True)
        for first, count in counts.values():
            print(f"  {count} ×: {first}", flush=True)
        return done


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("kills", nargs="?", type=int, default=100)
    parser.add_argument("writers", nargs="*", help=", ".join(writer.name for writer in WRITERS))
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--unfold", default=os.environ.get("UNFOLD", str(ROOT / ".build/release/unfold")))
    parser.add_argument("--work", type=Path, default=ROOT / "build/kills")
    parser.add_argument("--signals", default="KILL", help="signals to choose among: KILL, INT, TERM, HUP")
    options = parser.parse_args()
    signals = [getattr(signal, f"SIG{name}") for name in options.signals.split(",")]
    work = Workplace(options.unfold, options.work)
    chosen = [writer for writer in WRITERS if not options.writers or writer.name in options.writers]
    done = problems = 0
    for i, writer in enumerate(chosen):
        killing = Killing(work, writer, random.Random(f"{options.seed} {writer.name}"), signals)
        done += killing.run((options.kills - done) // (len(chosen) - i))
        problems += len(killing.problems)
    print(f"{done} stops ({options.signals}) in {len(chosen)} writers: {problems} problems")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
