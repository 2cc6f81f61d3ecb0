"""What counts as a finding: how a command may end, and how it may not."""

import json
import re
import signal
from dataclasses import dataclass

# The raw values of Fault.Kind, success, and what an absent file of the system's own may give.
DOCUMENTED = {0, 64, 65, 66, 69, 70, 71, 73, 74, 75}
MEMORY = 3 << 30
TRAP = re.compile(r"^.*(?:fatal error|Fatal error|Stack dump|AddressSanitizer|ThreadSanitizer|runtime error:).*$", re.M)


@dataclass
class Finding:
    kind: str  # signal, time-out, memory, exit code, unexpected, trap, without advice
    detail: str

    @property
    def key(self):
        """The same for the same fault, whatever the numbers, names and paths in its message."""
        text = re.sub(r"/\S+", "PATH", self.detail)
        text = re.sub(r'"[^"]*"', "TEXT", text)
        return f"{self.kind}: {re.sub(r'[0-9]+', 'N', text)[:120]}"

    @property
    def is_advice(self):
        return self.kind == "without advice"


def error_name(output):
    """The stable name of a fault, which --json prints."""
    found = re.findall(r'"name"\s*:\s*"([a-z0-9-]+\.[A-Za-z0-9]+)"', output)
    return found[-1] if found else None


def last_line(output):
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    return lines[-1][:200] if lines else ""


def has_advice(output):
    # The parser of the command line answers with the usage.
    return "  try:" in output or '"advice"' in output or "--help" in output or "Usage:" in output


def judge(outcome):
    """The worst that can be said of an outcome, or None."""
    output = outcome.output
    if outcome.timed_out:
        return Finding("time-out", last_line(output))
    trap = TRAP.search(output)
    if outcome.signal is not None:
        name = signal.Signals(outcome.signal).name
        return Finding("signal", f"{name} {trap.group(0)[:200] if trap else last_line(output)}")
    if outcome.peak > MEMORY:
        return Finding("memory", f"more than {MEMORY >> 30} GiB {error_name(output) or ''}")
    if trap:
        return Finding("trap", trap.group(0)[:200])
    if outcome.code not in DOCUMENTED:
        return Finding("exit code", f"{outcome.code} {last_line(output)}")
    if "should not have" in output or "tool.unexpected" in output:
        line = next((line for line in output.splitlines() if "should not have" in line), "")
        return Finding("unexpected", line[:200])
    if outcome.code != 0 and "error:" in output and not has_advice(output):
        name = error_name(output)
        first = next(line for line in output.splitlines() if "error:" in line)
        return Finding("without advice", name or first[:160])
    if outcome.code != 0 and "rror" not in output and "damaged" not in output:
        return Finding("without advice", f"exit code {outcome.code} without an error: {last_line(output)[:80]}")
    return None
