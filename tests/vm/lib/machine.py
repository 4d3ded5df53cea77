# SPDX-License-Identifier: GPL-2.0-only
"""QEMU's command line for a kernel, an IOMMU and devices."""

import shlex
from dataclasses import dataclass, field
from pathlib import Path

import emulators
from cache import Failed

IOMMUS = {
    # name: (architecture, -device, kernel arguments)
    "none": (None, None, ""),
    "vtd": ("amd64", "intel-iommu,intremap=on,caching-mode=off", "intel_iommu=on,sm_off"),
    "vtd-sm": ("amd64", "intel-iommu,intremap=on,caching-mode=off,x-scalable-mode=on",
               "intel_iommu=on,sm_on"),
    # first-stage page tables, which QEMU 10.0 has and 7.2 hasn't
    "vtd-fs": ("amd64", "intel-iommu,intremap=on,caching-mode=off,x-scalable-mode=on,"
               "x-flts=on,aw-bits=48", "intel_iommu=on,sm_on"),
    # both stages, dirty bits and PASIDs: what tests/qemu adds
    "vtd-nest": ("amd64", "intel-iommu,intremap=on,caching-mode=off,x-scalable-mode=on,"
                 "x-nest=on,x-ssads=on,x-pasid-mode=on,x-structure-caches=on,aw-bits=48",
                 "intel_iommu=on,sm_on"),
    # the same for devices that ask for translations and pages (PRI)
    "vtd-pri": ("amd64", "intel-iommu,intremap=on,caching-mode=off,x-scalable-mode=on,"
                "x-nest=on,x-ssads=on,x-pasid-mode=on,x-structure-caches=on,device-iotlb=on,"
                "x-prs=on,aw-bits=48", "intel_iommu=on,sm_on"),
    # the same hardware, used without its scalable mode: no nesting
    "vtd-nest-off": ("amd64", "intel-iommu,intremap=on,caching-mode=off,x-scalable-mode=on,"
                     "x-nest=on,x-structure-caches=on,aw-bits=48", "intel_iommu=on,sm_off"),
    "amd": ("amd64", "amd-iommu,intremap=on", ""),
    "amd-noremap": ("amd64", "amd-iommu", ""),
    # host access and dirty bits: what tests/qemu adds
    "amd-had": ("amd64", "amd-iommu,intremap=on,x-had=on", ""),
    # what nesting parents are made for, announced only
    "amd-nest": ("amd64", "amd-iommu,intremap=on,x-nest=on", ""),
    "virtio": ("amd64", "virtio-iommu-pci", ""),
    "smmuv3": ("arm64", None, ""),
    # two stages, which QEMU 10.0 has and 7.2 hasn't
    "smmuv3-nested": ("arm64", None, ""),
    # access flags and dirty state: what tests/qemu adds
    "smmuv3-httu": ("arm64", None, ""),
    # the same with PASIDs
    "smmuv3-ssid": ("arm64", None, ""),
}

# What a board's own IOMMU is told.
GLOBALS = {"smmuv3-nested": ("arm-smmuv3.stage=nested",),
           "smmuv3-httu": ("arm-smmuv3.x-httu=on",),
           "smmuv3-ssid": ("arm-smmuv3.x-httu=on", "arm-smmuv3.x-ssidsize=10")}

# Those without interrupt remapping: vfio wants to be told that this is known.
# With the IOAPIC that QEMU has there, Linux 7.3 doesn't remap on AMD-Vi either.
UNSAFE_INTERRUPTS = ("virtio", "amd-noremap", "amd-had", "amd-nest", "none")

KINDS = ("edu", "nvme", "e1000e", "igb")        # kinds of devices that are given to vfio-pci


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
    qemu: Path = None                   # another QEMU than the host's (emulators.py)
    shares: dict = field(default_factory=dict)      # name -> directory, read-only by 9p


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


def resettable_port(number, arch):
    """A port whose bus can be reset: of a faster one the kernel wants to see the link.
    Where there is hotplug that is its controller's work, else the port's."""
    return ["-device", f"pcie-root-port,id=port{number},x-speed=5,"
                       f"chassis={number},slot={number}"
                       + (",hotplug=off" if arch == "arm64" else "")]


