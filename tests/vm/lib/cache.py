# SPDX-License-Identifier: GPL-2.0-only
"""The cache outside the tree: where it is, and how a piece gets into it.

A piece is a directory.  It is made under another name and renamed when it is
whole; a stamp beside it then says what it was made from.  A lock per piece
makes parallel calls wait for each other instead of working twice.
"""

import contextlib
import fcntl
import os
import shutil
import subprocess
import sys
from pathlib import Path


def cache_dir():
    """The cache's directory, made when it is missing."""
    top = os.environ.get("IOMMUFD_CACHE")
    if not top:
        base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
        top = Path(base) / "iommufd-dkms"
    top = Path(top).absolute()
    top.mkdir(parents=True, exist_ok=True)
    return top


class Failed(Exception):
    """Something that ends the program with one sentence."""


class Missing(Failed):
    """Something optional that is not there: a named skip, not an error."""


def note(text):
    """Progress for whoever waits at the terminal."""
    print(text, file=sys.stderr, flush=True)


def run(command, **kwargs):
    """Runs a command; its output is shown only if it fails."""
    kwargs.setdefault("stdin", subprocess.DEVNULL)
    done = subprocess.run([str(c) for c in command], text=True, errors="replace",
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          check=False, **kwargs)
    if done.returncode:
        note(done.stdout)
        raise Failed(f"failed ({done.returncode}): {' '.join(str(c) for c in command)}")
    return done.stdout


def replace_file(path, text):
    """Writes a file in one step, and not into one that another cache shares by a link."""
    scratch = path.with_name(f"{path.name}.{os.getpid()}")
    scratch.write_text(text, encoding="utf-8")
    scratch.replace(path)


@contextlib.contextmanager
def locked(name):
    """Holds the lock of that name; waits for another holder."""
    locks = cache_dir() / "locks"
    locks.mkdir(exist_ok=True)
    with open(locks / name, "w", encoding="ascii") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def stamp_of(directory):
    """The file that says that this piece is whole, and of what it is made."""
    return directory.with_name(directory.name + ".complete")


def is_whole(directory, ident):
    """Is this piece there, made from ident?"""
    try:
        return stamp_of(directory).read_text(encoding="utf-8") == ident
    except FileNotFoundError:
        return False


def piece(kind, name, ident, make, lock=None):
    """Returns the piece kind/name; make(directory) fills it if need be."""
    final = cache_dir() / kind / name
    if is_whole(final, ident):
        return final
    with locked(lock or f"{kind}-{name}"):
        if is_whole(final, ident):
            return final
        stamp_of(final).unlink(missing_ok=True)
        scratch = final.with_name(name + ".part")
        for old in (scratch, final):
            if old.exists():
                shutil.rmtree(old)
        scratch.mkdir(parents=True)
        try:
            make(scratch)
            scratch.rename(final)
        except BaseException:
            shutil.rmtree(scratch, ignore_errors=True)
            raise
        replace_file(stamp_of(final), ident)
    return final
