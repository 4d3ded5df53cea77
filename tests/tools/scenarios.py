# SPDX-License-Identifier: GPL-2.0-only
"""The machines of these tests, and what runs in each."""

import subprocess
from dataclasses import dataclass, field
from pathlib import Path

from cache import Failed, cache_dir
from pieces import REPOSITORY

TOOL = REPOSITORY / "src/tools"


def tool():
    """iommufdctl, built as packages have it."""
    objects = cache_dir() / "tools" / "iommufdctl"
    done = subprocess.run(["make", "-s", "-C", TOOL, f"O={objects}"], text=True, check=False,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    if done.returncode:
        raise Failed(f"{done.stdout}\ncould not build iommufdctl")
    return objects / "iommufdctl"


@dataclass
class Scenario:
    """One machine."""
    name: str
    script: str
    arguments: list = field(default_factory=list)
    iommu: str = "vtd"
    devices: tuple = ("edu", "nvme")
    append: str = ""
    modules: bool = True
    kernels: tuple = ("6.12",)
    more: tuple = ()            # kernels of a longer run

    def files(self) -> list[Path]:
        """What the guest needs of the host."""
        return [tool()] if self.script == "doctor" else []


SCENARIOS = {s.name: s for s in (
    Scenario("udev", "udev", kernels=("6.1", "7.3"), more=("6.12", "7.2", "peer-7.2")),
    Scenario("log", "log", ["active"], kernels=("7.2",), more=("6.1",)),
    Scenario("log-none", "log", ["none"], iommu="none", devices=()),
    # everything that can be broken and mended again in one machine
    Scenario("doctor", "doctor", ["faults"], more=("6.1", "7.2")),
    Scenario("doctor-own", "doctor", ["good"], kernels=("peer-7.2",)),
    Scenario("doctor-amd", "doctor", ["good"], iommu="amd", kernels=(),
             more=("6.12",)),
    # what a machine is started with
    Scenario("doctor-interrupts", "doctor", ["only", "FAIL", "interrupt-remapping"],
             iommu="vtd,intremap=off"),
    Scenario("doctor-off", "doctor", ["only", "FAIL", "iommu"], append="intel_iommu=off",
             devices=(), kernels=("7.2",)),
    Scenario("doctor-none", "doctor", ["only", "FAIL", "iommu"], iommu="none",
             devices=()),
)}