def edu_pair(arch):
    """Two edus in one IOMMU group, on a bus that can be reset: behind a conventional
    bridge, whose requester ID they share; as functions of one device where that is not
    supported."""
    if arch == "arm64":
        return [*resettable_port(100, arch),
                "-device", "edu,bus=port100,addr=0.0,multifunction=on",
                "-device", "edu,bus=port100,addr=0.1"]
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
        elif name == "edu-functions":
            # tests/qemu's: functions of one device, which nothing isolates, share a group
            for function in range(2):
                options += ["-device", "edu-pcie,dma_mask=0xffffffffffffffff,delay=1,"
                                       f"addr=0x1b.{function},multifunction=on"]
        elif name == "edu-pcie" and not more:
            # tests/qemu's: PASIDs, resets, transfers that take no time to speak of
            options += ["-device", "edu-pcie,dma_mask=0xffffffffffffffff,delay=1,"
                                   "pasid-bits=10"]
        elif name == "edu-pri" and not more:
            options += ["-device", "edu-pcie,dma_mask=0xffffffffffffffff,delay=1,"
                                   "pasid-bits=10,ats=on,pri=on"]
        elif name in ("nvme", "nvme-port") and "serial=" not in more:
            if name == "nvme-port":
                options += resettable_port(number, arch)
                more += f",bus=port{number}"
            disk = scratch / f"nvme{number}.img"
            with open(disk, "wb") as file:
                file.truncate(64 << 20)
            options += ["-drive", f"file={disk},if=none,id=disk{number},format=raw,"
                                  "cache=unsafe",
                        "-device", f"nvme,serial=scratch{number},drive=disk{number}{more}"]
        elif name == "igb-pair":
            # one bus, two groups: functions that the kernel knows to be apart
            options += [*resettable_port(number, arch),
                        "-device", f"igb,bus=port{number},addr=0.0,multifunction=on,"
                                   "x-pcie-ari-nextfn-1=on",
                        "-device", f"igb,bus=port{number},addr=0.1"]
        elif name == "igb" and "bus=" not in more:
            # what has virtual functions wants bus numbers of its own
            options += [*resettable_port(number, arch), "-device", f"igb,bus=port{number}{more}"]
        else:
            options += ["-device", device]
    return options


def kinds_of(devices):
    """The kinds of devices that the guest gives to vfio-pci."""
    names = [d.partition(",")[0] for d in devices]
    for ending in ("-pair", "-port", "-pcie", "-pri", "-functions"):
        names = [n.removesuffix(ending) for n in names]
    return [k for k in KINDS if k in names]


def share_options(shares):
    """The options that let the guest mount directories of the host."""
    options = []
    for name, directory in shares.items():
        options += ["-fsdev", f"local,id={name},path={directory},security_model=none,"
                              "readonly=on,multidevs=remap",
                    "-device", f"virtio-9p-pci,fsdev={name},mount_tag={name}"]
    return options


def finds_bad_accesses(kernel):
    """Is the kernel in this directory built with KASAN?"""
    config = kernel / "config"
    return config.exists() and "CONFIG_KASAN=y" in config.read_text(encoding="utf-8").splitlines()


def processor(machine):
    """The machine and CPU model, and the kernel's arguments for them."""
    if machine.arch == "arm64":
        # this IOMMU is a part of the board, and so are its options
        name, comma, more = machine.iommu.partition(",")
        board = "virt,gic-version=3" + (
            f",iommu=smmuv3{comma}{more}" if name.startswith("smmuv3") else "")
        told = [word for option in GLOBALS.get(name, ()) for word in ("-global", option)]
        return ["-M", board, "-cpu", "cortex-a72", *told], "console=ttyAMA0"
    # Fast string operations are slow when emulated. KVM of PREEMPT_RT wants the word of the CPU
    # that its TSC doesn't stop, which QEMU doesn't give for TCG without being told.
    cpu = ("max,-erms,-fsrm,check=off,x-force-features=on,+invtsc" +
           (",-rdrand,-rdseed" if machine.icount else ""))
    # identify_cpu() forgets for a moment that page tables have five levels, and KASAN, asked by
    # an interrupt then, takes good addresses for bad ones (7.2).
    return (["-M", "q35", "-cpu", cpu],
            "console=ttyS0 tsc=reliable no_timer_check" +
            (" no5lvl" if finds_bad_accesses(machine.kernel) else ""))


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


def emulator(machine):
    """The words that QEMU's command line begins with."""
    if not machine.qemu:
        return [emulators.BINARIES[machine.arch]]
    return emulators.program(machine.qemu, machine.arch)


def command(machine, image, scratch, console):
    """QEMU's command line; console None means an interactive one."""
    board, arguments = processor(machine)
    iommu, iommu_arguments = iommu_options(machine)
    line = [*emulator(machine), *board, "-nodefaults", "-no-user-config",
            "-display", "none", "-no-reboot", "-m", machine.memory,
            "-accel", f"tcg,thread={machine.thread}",
            "-smp", str(1 if machine.icount else machine.cpus),
            "-kernel", str(machine.kernel / "vmlinuz"), "-initrd", str(image)]
    if machine.icount:
        line += ["-icount", "shift=0,sleep=off", "-seed", "1",
                 "-rtc", "base=2026-01-01,clock=vm"]
        arguments += " norandmaps nokaslr"
    line += ports(machine, console) + iommu
    line += device_options(machine.devices, machine.arch, scratch)
    line += share_options(machine.shares)
    for more in machine.extra:
        line += shlex.split(more)
    # A host that is busy is no reason for complaints about stalls.
    arguments += (" loglevel=5 panic=-1 oops=panic mitigations=off log_buf_len=4M"
                  " random.trust_cpu=on watchdog_thresh=60"
                  " rcupdate.rcu_cpu_stall_timeout=180")
    return line + ["-append", f"{arguments} {iommu_arguments} {machine.append}".strip()]
