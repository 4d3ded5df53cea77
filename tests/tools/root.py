# SPDX-License-Identifier: GPL-2.0-only
"""A small Debian 13 root with udev and the libraries of our tools: unpacked, never installed."""

import os

import apt
from cache import Missing, note, piece, run
from pieces import need_tools

PACKAGES = ("udev", "libkmod2", "busybox-static", "base-files")
# Directories that the guest mounts things on, as it can't make them.
PLACES = ("dev", "proc", "sys", "tmp", "run", "test", "usr/lib/modules")
PASSWD = "root:x:0:0::/:/bin/sh\ntester:x:1000:1000::/:/bin/sh\n"
GROUP = "root:x:0:\nkvm:x:104:\ntester:x:1000:\n"
# What these tests do without
UNUSED = ("usr/share/doc", "usr/share/man", "usr/share/locale", "usr/lib/udev/hwdb.d")


def root():
    """The directory."""
    def make(directory):
        need_tools("mmdebstrap")
        if os.geteuid():
            raise Missing("making a Debian 13 root with udev needs root")
        note("making a Debian 13 root with udev")
        directory.rmdir()
        run(["mmdebstrap", "--quiet", "--variant=extract", "--mode=root",
             "--include=" + ",".join(PACKAGES),
             "--aptopt=APT::Install-Recommends \"false\"",
             *(f"--dpkgopt=path-exclude=/{name}/*" for name in UNUSED),
             "trixie", directory, *apt.sources("trixie")])
        for name in ("bin", "sbin", "lib", "lib64"):
            if not (directory / name).exists():
                (directory / name).symlink_to("usr/" + name)
        for name in PLACES:
            (directory / name).mkdir(parents=True, exist_ok=True)
        (directory / "etc").mkdir(exist_ok=True)
        (directory / "etc/passwd").write_text(PASSWD, encoding="ascii")
        (directory / "etc/group").write_text(GROUP, encoding="ascii")
        shell = directory / "usr/bin/sh"
        if not shell.exists():
            shell.symlink_to("busybox")

    return piece("tools", "debian", "2 " + " ".join(PACKAGES), make)
