# SPDX-License-Identifier: GPL-2.0-only
"""Debian's kernels, found in the package lists by series.

A kernel counts if its headers, the kbuild package that they ask for, and its image
are there. What was found once stays in the index, as gone when the archive drops it:
the cache may still hold its pieces.

Pins: $IOMMUFD_LOCK is a file with lines "NAME ARCH VERSION" (`fetch lock` prints one). NAME is a
kernel's, or SERIES/RELEASE for the one that tests/pkg installs, or PACKAGE/SUITE.
"""

import functools
import json
import os
import re
from dataclasses import asdict, dataclass
from pathlib import Path

import apt
from cache import Failed, Missing, cache_dir, is_whole, note, replace_file
from kernels import ARCHES, stock

FORMAT = 3      # of the index


@dataclass(frozen=True)
class Kernel:
    """One of Debian's kernels, for one architecture and flavour."""
    version: str        # of the packages
    abi: str            # in package names and uname -r, without the flavour
    arch: str
    flavour: str        # "", "cloud", "rt"
    suite: str          # where its headers come from
    images: tuple       # packages of image and modules
    common: str         # package of the headers that architectures share
    kbuild: str         # NAME=VERSION of the kbuild package
    tools: tuple        # what that one depends on
    compiler: str       # major version of the gcc that its headers ask for
    gone: bool = False  # not in the archive any more

    @property
    def release(self):
        """The end of package names: ABI, flavour and architecture."""
        return "-".join(p for p in (self.abi, self.flavour, self.arch) if p)

    @property
    def name(self):
        """The name of its pieces in the cache."""
        return "-".join(p for p in (self.version, self.flavour, self.arch) if p)

    @property
    def series(self):
        """The first two numbers of the version."""
        return re.match(r"\d+\.\d+", self.version)[0]

    @property
    def headers(self):
        """The packages that modules are built against, as apt wants them."""
        return [f"linux-headers-{self.release}:{self.arch}={self.version}",
                f"{self.common}={self.version}", self.kbuild]

    @property
    def root(self):
        """The release of Debian in which its modules are built; "" is this machine."""
        release = {"experimental": "sid"}.get(self.suite, self.suite.partition("-")[0])
        return "" if release == host_release() else release


@functools.cache
def host_release():
    """The code name of this machine's Debian."""
    try:
        text = Path("/etc/os-release").read_text(encoding="utf-8")
    except OSError:
        return "unknown"
    found = re.search(r"^VERSION_CODENAME=(\w+)", text, re.M)
    return found[1] if found else "unknown"


def weight(char):
    """A character's place in the order of Debian's versions."""
    return -1 if char == "~" else ord(char) if char.isalpha() else ord(char) + 256


def version_key(version):
    """Sorts as dpkg does."""
    epoch, _, rest = version.rpartition(":")
    upstream, _, revision = rest.rpartition("-") if "-" in rest else (rest, "", "")
    return [int(epoch or 0)] + [
        [([*map(weight, word), 0], int(number or 0))
         for word, number in re.findall(r"(\D*)(\d*)", part)]
        for part in (upstream, revision)]


def read_kernel(headers, packages):
    """The kernel of a headers package; None for other packages and halves."""
    found = re.fullmatch(r"linux-headers-(\d.*?)-(?:(cloud|rt)-)?(amd64|arm64)",
                         headers["Package"])
    if not found or found[3] != headers["Architecture"]:
        return None
    abi, flavour, arch = found[1], found[2] or "", found[3]
    version, depends = headers["Version"], headers.get("Depends", "")
    compiler = re.search(r"\bgcc-(\d+)", depends)
    kbuild = re.search(r"\blinux-kbuild-[^ ,]+", depends)
    common = re.search(r"\blinux-headers-[^ ,]+-common[^ ,]*", depends)
    image = packages.get((headers["Package"].replace("headers", "image", 1), arch), {})
    if not compiler or not kbuild or not common or version not in image or \
            version not in packages.get((common[0], arch), {}):
        return None
    # Not every series has the ABI in this name; a newer one serves older headers.
    tools = packages.get((kbuild[0], "amd64"), {})
    newest = version if version in tools else max(tools, key=version_key, default=None)
    if not newest:
        return None
    release = "-".join(p for p in (abi, flavour, arch) if p)
    images = [headers["Package"].replace("headers", "image", 1)]
    images += re.findall(rf"\blinux-[a-z]+-{re.escape(release)}(?= \()",
                         image[version].get("Depends", ""))
    return Kernel(version, abi, arch, flavour, headers["suite"],
                  tuple(f"{i}:{arch}={version}" for i in images), common[0],
                  f"{kbuild[0]}={newest}",
                  tuple(re.findall(r"(?:^|, )([a-z0-9.+-]+)", tools[newest].get("Depends", ""))),
                  compiler[1])


