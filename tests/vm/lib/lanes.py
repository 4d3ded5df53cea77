# SPDX-License-Identifier: GPL-2.0-only
"""Reads the list of lanes: on which machines which tests run."""

import shlex
from dataclasses import dataclass, field, fields
from pathlib import Path

from cache import Failed
from kernels import exists
from programs import LIB, TESTS

FILE = Path(__file__).resolve().parents[1] / "lanes"


@dataclass
class Lane:
    """One line of the file."""
    name: str
    kernel: str
    arch: str = "amd64"
    bits: int = 64                      # of the programs
    iommu: str = "none"
    devices: list = field(default_factory=list)
    tests: list = field(default_factory=list)
    memory: str = "2G"
    cpus: int = 2
    thread: str = "single"
    timeout: int = 300
    test_build: int = 0
    all: int = 0                        # only for who asks for all or names it
    qemu: str = ""                      # another than the host's
    icount: int = 0                     # time is the number of instructions
    append: str = ""                    # more kernel arguments


def all_tests():
    """Every program of tests/guest."""
    return sorted(p.stem for p in TESTS.glob("*/*.c") if p.parent != LIB)


def named(word, sets):
    """The programs that a word names: those of a set that was defined before, or one, perhaps
    with arguments."""
    if word in sets:
        return sets[word]
    name = word.split()[0]
    if not any(TESTS.glob(f"*/{name}.*")) and not (TESTS.parent / name / f"{name}.c").exists():
        raise Failed(f"{FILE.name}: no set and no program is named {name}")
    return [word]


def pick_tests(text, sets):
    """The tests for a value of tests=: names, names of sets, -name to leave it out."""
    picked = []
    for word in text.split(","):
        if word.startswith("-"):
            picked = [t for t in picked if t not in named(word[1:], sets)]
        elif word == "all":
            picked += [t for t in all_tests() if t not in sets.get("apart", [])]
        else:
            picked += named(word, sets)
    return list(dict.fromkeys(picked))


def parse_lane(words, sets):
    """One lane."""
    values = {"tests": "all"}
    known = [f.name for f in fields(Lane)]
    for word in words[1:]:
        key, equals, value = word.partition("=")
        if not equals or key not in known:
            raise Failed(f"{FILE.name}: lane {words[0]}: cannot read {word}")
        values[key] = value
    values["tests"] = pick_tests(values["tests"], sets)
    values["devices"] = values.get("devices", "").split()
    for key in ("cpus", "timeout", "test_build", "all", "icount", "bits"):
        if key in values:
            values[key] = int(values[key])
    if not exists(values.get("kernel", ""), values.get("arch", "amd64")):
        raise Failed(f"{FILE.name}: lane {words[0]}: no kernel {values.get('kernel')}")
    return Lane(words[0], **values)


def read_lanes(file=FILE):
    """All lanes, in the order of the file."""
    lanes, sets = [], {}
    for line in file.read_text(encoding="utf-8").splitlines():
        words = shlex.split(line, comments=True)
        if not words:
            continue
        if words[0] == "set":
            sets[words[1]] = [t for w in words[2:] for t in named(w, sets)]
        else:
            lanes.append(parse_lane(words, sets))
    return lanes
