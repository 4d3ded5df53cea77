# SPDX-License-Identifier: GPL-2.0-only
"""The rows, and what each may fail or skip: data, checked both ways."""

import re
import shlex
from dataclasses import dataclass, field
from pathlib import Path

from cache import Failed
from kernels import NAMES

HERE = Path(__file__).resolve().parent


@dataclass
class Row:
    """One line of the file rows."""
    name: str
    kernel: str
    suite: str = "7.2"
    programs: list = field(default_factory=lambda: ["iommufd"])
    append: str = ""
    cpus: int = 2
    memory: str = "1G"
    timeout: int = 300

    def title(self, program):
        """The beginning of the line that tells the result."""
        older = "" if self.suite == "7.2" else f" of {self.suite}"
        return f"{program}{older} on {self.kernel}"


def read_rows(file=HERE / "rows"):
    """All rows, in the order of the file."""
    rows = []
    for line in file.read_text(encoding="utf-8").splitlines():
        words = shlex.split(line, comments=True)
        if not words:
            continue
        values = dict(w.split("=", 1) for w in words[1:])
        if "programs" in values:
            values["programs"] = values["programs"].split(",")
        for key in {"cpus", "timeout"} & set(values):
            values[key] = int(values[key])
        if values.get("kernel") not in NAMES:
            raise Failed(f"rows: {words[0]}: no kernel {values.get('kernel')}")
        rows.append(Row(words[0], **values))
    return rows


class Expected:
    """What a row may fail or skip.

    Lines of the file: "fail PROGRAM TEST: reason", "skip PROGRAM TEST: reason", and
    "vary PROGRAM TEST: reason" for a test whose result is up to chance; "log REGEX:
    reason" for lines of the kernel log; "pass PROGRAM COUNT", of those that don't vary.
    """

    LINE = re.compile(r"(fail|skip|vary)\s+(\S+)\s+(\S+):\s+(\S.*)")
    LOG = re.compile(r"log\s+(.*?):\s+(\S.*)")
    PASS = re.compile(r"pass\s+(\S+)\s+(\d+)")

    def __init__(self, row, file=None):
        self.file = file or HERE / "expected" / row.name
        self.fail, self.skip, self.vary, self.log, self.count = {}, {}, {}, [], {}
        for line in self.file.read_text(encoding="utf-8").splitlines():
            if line.strip() and not line.startswith("#"):
                self.take(line)

    def take(self, line):
        """One line of the file."""
        if match := self.LINE.fullmatch(line):
            kind, program, test, reason = match.groups()
            getattr(self, kind)[program, test] = reason
        elif match := self.LOG.fullmatch(line):
            self.log.append(re.compile(match[1]))
        elif match := self.PASS.fullmatch(line):
            self.count[match[1]] = int(match[2])
        else:
            raise Failed(f"expected/{self.file.name}: cannot read: {line}")

    def allows(self, name, reason):
        """Is this complaint of the kernel's a known one?"""
        return name == "kernel log" and any(r.search(reason) for r in self.log)

    def differences(self, program, result):
        """What is not as listed: (test, how)."""
        listed = self.fail | self.vary
        wrong = [(t, why) for t, why in result.failed.items() if (program, t) not in listed]
        wrong += [(t, f"was skipped: {why}") for t, why in result.skipped.items()
                  if (program, t) not in self.skip]
        for kind in ("fail", "skip"):
            seen = result.failed if kind == "fail" else result.skipped
            wrong += [(t, f"is listed as one to {kind}, and "
                       + ("passes" if t in result.passed else "does not"))
                      for p, t in getattr(self, kind) if p == program and t not in seen]
        vary = {t for p, t in self.vary if p == program}
        wrong += [(t, "is listed, and there is no such test") for t in vary - result.seen()]
        if len(result.seen()) != result.plan or not result.plan:
            wrong.append((program, f"{len(result.seen())} of {result.plan} tests ran"))
        count = self.count.get(program)
        if count is None:
            wrong.append((program, f"expected/{self.file.name} has no count for it"))
        elif len(result.passed - vary) != count:
            wrong.append((program, f"{len(result.passed - vary)} pass, not {count}"))
        return wrong
