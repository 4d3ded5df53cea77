# SPDX-License-Identifier: GPL-2.0-only
"""The scenarios: real QEMUs with devices that they get through /dev/iommu. Prints TAP.

    scenarios.py qemu-11.1 linux files plain
"""

import contextlib
import os
import pwd
import re
import resource
import sys
import time

import host
from domain import Daemon, Domain
from emulator import Broken
from migrate import Migrate
from scenario import INNER, KERNEL_LINE, MEMORY, Scenario, machine

NOBODY = 65534
COPY = "dd bs=64k count=16 status=none"

# An event of an SMMUv3 (7.3 of its architecture): number and stream, and the address in word 2
F_TRANSLATION = 0x10
EVENT_WORDS = 4


class Linux(Scenario):
    """An inner Linux with two devices, one of them unplugged for a while, and a reboot."""
    title = "linux"
    sum = ""            # of what was written last

    def checks(self):
        return [
            ("an inner Linux starts with two devices on one iommufd", self.boot),
            ("they share a page table", self.share),
            *self.check_bars(),
            ("its disk keeps what is written", self.write),
            ("the disk's interrupts are MSI-X and come", self.interrupts),
            ("the edu computes and does DMA", self.use_edu),
            ("both are QEMU's alone", self.exclusive),
            ("the disk is unplugged, and free", self.unplug),
            ("the edu works without it", self.use_edu),
            ("the disk is plugged in again, and has its data", self.replug),
            ("it takes new data", self.write),
            ("Linux reboots, and has both devices and the data", self.reboot),
            ("the edu works after that", self.use_edu),
            ("the disk is unbound on the host, and QEMU gives it up", self.take),
            ("QEMU ends", self.quit),
            ("nothing is left", lambda: self.check_left(self.disk, self.edu)),
        ]

    def disk_options(self):
        """The disk as device_add wants it."""
        return {"driver": "vfio-pci", "host": self.disk, "iommufd": "iommufd0",
                "bus": "plug", "id": "disk"}

    def boot(self):
        """Starts QEMU, and waits for Linux."""
        disk = ",".join(v if k == "driver" else f"{k}={v}"
                        for k, v in self.disk_options().items())
        self.start([*machine("kvm"), "-kernel", f"{INNER}/vmlinuz",
                    "-initrd", f"{INNER}/initrd", "-append", KERNEL_LINE,
                    "-object", "iommufd,id=iommufd0",
                    "-device", "pcie-root-port,id=plug,chassis=1,slot=1",
                    "-device", disk,
                    "-device", f"vfio-pci,host={self.edu},iommufd=iommufd0,id=edu"])
        self.ready()

    def ready(self):
        """Waits for Linux, and its disk."""
        self.emulator.wait_line("inner: ready", 240)
        self.emulator.shell("wait_for -b /dev/nvme0n1")

    def share(self):
        """Two devices, one page table, and all memory is pinned once."""
        process = self.emulator.pid
        devices = host.objects(process, "device")
        tables = {device.get("pt") for device in devices}
        if len(devices) != 2 or len(tables) != 1 or None in tables:
            raise Broken(f"the devices are {devices}")
        pinned = [int(ioas["pinned"]) >> 20 for ioas in host.objects(process, "ioas")]
        if len(pinned) != 1 or not MEMORY <= pinned[0] < MEMORY + 64:
            raise Broken(f"{pinned} MiB are pinned")

    def check_bars(self):
        """A check for QEMUs and kernels that can make one device's BARs another's memory."""
        if self.qemu == "qemu-11.1" and os.environ["KERNEL"] not in ("6.1", "6.12"):
            yield "each reaches the other's BARs", self.bars

    def bars(self):
        """QEMU warns if it couldn't map one."""
        if refused := [line for line in self.emulator.log() if "BAR" in line]:
            raise Broken(refused[0])
        mapped = int(host.objects(self.emulator.pid, "ioas")[0]["mapped"]) >> 20
        if mapped <= MEMORY:
            raise Broken(f"only {mapped} MiB are mapped")

    def write(self):
        """Writes, reads and compares."""
        shell = self.emulator.shell
        shell(f"{COPY} if=/dev/urandom of=/tmp/new")
        shell(f"{COPY} if=/tmp/new of=/dev/nvme0n1 seek=64 oflag=direct")
        self.sum = shell("md5sum < /tmp/new")
        self.read()

    def read(self):
        """What is on the disk is what was written."""
        now = self.emulator.shell(
            f"{COPY} if=/dev/nvme0n1 skip=64 iflag=direct > /tmp/back; md5sum < /tmp/back")
        if now != self.sum:
            raise Broken(f"the disk has other data: {now}, not {self.sum}")

    def interrupts(self):
        """Some of the queues' interrupts have come."""
        lines = self.emulator.shell("grep nvme0q /proc/interrupts").splitlines()
        if not any("MSIX" in line and int(line.split()[1]) for line in lines):
            raise Broken(f"no MSI-X: {lines}")

    def use_edu(self):
        """The inner program says whether it works."""
        self.emulator.shell("edu")

    def exclusive(self):
        """Nobody else may have them."""
        host.check_busy(self.disk)
        host.check_busy(self.edu)

    def unplug(self):
        """The inner Linux lets it go, QEMU closes it, somebody else may have it."""
        self.emulator.command("device_del", id="disk")
        self.emulator.wait_event("DEVICE_DELETED", 60, device="disk")
        self.emulator.shell("wait_for ! -b /dev/nvme0n1")
        host.check_free(self.disk)

    def replug(self):
        """It comes back."""
        self.emulator.command("device_add", **self.disk_options())
        self.emulator.shell("wait_for -b /dev/nvme0n1")
        self.read()

    def reboot(self):
        """Both devices are reset on the way."""
        self.emulator.command("system_reset")
        self.ready()
        self.read()

    def take(self):
        """The host's wish reaches the inner Linux as a request to let the disk go."""
        waiting = host.unbind(self.disk)
        self.emulator.wait_event("DEVICE_DELETED", 60, device="disk")
        waiting.join(30)
        if waiting.is_alive():
            raise Broken("the disk isn't unbound although QEMU gave it up")
        host.bind(self.disk)


