# SPDX-License-Identifier: GPL-2.0-only
"""Newer emulators than the host's, unpacked into the cache and never installed."""

import re
import subprocess
from pathlib import Path

import apt
import archive
import own_qemu
from cache import Failed, Missing, cache_dir, is_whole, piece

# The least version: packages, each of a suite. Built on Debian 12, so the libraries that its own
# QEMU comes with are enough.
EMULATORS = {
    "10.0": {
        "amd64": ("qemu-system-x86/bookworm-backports", "qemu-system-common/bookworm-backports",
                  "qemu-system-data/bookworm-backports", "seabios/bookworm-backports",
                  "ipxe-qemu/bookworm"),
        "arm64": ("qemu-system-arm/bookworm-backports", "qemu-system-common/bookworm-backports",
                  "qemu-system-data/bookworm-backports", "ipxe-qemu/bookworm"),
    },
    own_qemu.NAME: None,
}

BINARIES = {"amd64": "qemu-system-x86_64", "arm64": "qemu-system-aarch64"}


def is_as_new(said, version):
    """Is what a QEMU says of itself that version or a newer one?"""
    found = re.search(r"version (\d+)\.(\d+)", said)
    return bool(found) and [int(n) for n in found.groups()] >= [int(n) for n in version.split(".")]


def check(version, binary):
    """Ends with a skip if that is an older version, or doesn't start here."""
    try:
        done = subprocess.run([binary, "--version"], text=True, check=False,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    except OSError as error:
        raise Missing(f"QEMU {version} of Debian's backports doesn't start: {error}") from error
    if not is_as_new(done.stdout, version):
        raise Missing(f"QEMU {version} of Debian's backports: "
                      f"{(done.stdout.splitlines() or ['it says nothing'])[0]}")


def emulator(version, arch="amd64"):
    """A QEMU of that version or newer: a directory with usr/bin and its firmware."""
    if version not in EMULATORS:
        raise Failed(f"no QEMU {version}: there are {', '.join(EMULATORS)}, and the host's")
    if version == own_qemu.NAME:
        return own_qemu.emulator(arch)
    packages = EMULATORS[version][arch]
    suite = packages[0].partition("/")[2]
    ident = "1 " + " ".join(packages)

    def name_of(exact):
        return exact.replace(":", "_") + ("" if arch == "amd64" else f"-{arch}")

    exact = archive.suite_version("qemu-system-x86", suite, lambda v: is_whole(
        cache_dir() / "qemu" / name_of(v), ident))

    def make(directory):
        try:
            apt.unpack(packages, directory)
        except Failed as error:
            raise Missing(f"QEMU {version} isn't to be had: {error}") from error
        check(version, directory / "usr/bin" / BINARIES[arch])

    return piece("qemu", name_of(exact), ident, make)


def program(directory, arch="amd64"):
    """The words that run the QEMU of that directory, and let it find its firmware, or else
    the host's."""
    parts = ("share/qemu", "share/seabios", "lib/ipxe/qemu")
    root = directory if (directory / "usr" / parts[0]).exists() else Path("/")
    return [str(directory / "usr/bin" / BINARIES[arch]),
            *(word for part in parts for word in ("-L", str(root / "usr" / part)))]
