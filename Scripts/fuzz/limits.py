"""Runs one command under limits and says how it ended."""

import os
import resource
import select
import signal
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

PATIENCE = 5  # seconds for a command that was interrupted to end
HEAD, TAIL = 32 << 10, 32 << 10


@dataclass
class Limits:
    seconds: float = 10
    memory: int = 6 << 30  # of address space
    file: int = 1 << 30  # the largest file that it may write

    def apply(self):
        """In the child, before it becomes the command."""
        os.setsid()
        processor = int(self.seconds * 4) + 2
        resource.setrlimit(resource.RLIMIT_CPU, (processor, processor))
        resource.setrlimit(resource.RLIMIT_AS, (self.memory, self.memory))
        resource.setrlimit(resource.RLIMIT_FSIZE, (self.file, self.file))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


@dataclass
class Outcome:
    code: int | None  # the exit code; None where a signal or the time ended it
    signal: int | None
    timed_out: bool
    stopped: bool  # whether it ended in order when it was interrupted after its time
    errors: str  # the beginning and end of standard error
    results: str  # and of standard output
    seconds: float
    peak: int  # bytes of memory that were resident at most


def ends(path):
    """The beginning and the end of a file."""
    with open(path, "rb") as file:
        data = file.read(HEAD)
        file.seek(0, os.SEEK_END)
        file.seek(max(len(data), file.tell() - TAIL))
        return (data + file.read()).decode("utf-8", "replace")


def environment(**more):
    # A trap's backtrace takes seconds to make, and its first line tells as much.
    return {**os.environ, "SWIFT_BACKTRACE": "enable=no", "NO_COLOR": "1", **more}


# Ways in which the standard streams can be odd.
STREAMS = ["input closed", "input a folder", "output full", "output closed", "errors closed", "errors full", "output a broken pipe"]


def open_streams(scratch, stdin, odd):
    """Descriptors for standard input, output and errors; the odd one is what its name says, a closed one is None."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
    files = [os.open(stdin or os.devnull, os.O_RDONLY), os.open(scratch / "stdout", flags), os.open(scratch / "stderr", flags)]
    if odd:
        name, _, how = odd.partition(" ")
        place = ["input", "output", "errors"].index(name)
        os.close(files[place])
        if how == "a broken pipe":
            reading, files[place] = os.pipe()
            os.close(reading)
        else:
            files[place] = {"closed": None, "full": "/dev/full", "a folder": str(scratch)}[how]
        if isinstance(files[place], str):
            files[place] = os.open(files[place], os.O_RDONLY if place == 0 else os.O_WRONLY)
    return files


def execute(command, cwd, scratch, limits=None, stdin=None, env=None, odd=None):
    """Runs a command to its end, or to the end of its time; what it started goes with it."""
    limits = limits or Limits()
    scratch = Path(scratch)
    files = open_streams(scratch, stdin, odd)

    def prepare():
        limits.apply()
        for i, file in enumerate(files):
            if file is None:
                os.close(i)

    start = time.monotonic()
    process = subprocess.Popen(
        command, cwd=cwd, stdin=files[0], stdout=files[1], stderr=files[2], env=env or environment(), preexec_fn=prepare)
    for file in files:
        if file is not None:
            os.close(file)
    handle = os.pidfd_open(process.pid)
    try:
        timed_out = not select.select([handle], [], [], limits.seconds)[0]
        stopped = False
        if timed_out:
            os.killpg(process.pid, signal.SIGINT)
            stopped = bool(select.select([handle], [], [], PATIENCE)[0])
            if not stopped:
                os.killpg(process.pid, signal.SIGKILL)
        _, status, usage = os.wait4(process.pid, 0)
    finally:
        os.close(handle)
    process.returncode = os.waitstatus_to_exitcode(status)
    ended = process.returncode
    return Outcome(
        code=ended if ended >= 0 and not timed_out else None,
        signal=-ended if ended < 0 and not timed_out else None,
        timed_out=timed_out,
        stopped=stopped and ended >= 0,
        errors=ends(scratch / "stderr"),
        results=ends(scratch / "stdout"),
        seconds=time.monotonic() - start,
        peak=usage.ru_maxrss << 10)