class BootSector(Scenario):
    """The firmware reads, the boot sector reads and writes: a machine of few instructions."""
    title = "boot sector"
    accelerator = "kvm"

    def checks(self):
        return [
            ("a boot sector on the disk reads and writes it", self.boot),
            ("the same after a reset", self.reset),
            ("nothing is left when QEMU is killed",
             lambda: self.check_left(self.disk, self.edu)),
        ]

    def devices(self):
        """QEMU's options for the devices."""
        return ["-object", "iommufd,id=iommufd0",
                "-device", f"vfio-pci,host={self.disk},iommufd=iommufd0,bootindex=1",
                "-device", f"vfio-pci,host={self.edu},iommufd=iommufd0"]

    def boot(self):
        """Starts QEMU, and waits for the sector's verdict."""
        self.start([*machine(self.accelerator), *self.devices()])
        self.verdict()

    def verdict(self):
        """What the boot sector says."""
        self.emulator.wait_line("boot: ", 120)
        if self.emulator.said[-1] != "boot: same":
            raise Broken(self.emulator.said[-1])

    def reset(self):
        """Once more."""
        self.emulator.command("system_reset")
        self.verdict()


class Plain(BootSector):
    """Without KVM."""
    title = "without KVM"
    accelerator = "tcg"


class Files(BootSector):
    """A launcher with all rights opens the files for a QEMU that has none."""
    title = "passed files"

    def checks(self):
        first, *rest = super().checks()
        return [first, ("its memory counts against its user's limit", self.charge), *rest]

    def charge(self):
        """QEMU runs without CAP_IPC_LOCK."""
        megabytes = host.charged(self.emulator.pid) >> 20
        if megabytes < MEMORY:
            raise Broken(f"only {megabytes} MiB are charged")

    def boot(self):
        """Opens the files, starts QEMU as nobody, and closes them."""
        os.chmod("/dev/kvm", 0o666)
        with contextlib.ExitStack() as stack:
            files = []
            for name in ("/dev/iommu", host.node(self.disk), host.node(self.edu)):
                files.append(os.open(name, os.O_RDWR))
                stack.callback(os.close, files[-1])
            self.start_as_nobody(files)
        self.verdict()

    def start_as_nobody(self, files):
        """Starts QEMU with these files, and a limit of its memory."""
        iommu, disk, edu = files
        # QEMU 11.1 takes no file for a device without an id
        options = ["-object", f"iommufd,id=iommufd0,fd={iommu}",
                   "-device", f"vfio-pci,id=disk,fd={disk},iommufd=iommufd0,bootindex=1",
                   "-device", f"vfio-pci,id=edu,fd={edu},iommufd=iommufd0"]
        limits = resource.getrlimit(resource.RLIMIT_MEMLOCK)
        resource.setrlimit(resource.RLIMIT_MEMLOCK, (2 * MEMORY << 20,) * 2)
        try:
            self.start([*machine(self.accelerator), *options], files=files, user=NOBODY,
                       group=NOBODY, extra_groups=[])
        finally:
            resource.setrlimit(resource.RLIMIT_MEMLOCK, limits)


