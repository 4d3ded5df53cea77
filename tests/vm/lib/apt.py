# SPDX-License-Identifier: GPL-2.0-only
"""Packages from Debian's mirror by a private apt configuration.

The host's own sources, state and pins play no part.  apt checks the
signatures of the suites and the sum of every package.
"""

import os
import re
import subprocess
import tempfile
import time
from pathlib import Path

from cache import Failed, cache_dir, locked, note, replace_file, run

MIRROR = os.environ.get("IOMMUFD_MIRROR", "http://deb.debian.org")
KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"
SUITES = (
    ("debian", "bookworm"), ("debian", "bookworm-updates"),
    ("debian", "bookworm-backports"), ("debian-security", "bookworm-security"),
    ("debian", "trixie"), ("debian", "trixie-updates"),
    ("debian", "trixie-backports"), ("debian-security", "trixie-security"),
)

# What isn't released lies apart, so that no package comes from there by accident.
NEXT_SUITES = (("debian", "sid"), ("debian", "experimental"))
STABLE, NEXT = "apt", "apt-next"        # directories in the cache

FRESH = 24 * 3600       # seconds for which the package lists are taken for new


class NotFetched(Failed):
    """Packages that the archive doesn't have, or doesn't give."""


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
# A mirror's old list of what isn't released yet does no harm.
ANY_AGE = 'Acquire::Check-Valid-Until "false";\n'


def place(suite):
    """The directory of the lists that have a suite."""
    return NEXT if any(suite == name for _, name in NEXT_SUITES) else STABLE


def sources(pattern="", where=STABLE):
    """The lines of a sources.list for the suites whose name has the pattern."""
    suites = {STABLE: SUITES, NEXT: NEXT_SUITES}[where]
    return [f"deb [signed-by={KEYRING}] {MIRROR}/{archive} {suite} main"
            for archive, suite in suites if pattern in suite]


def wanted(where):
    """The sources.list of the private configuration: packages, and Debian 13's sources."""
    lines = sources(where=where)
    if where == STABLE:
        lines += [line.replace("deb ", "deb-src ", 1) for line in sources("trixie")
                  if "backports" not in line]
    return "\n".join(lines) + "\n"


def environment(where=STABLE):
    """The environment in which apt uses the private configuration."""
    return dict(os.environ, APT_CONFIG=str(cache_dir() / where / "apt.conf"),
                LC_ALL="C.UTF-8")


def configuration(top):
    """The text of apt.conf."""
    return CONFIG.format(top=top) + (ANY_AGE if top.name == NEXT else "")


def configure(top):
    """Writes the private configuration."""
    if not Path(KEYRING).exists():
        raise Failed("no keyring of Debian's archive here: run tests/vm/setup-host")
    for part in ("state/lists/partial", "cache/archives/partial", "etc/empty"):
        (top / part).mkdir(parents=True, exist_ok=True)
    (top / "state/status").touch()
    replace_file(top / "etc/sources.list", wanted(top.name))
    replace_file(top / "apt.conf", configuration(top))


def is_configured(top):
    """Is the configuration this cache's own? A copy still has the other's."""
    conf = top / "apt.conf"
    return conf.exists() and conf.read_text(encoding="ascii") == configuration(top)


def is_listed(top):
    """Are the lists those of all that is wanted?"""
    lines = top / "etc/sources.list"
    return lines.exists() and lines.read_text(encoding="ascii") == wanted(top.name)


def update(again=False, where=STABLE):
    """Fetches the package lists if there are none, if they are old, or again."""
    top = cache_dir() / where
    updated = top / "updated"
    before = updated.stat().st_mtime if updated.exists() else 0
    if time.time() - before < FRESH and is_configured(top) and is_listed(top) and not again:
        return
    with locked(where):
        if updated.exists() and updated.stat().st_mtime != before:
            return
        listed = is_listed(top)
        configure(top)
        if time.time() - before < FRESH and listed and not again:
            return
        note("fetching Debian's package lists")
        try:
            run(["apt-get", "-q", "update", "-o", "APT::Update::Error-Mode=any"],
                env=environment(where))
        except Failed:
            if not before:
                raise
            note("without new package lists: those of the last time have to do")
        replace_file(updated, str(time.time()))


def stamp(where=STABLE):
    """Changes with every update of the lists."""
    return (cache_dir() / where / "updated").read_text(encoding="ascii")


def stanzas(prefixes, where=STABLE):
    """All packages in the lists whose name begins so, with their suite and its architecture."""
    begin = tuple(f"Package: {prefix}" for prefix in prefixes)
    lists = cache_dir() / where / "state/lists"
    for file in sorted(lists.glob("*_Packages*")):
        suite, arch = re.search(r"_dists_([\w-]+)_main_binary-(\w+)_Packages", file.name).groups()
        text = run(["/usr/lib/apt/apt-helper", "cat-file", file], env=environment(where))
        for stanza in text.split("\n\n"):
            if stanza.startswith(begin):
                yield dict(re.findall(r"^([\w-]+): (.*)$", stanza, re.M), suite=suite, arch=arch)


def download(packages, directory, where=STABLE):
    """Downloads NAME[:ARCH][=VERSION] packages; returns the files."""
    update(where=where)
    command = ["apt-get", "-q", "download", *packages]
    done = subprocess.run(command, cwd=directory, env=environment(where), text=True,
                          capture_output=True, check=False)
    if done.returncode:
        update(again=True, where=where)     # perhaps the lists are old
        done = subprocess.run(command, cwd=directory, env=environment(where), text=True,
                              capture_output=True, check=False)
    if done.returncode:
        reasons = "; ".join(re.findall(r"^E: (.*)", done.stderr, re.M))
        raise NotFetched(f"apt could not download {' '.join(packages)}: {reasons}")
    return sorted(Path(directory).glob("*.deb"))


def unpack(packages, root, where=STABLE):
    """Downloads packages and unpacks (does not install) them into root."""
    note("fetching " + " ".join(packages))
    with tempfile.TemporaryDirectory(dir=cache_dir(), prefix="debs.") as debs:
        for deb in download(packages, debs, where):
            run(["dpkg-deb", "-x", deb, root])


def source_version(package, suite):
    """The version of a source package that a suite has; ends as failed without one."""
    update()
    found = run(["apt-cache", "madison", package], env=environment())
    for line in found.splitlines():
        _, version, where = (part.strip() for part in line.split("|"))
        if where.endswith("Sources") and f" {suite}/" in where:
            return version
    raise NotFetched(f"no source of {package} in {suite}")


def source(package, version, directory):
    """Downloads a source package and unpacks it, with Debian's patches, into directory."""
    note(f"fetching the source of {package} {version}")
    with tempfile.TemporaryDirectory(dir=cache_dir(), prefix="source.") as files:
        run(["apt-get", "-q", "source", "--download-only", f"{package}={version}"],
            cwd=files, env=environment())
        # apt has checked the sums
        run(["dpkg-source", "--no-check", "-x", next(Path(files).glob("*.dsc")), directory])
