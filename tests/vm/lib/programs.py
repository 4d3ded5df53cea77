# SPDX-License-Identifier: GPL-2.0-only
"""What a guest is asked to run: sources are built, scripts and programs taken."""

import hashlib
import os
import shlex
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from cache import Failed, cache_dir, locked
from pieces import REPOSITORY, need_tools

TESTS = REPOSITORY / "tests" / "guest"
FUZZ = REPOSITORY / "tests" / "fuzz"
BENCH = REPOSITORY / "tests" / "bench"
LIB = TESTS / "lib"
KEEP = 4            # builds kept of each program
CROSS = {"amd64": "", "arm64": "aarch64-linux-gnu-", "i386": "i686-linux-gnu-"}


@dataclass
class Program:
    """One program for the guest."""
    name: str
    file: Path          # on the host
    arguments: list

    def command(self, path):
        """The words that run it, as path in the guest."""
        with open(self.file, "rb") as file:
            start = file.read(4)
        known = start == b"\x7fELF" or start.startswith(b"#!")
        return ([] if known else ["sh"]) + [path, *self.arguments]


def make(command):
    """Runs make; what it says is in stdout."""
    return subprocess.run(command, text=True, errors="replace", stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)


def build_guest_program(name, arch, source=TESTS):
    """Builds a program of tests/guest, or of another directory with such a Makefile."""
    compiler = CROSS[arch] + "gcc"
    need_tools("make", compiler)
    # each checkout has objects of its own
    where = f"{arch}-{hashlib.sha256(str(source).encode()).hexdigest()[:8]}"
    objects = cache_dir() / "guest-programs" / where
    command = ["make", "-s", "-C", str(source), f"-j{os.cpu_count()}", f"O={objects}",
               f"CROSS_COMPILE={CROSS[arch]}", name]
    with locked(f"guest-programs-{where}"):
        objects.mkdir(parents=True, exist_ok=True)
        done = make(command)
        if done.returncode:
            # Objects of a file that moved name it where it was.
            shutil.rmtree(objects)
            objects.mkdir()
            done = make(command)
        if done.returncode:
            raise Failed(f"{done.stdout}\ncould not build {name} of {source} for {arch}")
        return keep(objects / name)


def keep(program):
    """A copy of a built program that no later build changes."""
    directory = program.parent / "kept" / program.name
    final = directory / hashlib.sha256(program.read_bytes()).hexdigest()[:20] / program.name
    if not final.exists():
        scratch = final.parent.with_suffix(".part")
        scratch.mkdir(parents=True, exist_ok=True)
        shutil.copy2(program, scratch)
        scratch.rename(final.parent)
        for old in sorted(directory.iterdir(), key=lambda p: p.stat().st_mtime)[:-KEEP]:
            shutil.rmtree(old)
    return final


def compile_file(source, arch):
    """Compiles any other C file, alone."""
    compiler = CROSS[arch] + "gcc"
    need_tools(compiler)
    target = cache_dir() / "guest-programs" / arch / "single" / source.stem
    target.parent.mkdir(parents=True, exist_ok=True)
    done = subprocess.run(
        [compiler, "-static", "-O2", "-g", "-Wall", "-D_GNU_SOURCE", "-pthread",
         "-isystem", str(REPOSITORY / "include/uapi"), "-o", str(target), str(source)],
        text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    if done.returncode:
        raise Failed(f"{done.stdout}\ncould not build {source} for {arch}")
    return target


def source_of(path):
    """The file that a path names: itself, or a program of that name in the tree."""
    places = [path, path.with_suffix(".c"),
              *(p for p in TESTS.glob(f"*/{path.name}.c") if p.parent != LIB),
              *TESTS.glob(f"*/{path.name}.sh")]
    places += [source / f"{source.name}.c" for source in (FUZZ, BENCH) if path.name == source.name]
    return next((p for p in places if p.is_file()), None)


def find(text, arch, bits=64):
    """The program for one command line, a path and perhaps arguments, for this kernel."""
    if bits == 32:
        if arch != "amd64":
            raise Failed(f"no 32-bit programs for {arch}")
        arch = "i386"
    words = shlex.split(text)
    path = source_of(Path(words[0]))
    if not path:
        raise Failed(f"no such test program: {words[0]}")
    directory = path.resolve().parent
    if path.suffix != ".c":
        file = path
    elif directory.parent == TESTS:
        file = build_guest_program(path.stem, arch)
    elif directory in (FUZZ, BENCH):
        file = build_guest_program(path.stem, arch, directory)
    else:
        file = compile_file(path, arch)
    return Program(path.stem, file, words[1:])