# Other packages of which the index has the versions
OTHERS = re.compile(r"linux-source-\d.*|linux-libc-dev|qemu-system-x86")


def read_index(where):
    """What the package lists have: kernels, and versions and suites of a few other packages."""
    packages = {}
    for stanza in apt.stanzas(("linux-", "qemu-system-x86"), where):
        packages.setdefault((stanza["Package"], stanza["arch"]), {}) \
            .setdefault(stanza["Version"], stanza)
    kernels = [read_kernel(s, packages) for versions in packages.values()
               for s in versions.values()]
    others = {f"{name}:{arch}": {v: s["suite"] for v, s in versions.items()}
              for (name, arch), versions in packages.items() if OTHERS.fullmatch(name)}
    return {k.name: asdict(k) for k in kernels if k}, others


def load_index(where=apt.STABLE):
    """The index, read from the package lists again when these are newer."""
    apt.update(where=where)
    file = cache_dir() / where / "kernels.json"
    old = json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}
    stamp = f"{FORMAT} {apt.stamp(where)}"
    if old.get("stamp") == stamp:
        return old
    kernels, others = read_index(where)
    known = old.get("kernels", {}) if old.get("stamp", "").startswith(f"{FORMAT} ") else {}
    for name, kernel in known.items():
        kernels.setdefault(name, {**kernel, "gone": True})
    index = {"stamp": stamp, "kernels": kernels, "others": others}
    replace_file(file, json.dumps(index, indent=1))
    return index


def all_kernels(where=apt.STABLE):
    """All kernels ever seen in the archive, oldest first."""
    kernels = [Kernel(**{**k, "images": tuple(k["images"]), "tools": tuple(k["tools"])})
               for k in load_index(where)["kernels"].values()]
    return sorted(kernels, key=lambda k: version_key(k.version))


def available(name, arch):
    """The kernels that fit a name, whatever version it asks for, oldest first."""
    wanted = stock(name)
    if wanted["suite"]:
        return [k for k in all_kernels(apt.NEXT)
                if k.arch == arch and not k.flavour and k.suite == wanted["suite"]]
    return [k for k in all_kernels() if k.arch == arch
            and k.flavour == (wanted["flavour"] or "")
            and k.series == wanted["series"]]


@functools.cache
def pins():
    """What the lock file says: (name, arch) -> version."""
    file = os.environ.get("IOMMUFD_LOCK")
    if not file:
        return {}
    try:
        lines = Path(file).read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise Failed(f"IOMMUFD_LOCK: {error}") from error
    words = [line.partition("#")[0].split() for line in lines]
    wrong = [" ".join(w) for w in words if len(w) not in (0, 3)]
    if wrong:
        raise Failed(f"{file}: not NAME ARCH VERSION: {wrong[0]}")
    return {(name, arch): version for name, arch, version in filter(None, words)}


def in_cache(kernel):
    """Are its pieces in the cache?"""
    return any(is_whole(cache_dir() / kind / kernel.name, f"1 {kernel.version}")
               for kind in ("kernel", "headers"))


CHOSEN = {}     # what this process has settled on: (name, arch) -> Kernel


