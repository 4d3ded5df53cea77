# SPDX-License-Identifier: GPL-2.0-only
"""Initramfs images: busybox, the modules that the tests need, and our own.

The kernel takes several archives one after another, so what belongs to a
kernel is cached and only the programs of a run are packed anew.
"""

import hashlib
import lzma
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import pieces
from cache import Failed, cache_dir, is_whole, piece, run, stamp_of

GUEST = Path(__file__).resolve().parents[1] / "guest"
PARTS = ("init", "vm.sh", "tap.sh")

# Modules of the kernel that guests may want, with all that these depend on.
# A name that a kernel doesn't have (built in, or another version) is left out.
WANTED = ("vfio", "vfio-pci", "vfio_iommu_type1", "vfio_virqfd", "nvme", "e1000e",
          "kvm", "kvm-intel", "kvm-amd", "virtio-iommu", "virtio_pci",
          "9p", "9pnet_virtio", "loop", "ext4",
          "crc32c_generic", "iommufd")

KEEP = 8        # images kept for each kernel


def plain(name):
    """A module's name as the kernel spells it."""
    return name.replace("-", "_")


def module_files(tree):
    """All modules of a kernel: name -> file."""
    return {plain(p.name.split(".ko")[0]): p for p in tree.rglob("*.ko*")}


def copy_module(file, target):
    """Copies a module, uncompressed."""
    target.parent.mkdir(parents=True, exist_ok=True)
    if file.suffix == ".xz":
        target.write_bytes(lzma.decompress(file.read_bytes()))
    elif file.suffix == ".zst":
        run(["zstd", "-q", "-d", file, "-o", target])
    else:
        shutil.copyfile(file, target)


def add_stock_modules(tree, root, wanted):
    """Copies the wanted modules and their dependencies into root."""
    files = module_files(tree)
    todo, done = [plain(w) for w in wanted], set()
    while todo:
        name = todo.pop()
        if name in done or name not in files:
            continue
        done.add(name)
        relative = files[name].relative_to(tree)
        target = root / "lib/modules" / relative.with_name(
            relative.name.split(".ko")[0] + ".ko")
        copy_module(files[name], target)
        depends = run(["modinfo", "-F", "depends", target]).strip()
        todo += [plain(d) for d in depends.split(",") if d]


def pack(root, archive):
    """Writes root as a cpio archive."""
    with open(archive, "ab") as out:
        names = subprocess.run(["find", ".", "-mindepth", "1", "-print0"], cwd=root,
                               check=True, stdout=subprocess.PIPE).stdout
        done = subprocess.run(["cpio", "-0", "-o", "-H", "newc", "--quiet", "-R", "0:0",
                               "--reproducible"], cwd=root, input=names, stdout=out,
                              stderr=subprocess.PIPE, check=False)
    if done.returncode:
        raise Failed(f"cpio: {done.stderr.decode(errors='replace')}")


def hash_of(*parts):
    """A short hash over strings and files."""
    total = hashlib.sha256()
    for part in parts:
        data = part.read_bytes() if isinstance(part, Path) else str(part).encode()
        total.update(f"{len(data)} ".encode() + data)
    return total.hexdigest()[:20]


def kernel_image(name, arch, ours, extra, parameters):
    """The image of one kernel with our modules; cached.

    ours: module files to put beside the kernel's; extra: more names of stock
    modules; parameters: lines for modprobe.d.
    """
    pieces.need_tools("cpio", "depmod", "modinfo")
    kernel = pieces.kernel(name, arch)
    busybox = pieces.guest(arch) / "busybox"
    tree = kernel / "lib/modules"
    release = next(p.name for p in tree.iterdir() if p.is_dir())
    key = hash_of(stamp_of(kernel), *(GUEST / part for part in PARTS), Path(__file__),
                  *ours, *extra, *parameters)

    def make(directory):
        root = directory / "root"
        for part in ("bin", "sbin", "etc/modprobe.d", "test"):
            (root / part).mkdir(parents=True)
        shutil.copy2(busybox, root / "bin/busybox")
        for part in PARTS:
            shutil.copy2(GUEST / part, root / part)
        (root / "sbin/modprobe").symlink_to("/bin/busybox")
        (root / "init").chmod(0o755)
        add_stock_modules(tree, root, WANTED + tuple(extra))
        base = root / "lib/modules" / release
        for file in ours:
            copy_module(file, base / "updates" / file.name)
        for file in (tree / release).glob("modules.*"):
            shutil.copy2(file, base / file.name)
        if parameters:
            (root / "etc/modprobe.d/options.conf").write_text(
                "\n".join(parameters) + "\n", encoding="utf-8")
        run(["depmod", "-b", root, release])
        pack(root, directory / "initrd")
        shutil.rmtree(root)

    where = f"image/{kernel.name}"
    final = cache_dir() / where / key
    if not is_whole(final, key):
        piece(where, key, key, make, lock=f"image-{kernel.name}")
        forget_old(final.parent)
    os.utime(stamp_of(final))
    return final / "initrd"


def forget_old(directory):
    """Removes the images not used for longest."""
    stamps = sorted(directory.glob("*.complete"), key=lambda p: p.stat().st_mtime)
    for stamp in stamps[:-KEEP]:
        stamp.unlink(missing_ok=True)
        shutil.rmtree(stamp.with_suffix(""), ignore_errors=True)


def whole_image(base, files, plan, target):
    """Writes base and the files of a run (name -> source) to target."""
    with tempfile.TemporaryDirectory(dir=target.parent) as scratch:
        root = Path(scratch)
        (root / "test").mkdir()
        for name, source in files.items():
            (root / "test" / name).parent.mkdir(parents=True, exist_ok=True)
            if source.is_dir():
                shutil.copytree(source, root / "test" / name)
            else:
                shutil.copyfile(source, root / "test" / name)
                (root / "test" / name).chmod(0o755)
        (root / "plan").write_text(plan, encoding="utf-8")
        shutil.copyfile(base, target)
        pack(root, target)
