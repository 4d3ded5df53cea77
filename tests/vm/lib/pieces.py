# SPDX-License-Identifier: GPL-2.0-only
"""The pieces that the cache is made of; each function returns a directory."""

import os
import shutil
from pathlib import Path

import apt
import kbuild
from cache import Failed, Missing, cache_dir, note, piece, run
from kernels import ARCHES, PREBUILT, STOCK, exists

# Where archives of hand-built kernels are looked for.
REPOSITORY = Path(__file__).resolve().parents[3]
ARCHIVES = Path(os.environ.get("IOMMUFD_KERNELS",
                               REPOSITORY.parent / "shared" / "kernels"))

# What the trixie root holds besides the essential packages.
TRIXIE = ("gcc-14", "binutils", "gcc-14-aarch64-linux-gnu", "libc6-dev", "make",
          "libelf1t64", "pahole", "xz-utils")


def check_name(name, arch):
    """Ends the program when there is no such kernel."""
    if not exists(name, arch):
        raise Failed(f"no kernel {name} for {arch}")


def prebuilt(name):
    """A hand-built kernel: vmlinuz, lib/modules and build/."""
    archive = ARCHIVES / f"{name}.tar.xz"
    if not archive.exists():
        return built(name)
    stat = archive.stat()

    def make(directory):
        note(f"unpacking {archive.name}")
        run(["tar", "-C", directory, "-xJf", archive, "--strip-components=1"])
        (directory / "bzImage").rename(directory / "vmlinuz")

    return piece("kernel", f"{name}-amd64", f"{stat.st_size} {stat.st_mtime_ns}", make)


def built(name, may_build=False):
    """The same, built here if it was asked for once (`fetch build`)."""
    version, options = kbuild.fragment(name)
    ident = f"{STOCK[version].version} {sorted(options.items())}"

    def make(directory):
        if not may_build:
            raise Missing(f"no archive {name}.tar.xz of this kernel in {ARCHIVES}, and it "
                          f"wasn't built here: tests/vm/fetch build {name}")
        need_tools("make", "gcc", "flex", "bison", "bc", "rsync")
        kbuild.build(name, source(version), directory)

    return piece("kernel", f"{name}-built", ident, make)


def kernel(name, arch="amd64"):
    """A kernel to boot: vmlinuz, config and lib/modules."""
    check_name(name, arch)
    if name in PREBUILT:
        return prebuilt(name)
    stock = STOCK[name]

    def make(directory):
        names = [p.format(abi=stock.abi, arch=arch) for p in stock.image]
        apt.unpack([f"{n}:{arch}={stock.version}" for n in names], directory)
        gather_kernel(directory)

    return piece("kernel", f"{name}-{arch}", f"1 {stock.version}", make)


def gather_kernel(directory):
    """Brings an unpacked image of any layout into the one described above."""
    modules = directory / "usr/lib/modules"
    if modules.exists():
        (directory / "lib").mkdir(exist_ok=True)
        modules.rename(directory / "lib/modules")
    for what in ("vmlinuz", "config", "System.map"):
        found = [*directory.glob(f"boot/{what}-*"),
                 *directory.glob(f"lib/modules/*/{what}")]
        if not found:
            raise Failed(f"unexpected layout of a kernel package: no {what}")
        found[0].rename(directory / what)
    for rest in ("boot", "usr", "etc"):
        shutil.rmtree(directory / rest, ignore_errors=True)


def headers(name, arch="amd64"):
    """What external modules are built against; the directory to give as KDIR."""
    check_name(name, arch)
    if name in PREBUILT:
        return prebuilt(name) / "build"
    stock = STOCK[name]
    flavour = f"linux-headers-{stock.abi}-{arch}"
    final = (cache_dir() / "headers").resolve() / f"{name}-{arch}"

    def make(directory):
        kbuild = stock.kbuild.format(abi=stock.abi)
        apt.unpack([f"{flavour}:{arch}={stock.version}",
                    f"linux-headers-{stock.abi}-common={stock.version}",
                    f"{kbuild}={stock.version}"], directory)
        # The Makefiles name /usr/src; the tree stays here.
        makefile = directory / "usr/src" / flavour / "Makefile"
        text = makefile.read_text(encoding="utf-8")
        makefile.write_text(text.replace("/usr/src/", f"{final}/usr/src/"),
                            encoding="utf-8")
        (directory / "build").symlink_to(f"usr/src/{flavour}")

    piece("headers", f"{name}-{arch}", f"1 {stock.version} {final}", make)
    return final / "usr/src" / flavour


def toolchain():
    """A root of Debian 13 with the compilers for kernel 7.2."""
    def make(directory):
        need_tools("mmdebstrap")
        if os.geteuid():
            raise Failed("making the Debian 13 root with 7.2's compilers needs root")
        note("making a Debian 13 root for its compilers (a minute or two)")
        apt.update()
        directory.rmdir()
        run(["mmdebstrap", "--quiet", "--variant=essential", "--mode=root",
             "--include=" + ",".join(TRIXIE),
             "--aptopt=APT::Install-Recommends \"false\"",
             "--dpkgopt=path-exclude=/usr/share/doc/*",
             "--dpkgopt=path-exclude=/usr/share/man/*",
             "--dpkgopt=path-exclude=/usr/share/locale/*",
             "trixie", directory, *apt.sources("trixie")])

    return piece("root", "trixie", "1 " + " ".join(TRIXIE), make)


def source(name):
    """The kernel's source as Debian patched it."""
    if name not in STOCK:
        raise Failed(f"no source of kernel {name}: there are {', '.join(STOCK)}")
    stock = STOCK[name]

    def make(directory):
        apt.unpack([f"linux-source-{name}={stock.version}"], directory)
        archive = directory / f"usr/src/linux-source-{name}.tar.xz"
        note(f"unpacking {archive.name}")
        run(["tar", "-C", directory, "-xJf", archive, "--strip-components=1"])
        shutil.rmtree(directory / "usr/src")

    return piece("source", f"linux-source-{name}", f"1 {stock.version}", make)


def guest(arch="amd64"):
    """The static busybox of the guests of that architecture."""
    if arch not in ARCHES:
        raise Failed(f"no guests of {arch}: there are {', '.join(ARCHES)}")

    def make(directory):
        apt.unpack([f"busybox-static:{arch}/bookworm"], directory)
        found = [p for p in directory.glob("**/bin/busybox") if p.is_file()]
        found[0].rename(directory / "busybox")

    return piece("guest", arch, "1", make)


def libc_dev(name="7.2"):
    """Linux's user API headers of that kernel (usr/include below)."""
    stock = STOCK[name]

    def make(directory):
        apt.unpack([f"linux-libc-dev={stock.version}"], directory)

    return piece("libc-dev", name, f"1 {stock.version}", make)


def has_tool(name):
    """Is there such a program on the host?"""
    return shutil.which(name) is not None


def need_tools(*names):
    """Ends the program when a program of the host is missing."""
    missing = [n for n in names if not has_tool(n)]
    if missing:
        raise Failed(f"missing on this machine: {', '.join(missing)}; "
                     "run tests/vm/setup-host as root")