def choose(name, arch):
    """The kernel for a name: the pinned, the newest or the oldest one."""
    kernels = available(name, arch)
    present = [k for k in kernels if not k.gone]
    version = stock(name)["version"] or pins().get((name, arch))
    if version:
        for kernel in kernels:
            if kernel.version == version and (not kernel.gone or in_cache(kernel)):
                return kernel
        if present:
            note(f"kernel {name} {arch}: the archive doesn't have {version} any more, "
                 f"so it is {present[-1].version}")
    if not present:
        present = [k for k in kernels if in_cache(k)]
        if present:
            note(f"kernel {name} {arch}: not in the archive any more; "
                 f"the cache has {present[-1].version}")
    if not present:
        raise Missing(f"the archive has no kernel {name} for {arch}")
    if stock(name)["oldest"] and len(present) == 1:
        raise Missing(f"kernel {name} {arch}: {present[0].version} is the newest as well")
    return present[0 if stock(name)["oldest"] else -1]


def resolve(name, arch="amd64"):
    """The kernel for a name, the same one for as long as this process runs."""
    if (name, arch) not in CHOSEN:
        CHOSEN[name, arch] = choose(name, arch)
    return CHOSEN[name, arch]


def series(name, arch="amd64"):
    """The series of a stock kernel; other names stay as they are."""
    if not stock(name):
        return name
    return stock(name)["series"] or resolve(name, arch).series


def fetched(name, arch, make):
    """make(kernel) with the kernel of that name, or with another if it can't be fetched.

    The lists are fetched again, as a version may have been replaced; then what the
    cache holds has to do.
    """
    kernel = resolve(name, arch)
    try:
        return make(kernel)
    except apt.NotFetched as error:
        note(f"kernel {name} {arch}: {error}")
        apt.update(again=True, where=apt.place(kernel.suite))
        CHOSEN.pop((name, arch))
        other = resolve(name, arch)
        if other == kernel:
            cached = [k for k in available(name, arch) if k != kernel and in_cache(k)]
            if not cached:
                raise
            other = CHOSEN[name, arch] = cached[-1]
        note(f"kernel {name} {arch}: {other.version} instead of {kernel.version}")
        return make(other)


def other_version(package, arch, series, preferred=None):
    """A version of linux-source-* or linux-libc-dev: the preferred, or the series' newest."""
    versions = [v for v in load_index()["others"].get(f"{package}:{arch}", {})
                if v.startswith(series + ".")]
    if preferred in versions:
        return preferred
    if not versions:
        raise Missing(f"the archive has no {package} of {series}")
    return max(versions, key=version_key)


def pinned_or_newest(what, arch, versions, is_kept=None):
    """The version that is pinned, if it's there or what it gave is kept, or the newest."""
    version = pins().get((what, arch))
    if version and (version in versions or is_kept and is_kept(version)):
        return version
    if not versions:
        raise Missing(f"the archive has no {what}")
    newest = max(versions, key=version_key)
    if version:
        note(f"{what} {arch}: the archive doesn't have {version} any more, so it is {newest}")
    return newest


def suite_version(package, suite, is_kept=None, arch="amd64"):
    """The version of such a package in a suite; is_kept(version) knows what was made of one."""
    found = load_index()["others"].get(f"{package}:{arch}", {})
    return pinned_or_newest(f"{package}/{suite}", arch,
                            [v for v, where in found.items() if where == suite], is_kept)


def release_kernel(release, series, arch="amd64"):
    """The kernel of a series in a release of Debian, its updates and backports."""
    kernels = {k.version: k for k in available(series, arch)
               if not k.gone and k.suite.partition("-")[0] == release}
    return kernels[pinned_or_newest(f"{series}/{release}", arch, list(kernels))]


def other_lock_lines(names):
    """The lines for packages by suite, and for kernels by release."""
    for suite in sorted(set(load_index()["others"].get("qemu-system-x86:amd64", {}).values())):
        yield f"qemu-system-x86/{suite} amd64 {suite_version('qemu-system-x86', suite)}"
    for name in names:
        for release in sorted({k.suite.partition("-")[0] for k in available(name, "amd64")
                               if not k.gone}):
            yield f"{name}/{release} amd64 {release_kernel(release, name).version}"


def lock_lines(names):
    """A lock file's lines for these kernels, and what else has a version."""
    yield from other_lock_lines(names)
    for name in names:
        for arch in ARCHES:
            try:
                yield f"{name} {arch} {resolve(name, arch).version}"
            except Missing as error:
                note(f"skipped: {error}")
