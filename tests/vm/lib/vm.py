# SPDX-License-Identifier: GPL-2.0-only
"""Runs programs in one virtual machine and collects what they report."""

import contextlib
import math
import os
import secrets
import selectors
import shlex
import shutil
import subprocess
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

import archive
import build
import guestlog
import image
import machine as qemu
import pieces
from cache import Failed, cache_dir
from deadline import LATE, seconds_left
from kernels import has_own_iommufd, is_debug
from speed import slowness
from tap import Reader, Tally

BOOT = 120          # seconds until the guest speaks, and at its end
GRACE = 20          # seconds beyond a program's own limit
AGAIN = 900         # seconds after which a machine isn't tried again
SWEEP = 6 * 3600    # age in seconds of files that no run still uses

# Modules for tests, which only a test build has.
TEST_MODULES = ["iommufd_access_test", "iommufd_inject", "iommufd_mock",
                "iommufd_walk_test", "vfio_edu", "vfio_mock"]

# Those that serve Linux's own iommufd as well
PEER_MODULES = ["vfio_edu", "vfio_mock"]


@dataclass
class Job:
    """What to run, on what."""
    kernel: str
    programs: list
    machine: qemu.Machine
    timeout: int = 300                  # seconds for each program
    hugepages: int = 64
    modules: bool = True                # load ours (or Linux's own, on a peer)
    test_build: bool = False
    unsafe_interrupts: bool = False
    add_modules: list = field(default_factory=list)     # names or .ko files
    files: list = field(default_factory=list)
    environment: dict = field(default_factory=dict)
    slowness: float = 1                 # of this machine, when it starts

    @property
    def factor(self):
        """How much longer things take than on a stock amd64 kernel of an idle machine."""
        return math.ceil((6 if is_debug(self.kernel) else 1) * self.slowness)

    @property
    def own(self):
        """Are the modules under test the project's?"""
        return self.modules and not has_own_iommufd(self.kernel)


@dataclass
class Outcome:
    """What came of it."""
    tally: Tally = field(default_factory=Tally)
    log: str = ""                       # the kernel's
    output: list = field(default_factory=list)      # of the programs
    emulator: str = ""                  # what QEMU said
    late: list = field(default_factory=list)        # programs for which there was no time
    retried: str = ""                   # why there was a second try
    started: bool = False               # did the guest get as far as our modules?
    seconds: float = 0
    busy: float = 0                     # the same of the emulator's CPU time


def module_names(job):
    """Modules to load, in order."""
    ours = []
    if job.modules:
        ours = ["iommufd"] if has_own_iommufd(job.kernel) else ["iommufd", "iommufd_vfio"]
    if job.modules and job.test_build:
        ours += TEST_MODULES if job.own else PEER_MODULES
    more = [Path(m).stem if m.endswith(".ko") else m for m in job.add_modules]
    return ours + [m for m in more if m not in ours]


def make_plan(job, token):
    """The shell script that the guest follows."""
    environment = {"KERNEL": archive.series(job.kernel, job.machine.arch), "IOMMU": job.machine.iommu.partition(",")[0],
                   "TIME_FACTOR": "6" if is_debug(job.kernel) else "1",
                   "SLOWNESS": str(math.ceil(job.slowness)),
                   "ORACLE": "1" if has_own_iommufd(job.kernel) else "0",
                   **job.environment}
    if job.programs:
        lines = [f"vm_console {qemu.report_port(job.machine.arch)} {token}"]
    else:
        lines = [f"vm_port=/dev/console vm_token={token}"]
    lines.append(f"echo {job.hugepages} > /proc/sys/vm/nr_hugepages")
    lines += [f"export {k}={shlex.quote(v)}" for k, v in environment.items()]
    left = seconds_left()
    if left is not None:
        lines.append(f"vm_until {max(0, int(left))}")
    names = module_names(job)
    lines += [f"vm_share {name}" for name in job.machine.shares]
    kinds = " ".join(qemu.kinds_of(job.machine.devices))
    if job.machine.iommu.startswith("virtio"):
        lines.append("vm_load virtio_pci virtio_iommu")
    if names:
        lines.append("vm_load " + " ".join(names))
    # type1 is a soft dependency of vfio, which busybox doesn't follow
    lines.append("vm_load vfio vfio_iommu_type1 vfio-pci")
    if not job.programs:
        return "\n".join([*lines, f"vm_bind {kinds}", "vm_shell"]) + "\n"
    for number, program in enumerate(job.programs):
        command = shlex.join(program.command(f"/test/{number}/{program.file.name}"))
        lines.append(f"vm_bind {kinds}")
        lines.append(f"vm_test {number} {job.timeout * job.factor} {command}")
    lines.append("vm_leaks")
    if names and not has_own_iommufd(job.kernel):
        # once more, as objects may be lost by the unload itself
        lines += ["vm_unload " + " ".join(reversed(names)), "vm_leaks"]
    return "\n".join([*lines, "vm_finish"]) + "\n"


