# SPDX-License-Identifier: GPL-2.0-only
"""Kernels built by hand, from Debian's sources and the fragments in configs/."""

import contextlib
import fcntl
import os
import shutil
from pathlib import Path

from cache import Failed, cache_dir, note, run

CONFIGS = Path(__file__).resolve().parents[1] / "configs"

# name: version, fragments
RECIPES = {
    "debug-7.2": ("7.2", "common", "debug"),
    "debug-6.12": ("6.12", "common", "debug"),
    "peer-7.2": ("7.2", "common", "iommufd"),
    "peer-6.12": ("6.12", "common", "iommufd"),
    "debugpeer-7.2": ("7.2", "common", "iommufd", "debug"),
    "debugbtf-7.2": ("7.2", "common", "debug", "btf"),
    "debugbtf-6.12": ("6.12", "common", "debug", "btf"),
    "debugkvm-7.2": ("7.2", "common", "debug", "kvm"),
    "bench-7.2": ("7.2", "common"),     # peer-7.2 without iommufd, to measure ours
}


def fragment(name):
    """The options that are asked for, later ones winning."""
    version, *parts = RECIPES[name]
    options = {}
    for part in parts:
        for line in (CONFIGS / f"{part}.config").read_text(encoding="utf-8").splitlines():
            if line.startswith("CONFIG_"):
                key, value = line.split("=", 1)
                options[key] = value
    options.setdefault("CONFIG_LOCALVERSION", f'"-{name.split("-")[0]}"')
    return version, options


def configure(make, out, options):
    """Makes .config; ends the program if an option did not survive."""
    text = "".join(f"{key}={value}\n" for key, value in options.items())
    asked, config = out / "fragment", out / ".config"
    if not config.exists() or asked.read_text(encoding="utf-8") != text:
        config.unlink(missing_ok=True)
        asked.write_text(text, encoding="utf-8")
        run([*make, f"KCONFIG_ALLCONFIG={asked}", "allnoconfig"])
    got = dict(line.split("=", 1) for line in
               config.read_text(encoding="utf-8").splitlines()
               if line.startswith("CONFIG_"))
    lost = [key for key in ("CONFIG_VFIO", "CONFIG_KASAN", "CONFIG_PROVE_LOCKING",
                            "CONFIG_DEBUG_KMEMLEAK", "CONFIG_FAILSLAB", "CONFIG_IOMMUFD",
                            "CONFIG_KVM", "CONFIG_KVM_AMD")
            if options.get(key, "n") != got.get(key, "n")]
    if lost:
        raise Failed(f"the kernel's configuration lost {', '.join(lost)}")


@contextlib.contextmanager
def object_tree(name, source):
    """Where a kernel's objects are; those of a build that was ended are used again.

    Its compilers have the lock too, by the file that they inherit: they may outlive the program
    that started them, and nothing else shall be built there meanwhile.
    """
    trees = cache_dir() / "kernel-build"
    trees.mkdir(exist_ok=True)
    out = trees / name
    mark = out / "source.of"
    with open(trees / f"{name}.lock", "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not mark.exists() or mark.read_text(encoding="utf-8") != str(source):
            shutil.rmtree(out, ignore_errors=True)
            out.mkdir()
            mark.write_text(str(source), encoding="utf-8")
        yield out, lock.fileno()
        shutil.rmtree(out)


def build(name, source, directory):
    """Builds a kernel into directory: vmlinuz, config, System.map, lib, build."""
    _, options = fragment(name)
    with object_tree(name, source) as (out, lock):
        make = ["make", "-s", "-C", source, f"O={out}", "ARCH=x86_64"]
        note(f"building the kernel {name} (10 to 20 minutes)")
        configure(make, out, options)
        run(["nice", *make, f"-j{os.cpu_count()}", "bzImage", "modules"], pass_fds=[lock])
        install(make, out, directory)
        shutil.copy(out / "arch/x86/boot/bzImage", directory / "vmlinuz")
        tree = directory / "build"
        run([*make, "run-command",
             f"KBUILD_RUN_COMMAND={source}/scripts/package/install-extmod-build {tree}"])
        shutil.copy(out / ".config", tree / ".config")
        # It points back at the sources; this tree stands alone.
        shutil.copy(source / "Makefile", tree / "Makefile")


def install(make, out, directory):
    """Puts the modules there, and what tells of the kernel."""
    run([*make, f"INSTALL_MOD_PATH={directory}", "modules_install"])
    for link in directory.glob("lib/modules/*/build"):
        link.unlink()
    shutil.copy(out / "System.map", directory / "System.map")
    shutil.copy(out / ".config", directory / "config")
