# SPDX-License-Identifier: GPL-2.0-only
"""Runs tests/bench in virtual machines and collects the figures."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "vm" / "lib"))

# pylint: disable=wrong-import-position
import emulators                                        # noqa: E402
import pieces                                           # noqa: E402
import programs                                         # noqa: E402
import vm                                               # noqa: E402
from cache import Failed, Missing, cache_dir, locked    # noqa: E402
from machine import Machine                             # noqa: E402

OURS, PEER = "bench-7.2", "peer-7.2"
HUGEPAGES = 560
MINUTES = 30        # for one program
FIGURE = re.compile(r"# figure (\S+) n=(\d+) min=(\d+) median=(\d+)$")
NOTE = re.compile(r"# (memory .*|note .*)$")


def floor_module(kernel):
    """Builds the module that times the kernel's own calls."""
    kdir = pieces.headers(kernel)
    with locked(f"floor-{kernel}"):
        work = cache_dir() / "build" / f"floor-{kernel}"
        work.mkdir(parents=True, exist_ok=True)
        for file in (HERE / "floor").iterdir():
            if not (work / file.name).exists() or \
                    (work / file.name).read_bytes() != file.read_bytes():
                shutil.copy(file, work / file.name)
        done = subprocess.run(
            ["nice", "make", "-C", str(kdir), f"M={work}", "modules"], text=True,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            check=False, env={"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8"})
        if done.returncode:
            raise Failed(f"{done.stdout}\ncould not build the floor module for {kernel}")
        return work / "iommufd_floor.ko"


def kernels():
    """Builds those that aren't there."""
    for name in (OURS, PEER):
        try:
            pieces.kernel(name)
        except Missing:
            pieces.built(name, may_build=True)


def job(kernel, tests, iommu="vtd", device="edu", qemu=None, counting=True, mock=False,
        instead=None):
    """What runs these tests: the same machine for each kernel.  It counts instructions,
    or has two CPUs that really run at once.  @instead: a kernel that has what that one
    lacks: threads of the caller's come with vhost or KVM."""
    kernel = instead or kernel
    machine = Machine(pieces.kernel(kernel), "amd64", iommu, [device], "6G",
                      1 if counting else 2, thread="single" if counting else "multi",
                      icount=counting, qemu=qemu and emulators.emulator(qemu))
    modules = [str(floor_module(kernel))] if "floor" in tests else []
    return vm.Job(kernel, [programs.find(f"bench {' '.join(tests)}", "amd64")], machine,
                  MINUTES * 60, HUGEPAGES, add_modules=modules, test_build=mock)


def figures(what, show=False):
    """Runs a job; returns name -> (least, median) and what else it said."""
    outcome = vm.run(what, show=show)
    if outcome.tally.failed or not outcome.tally.passed:
        raise Failed("\n".join(["the bench failed:", *outcome.output[-20:],
                                *(f"{n}: {r}" for n, r in outcome.tally.failed)]))
    found = [m for m in map(FIGURE.match, outcome.output) if m]
    notes = [m[1] for m in map(NOTE.match, outcome.output) if m]
    return {m[1]: (int(m[3]), int(m[4])) for m in found}, notes
