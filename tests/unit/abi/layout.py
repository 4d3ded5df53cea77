# SPDX-License-Identifier: GPL-2.0-only
"""What a C header means to a program, as a dictionary of facts.

A compiler for the wanted target turns the header into DWARF, and the facts are
read from there: size and alignment of every structure, offset and type of every
member, value of every enumerator and macro.
"""

import re
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from cache import Failed, piece
import apt


def import_elftools():
    """The DWARF reader: the host's, or else Debian's from the cache."""
    try:
        import elftools.elf.elffile as module
    except ImportError:
        top = piece("python", "pyelftools", "1",
                    lambda d: apt.unpack(["python3-pyelftools/bookworm"], d))
        sys.path.append(str(top / "usr/lib/python3/dist-packages"))
        import elftools.elf.elffile as module
    return module.ELFFile


ELFFile = import_elftools()

# The header's own includes: their macros and types are not its own.
BASE = "#include <linux/ioctl.h>\n#include <linux/types.h>\n"
GUARDS = {"_IOMMUFD_H", "_UAPI_IOMMUFD_H"}
CONTAINERS = {"DW_TAG_structure_type": "struct", "DW_TAG_union_type": "union"}


@dataclass(frozen=True)
class Target:
    """A compiler with its flags, and the name of Debian's include directory."""
    name: str
    command: tuple
    multiarch: str


TARGETS = (
    Target("gcc amd64", ("gcc", "-m64"), "x86_64-linux-gnu"),
    Target("gcc i386", ("gcc", "-m32"), "i386-linux-gnu"),
    Target("clang amd64", ("clang", "--target=x86_64-linux-gnu"), "x86_64-linux-gnu"),
    Target("clang i386", ("clang", "--target=i386-linux-gnu"), "i386-linux-gnu"),
    Target("clang arm64", ("clang", "--target=aarch64-linux-gnu"), "aarch64-linux-gnu"),
    Target("clang armhf", ("clang", "--target=arm-linux-gnueabihf"), "arm-linux-gnueabihf"),
)


def compiler(target, include, source, *flags):
    """Runs a target's compiler on C text with no other headers than include."""
    command = [*target.command, "-std=gnu11", "-ffreestanding", "-nostdinc",
               "-isystem", include, "-isystem", include / target.multiarch,
               "-x", "c", "-", *flags]
    done = subprocess.run([str(c) for c in command], input=source, text=True,
                          capture_output=True, check=False)
    if done.returncode:
        raise Failed(f"{target.name}: {done.stderr.strip()}")
    return done.stdout


def macro_names(target, include, source):
    """The macros that are defined after this text."""
    text = compiler(target, include, source, "-E", "-dM")
    return set(re.findall(r"^#define (\w+(?:\([^)]*\))?)", text, re.M))


def debug_info(target, include, source, scratch):
    """Compiles to an object and returns its only compile unit."""
    out = Path(scratch) / "facts.o"
    compiler(target, include, source, "-c", "-o", out, "-gdwarf-4",
             "-fno-eliminate-unused-debug-types")
    with open(out, "rb") as file:
        dwarf = ELFFile(file).get_dwarf_info(relocate_dwarf_sections=True)
        return Unit(dwarf, next(dwarf.iter_CUs()))


