# SPDX-License-Identifier: GPL-2.0-only
"""Kernels built by hand, from Debian's sources and the fragments in configs/."""

import contextlib
import fcntl
import os
import shutil
from pathlib import Path

from cache import Failed, cache_dir, note, run

CONFIGS = Path(__file__).resolve().parents[1] / "configs"

# name: version, fragments, to which the architecture's is added
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

# kbuild's name of the architecture, and the image that QEMU boots
TARGETS = {"amd64": ("x86_64", "arch/x86/boot/bzImage"),
           "arm64": ("arm64", "arch/arm64/boot/Image")}

# Options that a configuration must have as they are asked for.
NEEDED = ("VFIO", "KASAN", "PROVE_LOCKING", "DEBUG_KMEMLEAK", "FAILSLAB", "IOMMUFD", "KVM",
          "KVM_AMD", "DEBUG_INFO_BTF", "ARM_SMMU_V3", "ARM_SMMU_V3_SVA", "PCI_HOST_GENERIC",
          "SERIAL_AMBA_PL011_CONSOLE", "SERIAL_8250_PCI", "ARM64_4K_PAGES", "ARM64_VA_BITS_48")


def options_of(part):
    """The options of one fragment."""
    lines = (CONFIGS / f"{part}.config").read_text(encoding="utf-8").splitlines()
    return dict(line.split("=", 1) for line in lines if line.startswith("CONFIG_"))


def fragment(name, arch="amd64"):
    """The version, and the options that are asked for, later ones winning."""
    version, first, *parts = RECIPES[name]
    options = {}
    for part in (first, arch, *parts):
        options.update(options_of(part))
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
    lost = [key for key in (f"CONFIG_{name}" for name in NEEDED)
            if options.get(key, "n") != got.get(key, "n")]
    if lost:
        raise Failed(f"the kernel's configuration lost {', '.join(lost)}")


@contextlib.contextmanager
def object_tree(name, arch, source):
    """Where a kernel's objects are; those of a build that was ended are used again.

    Its compilers have the lock too, by the file that they inherit: they may outlive the program
    that started them, and nothing else shall be built there meanwhile.
    """
    trees = cache_dir() / "kernel-build"
    trees.mkdir(exist_ok=True)
    out = trees / f"{name}-{arch}"
    mark = out / "source.of"
    with open(trees / f"{name}-{arch}.lock", "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not mark.exists() or mark.read_text(encoding="utf-8") != str(source):
            shutil.rmtree(out, ignore_errors=True)
            out.mkdir()
            mark.write_text(str(source), encoding="utf-8")
        yield out, lock.fileno()
        shutil.rmtree(out)


def build(name, arch, source, directory):
    """Builds a kernel into directory: vmlinuz, config, System.map, lib, build."""
    target, image = TARGETS[arch]
    with object_tree(name, arch, source) as (out, lock):
        make = ["make", "-s", "-C", source, f"O={out}", f"ARCH={target}"]
        if arch == "arm64":
            make.append("CROSS_COMPILE=aarch64-linux-gnu-")
        note(f"building the kernel {name} for {arch} (10 to 20 minutes of CPU time)")
        configure(make, out, fragment(name, arch)[1])
        run(["nice", *make, f"-j{os.cpu_count()}", Path(image).name, "modules"], pass_fds=[lock])
        install(make, out, directory)
        shutil.copy(out / image, directory / "vmlinuz")
        tree = directory / "build"
        # Programs of this machine's use the tree, so the script shall see no other compiler.
        run([*make, "run-command", "KBUILD_RUN_COMMAND=CC=gcc HOSTCC=gcc "
             f"{source}/scripts/package/install-extmod-build {tree}"])
        shutil.copy(out / ".config", tree / ".config")
        # It points back at the sources; this tree stands alone.
        shutil.copy(source / "Makefile", tree / "Makefile")


def install(make, out, directory):
    """Puts the modules there, and what tells of the kernel."""
    run([*make, f"INSTALL_MOD_PATH={directory}", "INSTALL_MOD_STRIP=1", "modules_install"])
    for link in directory.glob("lib/modules/*/build"):
        link.unlink()
    shutil.copy(out / "System.map", directory / "System.map")
    shutil.copy(out / ".config", directory / "config")
