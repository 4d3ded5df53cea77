# SPDX-License-Identifier: GPL-2.0-only
"""libvirt's daemon, and a domain with an inner machine."""

import contextlib
import os
import shutil
import socket
import subprocess
import time
from pathlib import Path
from xml.etree import ElementTree

from emulator import FACTOR, Broken, Channel, Inner

NAME = "inner"
DAEMON = "/usr/sbin/libvirtd"
DAEMON_SOCKET = Path("/run/libvirt/libvirt-sock")
DAEMON_LOG = Path("/tmp/libvirtd.log")
SERIAL = "/run/inner-serial"
LOG = Path(f"/var/log/libvirt/qemu/{NAME}.log")
MARK = "qemu-system-x86_64: "
PID = Path(f"/run/libvirt/qemu/{NAME}.pid")

# There is no virtlogd, no file whose owner is worth remembering, and no /dev of QEMU's own,
# which would lack /dev/kvm in a root that is entered by chroot.
CONFIGURATION = Path("/etc/libvirt/qemu.conf")
SETTINGS = 'stdio_handler = "file"\nremember_owner = 0\nnamespaces = []\n'

DOMAIN = """\
<domain type='kvm'>
  <name>{name}</name>
  <memory unit='MiB'>{memory}</memory>
  <vcpu>1</vcpu>
  <os>
    <type arch='x86_64' machine='q35'>hvm</type>
    <kernel>/var/vmlinuz</kernel>
    <initrd>/var/initrd</initrd>
    <cmdline>{line}</cmdline>
  </os>
  <features><acpi/><apic/></features>
  <cpu mode='host-passthrough'/>
  <devices>
    <emulator>/usr/bin/qemu-system-x86_64</emulator>
    <controller type='usb' model='none'/>
    <memballoon model='none'/>
    <serial type='unix'><source mode='bind' path='{serial}'/></serial>
    {devices}
  </devices>
</domain>
"""

DEVICE = """\
<hostdev mode='subsystem' type='pci' managed='no'>
  <driver iommufd='yes'/>
  <source><address domain='0x{0}' bus='0x{1}' slot='0x{2}' function='0x{3}'/></source>
</hostdev>
"""


def device(address):
    """The XML of a PCI device."""
    return DEVICE.format(*address.replace(".", ":").split(":"))


def written(text):
    """A file with that text."""
    file = Path("/tmp/libvirt.xml")
    file.write_text(text, encoding="utf-8")
    return file


class Daemon:
    """It does what an administrator asks of it by virsh."""

    def __init__(self):
        CONFIGURATION.write_text(SETTINGS, encoding="ascii")
        with open(DAEMON_LOG, "w", encoding="utf-8") as log:
            self.process = subprocess.Popen(        # pylint: disable=consider-using-with
                [DAEMON], stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        deadline = time.monotonic() + 60 * FACTOR
        while not DAEMON_SOCKET.exists():
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise Broken(f"libvirtd doesn't start: {'; '.join(self.log()[-4:])}")
            time.sleep(0.1)

    def log(self):
        """What it said, in lines."""
        return DAEMON_LOG.read_text(encoding="utf-8", errors="replace").splitlines()

    def virsh(self, *words):
        """Runs a command; returns what that printed."""
        try:
            done = subprocess.run(["virsh", "-q", "-c", "qemu:///system", *map(str, words)],
                                  text=True, check=False, timeout=300 * FACTOR,
                                  stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                  stderr=subprocess.PIPE, env={**os.environ, "LC_ALL": "C"})
        except subprocess.TimeoutExpired as error:
            raise Broken(f"virsh {words[0]} doesn't end") from error
        if done.returncode:
            raise Broken(f"virsh {words[0]}: {done.stderr.strip()}; {'; '.join(self.log()[-4:])}")
        return done.stdout

    def quit(self):
        """Ends it."""
        self.process.terminate()
        try:
            self.process.wait(60 * FACTOR)
        except subprocess.TimeoutExpired as error:
            self.process.kill()
            raise Broken("libvirtd doesn't end") from error


class Domain(Inner):
    """A domain that is defined, and runs."""

    def __init__(self, daemon, memory, directory, line, devices):
        self.daemon = daemon
        for file in ("vmlinuz", "initrd"):      # where libvirt can make QEMU's user the owner
            shutil.copy(f"{directory}/{file}", f"/var/{file}")
        daemon.virsh("define", written(DOMAIN.format(
            name=NAME, memory=memory, line=line, serial=SERIAL,
            devices="".join(map(device, devices)))))
        daemon.virsh("start", NAME)
        ours = socket.socket(socket.AF_UNIX)
        ours.connect(SERIAL)
        super().__init__(Channel(ours))
        self.pid = int(PID.read_text(encoding="ascii"))

    def log(self):
        said = LOG.read_text(encoding="utf-8", errors="replace").splitlines()
        # without the command line, and the times
        return [line.partition(MARK)[2] for line in said if MARK in line] + self.daemon.log()

    def ended(self):
        return self.why(f"the domain is {self.daemon.virsh('domstate', NAME).strip()}")

    def has(self, address):
        """Does the domain have a device of the host's?"""
        tree = ElementTree.fromstring(self.daemon.virsh("dumpxml", NAME))
        return any(address == "{domain}:{bus}:{slot}.{function}".format(**place.attrib)
                   .replace("0x", "")
                   for place in tree.iterfind("devices/hostdev/source/address"))

    def unplug(self, address):
        """Has Linux let a device go, and waits for that."""
        self.daemon.virsh("detach-device", NAME, written(device(address)), "--live")
        deadline = time.monotonic() + 60 * FACTOR
        while self.has(address):
            if time.monotonic() > deadline:
                raise self.why(f"the domain still has {address}")
            time.sleep(0.2)

    def plug(self, address):
        """Gives it a device."""
        self.daemon.virsh("attach-device", NAME, written(device(address)), "--live")

    def quit(self):
        """Ends it, and forgets what it was."""
        self.daemon.virsh("destroy", NAME)
        self.daemon.virsh("undefine", NAME)
        self.daemon.quit()

    def kill(self):
        """Ends it, if it still runs."""
        if self.daemon.process.poll() is None:
            with contextlib.suppress(Broken):
                self.daemon.virsh("destroy", NAME)
            self.daemon.quit()
