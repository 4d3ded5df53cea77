# SPDX-License-Identifier: GPL-2.0-only
"""Small Debian 13 roots, each with one QEMU and Python: unpacked, never installed."""

import os
import re
import shutil
from dataclasses import dataclass

import apt
import archive
import emulators
from cache import Failed, Missing, cache_dir, is_whole, note, piece, run
from pieces import need_tools

# With arm64's firmware, a machine has ACPI's tables.
PACKAGES = {"amd64": ("qemu-system-x86", "python3"),
            "arm64": ("qemu-system-arm", "qemu-efi-aarch64", "python3")}


@dataclass(frozen=True)
class Root:
    """What is in a root."""
    suite: str
    scenarios: tuple                    # that it is for
    more: tuple = ()                    # packages
    program: str = ""                   # that tells the version in the root's name; or QEMU
    usual: bool = True                  # else only if a kernel or a scenario is chosen, or all
    arch: str = "amd64"

    @property
    def qemu(self):
        """Its QEMU."""
        return "usr/bin/" + emulators.BINARIES[self.arch]


QEMU = ("linux", "boot", "files", "plain")
LIBVIRT = ("libvirt-daemon", "libvirt-daemon-driver-qemu", "libvirt-clients")

# name, with the least version of its program
ROOTS = {
    "qemu-10.0": Root("trixie", QEMU),
    "qemu-11.1": Root("trixie-backports", (*QEMU, "nested-vtd", "migrate")),
    "qemu-11.1-arm64": Root("trixie-backports", ("nested-smmu",), arch="arm64"),
    "libvirt-12.9": Root("trixie-backports", ("libvirt",), LIBVIRT, "usr/sbin/libvirtd",
                         usual=False),
}

# What a package's script would add of users: those of libvirt's QEMU
PASSWD = "root:x:0:0::/root:/bin/sh\nlibvirt-qemu:x:64055:64055::/var/lib/libvirt:/bin/false\n"
GROUP = "root:x:0:\nkvm:x:104:\nlibvirt-qemu:x:64055:\n"
# Directories that the guest mounts things on, as it can't make them.
PLACES = ("dev", "proc", "sys", "tmp", "run", "test", "mnt")


def sources(suite):
    """The lines of a sources.list; backports only where they are wanted."""
    return [line for line in apt.sources("trixie")
            if "backports" not in line or "backports" in suite]


def finish(directory, wanted):
    """Makes a root of what was unpacked, without what nobody runs."""
    for name in ("bin", "sbin", "lib", "lib64"):
        if not (directory / name).exists():
            (directory / name).symlink_to("usr/" + name)
    for name in PLACES:
        (directory / name).mkdir(exist_ok=True)
    for other in (directory / "usr/bin").glob("qemu-*"):
        if other != directory / wanted.qemu:
            other.unlink()
    shutil.rmtree(directory / "var", ignore_errors=True)
    if (directory / "etc/libvirt").exists():
        (directory / "var").mkdir()
        (directory / "etc/passwd").write_text(PASSWD, encoding="ascii")
        (directory / "etc/group").write_text(GROUP, encoding="ascii")
    if wanted.arch == "amd64":
        library = next((directory / "usr/lib").glob("python3.*"))
        run(["chroot", directory, "/usr/bin/python3", "-m", "compileall", "-q",
             f"/usr/lib/{library.name}"])


def version_said(directory, wanted):
    """What the program of a root says of itself; this machine can't run those of another
    architecture, but a QEMU's text is in one piece."""
    program = wanted.program or wanted.qemu
    if wanted.arch == "amd64":
        return run(["chroot", directory, "/" + program, "--version"])
    found = re.search(rb"emulator version [^\0]*", (directory / program).read_bytes())
    return found[0].decode(errors="replace") if found else ""


def is_new_enough(directory, name):
    """Is the program of that root as new as its name says?"""
    # "QEMU emulator version 11.1.3 (...)", "libvirtd (libvirt) 12.9.0"
    said = version_said(directory, ROOTS[name])
    return emulators.is_as_new(said.replace("(libvirt)", "version"), name.split("-")[1])


def root(name):
    """The directory of a root."""
    wanted = ROOTS[name]
    packages = PACKAGES[wanted.arch] + wanted.more
    ident = f"1 {wanted.suite} {' '.join(packages)}"

    def name_of(exact):
        arch = "" if wanted.arch == "amd64" else f"-{wanted.arch}"
        return f"{name.partition('-')[0]}-{exact.replace(':', '_')}{arch}"

    # Named by QEMU's version, also where there is more: the index has no other package's.
    exact = archive.suite_version("qemu-system-x86", wanted.suite, lambda v: is_whole(
        cache_dir() / "clients" / name_of(v), ident))

    def make(directory):
        need_tools("mmdebstrap")
        if os.geteuid():
            raise Missing(f"making a Debian 13 root with {name} needs root")
        note(f"making a Debian 13 root with {name}")
        directory.rmdir()
        try:
            run(["mmdebstrap", "--quiet", "--variant=extract", "--mode=root",
                 f"--architectures={wanted.arch}", "--include=" + ",".join(packages),
                 "--aptopt=APT::Install-Recommends \"false\"",
                 f"--aptopt=APT::Default-Release \"{wanted.suite}\"",
                 "--dpkgopt=path-exclude=/usr/share/doc/*",
                 "--dpkgopt=path-exclude=/usr/share/man/*",
                 "--dpkgopt=path-exclude=/usr/share/locale/*",
                 "trixie", directory, *sources(wanted.suite)])
        except Failed as error:
            raise Missing(f"{name} of {wanted.suite} isn't to be had: {error}") from error
        finish(directory, wanted)
        if not is_new_enough(directory, name):
            raise Missing(f"{wanted.suite} has an older one than {name}")

    return piece("clients", name_of(exact), ident, make)
