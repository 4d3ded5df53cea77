# SPDX-License-Identifier: GPL-2.0-only
"""The kernels: which Debian packages, what toolchain, where the parts lie."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Stock:
    """A kernel of Debian's, the same version for every architecture."""
    abi: str            # in package names and uname -r, without the flavour
    version: str        # of the packages
    kbuild: str         # name of the kbuild package
    image: tuple        # packages of image and modules, {arch} left open
    trixie: bool        # needs trixie's toolchain


STOCK = {
    "6.1": Stock("6.1.0-57", "6.1.192-3", "linux-kbuild-6.1",
                 ("linux-image-{abi}-{arch}",), False),
    "6.12": Stock("6.12.117+deb12", "6.12.117-1~deb12u1", "linux-kbuild-{abi}",
                  ("linux-image-{abi}-{arch}",), False),
    "7.2": Stock("7.2.12+deb13", "7.2.12-1~bpo13+1", "linux-kbuild-{abi}",
                 ("linux-binary-{abi}-{arch}", "linux-modules-{abi}-{arch}",
                  "linux-base-{abi}-{arch}"), True),
    "7.3": Stock("7.3.4+deb13", "7.3.4-1~bpo13+1", "linux-kbuild-{abi}",
                 ("linux-binary-{abi}-{arch}", "linux-modules-{abi}-{arch}",
                  "linux-base-{abi}-{arch}"), True),
}

# Kernels built by hand (amd64 only), from archives that may be absent.
PREBUILT = ("debug-7.2", "debug-6.12", "peer-7.2", "peer-6.12", "debugpeer-7.2",
            "debugkvm-7.2", "bench-7.2")

ARCHES = ("amd64", "arm64")
NAMES = tuple(STOCK) + PREBUILT


def has_own_iommufd(name):
    """Was this kernel built with Linux's own iommufd?"""
    return "peer" in name


def is_debug(name):
    """Has this kernel KASAN, lockdep and kmemleak?"""
    return name.startswith("debug")


def exists(name, arch):
    """Is there such a kernel for that architecture?"""
    return name in STOCK and arch in ARCHES or name in PREBUILT and arch == "amd64"
