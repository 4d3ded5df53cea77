# SPDX-License-Identifier: GPL-2.0-only
"""Upstream's tests, built from the kernel's source into the cache."""

import hashlib
import os
import re
from pathlib import Path

import apt
import pieces
from cache import Failed, note, piece, run

HERE = Path(__file__).resolve().parent
IOMMUFD = ("iommufd", "iommufd_fail_nth")
VFIO = ("vfio_dma_mapping_test", "vfio_dma_mapping_mmio_test", "vfio_iommufd_setup_test",
        "vfio_pci_device_test", "vfio_pci_device_init_perf_test", "vfio_pci_sriov_uapi_test",
        "vfio_pci_driver_test")

# 7.2's library calls a function that is nowhere defined.
LIBRARY_WORDS = {"7.2": ("-Dcalloc_assert=calloc",)}

# The limits of 30 s for a test, and of 60 s for some, are for real machines.
SECONDS = 600
LIMIT = re.compile(r"^#define TEST_TIMEOUT_DEFAULT .*$", re.M)
OWN_LIMIT = re.compile(r"^(#define TEST_F_TIMEOUT\(.*\\\n\t__TEST_F_IMPL\(.*, )timeout\)$", re.M)


def library(name):
    """A static library that a suite wants, in Debian's libNAME-dev or NAME-dev."""
    package = {"libcap": "libcap-dev", "uuid": "uuid-dev"}[name]

    def make(directory):
        apt.unpack([f"{package}:amd64/bookworm"], directory)

    return piece(name, "amd64", "1", make)


def uapi(version):
    """The headers that this kernel has for user space."""
    source = pieces.source(version)

    def make(directory):
        run(["make", "-s", "-C", source, f"O={directory}/build", "ARCH=x86_64",
             f"-j{os.cpu_count()}", "headers"])
        (directory / "build/usr/include").rename(directory / "include")
        run(["rm", "-rf", directory / "build"])

    return piece("uapi", source.name, "1", make) / "include"


def harness(source, target):
    """Writes upstream's harness with our time limit, for tests that have their own, too."""
    text = (source / "tools/testing/selftests/kselftest_harness.h").read_text("utf-8")
    text, count = LIMIT.subn(f"#define TEST_TIMEOUT_DEFAULT {SECONDS}", text)
    text, own = OWN_LIMIT.subn(r"\1TEST_TIMEOUT_DEFAULT)", text)
    if (count, own) != (1, 1):
        raise Failed("upstream's harness has other time limits than those that are known")
    target.write_text(text, encoding="utf-8")


def compiler(version):
    """The words that compile a static program of that kernel's tests."""
    pieces.need_tools("gcc", "make")
    extra = HERE / f"compile-{version}.h"
    words = ["gcc", "-static", "-O2", "-Wall", "-Wno-unused-function", "-D_GNU_SOURCE=",
             "-isystem", uapi(version),
             "-I", pieces.source(version) / "tools/testing/selftests"]
    if extra.exists():
        words += ["-include", extra]
    return words


def identity(version, *more):
    """What a suite is made from."""
    extra = HERE / f"compile-{version}.h"
    about = [pieces.source_version(version), SECONDS, OWN_LIMIT.pattern, *more,
             extra.read_text("utf-8") if extra.exists() else ""]
    return hashlib.sha256(repr(about).encode()).hexdigest()


def iommufd_suite(version):
    """The tests of /dev/iommu: a directory with static programs.

    The sources are compiled where they lie. What an old one can't be compiled
    without stands in compile-VERSION.h.
    """
    words, source, cap = compiler(version), pieces.source(version), library("libcap")

    def make(directory):
        note(f"building upstream's tests of {version}")
        harness(source, directory / "harness.h")
        for name in IOMMUFD:
            run([*words, "-isystem", cap / "usr/include", "-include", directory / "harness.h",
                 "-o", directory / name, source / f"tools/testing/selftests/iommu/{name}.c",
                 "-L", cap / "usr/lib/x86_64-linux-gnu", "-lcap"])

    return piece("upstream", source.name, identity(version, IOMMUFD), make)


def vfio_suite(version):
    """The tests of VFIO's devices: a directory with static programs."""
    words, source, uuid = compiler(version), pieces.source(version), library("uuid")
    tests = source / "tools/testing/selftests/vfio"
    more = LIBRARY_WORDS.get(version, ())
    words += [*more, "-isystem", uuid / "usr/include",
              "-I", source / "tools/include", "-I", tests / "lib/include"]

    def make(directory):
        note(f"building upstream's tests of VFIO of {version}")
        harness(source, directory / "harness.h")
        objects = []
        for file in sorted(tests.glob("lib/**/*.c")):
            objects.append(directory / f"{file.stem}.o")
            run([*words, "-c", "-o", objects[-1], file])
        for name in VFIO:
            run([*words, "-pthread", "-include", directory / "harness.h",
                 "-o", directory / name, tests / f"{name}.c", *objects,
                 "-L", uuid / "usr/lib/x86_64-linux-gnu", "-luuid"])

    return piece("upstream", f"{source.name}-vfio", identity(version, VFIO, more), make)
