# SPDX-License-Identifier: GPL-2.0-only
"""Reads what upstream's programs say: kselftest's TAP."""

import re
from dataclasses import dataclass, field

from tap import PLAN, RESULT


@dataclass
class Results:
    """What one program said of its tests."""
    plan: int = 0
    passed: set = field(default_factory=set)
    failed: dict = field(default_factory=dict)          # name -> what it said
    skipped: dict = field(default_factory=dict)         # name -> why

    def seen(self):
        """All tests that were run."""
        return self.passed | set(self.failed) | set(self.skipped)


class Listener:
    """Sorts the lines of the programs by program."""

    def __init__(self, programs):
        self.results = {p: Results() for p in programs}
        self.order = list(programs)
        self.current = None
        self.said = []

    def line(self, text):
        """One line; each program begins with its plan."""
        if plan := PLAN.match(text):
            self.current = self.results[self.order.pop(0)]
            self.current.plan = int(plan[1])
        elif self.current and (result := RESULT.match(text)):
            self.result(*result.groups())
        elif text.startswith("#") and " RUN " not in text:
            self.said.append(re.sub(r"\S*/selftests/(iommu|vfio)/", "", text.lstrip("# ")))

    def result(self, bad, _number, name, directive, reason):
        """One test's result."""
        if bad:
            self.current.failed[name] = "; ".join(self.said[-4:]) or "not ok"
        elif directive:
            self.current.skipped[name] = reason
        else:
            self.current.passed.add(name)
        self.said = []
