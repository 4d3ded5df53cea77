# SPDX-License-Identifier: GPL-2.0-only
"""Packages from Debian's mirror by a private apt configuration.

The host's own sources, state and pins play no part.  apt checks the
signatures of the suites and the sum of every package.
"""

import os
import re
import subprocess
import tempfile
from pathlib import Path

from cache import Failed, cache_dir, locked, note, run

MIRROR = os.environ.get("IOMMUFD_MIRROR", "http://deb.debian.org")
KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"
SUITES = (
    ("debian", "bookworm"), ("debian", "bookworm-updates"),
    ("debian", "bookworm-backports"), ("debian-security", "bookworm-security"),
    ("debian", "trixie"), ("debian", "trixie-updates"),
    ("debian", "trixie-backports"), ("debian-security", "trixie-security"),
)

CONFIG = """\
APT::Architecture "amd64";
APT::Architectures {{ "amd64"; "arm64"; }};
APT::Sandbox::User "";
Dir "{top}";
Dir::State "{top}/state";
Dir::State::status "{top}/state/status";
Dir::Cache "{top}/cache";
Dir::Etc "{top}/etc";
Dir::Etc::parts "empty";
Dir::Etc::main "empty.conf";
Dir::Etc::sourcelist "{top}/etc/sources.list";
Dir::Etc::sourceparts "/dev/null";
Dir::Etc::preferences "/dev/null";
Dir::Etc::preferencesparts "/dev/null";
Dir::Etc::trusted "/dev/null";
Dir::Etc::trustedparts "/dev/null";
Acquire::Languages "none";
Acquire::Retries "3";
"""


def sources(pattern=""):
    """The lines of a sources.list for the suites whose name has the pattern."""
    return [f"deb [signed-by={KEYRING}] {MIRROR}/{archive} {suite} main"
            for archive, suite in SUITES if pattern in suite]


def environment():
    """The environment in which apt uses the private configuration."""
    return dict(os.environ, APT_CONFIG=str(cache_dir() / "apt" / "apt.conf"),
                LC_ALL="C.UTF-8")


def configure(top):
    """Writes the private configuration."""
    if not Path(KEYRING).exists():
        raise Failed("no keyring of Debian's archive here: run tests/vm/setup-host")
    for part in ("state/lists/partial", "cache/archives/partial", "etc/empty"):
        (top / part).mkdir(parents=True, exist_ok=True)
    (top / "state/status").touch()
    (top / "etc/sources.list").write_text("\n".join(sources()) + "\n", encoding="ascii")
    (top / "apt.conf").write_text(CONFIG.format(top=top), encoding="ascii")


def update(again=False):
    """Fetches the package lists if there are none yet, or again."""
    top = cache_dir() / "apt"
    stamp = top / "updated"
    before = stamp.stat().st_mtime if stamp.exists() else 0
    if before and not again:
        return
    with locked("apt"):
        if stamp.exists() and stamp.stat().st_mtime != before:
            return
        configure(top)
        note("fetching Debian's package lists")
        run(["apt-get", "-q", "update", "-o", "APT::Update::Error-Mode=any"],
            env=environment())
        stamp.write_text("", encoding="ascii")


def download(packages, directory):
    """Downloads NAME[:ARCH][=VERSION] packages; returns the files."""
    update()
    command = ["apt-get", "-q", "download", *packages]
    done = subprocess.run(command, cwd=directory, env=environment(), text=True,
                          capture_output=True, check=False)
    if done.returncode:
        update(again=True)      # perhaps the lists are old
        done = subprocess.run(command, cwd=directory, env=environment(), text=True,
                              capture_output=True, check=False)
    if done.returncode:
        reasons = "; ".join(re.findall(r"^E: (.*)", done.stderr, re.M))
        raise Failed(f"apt could not download {' '.join(packages)}: {reasons}")
    return sorted(Path(directory).glob("*.deb"))


def unpack(packages, root):
    """Downloads packages and unpacks (does not install) them into root."""
    note("fetching " + " ".join(packages))
    with tempfile.TemporaryDirectory(dir=cache_dir(), prefix="debs.") as debs:
        for deb in download(packages, debs):
            run(["dpkg-deb", "-x", deb, root])
