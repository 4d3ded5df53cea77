# SPDX-License-Identifier: GPL-2.0-only
"""The table: which operations, what they may cost, and how it is printed."""

import csv
import json
from dataclasses import dataclass, field

MILLION = 1_000_000


@dataclass
class Row:
    """An operation, by the name of its figure, and its goal."""
    title: str
    figure: str
    goal: object = None             # a number, or a function of the figures of the bare calls
    rule: str = ""                  # the goal in words
    bare: tuple = ()                # the kernel's calls that it can't do without
    values: dict = field(default_factory=dict)


def times(factor, *names):
    """So many times what these bare calls cost together."""
    return lambda bare: factor * sum(bare[n] for n in names)


def at_most(limit, rule):
    """A rule, and never more than a limit."""
    return lambda bare: min(limit, rule(bare))


ROWS = [
    Row("map 4 KiB", "map/small-4K", 3400, bare=("pin/small-4K", "map/small-4K")),
    Row("unmap 4 KiB", "unmap/small-4K", 2500, bare=("unpin/small-4K", "unmap/small-4K")),
    Row("map 4 KiB, IOVA by the kernel", "map/small-4K-auto"),
    Row("map 64 KiB", "map/small-64K", bare=("pin/small-64K", "map/small-64K")),
    Row("unmap 64 KiB", "unmap/small-64K", bare=("unpin/small-64K", "unmap/small-64K")),
    Row("map 1 GiB, 4 KiB pages", "map/small-1G", times(1.3, "pin/small-1G"),
        "1.3 × bare pin", ("pin/small-1G", "map/small-1G")),
    Row("unmap 1 GiB, 4 KiB pages", "unmap/small-1G", times(1.3, "unpin/small-1G"),
        "1.3 × bare unpin", ("unpin/small-1G", "unmap/small-1G")),
    Row("map 1 GiB THP", "map/thp-1G", at_most(3 * MILLION, times(1.3, "pin/thp-1G")),
        "1.3 × bare pin, 3 M", ("pin/thp-1G", "map/thp-1G")),
    Row("unmap 1 GiB THP", "unmap/thp-1G", MILLION // 2,
        bare=("unpin/thp-1G", "unmap/thp-1G")),
    Row("map 1 GiB hugetlb", "map/hugetlb-1G",
        at_most(3 * MILLION, times(1.3, "pin/hugetlb-1G")), "1.3 × bare pin, 3 M",
        ("pin/hugetlb-1G", "map/hugetlb-1G")),
    Row("unmap 1 GiB hugetlb", "unmap/hugetlb-1G", MILLION // 2,
        bare=("unpin/hugetlb-1G", "unmap/hugetlb-1G")),
    Row("map 1 GiB memfd, huge pages, by file", "map/memfd-thp-1G-by-file", 200_000),
    Row("unmap the same", "unmap/memfd-thp-1G-by-file", 300_000),
    Row("map 1 GiB memfd of hugetlb, by file", "map/memfd-hugetlb-1G-by-file", 200_000),
    Row("unmap the same", "unmap/memfd-hugetlb-1G-by-file", 300_000),
    Row("map 1 GiB memfd, scattered", "map/memfd-scattered-1G",
        bare=("pin/memfd-scattered-1G", "map/memfd-scattered-1G")),
    Row("unmap 1 GiB memfd, scattered", "unmap/memfd-scattered-1G",
        times(1.4, "unpin/memfd-scattered-1G", "unmap/memfd-scattered-1G"),
        "1.4 × bare unpin + unmap", ("unpin/memfd-scattered-1G", "unmap/memfd-scattered-1G")),
    Row("map the same by file", "map/memfd-scattered-1G-by-file"),
    Row("unmap the same by file", "unmap/memfd-scattered-1G-by-file"),
    Row("copy 1 GiB huge pages", "copy/hugetlb-1G", 200_000, bare=("map/hugetlb-1G",)),
    Row("drop the copy", "drop/hugetlb-1G", 200_000, bare=("unmap/hugetlb-1G",)),
    Row("copy 1 GiB that isn't pinned yet", "copy/hugetlb-1G-not-pinned",
        bare=("pin/hugetlb-1G", "map/hugetlb-1G")),
    Row("drop the same", "drop/hugetlb-1G-not-pinned",
        bare=("unpin/hugetlb-1G", "unmap/hugetlb-1G")),
    Row("map 64 KiB, IOVA by the kernel, 65,536 areas", "map/auto-64K-of-65536", 8000),
    Row("the same, 1,048,576 areas", "map/auto-64K-of-1048576"),
    Row("map at random, 65,536 areas", "map/random-65536", 3700),
    Row("unmap at random, 65,536 areas", "unmap/random-65536"),
    Row("map at random, 1,048,576 areas", "map/random-1048576"),
    Row("unmap all of 65,536 areas, each", "unmap/all-65536"),
    Row("OPTION get", "option-get", 600),
]