class Libvirt(Linux):
    """The inner Linux as a domain, whose devices libvirt gives to a QEMU without rights."""
    title = "libvirt"
    daemon = None

    def checks(self):
        return [
            ("a domain starts with two devices on one iommufd", self.boot),
            ("its QEMU is libvirt's user's", self.user),
            ("they share a page table", self.share),
            ("its disk keeps what is written", self.write),
            ("the edu computes and does DMA", self.use_edu),
            ("both are QEMU's alone", self.exclusive),
            ("the disk is unplugged, and free", self.unplug),
            ("the edu works without it", self.use_edu),
            ("the disk is plugged in again, and has its data", self.replug),
            ("the domain ends", self.quit),
            ("nothing is left", lambda: self.check_left(self.disk, self.edu)),
        ]

    def boot(self):
        """Starts libvirt's daemon and the domain, and waits for Linux."""
        os.chmod("/dev/kvm", 0o666)
        self.daemon = Daemon()
        self.emulator = Domain(self.daemon, MEMORY, INNER, KERNEL_LINE, [self.disk, self.edu])
        self.emulators.append(self.emulator)
        self.ready()

    def user(self):
        """QEMU runs as libvirt's user for it."""
        uids = set(host.status(self.emulator.pid, "Uid"))
        if uids != {str(pwd.getpwnam("libvirt-qemu").pw_uid)}:
            raise Broken(f"QEMU's users are {uids}")

    def unplug(self):
        self.emulator.unplug(self.disk)
        self.emulator.shell("wait_for ! -b /dev/nvme0n1")
        host.check_free(self.disk)

    def replug(self):
        self.emulator.plug(self.disk)
        self.emulator.shell("wait_for -b /dev/nvme0n1")
        self.read()