def make_image(job, target, token):
    """The initramfs of this run."""
    ours = [Path(m) for m in job.add_modules if m.endswith(".ko")]
    if job.own or job.modules and job.test_build:
        ours += sorted(build.modules(job.kernel, job.machine.arch, job.test_build)
                       .glob("*.ko"))
    extra = [m for m in job.add_modules if not m.endswith(".ko")]
    parameters = []
    if job.unsafe_interrupts or job.machine.iommu in qemu.UNSAFE_INTERRUPTS:
        parameters = [f"options {m} allow_unsafe_interrupts=1"
                      for m in ("iommufd", "vfio_iommu_type1")]
    if job.machine.iommu == "none":
        parameters.append("options iommufd without_iommu=1")
    if "igb" in qemu.kinds_of(job.machine.devices):
        parameters.append("options vfio-pci enable_sriov=1")
    base = image.kernel_image(job.kernel, job.machine.arch, ours, extra, parameters)
    files = {f"{n}/{p.file.name}": p.file for n, p in enumerate(job.programs)}
    files.update({Path(f).name: Path(f) for f in job.files})
    image.whole_image(base, files, make_plan(job, token), target)


class Watch:
    """Follows the report of a running guest."""

    def __init__(self, job, token, show):
        self.job, self.mark, self.show = job, f"@{token} ", show
        self.outcome = Outcome()
        self.phase = "boot"
        self.allow(BOOT * job.factor)
        self.readers = [Reader(p.name) for p in job.programs]
        self.current = None
        self.text = {"log": [], "leaks": []}

    def fail(self, name, reason):
        """A failure that is no program's own."""
        self.outcome.tally.failed.append((name, reason))

    def line(self, text):
        """One line of the report."""
        if text.startswith(self.mark):
            what, _, rest = text[len(self.mark):].rstrip().partition(" ")
            getattr(self, "on_" + what)(*rest.split(" ", 1))
        elif self.phase in self.text:
            self.text[self.phase].append(text)
        elif self.current is not None:
            self.take_output(text)

    def take_output(self, text):
        """One line of a program's output."""
        text = text.rstrip()
        if not text:
            return
        self.readers[self.current].line(text)
        self.outcome.output.append(text)
        if self.show:
            print(text, flush=True)

    def allow(self, seconds):
        """Sets the time limit for what comes next."""
        self.limit, self.slowness = seconds, self.job.slowness
        self.deadline = time.monotonic() + seconds

    def stretch(self):
        """Moves the limit if this machine got slower; returns whether it did."""
        slowness_now = slowness()
        if slowness_now <= self.slowness:
            return False
        self.limit *= slowness_now / self.slowness
        self.deadline += self.limit * (1 - self.slowness / slowness_now)
        self.slowness = slowness_now
        return True

    def on_start(self, *_):
        """The guest runs, and is about to load modules."""
        self.outcome.started = True
        self.phase = "setup"
        self.allow(BOOT * self.job.factor)

    def on_setup(self, *reason):
        """Something could not be set up."""
        self.fail("setup", " ".join(reason))

    def on_begin(self, number):
        """A program begins."""
        self.current = int(number)
        self.phase = "test"
        self.allow(self.job.timeout * self.job.factor + GRACE)
        if self.show and len(self.readers) > 1:
            print(f"# {self.readers[self.current].program}", flush=True)

    def on_end(self, number, rest):
        """A program ended."""
        status, pins = (int(x) for x in rest.split())
        reader = self.readers[int(number)]
        self.outcome.tally.add(reader.end(status, self.job.timeout * self.job.factor))
        if pins:
            self.fail(reader.program, f"{pins} page pins more than before it")
        self.readers[int(number)] = self.current = None
        self.phase = "setup"
        self.allow(BOOT * self.job.factor)

    def on_late(self, number):
        """There is no time for a program, nor for those after it."""
        name = self.readers[int(number)].program
        self.outcome.late.append(name)
        self.outcome.tally.skipped.append((name, LATE))
        self.readers[int(number)] = None
        self.allow(BOOT * self.job.factor)

    def on_unload(self, *reason):
        """A module could not be unloaded."""
        self.fail("unload", " ".join(reason))

    def on_taint(self, value):
        """The kernel's own verdict."""
        for what in guestlog.taints(int(value)):
            self.fail("kernel", f"is tainted by {what}")

    def on_leaks(self, *_):
        """Reports of kmemleak follow."""
        self.phase = "leaks"

    def on_leaks_end(self, *_):
        """The reports of kmemleak are complete."""
        self.phase = "setup"
        self.allow(BOOT * self.job.factor)

    def on_log(self, *_):
        """The kernel log follows."""
        self.phase = "log"

    def on_done(self, *_):
        """Nothing follows."""
        self.phase = "done"
        self.allow(GRACE)

    def finish(self, reason, console):
        """Judges the whole; console is what the guest wrote there."""
        for reader in self.readers:
            if reader is not None:
                if reader.plan is None and reader.seen == 0 and self.phase == "test" and \
                        reader is not self.readers[self.current]:
                    self.fail(reader.program, "did not run: the machine died before")
                elif self.outcome.started or self.phase != "boot":
                    self.outcome.tally.add(reader.end(None))
                else:
                    self.fail(reader.program, "did not run: the machine did not start")
        if self.phase != "done":
            self.fail("machine", reason or "ended before its report was whole")
            self.outcome.log = console
        else:
            self.outcome.log = "".join(self.text["log"])
        for line in guestlog.complaints(self.outcome.log)[:8]:
            self.fail("kernel log", line)
        for leak in guestlog.leaks("".join(self.text["leaks"])):
            self.fail("kmemleak", leak)
        return self.outcome


