# SPDX-License-Identifier: GPL-2.0-only
"""QEMU's command line for a kernel, an IOMMU and devices."""

import shlex
from dataclasses import dataclass, field
from pathlib import Path

from cache import Failed

IOMMUS = {
    # name: (architecture, -device, kernel arguments)
    "none": (None, None, ""),
    "vtd": ("amd64", "intel-iommu,intremap=on,caching-mode=off", "intel_iommu=on,sm_off"),
    "vtd-sm": ("amd64", "intel-iommu,intremap=on,caching-mode=off,x-scalable-mode=on",
               "intel_iommu=on,sm_on"),
    "amd": ("amd64", "amd-iommu,intremap=on", ""),
    "virtio": ("amd64", "virtio-iommu-pci", ""),
    "smmuv3": ("arm64", None, ""),
}

# Those without interrupt remapping: vfio wants to be told that this is known.
UNSAFE_INTERRUPTS = ("virtio", "none")

KINDS = ("edu", "nvme", "e1000e")       # kinds of devices that are given to vfio-pci


@dataclass
class Machine:
    """What is asked of QEMU."""
    kernel: Path
    arch: str
    iommu: str = "none"                 # with further options after a comma
    devices: list = field(default_factory=list)
    memory: str = "2G"
    cpus: int = 2
    append: str = ""
    thread: str = "single"              # or multi: a host thread for each CPU
    icount: bool = False
    extra: list = field(default_factory=list)


def iommu_options(machine):
    """The IOMMU's device and kernel arguments."""
    name, _, options = machine.iommu.partition(",")
    if name not in IOMMUS:
        raise Failed(f"no IOMMU {name}: there are {', '.join(IOMMUS)}")
    arch, device, arguments = IOMMUS[name]
    if arch and arch != machine.arch:
        raise Failed(f"{name} is an IOMMU of {arch}, not of {machine.arch}")
    if device and options:
        device += "," + options
    return (["-device", device] if device else []), arguments


def edu_pair(arch):
    """Two edus in one IOMMU group: behind a conventional bridge, whose requester
    ID they share; as functions of one device where that is not supported."""
    if arch == "arm64":
        return ["-device", "edu,addr=10.0,multifunction=on", "-device", "edu,addr=10.1"]
    return ["-device", "i82801b11-bridge,id=pairs",
            "-device", "pci-bridge,id=pair,bus=pairs,chassis_nr=1",
            "-device", "edu,bus=pair,addr=1", "-device", "edu,bus=pair,addr=2"]


def device_options(devices, arch, scratch):
    """The -device options for friendly or raw names; disks go into scratch."""
    options = []
    for number, device in enumerate(devices):
        name, _, more = device.partition(",")
        more = "," + more if more else ""
        if name == "edu-pair":
            options += edu_pair(arch)
        elif name == "edu" and not more:
            # all address bits, so that a test may aim at any memory
            options += ["-device", "edu,dma_mask=0xffffffffffffffff"]
        elif name == "nvme" and "serial=" not in more:
            disk = scratch / f"nvme{number}.img"
            with open(disk, "wb") as file:
                file.truncate(64 << 20)
            options += ["-drive", f"file={disk},if=none,id=disk{number},format=raw,"
                                  "cache=unsafe",
                        "-device", f"nvme,serial=scratch{number},drive=disk{number}{more}"]
        else:
            options += ["-device", device]
    return options


def kinds_of(devices):
    """The kinds of devices that the guest gives to vfio-pci."""
    names = [d.partition(",")[0] for d in devices]
    names = ["edu" if n == "edu-pair" else n for n in names]
    return [k for k in KINDS if k in names]


def processor(machine):
    """The machine and CPU model, and the kernel's arguments for them."""
    if machine.arch == "arm64":
        board = "virt,gic-version=3" + (
            ",iommu=smmuv3" if machine.iommu.startswith("smmuv3") else "")
        return ["-M", board, "-cpu", "cortex-a72"], "console=ttyAMA0"
    # fast string operations are slow when emulated
    cpu = "max,-erms,-fsrm" + (",-rdrand,-rdseed" if machine.icount else "")
    return (["-M", "q35", "-cpu", cpu],
            "console=ttyS0 tsc=reliable no_timer_check")


def ports(machine, console):
    """Serial ports: the kernel's console, and the report on QEMU's output."""
    if console is None:
        return ["-serial", "mon:stdio", "-serial", "null"]
    second = (["-serial", "chardev:report"] if machine.arch == "amd64" else
              ["-device", "pci-serial,chardev=report"])
    return ["-chardev", "stdio,id=report,signal=off", "-serial", f"file:{console}", *second]


def report_port(arch):
    """The guest's name for the port of the report."""
    return "/dev/ttyS1" if arch == "amd64" else "/dev/ttyS0"


def command(machine, image, scratch, console):
    """QEMU's command line; console None means an interactive one."""
    emulator = {"amd64": "qemu-system-x86_64", "arm64": "qemu-system-aarch64"}
    board, arguments = processor(machine)
    iommu, iommu_arguments = iommu_options(machine)
    line = [emulator[machine.arch], *board, "-nodefaults", "-no-user-config",
            "-display", "none", "-no-reboot", "-m", machine.memory,
            "-accel", f"tcg,thread={machine.thread}", "-smp", str(1 if machine.icount else machine.cpus),
            "-kernel", str(machine.kernel / "vmlinuz"), "-initrd", str(image)]
    if machine.icount:
        line += ["-icount", "shift=0,sleep=off", "-seed", "1",
                 "-rtc", "base=2026-01-01,clock=vm"]
        arguments += " norandmaps nokaslr"
    line += ports(machine, console) + iommu
    line += device_options(machine.devices, machine.arch, scratch)
    for more in machine.extra:
        line += shlex.split(more)
    # A host that is busy is no reason for complaints about stalls.
    arguments += (" loglevel=5 panic=-1 oops=panic mitigations=off log_buf_len=4M"
                  " random.trust_cpu=on watchdog_thresh=60"
                  " rcupdate.rcu_cpu_stall_timeout=180")
    return line + ["-append", f"{arguments} {iommu_arguments} {machine.append}".strip()]
