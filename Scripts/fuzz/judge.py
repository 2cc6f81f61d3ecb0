"""What counts as a finding: how a command may end, and how it may not."""

import re
import signal
from dataclasses import dataclass

# Success, the raw values of Fault.Kind, and what sysexits.h has for services (69) and the system (71).
DOCUMENTED = {0, 64, 65, 66, 69, 70, 71, 73, 74, 75}
MEMORY = 3 << 30
# A message quotes what it found, and not all of it.
LONGEST = 4 << 10
CONTROLS = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\x80-\x9f]")
TRAP = re.compile(r"^.*(?:fatal error|Fatal error|Stack dump|AddressSanitizer|ThreadSanitizer|runtime error:).*$", re.M)


@dataclass
class Finding:
    kind: str  # signal, time-out, memory, lost output, exit code, unexpected, trap, control character, long message, without advice
    detail: str

    @property
    def key(self):
        """The same for the same fault, whatever the numbers, names and paths in its message."""
        text = re.sub(r"U\+[0-9A-F]+", "", re.sub(r"/\S+", "PATH", self.detail))
        text = re.sub(r'"[^"]*"', "TEXT", text)
        return f"{self.kind}: {re.sub(r'[0-9]+', 'N', text)[:200]}"

    @property
    def is_message(self):
        """Whether only the words are wrong, not the end."""
        return self.kind in ("without advice", "control character", "long message")


def error_name(output):
    """The stable name of a fault, which --json prints."""
    found = re.findall(r'"name"\s*:\s*"([a-z0-9-]+\.[A-Za-z0-9]+)"', output)
    return found[-1] if found else None


def last_line(output):
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    return lines[-1][:200] if lines else ""


def first_line(output):
    lines = [line for line in output.splitlines() if "error:" in line] or output.splitlines() or [""]
    return lines[0][:160]


def has_advice(output):
    # The parser of the command line answers with the usage.
    return "  try:" in output or '"advice"' in output or "--help" in output or "Usage:" in output


def judge(outcome, is_asked_for=False, odd=None):
    """The worst that can be said of an outcome, or None. What was asked for may take long, if it can be interrupted."""
    output = outcome.errors + outcome.results
    if outcome.timed_out:
        how = "" if outcome.stopped else "; an interrupt does not end it in order"
        return None if is_asked_for and outcome.stopped else Finding("time-out", last_line(output) + how)
    trap = TRAP.search(output)
    if outcome.signal == signal.SIGPIPE and odd == "output a broken pipe":
        return None  # As every filter ends before `head`.
    if outcome.signal is not None:
        name = signal.Signals(outcome.signal).name
        return Finding("signal", f"{name} {trap.group(0)[:200] if trap else last_line(output)}")
    if outcome.peak > MEMORY:
        return Finding("memory", f"more than {MEMORY >> 30} GiB {error_name(output) or ''}")
    if trap:
        return Finding("trap", trap.group(0)[:200])
    if odd in ("output full", "output closed") and outcome.code == 0:
        return Finding("lost output", f"exit code 0 with {odd}")
    if odd and (odd.startswith("errors") or odd == "output a broken pipe"):
        return None  # Nobody is there to be told.
    if outcome.code not in DOCUMENTED:
        return Finding("exit code", f"{outcome.code} {last_line(output)}")
    if "should not have" in output or "tool.unexpected" in output:
        line = next((line for line in output.splitlines() if "should not have" in line), "")
        return Finding("unexpected", line[:200])
    told = outcome.errors.partition("error:")[2]
    if CONTROLS.search(outcome.errors) or (not outcome.results.startswith(("{", "[")) and CONTROLS.search(outcome.results)):
        found = CONTROLS.search(outcome.errors + outcome.results).group(0)
        place = "a message" if found in outcome.errors else "the results"
        name = error_name(output) or ("the command line" if "Usage:" in output or "--help" in output else first_line(output))
        return Finding("control character", f"U+{ord(found):04X} in {place}: {name}")
    if len(told) > LONGEST:
        return Finding("long message", f"{error_name(output) or first_line(outcome.errors)}")
    if outcome.code != 0 and "error:" in output and not has_advice(output):
        return Finding("without advice", error_name(output) or first_line(output))
    if outcome.code != 0 and "rror" not in output and "damaged" not in output:
        return Finding("without advice", f"exit code {outcome.code} without an error: {last_line(output)[:80]}")
    return None
