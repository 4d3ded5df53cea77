# SPDX-License-Identifier: GPL-2.0-only
"""What scenarios have in common: a QEMU, its devices, and what is left after it."""

import re

import host
from emulator import Broken, Emulator

MEMORY = 256            # MiB of an inner machine
INNER = "/mnt"          # vmlinuz and initrd
KERNEL_LINE = ("console=ttyS0 quiet loglevel=3 panic=-1 mitigations=off nokaslr"
               " random.trust_cpu=on no_timer_check tsc=reliable")

# What QEMU says if a call for its IOMMU fails, even if it goes on
REFUSED = re.compile(r"IOMMU_(?!IOAS_MAP)|vEVENTQ|taching|[Ff]ailed to")


def machine(accelerator):
    """An inner machine without devices."""
    processor = "host" if accelerator == "kvm" else "max"
    return ["-M", "q35,usb=off,sata=off", "-accel", accelerator, "-cpu", processor,
            "-m", f"{MEMORY}M", "-smp", "1", "-nic", "none"]


class Scenario:
    """A QEMU from its start to its end; a check that fails ends it."""
    title = ""
    emulator = None

    def __init__(self, qemu):
        self.qemu = qemu
        self.emulators = []         # all that were started
        self.disk, self.edu = host.addresses("nvme")[0], host.addresses("edu")[0]
        self.pins = host.pins()

    def checks(self):
        """(name, function) in order."""
        raise NotImplementedError

    def start(self, arguments, **how):
        """Starts QEMU."""
        self.emulator = Emulator(arguments, **how)
        self.emulators.append(self.emulator)

    def quit(self):
        """Ends QEMU in the orderly way."""
        self.emulator.quit()

    def check_left(self, *addresses):
        """After QEMU nothing is left."""
        self.emulator.kill()
        for address in addresses:
            host.wait_until(lambda a=address: host.node(a).exists(), 5, "a node is gone")
            host.check_free(address)
        host.check_pins(self.pins)

    def refused(self):
        """From the first attach to the last destroy."""
        if said := [line for emulator in self.emulators for line in emulator.log()
                    if REFUSED.search(line)]:
            raise Broken(" | ".join(said[:4]))
