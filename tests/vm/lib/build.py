# SPDX-License-Identifier: GPL-2.0-only
"""Builds the project's modules for one kernel, outside of the checkout."""

import hashlib
import os
import re
import shutil
import subprocess
from pathlib import Path

import archive
import pieces
from cache import Failed, cache_dir, is_whole, locked, note, piece
from kernels import has_own_iommufd, stock

TOP = pieces.REPOSITORY
SOURCES = ("Makefile", "Kbuild", "include", "src")
OTHERS = "src/tools"    # what no module is made of
TEST_SOURCES = ("tests/kmod", "tests/mock")
KEEP = 6        # builds kept for each kernel

WARNING = re.compile(r"warning:|^WARNING|modpost: .*undefined", re.I | re.M)
# Said once a build, and harmless: the modules are built without BTF.
HARMLESS = re.compile(r"^.*(Skipping BTF generation|the compiler differs from the one"
                      r"|^  The kernel was built by|^  You are using).*\n", re.M)


def source_files(test):
    """The files that the modules are made of, by their name in the checkout."""
    names = []
    for start in SOURCES + (TEST_SOURCES if test else ()):
        if (TOP / start).is_file():
            names.append(start)
        for where, _, files in os.walk(TOP / start):
            names += [os.path.relpath(os.path.join(where, f), TOP) for f in files
                      if not f.endswith((".swp", "~"))
                      and OTHERS not in os.path.relpath(where, TOP)]
    return sorted(names)


def snapshot(copy, test):
    """Brings the copy of the sources up to date; returns a hash of them.

    Unchanged files keep their time, so that make builds only what changed.
    """
    total = hashlib.sha256()
    names = source_files(test)
    for name in names:
        data = (TOP / name).read_bytes()
        total.update(f"{name} {len(data)}\n".encode() + data)
        target = copy / name
        if not target.exists() or target.read_bytes() != data:
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(data)
        target.chmod((TOP / name).stat().st_mode & 0o777)
    for where, _, files in os.walk(copy):
        for file in files:
            path = Path(where) / file
            if str(path.relative_to(copy)) not in names:
                path.unlink()
    return total.hexdigest()


def make_command(copy, objects, kdir, arch, test, peer=False):
    """The project's own make line for that kernel."""
    command = ["nice", "make", "-C", str(copy), f"-j{os.cpu_count()}", f"KDIR={kdir}",
               f"BUILD={objects}", "modules"]
    if test:
        command.append("TEST=1")
    if peer:
        command.append("PEER=1")
    if arch == "arm64":
        command += ["ARCH=arm64", "CROSS_COMPILE=aarch64-linux-gnu-"]
    return command


def in_root(name, arch, command):
    """The command that builds for a kernel, within the root that has its compilers."""
    package = archive.resolve(name, arch) if stock(name) else None
    if not package or not package.root:
        return command
    if os.geteuid():
        raise Failed(f"building for {name} needs root, to enter the root with its compilers")
    root = pieces.toolchain(package)
    if arch == "arm64":
        command = [*command, f"CC=aarch64-linux-gnu-gcc-{package.compiler}"]
    cache = cache_dir()
    script = """
        mkdir -p "$1$2" && mount --rbind "$2" "$1$2" &&
        mount -t proc proc "$1/proc" && mount --rbind /dev "$1/dev" || exit 1
        root=$1; shift 2; exec chroot "$root" "$@" """
    return ["unshare", "--mount", "--propagation", "private",
            "sh", "-c", script, "sh", str(root), str(cache), *command]


def compile_modules(name, arch, test, work):
    """Runs make; returns what it said. A warning is an error."""
    kdir = pieces.headers(name, arch)
    command = make_command(work / "source", work / "objects", kdir, arch, test,
                           has_own_iommufd(name))
    command = in_root(name, arch, command)
    done = subprocess.run(command, text=True, errors="replace", check=False,
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT,
                          env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8"})
    said = done.stdout.replace(str(work / "source"), str(TOP))
    said = said.replace(str(work / "objects") + "/src/", str(TOP) + "/src/")
    if done.returncode:
        raise Failed(f"{said}\nthe build for {name} {arch} failed")
    if WARNING.search(HARMLESS.sub("", said)):
        raise Failed(f"{said}\nthe build for {name} {arch} gave warnings")
    return said


def label(name, arch):
    """What a kernel's builds are called in the cache, by its full version."""
    return archive.resolve(name, arch).name if stock(name) else f"{name}-{arch}"


def forget_old(directory):
    """Removes the oldest builds of a kernel."""
    stamps = sorted(directory.glob("*.complete"), key=lambda p: p.stat().st_mtime)
    for stamp in stamps[:-KEEP]:
        stamp.unlink(missing_ok=True)
        shutil.rmtree(stamp.with_suffix(""), ignore_errors=True)


def modules(name, arch="amd64", test=False):
    """Returns a directory with the modules for that kernel, built if need be."""
    pieces.check_name(name, arch)
    if not (TOP / "Makefile").exists():
        raise Failed(f"no Makefile in {TOP}")
    kdir = pieces.headers(name, arch)
    target = label(name, arch) + ("-test" if test else "")
    work = cache_dir() / "build" / target
    with locked(f"build-{target}"):
        key = snapshot(work / "source", test)[:20]
        ident = f"{key} {kdir}"
        where = f"modules/{target}"
        final = cache_dir() / where / key
        if is_whole(final, ident):
            return final
        note(f"building the modules for {name} {arch}" + (" (test)" if test else ""))

        def make(directory):
            said = compile_modules(name, arch, test, work)
            for module in (work / "objects").rglob("*.ko"):
                if "probes" not in module.parts:
                    shutil.copy2(module, directory)
            (directory / "build.log").write_text(said, encoding="utf-8")
            if not list(directory.glob("*.ko")):
                raise Failed(f"{said}\nthe build for {name} {arch} made no module")

        piece(where, key, ident, make, lock=f"modules-{target}")
        forget_old(final.parent)
    return final