COLUMNS = ("linux", "type1", "bare", "ours", "goal")
HEADINGS = ("operation", "Linux 7.2", "type1", "bare", "ours", "goal", "", "Linux ÷ ours")


def least(figures, name):
    """The smallest sample of a figure, if there was one."""
    return figures[name][0] if name in figures else None


def logarithmic(rows):
    """What the search among a million areas may cost: as much more as a tree is higher."""
    by_name = {r.figure: r for r in rows}
    few, many = by_name["map/auto-64K-of-65536"], by_name["map/auto-64K-of-1048576"]
    if few.values.get("ours"):
        many.values["goal"] = few.values["ours"] * 20 // 16
        many.rule = "20/16 of the above"


def fill(ours, peer):
    """The rows that were measured, with their values."""
    bare = {n.partition("/")[2]: v[0] for n, v in ours.items() if n.startswith("bare/")}
    for row in ROWS:
        row.values = {"ours": least(ours, f"iommufd/{row.figure}"),
                      "linux": least(peer, f"iommufd/{row.figure}"),
                      "type1": least(ours, f"type1/{row.figure}"),
                      "bare": sum(bare[b] for b in row.bare)
                      if row.bare and all(b in bare for b in row.bare) else None,
                      "goal": None}
        try:
            row.values["goal"] = int(row.goal(bare)) if callable(row.goal) else row.goal
        except KeyError:
            pass
    logarithmic(ROWS)
    return [r for r in ROWS if r.values["ours"] is not None]


def verdict(row):
    """Is the goal met?"""
    if row.values["goal"] is None:
        return ""
    return "yes" if row.values["ours"] <= row.values["goal"] else "no"


def ratio(row):
    """How many times cheaper than Linux's."""
    if not row.values["linux"]:
        return "–"
    value = row.values["linux"] / row.values["ours"]
    return f"{value:.1f}" if value < 100 else f"{value:,.0f}"


def number(value):
    """A figure for people."""
    return "–" if value is None else f"{value:,}"


def cells(row):
    """One row of the table."""
    goal = number(row.values["goal"])
    return (row.title, *(number(row.values[c]) for c in COLUMNS[:4]), goal, verdict(row),
            ratio(row))


def plain(rows):
    """The table for a terminal."""
    lines = [HEADINGS, *map(cells, rows)]
    width = [max(len(line[i]) for line in lines) for i in range(len(HEADINGS))]
    return "\n".join("  ".join(c.ljust(w) if i == 0 else c.rjust(w)
                               for i, (c, w) in enumerate(zip(line, width))).rstrip()
                     for line in lines)


def markdown(rows):
    """The same for a document."""
    lines = [f"| {' | '.join(HEADINGS)} |", "| --- |" + " ---: |" * (len(HEADINGS) - 1)]
    lines += [f"| {' | '.join(cells(r))} |" for r in rows]
    return "\n".join(lines) + "\n"


def side_by_side(ours, peer):
    """Figures by their names, for a terminal."""
    lines = [("", "ours", "Linux 7.2")]
    lines += [(n, number(least(ours, n)), number(least(peer, n)))
              for n in [*ours, *(n for n in peer if n not in ours)]]
    width = [max(len(line[i]) for line in lines) for i in range(3)]
    return "\n".join(f"{a.ljust(width[0])}  {b.rjust(width[1])}  {c.rjust(width[2])}".rstrip()
                     for a, b, c in lines)


def compare(ours, peer):
    """How far type1's figures on the two kernels are apart, at most: the proof that
    they can be compared.  Returns the share, the name, and how many were compared."""
    apart = [(abs(ours[n][0] - peer[n][0]) / peer[n][0], n)
             for n in ours if n.startswith("type1/") and n in peer]
    return (*max(apart, default=(0, "")), len(apart))


def save(directory, rows, ours, peer):
    """Writes table.md, table.csv and figures.json."""
    (directory / "table.md").write_text(markdown(rows), encoding="utf-8")
    with open(directory / "table.csv", "w", newline="", encoding="utf-8") as file:
        out = csv.writer(file)
        out.writerow(("operation", "figure", *COLUMNS, "rule"))
        for row in rows:
            out.writerow((row.title, row.figure, *(row.values[c] for c in COLUMNS), row.rule))
    (directory / "figures.json").write_text(json.dumps(
        {"bench-7.2": ours, "peer-7.2": peer}, indent=1, sort_keys=True) + "\n",
        encoding="utf-8")
