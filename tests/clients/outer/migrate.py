# SPDX-License-Identifier: GPL-2.0-only
"""A running machine moves to another QEMU with a device that writes to its memory meanwhile."""

import contextlib
import ctypes
import fcntl
import os
import re
import struct
import threading
import time
from pathlib import Path

import host
from emulator import FACTOR, Broken
from scenario import INNER, KERNEL_LINE, MEMORY, Scenario, machine

PAGE = 4096
PART = 32 << 20         # of memory that is compared at a time
SOCKET = "/tmp/migration"
FILES = ("/tmp/source", "/tmp/destination")
DRIVER = "vfio_edu"     # tests/kmod
HUGE_PAGES = Path("/sys/kernel/mm/transparent_hugepage/enabled")

SYNCS = 4               # times that QEMU has read the dirty pages before it may stop the machine
NEVER, AT_ONCE = 1, 1 << 40     # bytes a second that it thinks it can send then

IOMMU_HWPT_GET_DIRTY_BITMAP = 0x3b8c
PIDFD_GETFD = 438


class DirtyBits:
    """The dirty bits of a QEMU's page table, read by a file that is taken from it."""

    def __init__(self, process):
        self.table = int(host.objects(process, "hwpt")[0]["id"])
        self.bits = (ctypes.c_uint64 * (MEMORY * 256 // 64))()
        self.file = self.take(process)

    @staticmethod
    def take(process):
        """A copy of the process's file of /dev/iommu."""
        files = f"/proc/{process}/fd"
        theirs = next(int(name) for name in os.listdir(files)
                      if os.readlink(f"{files}/{name}") == "/dev/iommu")
        pid = os.pidfd_open(process)
        file = ctypes.CDLL(None, use_errno=True).syscall(PIDFD_GETFD, pid, theirs, 0)
        os.close(pid)
        if file < 0:
            raise OSError(ctypes.get_errno(), "pidfd_getfd")
        return file

    def read(self):
        """How many pages are dirty; none of them is any more, nor will QEMU hear of it."""
        ctypes.memset(self.bits, 0, ctypes.sizeof(self.bits))
        fcntl.ioctl(self.file, IOMMU_HWPT_GET_DIRTY_BITMAP, bytearray(struct.pack(
            "=IIIIQQQQ", 48, self.table, 0, 0, 0, MEMORY << 20, PAGE,
            ctypes.addressof(self.bits))))
        return sum(word.bit_count() for word in self.bits)

    @contextlib.contextmanager
    def stolen(self):
        """Reads them all the time; yields a list of one number, how many there were."""
        count, end = [0], threading.Event()

        def work():
            while not end.is_set():
                count[0] += self.read()

        thread = threading.Thread(target=work)
        thread.start()
        try:
            yield count
        finally:
            end.set()
            thread.join()
            os.close(self.file)


class Migrate(Scenario):
    """An inner Linux with an edu moves to a QEMU with another edu, and back."""
    title = "migration"
    source = None       # where Linux was before
    huge_pages = ""     # what the system had

    def __init__(self, qemu):
        super().__init__(qemu)
        self.edus = host.addresses("edu")[:2]

    def checks(self):
        return [
            ("the edus are a driver's that can migrate", self.prepare),
            ("an inner Linux starts with an edu", self.boot),
            ("its edu writes to memory", lambda: self.emulator.shell("edu begin")),
            ("another QEMU waits with another edu", lambda: self.wait_with(self.edus[1])),
            ("Linux moves there while the edu writes", self.move),
            ("the memory there is what it was here", self.same),
            ("the first QEMU ends", lambda: self.source.quit()),
            ("its edu is free", lambda: host.check_free(self.edus[0])),
            ("the edu there goes on", self.go_on),
            ("a third QEMU waits with the first edu", lambda: self.wait_with(self.edus[0])),
            ("Linux moves there, and somebody else reads the dirty bits", self.move_robbed),
            ("what the edu wrote is missing", self.differs),
            ("the QEMUs end", self.quit),
            ("nothing was refused them", self.refused),
            ("nothing is left", lambda: self.check_left(*self.edus)),
            ("the edus are vfio-pci's again", self.give_back),
        ]

    def prepare(self):
        """Gives both to the test driver, and has a dirty bit for each small page."""
        self.huge_pages = re.search(r"\[(.*)\]", HUGE_PAGES.read_text(encoding="ascii"))[1]
        HUGE_PAGES.write_text("never", encoding="ascii")
        for address in self.edus:
            host.give(address, DRIVER)
            host.check_free(address)

    def give_back(self):
        """For whoever comes next."""
        HUGE_PAGES.write_text(self.huge_pages, encoding="ascii")
        for address in self.edus:
            host.give(address, "vfio-pci")

    def board(self, address):
        """QEMU's options for a machine with that edu, and no clock in its memory, which KVM
        would set anew."""
        accelerated = ([*machine("kvm"), "-cpu", "host,kvmclock=off"]
                       if os.path.exists("/dev/kvm") else machine("tcg"))
        return [*accelerated, "-kernel", f"{INNER}/vmlinuz", "-initrd", f"{INNER}/initrd",
                "-append", KERNEL_LINE, "-object", "iommufd,id=iommufd0",
                "-device", f"vfio-pci,host={address},iommufd=iommufd0,id=edu,"
                           "enable-migration=on"]

    def boot(self):
        """Starts the first QEMU, and waits for Linux."""
        self.start(self.board(self.edus[0]))
        self.emulator.wait_line("inner: ready", 240)

    def wait_with(self, address):
        """Starts the QEMU that Linux moves to; the one where it is becomes the source."""
        self.source = self.emulator
        self.start([*self.board(address), "-S", "-incoming", f"unix:{SOCKET}"])

    def move(self):
        """Lets QEMU read the dirty pages several times before it stops the machine."""
        command = self.source.command
        command("migrate-set-parameters", **{"avail-switchover-bandwidth": NEVER})
        command("migrate", uri=f"unix:{SOCKET}")
        self.wait_migration(self.source, lambda info: info.get("ram", {}).get(
            "dirty-sync-count", 0) >= SYNCS, "reads the dirty pages no more")
        command("migrate-set-parameters", **{"avail-switchover-bandwidth": AT_ONCE})
        for emulator in (self.source, self.emulator):
            self.wait_migration(emulator, lambda info: info.get("status") == "completed",
                                "isn't done")

    @staticmethod
    def wait_migration(emulator, test, reason):
        """Waits for something that a QEMU says of the migration."""
        deadline = time.monotonic() + 180 * FACTOR
        while not test(info := emulator.command("query-migrate")):
            if info.get("status") == "failed":
                events = ", ".join(event["event"] for event in emulator.events)
                raise emulator.why(f"migration failed: {info.get('error-desc', info)}; "
                                   f"events: {events}")
            if info.get("status") == "completed" or time.monotonic() > deadline:
                raise emulator.why(f"QEMU {reason}: {info}")
            time.sleep(0.2)

    def move_robbed(self):
        """Another reader takes the bits that QEMU needs, as if they weren't told."""
        with DirtyBits(self.source.pid).stolen() as count:
            self.move()
        if not count[0]:
            raise Broken("no page was dirty")

    def differing(self):
        """The pages in which the two machines differ, as addresses; neither of them runs."""
        differing = []
        for at in range(0, MEMORY << 20, PART):
            for emulator, name in zip((self.source, self.emulator), FILES):
                emulator.command("pmemsave", val=at, size=PART, filename=name)
            with contextlib.ExitStack() as stack:
                one, other = (stack.enter_context(open(name, "rb")).read() for name in FILES)
            if one != other:
                differing += [at + n for n in range(0, PART, PAGE)
                              if one[n:n + PAGE] != other[n:n + PAGE]]
        for name in FILES:
            os.unlink(name)
        return differing

    def same(self):
        """All of it, while both machines are stopped."""
        if differing := self.differing():
            raise Broken(f"{len(differing)} pages differ, the first at {differing[0]:#x}")

    def differs(self):
        """So the comparison would have seen it."""
        differing = self.differing()
        print(f"# {len(differing)} pages differ", flush=True)
        if not differing:
            raise Broken("no page differs: so the comparison sees nothing")

    def go_on(self):
        """Linux and its edu run where they are now."""
        self.emulator.command("cont")
        self.emulator.shell("edu go-on")

    def quit(self):
        """Those that are left."""
        self.source.quit()
        self.emulator.quit()
