# SPDX-License-Identifier: GPL-2.0-only
"""Reads TAP, strictly: what the plan promised has to come, and to pass."""

import re
from dataclasses import dataclass, field

PLAN = re.compile(r"1\.\.(\d+)(?:\s*#\s*SKIP\b\s*(.*))?\s*$", re.I)
RESULT = re.compile(r"(not )?ok\b\s*(\d+)?\s*-?\s*(.*?)\s*(?:#\s*(SKIP|TODO)\b\s*(.*))?$", re.I)
EXIT_SKIP = (4, 77)     # with a plan of no tests


@dataclass
class Tally:
    """What a program, a machine or a whole run came to."""
    passed: int = 0
    failed: list = field(default_factory=list)      # (name, reason)
    skipped: list = field(default_factory=list)     # (name, reason)

    def add(self, other):
        """Adds another tally to this one."""
        self.passed += other.passed
        self.failed += other.failed
        self.skipped += other.skipped

    def summary(self):
        """The one line that says it all."""
        return (f"PASSED {self.passed}, FAILED {len(self.failed)}, "
                f"SKIPPED {len(self.skipped)}")


class Reader:
    """Takes the lines of one program."""

    def __init__(self, program):
        self.program = program
        self.plan = None
        self.tally = Tally()
        self.seen = 0
        self.diagnostics = []

    def line(self, text):
        """One line of output."""
        text = text.rstrip()
        if plan := PLAN.match(text):
            self.take_plan(int(plan[1]), plan[2])
        elif text.startswith("Bail out!"):
            self.tally.failed.append((self.program, text))
        elif result := RESULT.match(text):
            self.take_result(result)
        elif text.startswith("#"):
            self.diagnostics.append(text.lstrip("# "))

    def take_plan(self, count, reason):
        """A plan; one of no tests skips the whole program."""
        if self.plan is not None:
            self.tally.failed.append((self.program, "a second plan"))
        self.plan = count
        if count == 0:
            self.tally.skipped.append((self.program, reason or "no reason given"))

    def take_result(self, result):
        """One test's result."""
        bad, number, name, directive, reason = result.groups()
        self.seen += 1
        name = name or f"{self.program}.{self.seen}"
        if number and int(number) != self.seen:
            self.tally.failed.append((name, f"has number {number}, not {self.seen}"))
        elif bad:
            self.tally.failed.append((name, "; ".join(self.diagnostics[-8:]) or "not ok"))
        elif directive and directive.upper() == "SKIP":
            self.tally.skipped.append((name, reason or "no reason given"))
        else:
            self.tally.passed += 1
        self.diagnostics = []

    def end(self, status, limit=None):
        """The program ended with that status; None: it did not end."""
        failed = self.tally.failed
        if status is None:
            failed.append((self.program, "the machine died while it ran"))
        elif status == 137 and limit:
            failed.append((self.program, f"no end within {limit} s"))
        if self.plan is None:
            failed.append((self.program, "no plan (1..N) in its output"))
        elif self.seen != self.plan:
            failed.append((self.program, f"{self.seen} of {self.plan} planned tests ran"))
        skipped = self.plan == 0 and status in EXIT_SKIP
        if status and not failed and not skipped:
            failed.append((self.program, f"exit status {status}"))
        return self.tally
