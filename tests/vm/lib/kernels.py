# SPDX-License-Identifier: GPL-2.0-only
"""What kernels are called; archive.py finds the packages of Debian's.

    7.2                     Debian's newest of that series
    7.2-rt, 7.2-cloud       another flavour of it
    oldest:7.2              the oldest that the archive still has
    7.2=7.2.11-1~bpo13+1    that version, if it can be had
    sid, experimental       the newest of these suites, whatever its series
    debug-7.2, peer-7.2 ... built by hand; may be absent
"""

import re
from argparse import ArgumentTypeError

# The series that are supported, in order. Nothing else names a version.
STOCK = ("6.1", "6.12", "7.2", "7.3")
FLAVOURS = ("cloud", "rt")

PREBUILT = ("debug-7.2", "debug-6.12", "peer-7.2", "peer-6.12", "debugpeer-7.2",
            "debugbtf-7.2", "debugbtf-6.12", "debugkvm-7.2", "bench-7.2")
PREBUILT_ARM64 = ("debug-7.2",)

ARCHES = ("amd64", "arm64")
NAMES = STOCK + PREBUILT        # those of the lanes' usual kernels

STOCK_NAME = re.compile(r"(?P<suite>sid|experimental)|(?P<oldest>oldest:)?(?P<series>\d+\.\d+)"
                        r"(?:-(?P<flavour>[a-z]+))?(?:=(?P<version>[0-9][\w.+~-]*))?")


def stock(name):
    """The parts of a stock kernel's name, or None."""
    found = STOCK_NAME.fullmatch(name)
    if not found or found["flavour"] not in (None, *FLAVOURS):
        return None
    return found


def prebuilt(arch):
    """The kernels that are built by hand for that architecture."""
    return {"amd64": PREBUILT, "arm64": PREBUILT_ARM64}.get(arch, ())


def has_own_iommufd(name):
    """Was this kernel built with Linux's own iommufd?"""
    return "peer" in name


def is_debug(name):
    """Has this kernel KASAN, lockdep and kmemleak?"""
    return name.startswith("debug")


def exists(name, arch):
    """Can there be such a kernel for that architecture?"""
    return bool(stock(name)) and arch in ARCHES or name in prebuilt(arch)


def kernel_name(text):
    """A kernel's name on a command line, for argparse."""
    if stock(text) or text in PREBUILT:
        return text
    raise ArgumentTypeError(f"no kernel {text}: there are {', '.join(NAMES)}, SERIES-rt, "
                            "SERIES-cloud, oldest:SERIES, SERIES=VERSION, sid, experimental")
