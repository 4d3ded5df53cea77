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

CONFIGURE = ("--without-default-features", "--without-default-devices", "--enable-tcg",
             "--enable-system", "--enable-virtfs", "--enable-attr", "--disable-pixman",
             "--disable-install-blobs", "--disable-docs", "--disable-tools",
             "--disable-debug-info", "--disable-download")

# QEMU's names of the architectures; arm64's machine makes its own device tree.
CPUS = {"amd64": "x86_64", "arm64": "aarch64"}
FDT = {"amd64": "--disable-fdt", "arm64": "--enable-fdt=system"}


def options(arch):
    """How it is configured for machines of that architecture."""
    cpu = CPUS[arch]
    return (f"--target-list={cpu}-softmmu", f"--with-devices-{cpu}=tests", FDT[arch], *CONFIGURE)


def devices(arch):
    """The file that selects its devices."""
    return PATCHES / f"devices-{arch}.mak"


def has_header(name):
    """Does the compiler find that header?"""
    return not subprocess.run(["gcc", "-E", "-include", name, "-x", "c", os.devnull],
                              stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                              check=False).returncode


def lacks(arch):
    """What the build needs and this machine hasn't, by the names of packages or tools."""
    missing = [tool for tool in TOOLS if not shutil.which(tool)]
    if "pkg-config" not in missing and subprocess.run(
            ["pkg-config", "--exists", "glib-2.0"], check=False).returncode:
        missing.append("libglib2.0-dev")
    if arch == "arm64" and "gcc" not in missing and not has_header("libfdt.h"):
        missing.append("libfdt-dev")
    if not util.find_spec("ensurepip"):
        missing.append("python3-venv")
    return missing


def patched(version, tree, arch):
    """Our source: Debian's, our patches, few devices, and no firmware."""
    apt.source("qemu", version, tree)
    for patch in sorted(PATCHES.glob("patches/*.patch")):
        run(["patch", "-d", tree, "-p1", "-f", "-i", patch])
    shutil.copy(devices(arch), tree / f"configs/devices/{CPUS[arch]}-softmmu/tests.mak")
    (tree / "pc-bios/meson.build").write_text("roms = []\n", encoding="ascii")


def compiled(tree, scratch, arch):
    """Builds the emulator of that source; returns the binary."""
    apt.unpack([MESON], scratch / "meson")
    environment = dict(os.environ, PYTHON=sys.executable, PYTHONPATH=str(
        scratch / "meson/usr/lib/python3/dist-packages"))
    out = tree / "build"
    out.mkdir()
    binary = f"qemu-system-{CPUS[arch]}"
    note(f"building {binary} with our patches (some minutes)")
    run(["../configure", *options(arch)], cwd=out, env=environment)
    run(["nice", "ninja", f"-j{os.cpu_count()}", binary], cwd=out, env=environment)
    return out / binary


def make(version, arch, directory):
    """Fills the directory with usr/bin."""
    missing = lacks(arch)
    if missing:
        raise Missing(f"our QEMU can't be built without {', '.join(missing)}: "
                      "run tests/vm/setup-host as root")
    (directory / "usr/bin").mkdir(parents=True)
    with tempfile.TemporaryDirectory(dir=cache_dir(), prefix="qemu.") as name:
        scratch = Path(name)
        try:
            patched(version, scratch / "source", arch)
            binary = compiled(scratch / "source", scratch, arch)
            run(["strip", "-o", directory / "usr/bin" / binary.name, binary])
        except Failed as error:
            raise Missing(f"our QEMU can't be built: {error}") from error


def emulator(arch):
    """The directory of that QEMU, built if need be; a skip if it can't be."""
    try:
        version = apt.source_version("qemu", SUITE)
    except Failed as error:
        raise Missing(f"our QEMU can't be built: {error}") from error
    parts = [*sorted(PATCHES.glob("patches/*.patch")), devices(arch)]
    digest = hashlib.sha256(b"".join(p.read_bytes() for p in parts)).hexdigest()
    return piece("qemu", NAME if arch == "amd64" else f"{NAME}-{arch}",
                 f"{version} {' '.join(options(arch))} {digest}",
                 lambda directory: make(version, arch, directory))
