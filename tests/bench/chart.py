# SPDX-License-Identifier: GPL-2.0-only
"""A picture of the table: bars on a logarithmic scale, as SVG."""

import math
from html import escape

LEFT, RIGHT, TOP = 330, 190, 92
PLOT = 620
WIDTH = LEFT + PLOT + RIGHT
BAR, GAP = 11, 12
SERIES = (("ours", "this module"), ("linux", "Linux 7.2 iommufd"), ("type1", "VFIO type1"))

STYLE = """
  .page { fill: #ffffff } text { fill: #1f2328; font: 13px system-ui, sans-serif }
  .title { font-size: 17px; font-weight: 600 } .small { fill: #59636e; font-size: 11px }
  .value { paint-order: stroke; stroke: #ffffff; stroke-width: 3px }
  .grid { stroke: #d1d9e0; stroke-width: 1 } .goal { stroke: #1f2328; stroke-width: 2 }
  .ours { fill: #1a7f37 } .linux { fill: #6e7781 } .type1 { fill: #afb8c1 }
  @media (prefers-color-scheme: dark) {
    .page { fill: #0d1117 } text { fill: #f0f6fc } .small { fill: #9198a1 }
    .value { stroke: #0d1117 }
    .grid { stroke: #3d444d } .goal { stroke: #f0f6fc }
    .ours { fill: #3fb950 } .linux { fill: #8b949e } .type1 { fill: #4b535d }
  }
"""


def short(value):
    """A figure in few characters."""
    for size, name in ((1_000_000_000, " G"), (1_000_000, " M"), (1000, " k")):
        if value >= size:
            digits = 1 if value < 100 * size else 0
            return f"{value / size:.{digits}f}".removesuffix(".0") + name
    return str(value)


def decades(rows):
    """The first and the last power of ten of the scale."""
    values = [r.values[k] for r in rows for k in ("ours", "linux", "type1", "goal")
              if r.values.get(k)]
    return math.floor(math.log10(min(values))), math.ceil(math.log10(max(values)))


def text(x, y, words, cls="", anchor="start"):
    """One piece of text."""
    return f'<text x="{x:.0f}" y="{y:.0f}" class="{cls}" text-anchor="{anchor}">' \
           f"{escape(words)}</text>"


def legend(y):
    """What the colours mean."""
    parts, x = [], LEFT
    for cls, name in SERIES:
        parts.append(f'<rect x="{x}" y="{y - 10}" width="12" height="12" class="{cls}"/>')
        parts.append(text(x + 17, y, name))
        x += 35 + 7.5 * len(name)
    parts.append(f'<line x1="{x + 4}" x2="{x + 4}" y1="{y - 11}" y2="{y + 3}" class="goal"/>')
    parts.append(text(x + 12, y, "goal"))
    return parts


def draw_row(row, top, place):
    """One operation: its name, a bar for each who can do it, and the goal.  Returns that and
    how high it is."""
    present = [(c, row.values[c]) for c, _ in SERIES if row.values.get(c)]
    height = len(present) * BAR
    middle = top + height / 2 + 4
    parts = [text(LEFT - 10, middle, row.title, anchor="end")]
    parts += [f'<rect x="{LEFT}" y="{top + i * BAR}" class="{cls}" height="{BAR - 1}" '
              f'width="{max(place(value) - LEFT, 1):.1f}"/>'
              for i, (cls, value) in enumerate(present)]
    if row.values.get("goal"):
        goal = place(row.values["goal"])
        parts.append(f'<line x1="{goal:.1f}" x2="{goal:.1f}" y1="{top - 3}" '
                     f'y2="{top + height + 2}" class="goal"/>')
    parts += [text(place(value) + 5, top + i * BAR + BAR - 2, short(value), "small value")
              for i, (_, value) in enumerate(present)]
    if row.values.get("linux"):
        times = row.values["linux"] / row.values["ours"]
        parts.append(text(WIDTH - 20, middle,
                          f"{times:.1f}×" if times < 100 else f"{times:,.0f}×", anchor="end"))
    return parts, height


def draw_grid(first, last, bottom, place):
    """The powers of ten."""
    parts = []
    for power in range(first, last + 1):
        at = place(10 ** power)
        parts.append(f'<line x1="{at:.1f}" x2="{at:.1f}" y1="{TOP}" y2="{bottom}" '
                     'class="grid"/>')
        parts.append(text(at, TOP - 6, short(10 ** power), "small", "middle"))
    return [*parts, text(WIDTH - 20, TOP - 6, "Linux ÷ ours", "small", "end")]


def draw(rows, title, subtitle):
    """The picture of rows, with ours and whatever there is to compare with."""
    first, last = decades(rows)

    def place(value):
        return LEFT + PLOT * (math.log10(value) - first) / (last - first)

    body, bottom = [], TOP + 8
    for row in rows:
        parts, height = draw_row(row, bottom, place)
        body += parts
        bottom += height + GAP
    height = bottom + 14
    head = [text(20, 28, title, "title"), text(20, 48, subtitle, "small"), *legend(68)]
    return "\n".join([f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} '
                      f'{height}" width="{WIDTH}" height="{height}" role="img">',
                      f"<title>{escape(title)}</title><style>{STYLE}</style>",
                      f'<rect width="{WIDTH}" height="{height}" class="page"/>',
                      *head, *draw_grid(first, last, bottom, place), *body, "</svg>"]) + "\n"
