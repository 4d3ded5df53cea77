# SPDX-License-Identifier: GPL-2.0-only
"""What the inner machines run: a stock kernel with a small initramfs, and a boot sector."""

import shutil
import struct
from pathlib import Path

import image
import pieces
from cache import piece, run, stamp_of
from programs import CROSS

HERE = Path(__file__).resolve().parent / "inner"
KERNEL = "6.12"                 # of all inner machines
MODULES = ("nvme", "pci-stub")

SECTOR = 512
PATTERN_AT = 2048               # sectors, as in boot.S
DISK = 64 << 20


def build(directory, arch):
    """The programs: a static one for the inner Linux, and the boot sector."""
    compiler = CROSS[arch] + "gcc"
    pieces.need_tools(compiler)
    run([compiler, "-static", "-O2", "-Wall", "-Wextra", "-Werror", "-D_GNU_SOURCE",
         "-o", directory / "edu", *sorted(HERE.glob("*.c"))])
    if arch != "amd64":
        return
    pieces.need_tools("as", "ld")
    run(["as", "--32", "-o", directory / "boot.o", HERE / "boot.S"])
    run(["ld", "-m", "elf_i386", "-Ttext", "0x7c00", "--oformat", "binary", "-e", "start",
         "-o", directory / "boot", directory / "boot.o"])
    (directory / "boot.o").unlink()


def initramfs(directory, arch):
    """Packs the inner Linux's initramfs."""
    kernel = pieces.kernel(KERNEL, arch)
    tree = kernel / "lib/modules"
    release = next(p.name for p in tree.iterdir() if p.is_dir())
    root = directory / "root"
    for part in ("bin", "sbin", "proc", "sys", "dev", "tmp"):
        (root / part).mkdir(parents=True)
    shutil.copy2(pieces.guest(arch) / "busybox", root / "bin/busybox")
    shutil.copy2(HERE / "init", root / "init")
    shutil.copy2(directory / "edu", root / "bin/edu")
    (root / "init").chmod(0o755)
    (root / "sbin/modprobe").symlink_to("/bin/busybox")
    image.add_stock_modules(tree, root, MODULES)
    for file in (tree / release).glob("modules.*"):
        shutil.copy2(file, root / "lib/modules" / release / file.name)
    run(["depmod", "-b", root, release])
    image.pack(root, directory / "initrd")
    shutil.rmtree(root)


def inner(arch="amd64"):
    """A directory with vmlinuz, initrd, and for amd64 boot, the sector."""
    kernel = pieces.kernel(KERNEL, arch)
    ident = image.hash_of(stamp_of(kernel), *sorted(HERE.iterdir()), Path(__file__))

    def make(directory):
        build(directory, arch)
        initramfs(directory, arch)
        shutil.copy2(kernel / "vmlinuz", directory / "vmlinuz")

    return piece("clients", "inner" if arch == "amd64" else f"inner-{arch}", ident, make)


def write_disk(file):
    """A disk that begins with the boot sector, and has a pattern that this looks for."""
    with open(file, "wb") as disk:
        disk.truncate(DISK)
        disk.write((inner() / "boot").read_bytes())
        disk.seek(PATTERN_AT * SECTOR)
        disk.write(b"".join(struct.pack("<I", 0x600df00d ^ n * 0x01010101 & 0xffffffff)
                            for n in range(1024)))
