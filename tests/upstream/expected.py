# SPDX-License-Identifier: GPL-2.0-only
"""The rows, and what each may fail or skip: data, checked both ways."""

import re
import shlex
from fnmatch import fnmatchcase
from dataclasses import dataclass, field
from pathlib import Path

from cache import Failed
from kernels import exists

HERE = Path(__file__).resolve().parent


@dataclass
class Row:
    """One line of the file rows."""
    name: str
    kernel: str
    suite: str = "7.2"
    programs: list = field(default_factory=lambda: ["iommufd"])
    devices: list = field(default_factory=list)         # a run of each program for each
    iommu: str = "none"
    qemu: str = ""
    append: str = ""
    cpus: int = 2
    memory: str = "1G"
    hugepages: int = 80
    timeout: int = 300
    expected: str = ""                  # the row whose list this has, too
    all: int = 0                        # is it for `make test-all` only?

    def runs(self):
        """What is run: PROGRAM, or PROGRAM/DEVICE; one may be listed for one device only."""
        if not self.devices:
            return self.programs
        return [f"{p.partition('/')[0]}/{d}" for d in self.devices for p in self.programs
                if p.partition("/")[2] in ("", d)]

    def title(self, program):
        """The beginning of the line that tells the result."""
        older = "" if self.suite == "7.2" else f" of {self.suite}"
        return f"{program}{older} on {self.kernel}"


def read_rows(file=HERE / "rows"):
    """All rows, in the order of the file."""
    rows, sets = [], {}
    for line in file.read_text(encoding="utf-8").splitlines():
        words = shlex.split(line, comments=True)
        if not words:
            continue
        if words[0] == "set":
            sets[words[1]] = words[2:]
            continue
        words = [w for word in words for w in sets.get(word, [word])]
        values = dict(w.split("=", 1) for w in words[1:])
        for key in {"programs", "devices"} & set(values):
            values[key] = values[key].split(",")
        for key in {"cpus", "timeout", "hugepages", "all"} & set(values):
            values[key] = int(values[key])
        if not exists(values.get("kernel", ""), "amd64"):
            raise Failed(f"rows: {words[0]}: no kernel {values.get('kernel')}")
        rows.append(Row(words[0], **values))
    return rows


class Expected:
    """What a row may fail or skip.

    Lines of the file: "fail PROGRAM TEST: reason", "skip PROGRAM TEST: reason", and
    "vary PROGRAM TEST: reason" for a test whose result is up to chance; "log REGEX:
    reason" for lines of the kernel log; "pass PROGRAM COUNT", of those that don't vary.
    PROGRAM and TEST may be patterns with *, and all that fit them are meant.
    """

    LINE = re.compile(r"(fail|skip|vary)\s+(\S+)\s+(\S+):\s+(\S.*)")
    LOG = re.compile(r"log\s+(.*?):\s+(\S.*)")
    PASS = re.compile(r"pass\s+(\S+)\s+(\d+)")

    def __init__(self, row, file=None):
        self.file = file or HERE / "expected" / (row.expected or row.name)
        self.fail, self.skip, self.vary, self.log, self.count = {}, {}, {}, [], {}
        for line in self.file.read_text(encoding="utf-8").splitlines():
            if line.strip() and not line.startswith("#"):
                self.take(line)
        for program, _ in [*self.fail, *self.skip, *self.vary] if row else []:
            if not any(fnmatchcase(p, program) for p in row.runs()):
                raise Failed(f"expected/{self.file.name}: the row has no {program}")

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

    @staticmethod
    def find(table, program, test):
        """The line of that table that means this test, as it is written."""
        for names in table:
            if fnmatchcase(program, names[0]) and fnmatchcase(test, names[1]):
                return names
        return None

    def failures(self, program, result):
        """The failed tests that are listed, by line: (what is listed, reason, tests)."""
        known, found = self.fail | self.vary, {}
        for test in result.failed:
            if names := self.find(known, program, test):
                found.setdefault(names, []).append(test)
        return [(names[1], known[names], tests) for names, tests in found.items()]

    def unlike(self, kind, program, result):
        """What is listed as failing or being skipped, and isn't so: (test, how)."""
        got = set(result.failed if kind == "fail" else result.skipped)
        for names in getattr(self, kind):
            if fnmatchcase(program, names[0]):
                meant = {t for t in result.seen() if fnmatchcase(t, names[1])} or {names[1]}
                for test in sorted(meant - got):
                    yield test, f"is listed to {kind}, and " + (
                        "passes" if test in result.passed else "does not")

    def count_of(self, program):
        """How many are to pass, if the file says so."""
        exact = [n for p, n in self.count.items() if p == program]
        return (exact + [n for p, n in self.count.items() if fnmatchcase(program, p)] + [None])[0]

    def differences(self, program, result):
        """What is not as listed: (test, how)."""
        wrong = [(t, why) for t, why in result.failed.items()
                 if not self.find(self.fail | self.vary, program, t)]
        wrong += [(t, f"was skipped: {why}") for t, why in result.skipped.items()
                  if not self.find(self.skip, program, t)]
        for kind in ("fail", "skip"):
            wrong += self.unlike(kind, program, result)
        vary = {t for t in result.seen() if self.find(self.vary, program, t)}
        wrong += [(t, "is listed, and there is no such test") for p, t in self.vary
                  if fnmatchcase(program, p) and not any(fnmatchcase(v, t) for v in vary)]
        if len(result.seen()) != result.plan or not result.plan:
            wrong.append((program, f"{len(result.seen())} of {result.plan} tests ran"))
        count = self.count_of(program)
        if count is None:
            wrong.append((program, f"expected/{self.file.name} has no count for it"))
        elif len(result.passed - vary) != count:
            wrong.append((program, f"{len(result.passed - vary)} pass, not {count}"))
        return wrong