def follow(process, watch):
    """Reads the report until QEMU ends or a limit is reached."""
    selector = selectors.DefaultSelector()
    selector.register(process.stdout, selectors.EVENT_READ)
    rest = b""
    while True:
        left = watch.deadline - time.monotonic()
        if left <= 0 and watch.stretch():
            continue
        if left <= 0:
            return f"no progress in phase '{watch.phase}' within the time limit"
        if not selector.select(min(left, 5)):
            continue
        data = os.read(process.stdout.fileno(), 65536)
        if not data:
            return None
        *lines, rest = (rest + data).split(b"\n")
        for line in lines:
            watch.line(line.decode(errors="replace").replace("\r", "") + "\n")


def cpu_seconds(pid):
    """The CPU time of a process, also of one that ended and wasn't waited for."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return sum(map(int, fields[11:13])) / os.sysconf("SC_CLK_TCK")


def run_directory():
    """Where machines keep their files; what killed runs left is swept up."""
    runs = cache_dir() / "run"
    runs.mkdir(exist_ok=True)
    for old in runs.iterdir():
        with contextlib.suppress(FileNotFoundError):
            if time.time() - old.stat().st_mtime > SWEEP:
                shutil.rmtree(old, ignore_errors=True)
    return runs


def boot(job, show=False):
    """Runs the job in one machine."""
    began = time.monotonic()
    job.slowness = slowness()
    token = secrets.token_hex(4)
    pieces.need_tools({"amd64": "qemu-system-x86_64",
                       "arm64": "qemu-system-aarch64"}[job.machine.arch])
    with tempfile.TemporaryDirectory(dir=run_directory()) as name:
        scratch = Path(name)
        make_image(job, scratch / "initrd", token)
        console = scratch / "console"
        console.touch()
        command = qemu.command(job.machine, scratch / "initrd", scratch, console)
        watch = Watch(job, token, show)
        with open(scratch / "qemu", "w+", encoding="utf-8") as errors:
            # QEMU does not outlive this program
            with subprocess.Popen(["nice", "setpriv", "--pdeathsig", "KILL", *command],
                                  stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                  stderr=errors) as process:
                try:
                    reason = follow(process, watch)
                    busy = cpu_seconds(process.pid)
                finally:
                    process.kill()
            errors.seek(0)
            said = errors.read().strip()
        text = console.read_text(errors="replace")
        if process.returncode == 1 and not text:
            raise Failed(f"QEMU does not start: {said}")
        outcome = watch.finish(reason or said, text)
    outcome.emulator = said
    outcome.seconds = time.monotonic() - began
    outcome.busy = busy
    return outcome


def run(job, show=False):
    """Runs the job; a machine that fails before it loads modules gets a second try.

    So does one whose emulated CPU went wrong.  One that has run for long keeps its result, with
    the complaint.
    """
    outcome = boot(job, show)
    early = guestlog.complaints_before_modules(outcome.log)
    flags = guestlog.impossible_flags(outcome.log)
    if not outcome.started or (early or flags) and outcome.seconds < AGAIN * job.slowness:
        why = ("complained before any module was loaded" if early else
               "had CPU flags that no CPU has" if flags else
               "died before any module was loaded")
        lines = early or flags or outcome.log.splitlines()
        outcome = boot(job, show)
        outcome.retried = f"the machine {why}:\n" + "\n".join(lines[-8:])
    return outcome


def shell(job):
    """An interactive shell in the guest; returns QEMU's exit status."""
    with tempfile.TemporaryDirectory(dir=run_directory()) as name:
        scratch = Path(name)
        make_image(job, scratch / "initrd", "shell")
        command = qemu.command(job.machine, scratch / "initrd", scratch, None)
        return subprocess.run(command, check=False).returncode


def check_job(job):
    """Ends the program early when the job cannot be run."""
    pieces.kernel(job.kernel, job.machine.arch)
    qemu.iommu_options(job.machine)
    for file in job.files:
        if not Path(file).exists():
            raise Failed(f"no such file: {file}")