class Unit:
    """The types of a compile unit, in words."""

    def __init__(self, dwarf, unit):
        program = dwarf.line_program_for_CU(unit)
        self.files = [Path(f.name.decode()).name for f in program["file_entry"]]
        self.unit = unit
        self.top = list(unit.get_top_DIE().iter_children())
        for die in self.top:            # while the file is open
            list(die.iter_children())

    def declared_in(self, name):
        """The declarations that come from a file of that name."""
        for die in self.top:
            where = die.attributes.get("DW_AT_decl_file")
            if where and self.files[where.value - 1] == name:
                yield die

    @staticmethod
    def name(die):
        """A declaration's name; None if it is anonymous."""
        found = die.attributes.get("DW_AT_name")
        return found.value.decode() if found else None

    @staticmethod
    def number(die, what, default=None):
        """A numeric attribute."""
        found = die.attributes.get(what)
        return found.value if found else default

    def count(self, die):
        """The elements of an array's dimension; gcc gives the last index."""
        last = self.number(die, "DW_AT_upper_bound")
        return self.number(die, "DW_AT_count") if last is None else last + 1

    def type_of(self, die):
        """The type of a member, typedefs followed to the end."""
        if "DW_AT_type" not in die.attributes:
            return "void"
        target = die.get_DIE_from_attribute("DW_AT_type")
        name = self.name(target) or "(anonymous)"
        if target.tag == "DW_TAG_typedef":
            return f"{name} = {self.type_of(target)}"
        if target.tag == "DW_TAG_array_type":
            counts = [self.count(d) for d in target.iter_children()]
            return f"{counts} of {self.type_of(target)}"
        if target.tag in CONTAINERS:
            return f"{CONTAINERS[target.tag]} {name}"
        size = self.number(target, "DW_AT_byte_size")
        return f"{target.tag[7:]} {name} of {size} bytes"

    def members(self, die, key, facts, base=0):
        """Adds the facts of a structure's members, also of nested ones."""
        for index, member in enumerate(die.iter_children()):
            if member.tag != "DW_TAG_member":
                continue
            name = self.name(member) or f"(anonymous {index})"
            offset = base + self.number(member, "DW_AT_data_member_location", 0)
            where = f"{key}.{name}"
            facts[f"{where}: place"] = index
            facts[f"{where}: offset"] = offset
            facts[f"{where}: type"] = self.type_of(member)
            target = member.get_DIE_from_attribute("DW_AT_type")
            if target.tag in CONTAINERS and not self.name(target):
                facts[f"{where}: size"] = self.number(target, "DW_AT_byte_size")
                self.members(target, where, facts, offset)

    def facts(self, header):
        """All facts of a header except those that need a compiler's help."""
        facts = {}
        for die in self.declared_in(header):
            name = self.name(die)
            if die.tag in CONTAINERS:
                if not name:
                    continue            # belongs to a member
                key = f"{CONTAINERS[die.tag]} {name}"
                facts[f"{key}: size"] = self.number(die, "DW_AT_byte_size")
                self.members(die, key, facts)
            elif die.tag == "DW_TAG_enumeration_type":
                tag = f"enum {name or '(anonymous)'}"
                facts[f"{tag}: size"] = self.number(die, "DW_AT_byte_size")
                for item in die.iter_children():
                    value = self.number(item, "DW_AT_const_value")
                    facts[f"enumerator {self.name(item)}"] = f"{value} in {tag}"
            else:
                facts[f"{die.tag[7:]} {name}"] = self.type_of(die)
        return facts

    def constants(self, prefix):
        """The enumerators that begin with prefix."""
        for die in self.top:
            if die.tag != "DW_TAG_enumeration_type":
                continue
            for item in die.iter_children():
                if self.name(item).startswith(prefix):
                    yield (self.name(item)[len(prefix):],
                           self.number(item, "DW_AT_const_value"))


def facts_of(header, target, include):
    """The facts of a header file on a target."""
    source = f'{BASE}#include "{header}"\n'
    macros = macro_names(target, include, source) - macro_names(target, include, BASE)
    macros -= GUARDS
    with tempfile.TemporaryDirectory() as scratch:
        unit = debug_info(target, include, source, scratch)
        facts = unit.facts(header.name)
        structs = sorted(k.removesuffix(": size") for k in facts
                         if re.fullmatch(r"(struct|union) \w+: size", k))
        for macro in sorted(macros):
            source += f"enum {{ __value_{macro} = ({macro}) }};\n"
        for struct in structs:
            source += f"enum {{ __align_{struct.replace(' ', '_')} = _Alignof({struct}) }};\n"
        unit = debug_info(target, include, source, scratch)
    facts.update((f"macro {n}", v) for n, v in unit.constants("__value_"))
    facts.update((f"{n.replace('_', ' ', 1)}: alignment", v)
                 for n, v in unit.constants("__align_"))
    return facts


def differences(ours, theirs):
    """A sentence for every fact in which two headers differ, by its name."""
    found = {}
    for key in sorted(ours.keys() | theirs.keys()):
        if key not in ours:
            found[key] = f"missing here: {key} ({theirs[key]})"
        elif key not in theirs:
            found[key] = f"not in Linux: {key} ({ours[key]})"
        elif ours[key] != theirs[key]:
            found[key] = f"{key}: {ours[key]} here, {theirs[key]} in Linux"
    return found
