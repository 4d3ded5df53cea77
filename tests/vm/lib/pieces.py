# SPDX-License-Identifier: GPL-2.0-only
"""The pieces that the cache is made of; each function returns a directory."""

import os
import shutil
from pathlib import Path

import apt
import archive
import kbuild
from cache import Failed, Missing, note, piece, run
from kernels import ARCHES, PREBUILT, exists, stock

# Where archives of hand-built kernels are looked for.
REPOSITORY = Path(__file__).resolve().parents[3]
ARCHIVES = Path(os.environ.get("IOMMUFD_KERNELS",
                               REPOSITORY.parent / "shared" / "kernels"))

# What a root with compilers holds besides the essential packages and what kbuild's tools want.
TOOLCHAIN = ("binutils", "libc6-dev", "make", "xz-utils")


def check_name(name, arch):
    """Ends the program when there is no such kernel."""
    if not exists(name, arch):
        raise Failed(f"no kernel {name} for {arch}")


def file_name(name, arch):
    """What a hand-built kernel's archive and its pieces are called."""
    return name if arch == "amd64" else f"{name}-{arch}"


def prebuilt(name, arch="amd64"):
    """A hand-built kernel: vmlinuz, lib/modules and build/."""
    archive = ARCHIVES / f"{file_name(name, arch)}.tar.xz"
    if not archive.exists():
        return built(name, arch)
    stat = archive.stat()

    def make(directory):
        note(f"unpacking {archive.name}")
        run(["tar", "-C", directory, "-xJf", archive, "--strip-components=1"])
        if (directory / "bzImage").exists():
            (directory / "bzImage").rename(directory / "vmlinuz")

    return piece("kernel", f"{name}-{arch}", f"{stat.st_size} {stat.st_mtime_ns}", make)


def built(name, arch="amd64", may_build=False):
    """The same, built here if it was asked for once (`fetch build`)."""
    version, options = kbuild.fragment(name, arch)
    ident = f"{version} {sorted(options.items())}"

    def make(directory):
        if not may_build:
            raise Missing(f"no archive {file_name(name, arch)}.tar.xz of this kernel in "
                          f"{ARCHIVES}, and it wasn't built here: "
                          f"tests/vm/fetch build {name} {arch}")
        need_tools("make", "gcc", "flex", "bison", "bc", "rsync",
                   *(["aarch64-linux-gnu-gcc", "pahole"] if arch == "arm64" else []))
        kbuild.build(name, arch, source(version), directory)

    return piece("kernel", f"{file_name(name, arch)}-built", ident, make)


def kernel(name, arch="amd64"):
    """A kernel to boot: vmlinuz, config and lib/modules."""
    check_name(name, arch)
    if name in PREBUILT:
        return prebuilt(name, arch)
    headers(name, arch)         # first, so that both are of one version

    def fetch(package):
        def make(directory):
            apt.unpack(package.images, directory, apt.place(package.suite))
            gather_kernel(directory)

        return piece("kernel", package.name, f"1 {package.version}", make)

    return archive.fetched(name, arch, fetch)


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
        return prebuilt(name, arch) / "build"
    return archive.fetched(name, arch, stock_headers)


# The tree stays here, and may be copied; Debian's Makefiles name /usr/src.
HERE = "iommufd_src := $(abspath $(dir $(realpath $(lastword $(MAKEFILE_LIST))))/..)"


def stock_headers(package):
    """The headers of one of Debian's kernels."""
    release = f"linux-headers-{package.release}"

    def make(directory):
        apt.unpack(package.headers, directory, apt.place(package.suite))
        makefile = directory / "usr/src" / release / "Makefile"
        text = makefile.read_text(encoding="utf-8").replace("/usr/src/", "$(iommufd_src)/")
        makefile.unlink()
        makefile.write_text(f"{HERE}\n{text}", encoding="utf-8")
        (directory / "build").symlink_to(f"usr/src/{release}")

    return piece("headers", package.name, f"1 {package.version}", make).resolve() \
        / "usr/src" / release


def headers_common(name):
    """The headers of a stock kernel that all architectures share."""
    kdir = headers(name)        # may settle on another version
    return kdir.with_name(archive.resolve(name).common)


def toolchain(package):
    """A root of another release of Debian, with the compilers that a kernel's headers ask for."""
    release, gcc = package.root, f"gcc-{package.compiler}"
    wanted = sorted({*TOOLCHAIN, *package.tools, gcc, f"{gcc}-aarch64-linux-gnu"})

    def make(directory):
        need_tools("mmdebstrap")
        if os.geteuid():
            raise Failed(f"making a root of Debian {release} with {gcc} needs root")
        note(f"making a root of Debian {release} with {gcc} (a minute or two)")
        apt.update(where=apt.place(release))
        directory.rmdir()
        run(["mmdebstrap", "--quiet", "--variant=essential", "--mode=root",
             "--include=" + ",".join(wanted),
             "--aptopt=APT::Install-Recommends \"false\"",
             *([f"--aptopt={apt.ANY_AGE}"] if apt.place(release) == apt.NEXT else []),
             "--dpkgopt=path-exclude=/usr/share/doc/*",
             "--dpkgopt=path-exclude=/usr/share/man/*",
             "--dpkgopt=path-exclude=/usr/share/locale/*",
             release, directory, *apt.sources(release, apt.place(release))])

    return piece("root", f"{release}-{gcc}", "1 " + " ".join(wanted), make)


def source_version(name):
    """The version of a series' source that goes with its kernel for amd64."""
    if not stock(name):
        raise Failed(f"no source of kernel {name}")
    series = archive.series(name)
    return archive.other_version(f"linux-source-{series}", "amd64", series,
                                 archive.resolve(name).version)


def source(name):
    """The kernel's source as Debian patched it."""
    version = source_version(name)
    package = f"linux-source-{archive.series(name)}"

    def make(directory):
        apt.unpack([f"{package}={version}"], directory)
        tarball = directory / f"usr/src/{package}.tar.xz"
        note(f"unpacking {tarball.name}")
        run(["tar", "-C", directory, "-xJf", tarball, "--strip-components=1"])
        shutil.rmtree(directory / "usr/src")

    return piece("source", f"linux-source-{version}", f"1 {version}", make)


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
    """Linux's user API headers of that series (usr/include below)."""
    version = archive.other_version("linux-libc-dev", "amd64", name,
                                    archive.resolve(name).version)

    def make(directory):
        apt.unpack([f"linux-libc-dev={version}"], directory)

    return piece("libc-dev", version, f"1 {version}", make)


def has_tool(name):
    """Is there such a program on the host?"""
    return shutil.which(name) is not None


def need_tools(*names):
    """Ends the program when a program of the host is missing."""
    missing = [n for n in names if not has_tool(n)]
    if missing:
        raise Failed(f"missing on this machine: {', '.join(missing)}; "
                     "run tests/vm/setup-host as root")
