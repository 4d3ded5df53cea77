# SPDX-License-Identifier: GPL-2.0-only
"""QEMU with patches of ours (tests/qemu), built from Debian 13's source into the cache."""

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from importlib import util
from pathlib import Path

import apt
from cache import Failed, Missing, cache_dir, note, piece, run

NAME = "ours"

PATCHES = Path(__file__).resolve().parents[2] / "qemu"
SUITE = "trixie"

# What the build takes of the host; its meson is too old.
TOOLS = ("gcc", "ninja", "pkg-config", "flex", "bison", "patch", "dpkg-source")
MESON = "meson/trixie"

CONFIGURE = ("--target-list=x86_64-softmmu", "--without-default-features",
             "--without-default-devices", "--with-devices-x86_64=tests", "--enable-tcg",
             "--enable-system", "--enable-virtfs", "--enable-attr", "--disable-fdt",
             "--disable-pixman", "--disable-install-blobs", "--disable-docs",
             "--disable-tools", "--disable-debug-info", "--disable-download")


def lacks():
    """What the build needs and this machine hasn't, by the names of packages or tools."""
    missing = [tool for tool in TOOLS if not shutil.which(tool)]
    if "pkg-config" not in missing and subprocess.run(
            ["pkg-config", "--exists", "glib-2.0"], check=False).returncode:
        missing.append("libglib2.0-dev")
    if not util.find_spec("ensurepip"):
        missing.append("python3-venv")
    return missing


def patched(version, tree):
    """Our source: Debian's, our patches, few devices, and no firmware."""
    apt.source("qemu", version, tree)
    for patch in sorted(PATCHES.glob("patches/*.patch")):
        run(["patch", "-d", tree, "-p1", "-f", "-i", patch])
    shutil.copy(PATCHES / "devices.mak", tree / "configs/devices/x86_64-softmmu/tests.mak")
    (tree / "pc-bios/meson.build").write_text("roms = []\n", encoding="ascii")


def compiled(tree, scratch):
    """Builds the emulator of that source; returns the binary."""
    apt.unpack([MESON], scratch / "meson")
    environment = dict(os.environ, PYTHON=sys.executable, PYTHONPATH=str(
        scratch / "meson/usr/lib/python3/dist-packages"))
    out = tree / "build"
    out.mkdir()
    note("building QEMU with our patches (some minutes)")
    run(["../configure", *CONFIGURE], cwd=out, env=environment)
    run(["nice", "ninja", f"-j{os.cpu_count()}", "qemu-system-x86_64"], cwd=out,
        env=environment)
    return out / "qemu-system-x86_64"


def make(version, directory):
    """Fills the directory with usr/bin."""
    missing = lacks()
    if missing:
        raise Missing(f"our QEMU can't be built without {', '.join(missing)}: "
                      "run tests/vm/setup-host as root")
    (directory / "usr/bin").mkdir(parents=True)
    with tempfile.TemporaryDirectory(dir=cache_dir(), prefix="qemu.") as name:
        scratch = Path(name)
        try:
            patched(version, scratch / "source")
            binary = compiled(scratch / "source", scratch)
            run(["strip", "-o", directory / "usr/bin/qemu-system-x86_64", binary])
        except Failed as error:
            raise Missing(f"our QEMU can't be built: {error}") from error


def emulator(arch):
    """The directory of that QEMU, built if need be; a skip if it can't be."""
    if arch != "amd64":
        raise Missing(f"our QEMU isn't built for {arch}")
    try:
        version = apt.source_version("qemu", SUITE)
    except Failed as error:
        raise Missing(f"our QEMU can't be built: {error}") from error
    parts = sorted([*PATCHES.glob("patches/*.patch"), PATCHES / "devices.mak"])
    digest = hashlib.sha256(b"".join(p.read_bytes() for p in parts)).hexdigest()
    return piece("qemu", NAME, f"{version} {' '.join(CONFIGURE)} {digest}",
                 lambda directory: make(version, directory))
