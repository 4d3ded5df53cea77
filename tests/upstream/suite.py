# SPDX-License-Identifier: GPL-2.0-only
"""Upstream's tests, built from the kernel's source into the cache."""

import hashlib
import os
import re
from pathlib import Path

import apt
import pieces
from cache import Failed, note, piece, run
from kernels import STOCK

HERE = Path(__file__).resolve().parent
PROGRAMS = ("iommufd", "iommufd_fail_nth")

# The harness's limit of 30 s for a test is for real machines.
SECONDS = 600
LIMIT = re.compile(r"^#define TEST_TIMEOUT_DEFAULT .*$", re.M)


def libcap():
    """The static library that the suites want."""
    def make(directory):
        apt.unpack(["libcap-dev:amd64/bookworm"], directory)

    return piece("libcap", "amd64", "1", make)


def uapi(version):
    """The headers that this kernel has for user space."""
    source = pieces.source(version)

    def make(directory):
        run(["make", "-s", "-C", source, f"O={directory}/build", "ARCH=x86_64",
             f"-j{os.cpu_count()}", "headers"])
        (directory / "build/usr/include").rename(directory / "include")
        run(["rm", "-rf", directory / "build"])

    return piece("uapi", version, f"1 {STOCK[version].version}", make) / "include"


def harness(source, target):
    """Writes upstream's harness with our time limit."""
    text = (source / "tools/testing/selftests/kselftest_harness.h").read_text("utf-8")
    text, count = LIMIT.subn(f"#define TEST_TIMEOUT_DEFAULT {SECONDS}", text)
    if count != 1:
        raise Failed("upstream's harness has no TEST_TIMEOUT_DEFAULT to set")
    target.write_text(text, encoding="utf-8")


def suite(version):
    """The suite of that kernel: a directory with static programs.

    The sources are compiled where they lie. What an old one can't be compiled
    without stands in compile-VERSION.h.
    """
    pieces.need_tools("gcc", "make")
    source, headers, cap = pieces.source(version), uapi(version), libcap()
    tests = source / "tools/testing/selftests"
    extra = HERE / f"compile-{version}.h"
    words = ["gcc", "-static", "-O2", "-Wall", "-Wno-unused-function", "-D_GNU_SOURCE=",
             "-isystem", headers, "-isystem", cap / "usr/include", "-I", tests]
    if extra.exists():
        words += ["-include", extra]
    about = f"1 {STOCK[version].version} {SECONDS} " + \
        (extra.read_text("utf-8") if extra.exists() else "")
    ident = hashlib.sha256(about.encode()).hexdigest()

    def make(directory):
        note(f"building upstream's tests of {version}")
        harness(source, directory / "harness.h")
        for name in PROGRAMS:
            run([*words, "-include", directory / "harness.h", "-o", directory / name,
                 tests / "iommu" / f"{name}.c", "-L", cap / "usr/lib/x86_64-linux-gnu",
                 "-lcap"])

    return piece("upstream", version, ident, make)