class Nested(Linux):
    """An inner Linux with an IOMMU of its own, whose page tables the outer machine's hardware
    walks: both devices are behind it."""
    nesting = "nested-on"       # what /proc has of its page tables and no other
    stray_is = ""               # what comes of a DMA without a mapping
    stray = 0x7abcdef000        # where the inner Linux has mapped nothing
    disk_at, edu_at = "0000:00:02.0", "0000:00:03.0"    # for the inner Linux

    def checks(self):
        return [
            ("an inner Linux starts with an IOMMU", self.boot),
            ("it translates what the devices do", self.translated),
            ("by tables that the hardware walks", self.nested),
            ("its disk keeps what is written", self.write),
            ("the disk's interrupts are MSI-X and come", self.interrupts),
            ("its driver leaves the disk, and takes it again", self.rebind),
            ("it takes new data", self.write),
            (f"a DMA without a mapping is {self.stray_is}", self.use_stray),
            ("both are QEMU's alone", self.exclusive),
            ("Linux reboots, and has the data", self.reboot),
            ("the hardware walks its tables again", self.nested),
            ("the disk takes new data", self.write),
            (f"a DMA without a mapping is {self.stray_is}, again", self.use_stray),
            ("QEMU ends", self.quit),
            ("nothing was refused it", self.refused),
            ("nothing is left", lambda: self.check_left(self.disk, self.edu)),
        ]

    def board(self):
        """QEMU's options for the machine and its IOMMU."""
        raise NotImplementedError

    def boot(self):
        """Starts QEMU, and waits for Linux."""
        self.start([*self.board(), "-kernel", f"{INNER}/vmlinuz", "-initrd", f"{INNER}/initrd",
                    "-object", "iommufd,id=iommufd0",
                    *self.device("disk", self.disk, self.disk_at),
                    *self.device("edu", self.edu, self.edu_at)])
        self.ready()

    @staticmethod
    def device(name, address, inner):
        """A device's options, with its address in the inner machine."""
        slot = int(inner.rpartition(":")[2].partition(".")[0], 16)
        return ["-device",
                f"vfio-pci,host={address},iommufd=iommufd0,id={name},bus=pcie.0,addr={slot:#x}"]

    def ready(self):
        """Waits for Linux and its disk, and gives the edu to a driver that only has it, as
        without one it isn't behind the IOMMU on all architectures."""
        super().ready()
        self.emulator.shell(f"echo pci-stub > /sys/bus/pci/devices/{self.edu_at}/driver_override;"
                            f" echo {self.edu_at} > /sys/bus/pci/drivers_probe;"
                            f" [ -e /sys/bus/pci/drivers/pci-stub/{self.edu_at} ]")

    def translated(self):
        """Both devices have page tables of the inner Linux's IOMMU driver."""
        for address in (self.disk_at, self.edu_at):
            kind = self.emulator.shell(f"cat /sys/bus/pci/devices/{address}/iommu_group/type")
            if kind != "DMA":
                raise Broken(f"{address} is in a group of type {kind}")

    def nested(self):
        """Both devices use page tables of the inner Linux, on top of one of QEMU's."""
        process = self.emulator.pid
        nested = {table["id"] for table in host.objects(process, "hwpt")
                  if self.nesting in table}
        devices = host.objects(process, "device")
        if len(devices) != 2 or any(device.get("pt") not in nested for device in devices):
            raise Broken(f"the devices are {devices}, the page tables "
                         f"{host.objects(process, 'hwpt')}")

    def rebind(self):
        """Between, the inner Linux takes all mappings away."""
        driver = "/sys/bus/pci/drivers/nvme"
        self.emulator.shell(f"echo {self.disk_at} > {driver}/unbind")
        self.emulator.shell("wait_for ! -b /dev/nvme0n1")
        self.emulator.shell(f"echo {self.disk_at} > {driver}/bind")
        self.emulator.shell("wait_for -b /dev/nvme0n1")
        self.read()

    def use_stray(self):
        """The edu reads where nothing is mapped."""
        raise NotImplementedError


