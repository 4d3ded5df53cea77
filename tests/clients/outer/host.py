# SPDX-License-Identifier: GPL-2.0-only
"""What the machine that QEMU runs on shows of devices and memory."""

import contextlib
import errno
import fcntl
import os
import struct
import threading
import time
from pathlib import Path

from emulator import FACTOR, Broken

VFIO_DEVICE_BIND_IOMMUFD = 0x3b76
DEVICES = Path("/sys/bus/pci/devices")


def addresses(kind):
    """The PCI addresses of the devices of that kind that vfio-pci has."""
    pairs = (pair.split("=") for pair in os.environ["VFIO_BDFS"].split())
    return [address for address, name in pairs if name == kind]


def node(address):
    """The path of a device's node."""
    return Path("/dev/vfio/devices") / next((DEVICES / address / "vfio-dev").iterdir()).name


def bind_error(address):
    """Why a device can't be bound by us; None if it can."""
    with open(node(address), "rb+", buffering=0) as device, \
            open("/dev/iommu", "rb+", buffering=0) as iommu:
        try:
            fcntl.ioctl(device, VFIO_DEVICE_BIND_IOMMUFD,
                        bytearray(struct.pack("=IIiI", 16, 0, iommu.fileno(), 0)))
        except OSError as error:
            return error.strerror
    return None


def check_free(address):
    """Nobody has the device."""
    if error := bind_error(address):
        raise Broken(f"{address} isn't free: {error}")


def check_busy(address):
    """Somebody has it: neither its node nor its group is for others."""
    if not bind_error(address):
        raise Broken(f"{address} could be bound although QEMU has it")
    group = Path("/dev/vfio") / os.path.basename(os.readlink(DEVICES / address / "iommu_group"))
    try:
        os.close(os.open(group, os.O_RDWR))
    except OSError as error:
        if error.errno == errno.EBUSY:
            return
        raise
    raise Broken(f"{group} could be opened although QEMU has {address}")


def pins():
    """How many page pins are held."""
    Path("/proc/sys/vm/stat_refresh").write_text("1", encoding="ascii")
    counts = dict(line.split() for line in
                  Path("/proc/vmstat").read_text(encoding="ascii").splitlines())
    return int(counts["nr_foll_pin_acquired"]) - int(counts["nr_foll_pin_released"])


def check_pins(before):
    """Nothing is pinned that wasn't before; files may be released a little later."""
    deadline = time.monotonic() + 5 * FACTOR
    while (now := pins()) != before:
        if time.monotonic() > deadline:
            raise Broken(f"{now - before} page pins are left")
        time.sleep(0.1)


def wait_until(test, seconds, reason):
    """Waits until test() is true."""
    deadline = time.monotonic() + seconds * FACTOR
    while not test():
        if time.monotonic() > deadline:
            raise Broken(reason)
        time.sleep(0.1)


def fdinfo(process):
    """What the kernel tells of all files of a process, in lines."""
    lines = []
    for file in Path(f"/proc/{process}/fdinfo").iterdir():
        with contextlib.suppress(FileNotFoundError):    # just closed
            lines += file.read_text(encoding="utf-8").splitlines()
    return lines


def status(process, name):
    """The words of a line of a process's status."""
    for line in Path(f"/proc/{process}/status").read_text(encoding="utf-8").splitlines():
        if line.startswith(name + ":"):
            return line.split()[1:]
    raise Broken(f"no {name} in the status of {process}")


def objects(process, kind):
    """What is told of a process's objects of that kind: name -> value of each, and "id"."""
    found = [line.split()[1:] for line in fdinfo(process) if line.startswith("iommufd-object:")]
    return [{"id": number, **dict(word.split("=", 1) for word in words if "=" in word)}
            for number, name, *words in found if name == kind]


def charged(process):
    """How many bytes count against somebody's RLIMIT_MEMLOCK."""
    return sum(int(line.split()[1]) for line in fdinfo(process)
               if line.startswith("iommufd-charged:"))


def assume_coherent():
    """An emulated SMMUv3 doesn't say that it is coherent; a test build can be told so."""
    Path("/sys/module/iommufd/parameters/smmuv3_assume_coherent").write_text(
        "1", encoding="ascii")


class KernelLog:
    """What the kernel says from now on."""

    def __init__(self):
        self.file = open("/dev/kmsg", "rb", buffering=0)    # pylint: disable=consider-using-with
        os.set_blocking(self.file.fileno(), False)
        self.file.seek(0, os.SEEK_END)

    def lines(self):
        """What was said since the last time."""
        said = []
        while True:
            try:
                record = self.file.read(8192)
            except BrokenPipeError:     # some were overwritten before they were read
                continue
            if not record:
                return said
            said.append(record.decode(errors="replace"))


def unbind(address):
    """Takes a device from vfio-pci, in another thread, as it waits for whoever has it."""
    def work():
        (DEVICES / address / "driver/unbind").write_text(address, encoding="ascii")

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    return thread


def give(address, driver):
    """Takes a device from the driver that has it, and gives it to another."""
    directory = DEVICES / address
    (directory / "driver/unbind").write_text(address, encoding="ascii")
    (directory / "driver_override").write_text(driver, encoding="ascii")
    Path("/sys/bus/pci/drivers_probe").write_text(address, encoding="ascii")
    if (directory / "driver").resolve().name != driver:
        raise Broken(f"{driver} doesn't take {address}")


def bind(address):
    """Gives it back."""
    Path("/sys/bus/pci/drivers/vfio-pci/bind").write_text(address, encoding="ascii")
