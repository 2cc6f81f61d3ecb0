#!/usr/bin/env python3
"""Runs every command of README.md that begins with `unfold`, in order and as written, in an empty folder.

    Scripts/readme-commands.py [--unfold .build/release/unfold] [--page README.md]

Prints each command with its exit code and seconds; ends with 1 where one fails. Commands that need what `make dictionaries`
makes are left out, and named.
"""
import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def commands(text: str) -> list[str]:
    """The lines of the page's blocks of code that call the tool."""
    found, language = [], None
    for line in text.splitlines():
        if line.startswith("```"):
            language = line[3:].strip() if language is None else None
        elif language in ("", "sh", "bash") and line.startswith("unfold "):
            found.append(line)
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--unfold", type=Path, default=ROOT / ".build/release/unfold")
    parser.add_argument("--page", type=Path, default=ROOT / "README.md")
    options = parser.parse_args()
    failed = 0
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "bin").mkdir()
        (Path(folder) / "bin/unfold").symlink_to(options.unfold.resolve())
        work = Path(folder) / "work"
        work.mkdir()
        environment = os.environ | {"PATH": f"{folder}/bin:{os.environ['PATH']}", "NO_COLOR": "1"}
        found = commands(options.page.read_text())
        for command in found:
            if "build/" in command:
                print(f"left out (needs `make dictionaries`): {command}")
                continue
            start = time.monotonic()
            done = subprocess.run(command, shell=True, cwd=work, env=environment, capture_output=True, text=True)
            print(f"{done.returncode:3d} {time.monotonic() - start:6.1f} s  {command}", flush=True)
            if done.returncode:
                failed += 1
                print(done.stderr.strip(), flush=True)
        print(f"{len(found)} commands, {failed} failed")
    return 1 if failed or not found else 0


if __name__ == "__main__":
    sys.exit(main())
