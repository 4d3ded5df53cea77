# SPDX-License-Identifier: GPL-2.0-only
"""Newer emulators than the host's, unpacked into the cache and never installed."""

import subprocess

import apt
from cache import Failed, Missing, piece

# Built on Debian 12, so the libraries that its own QEMU comes with are enough.
EMULATORS = {
    "10.0": ("qemu-system-x86/bookworm-backports", "qemu-system-common/bookworm-backports",
             "qemu-system-data/bookworm-backports", "seabios/bookworm-backports",
             "ipxe-qemu/bookworm"),
}


def check(version, binary):
    """Ends with a skip if that isn't the version, or doesn't start here."""
    try:
        done = subprocess.run([binary, "--version"], text=True, check=False,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    except OSError as error:
        raise Missing(f"QEMU {version} of Debian's backports doesn't start: {error}") from error
    if f"version {version}." not in done.stdout:
        raise Missing(f"QEMU {version} of Debian's backports: "
                      f"{(done.stdout.splitlines() or ['it says nothing'])[0]}")


def emulator(version):
    """A QEMU (amd64) of that version: a directory with usr/bin and its firmware."""
    if version not in EMULATORS:
        raise Failed(f"no QEMU {version}: there are {', '.join(EMULATORS)}, and the host's")
    packages = EMULATORS[version]

    def make(directory):
        try:
            apt.unpack(packages, directory)
        except Failed as error:
            raise Missing(f"QEMU {version} isn't to be had: {error}") from error
        check(version, directory / "usr/bin/qemu-system-x86_64")

    return piece("qemu", version, "1 " + " ".join(packages), make)


def program(directory):
    """The words that run the QEMU of that directory, and let it find its firmware."""
    share = directory / "usr/share"
    return [str(directory / "usr/bin/qemu-system-x86_64"), "-L", str(share / "qemu"),
            "-L", str(share / "seabios"), "-L", str(directory / "usr/lib/ipxe/qemu")]
