# SPDX-License-Identifier: GPL-2.0-only
"""Small Debian 13 roots, each with one QEMU and Python: unpacked, never installed."""

import os
import shutil

import apt
import archive
import emulators
from cache import Failed, Missing, cache_dir, is_whole, note, piece, run
from pieces import need_tools

# name, with the least version of QEMU: the suite that it comes from
ROOTS = {
    "qemu-10.0": "trixie",
    "qemu-11.1": "trixie-backports",
}
PACKAGES = ("qemu-system-x86", "python3")
USED = "usr/bin/qemu-system-x86_64"
# Directories that the guest mounts things on, as it can't make them.
PLACES = ("dev", "proc", "sys", "tmp", "run", "test", "mnt")


def sources(suite):
    """The lines of a sources.list; backports only where they are wanted."""
    return [line for line in apt.sources("trixie")
            if "backports" not in line or "backports" in suite]


def finish(directory):
    """Makes a root of what was unpacked, without what nobody runs."""
    for name in ("bin", "sbin", "lib", "lib64"):
        if not (directory / name).exists():
            (directory / name).symlink_to("usr/" + name)
    for name in PLACES:
        (directory / name).mkdir(exist_ok=True)
    for other in (directory / "usr/bin").glob("qemu-*"):
        if other != directory / USED:
            other.unlink()
    shutil.rmtree(directory / "var", ignore_errors=True)
    library = next((directory / "usr/lib").glob("python3.*"))
    run(["chroot", directory, "/usr/bin/python3", "-m", "compileall", "-q",
         f"/usr/lib/{library.name}"])


def root(name):
    """The directory of a root."""
    suite = ROOTS[name]
    version = name.partition("-")[2]
    ident = f"1 {suite} {' '.join(PACKAGES)}"

    def name_of(exact):
        return f"qemu-{exact.replace(':', '_')}"

    exact = archive.suite_version("qemu-system-x86", suite, lambda v: is_whole(
        cache_dir() / "clients" / name_of(v), ident))

    def make(directory):
        need_tools("mmdebstrap")
        if os.geteuid():
            raise Missing(f"making a Debian 13 root with QEMU {version} needs root")
        note(f"making a Debian 13 root with QEMU {version}")
        directory.rmdir()
        try:
            run(["mmdebstrap", "--quiet", "--variant=extract", "--mode=root",
                 "--include=" + ",".join(PACKAGES),
                 "--aptopt=APT::Install-Recommends \"false\"",
                 f"--aptopt=APT::Default-Release \"{suite}\"",
                 "--dpkgopt=path-exclude=/usr/share/doc/*",
                 "--dpkgopt=path-exclude=/usr/share/man/*",
                 "--dpkgopt=path-exclude=/usr/share/locale/*",
                 "trixie", directory, *sources(suite)])
        except Failed as error:
            raise Missing(f"QEMU {version} of {suite} isn't to be had: {error}") from error
        finish(directory)
        said = run(["chroot", directory, "/" + USED, "--version"])
        if not emulators.is_as_new(said, version):
            raise Missing(f"{suite} has an older QEMU than {version}: {said.splitlines()[0]}")

    return piece("clients", name_of(exact), ident, make)
