# SPDX-License-Identifier: GPL-2.0-only
"""Judges a guest's kernel log. Faults that an IOMMU reports are no failures."""

import re

BAD = re.compile("|".join((
    r"WARNING:", r"\bBUG:", r"\bBUG at", r"Oops", r"KASAN:", r"UBSAN:", r"KFENCE:", r"KCSAN:",
    r"cut here", r"Call [Tt]race:", r"general protection", r"Kernel panic",
    r"unable to handle", r"Unable to handle", r"refcount_t:", r"soft lockup", r"hard LOCKUP",
    r"rcu.*detected.*stall", r"INFO: task .* blocked", r"INFO: possible",
    r"possible (recursive|circular) locking", r"suspicious RCU usage",
    r"inconsistent .*lock state", r"inconsistent \{", r"bad unlock balance",
    r"DEBUG_LOCKS_WARN_ON", r"held lock freed", r"lock held when returning",
    r"lockdep is turned off", r"sleeping function called", r"scheduling while atomic",
    r"ODEBUG:", r"list_(add|del) corruption", r"kmemleak: \d+ new suspected",
    r"page allocation failure", r"Bad page", r"Bad rss", r"non-zero pgtables",
    r"cannot create duplicate filename", r"Voluntary context switch",
    r"Memory failure", r"slab.*(corrupt|overwritten|Objects remaining)",
    r"(invalid|disagrees about version of|Unknown) symbol", r"scheduled a bad",
    r"segfault at", r"traps: .* trap ",
)))

# Lines that a kernel writes without our help, each with the reason.
HARMLESS = re.compile("|".join((
    # 7.2 says so of every out-of-tree module at load
    r"WARNING: .*out-of-tree module",
)))

# The report of a cgroup that is out of memory, which tests provoke, has a trace of who asked.
OUT_OF_MEMORY = re.compile(r"invoked oom-killer: (?:.*\n){1,80}?.*\bmemory: usage \d+kB, limit ")

# Bits of /proc/sys/kernel/tainted: bad page, died, warned, soft lockup
TAINTS = {5: "a bad page", 7: "an oops", 9: "a warning", 14: "a soft lockup"}


# A test that poisons a page, and what the kernel tells about that page
POISONED = re.compile(r"Injecting memory failure for pfn (0x[0-9a-f]+) ")
OF_POISONED = re.compile(r"Memory failure: (0x[0-9a-f]+): ")


def complaints(log):
    """The lines that fail a run."""
    log = OUT_OF_MEMORY.sub(lambda report: re.sub("Call [Tt]race:", "", report[0]), log)
    poisoned, found = set(), []
    for line in log.splitlines():
        poisoned.update(POISONED.findall(line))
        if not BAD.search(line) or HARMLESS.search(line):
            continue
        of = OF_POISONED.search(line)
        if not of or of[1] not in poisoned:
            found.append(line.rstrip())
    return found


def complaints_before_modules(log):
    """Those that a kernel has about itself, before it has met ours."""
    before, met, _ = log.partition("loading out-of-tree module")
    return complaints(before) if met else []


# What a dump of registers shows: bit 1 is always set, bits 3, 5, 15 and those above 21 never.
FLAGS = re.compile(r"\bEFLAGS: ([0-9a-f]{8})\b")


def impossible_flags(log):
    """Dumps with flags that no CPU has: the emulator's went wrong before, not the kernel.

    QEMU 7.2 is rarely seen to do that with CPUs in threads of their own.
    """
    return [line.rstrip() for line in log.splitlines()
            if any((int(flags, 16) & 0xffc0802a) != 2 for flags in FLAGS.findall(line))]


def taints(value):
    """What the kernel's taint value tells."""
    return [what for bit, what in TAINTS.items() if value >> bit & 1]


def leaks(text):
    """Reports of kmemleak whose backtrace passes through our modules.

    An address without a name belongs to a module that is unloaded: ours.
    """
    reports = re.split(r"(?=^kmemleak: unreferenced object)", text, flags=re.M)
    ours = re.compile(r"\[iommufd|^kmemleak: +(\[<[0-9a-f]+>\] )?0x[0-9a-f]{16}\s*$", re.M)
    return [r.replace("kmemleak: ", "").strip() for r in reports if ours.search(r)]


def tail(log, count):
    """The last lines of a log, without those that only say that time passes."""
    return [t for t in log.splitlines() if t and "vmstat_refresh:" not in t][-count:]