class NestedSmmu(Nested):
    """An SMMUv3, with events. With a firmware there are ACPI's tables, which QEMU demands."""
    title = "nested SMMUv3"
    nesting = "viommu"
    stray_is = "an event of the inner SMMUv3"

    def board(self):
        host.assume_coherent()
        return ["-M", "virt,gic-version=3", "-accel", "kvm", "-cpu", "host",
                "-m", f"{2 * MEMORY}M", "-smp", "1", "-nic", "none",
                "-bios", "/usr/share/qemu-efi-aarch64/QEMU_EFI.fd",
                "-append", "console=ttyAMA0 quiet loglevel=3 panic=-1 mitigations=off nokaslr"
                           " iommu.passthrough=0 iommu.strict=1",
                "-device", "arm-smmuv3,primary-bus=pcie.0,id=smmu,accel=on"]

    def use_stray(self):
        """The inner Linux's driver logs the event: a translation fault of the edu's stream."""
        self.emulator.shell("dmesg -c > /tmp/before")
        self.emulator.shell(f"edu {self.stray:#x}")
        self.emulator.shell("wait_for_line received:")
        words = [int(word, 16) for word in
                 re.findall(r":\s+0x([0-9a-f]{16})$", self.emulator.shell("dmesg"), re.M)]
        stream = int(self.edu_at[-4:-2], 16) << 3
        events = [words[i:i + EVENT_WORDS] for i in range(0, len(words), EVENT_WORDS)]
        if not any(len(event) == EVENT_WORDS and event[0] & 0xff == F_TRANSLATION and
                   event[0] >> 32 == stream and event[2] == self.stray for event in events):
            raise Broken(f"the events are {[hex(word) for word in words]}")


class NestedVtd(Nested):
    """VT-d in scalable mode with first-stage page tables. Its faults are the host's, whom
    nothing lets pass them on."""
    title = "nested VT-d"
    stray_is = "a fault of the outer VT-d"

    def board(self):
        return [*machine("kvm"), "-append",
                f"{KERNEL_LINE} intel_iommu=on,sm_on iommu.passthrough=0 iommu.strict=1",
                "-device", "intel-iommu,scalable-mode=on,fsts=on,caching-mode=on,intremap=off"]

    def use_stray(self):
        """The host's driver logs the device, in one of two ways, and the address."""
        log = host.KernelLog()
        self.emulator.shell(f"edu {self.stray:#x}")
        fault = f"{self.edu.partition(':')[2]}] fault addr {self.stray:#x} "
        host.wait_until(lambda: any(fault in line for line in log.lines()), 30,
                        f"the kernel log has no '{fault}'")


SCENARIOS = {"linux": Linux, "boot": BootSector, "files": Files, "plain": Plain,
             "libvirt": Libvirt, "nested-smmu": NestedSmmu, "nested-vtd": NestedVtd,
             "migrate": Migrate}


def run_check(function):
    """Runs a check; returns the reason of its failure."""
    try:
        function()
    except Broken as broken:
        return str(broken)
    except (OSError, KeyError, ValueError, StopIteration) as error:
        return f"{type(error).__name__}: {error}"
    return None


def run_scenario(scenario, number):
    """Runs the checks of one scenario until one fails; returns the number of the last."""
    reason = None
    for name, function in scenario.checks():
        number += 1
        began = time.monotonic()
        reason = run_check(function)
        if reason:
            print("# " + reason.replace("\n", " | "))
        print(f"# {time.monotonic() - began:.1f} s")
        print(f"{'not ' if reason else ''}ok {number} - {scenario.qemu}, {scenario.title}: {name}",
              flush=True)
        if reason:
            break
    for emulator in scenario.emulators:
        for line in emulator.heard() if reason else []:
            print(f"# inner: {line}", flush=True)
        emulator.kill()
        for line in sorted(set(emulator.log())):
            print(f"# QEMU: {line}", flush=True)
    return number


def main():
    """Runs the scenarios of that names."""
    qemu, *names = sys.argv[1:]
    scenarios = [SCENARIOS[name](qemu) for name in names]
    print(f"1..{sum(len(s.checks()) for s in scenarios)}", flush=True)
    number = 0
    for scenario in scenarios:
        scenario.pins = host.pins()
        number = run_scenario(scenario, number)


if __name__ == "__main__":
    main()
