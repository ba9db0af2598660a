"""The look of each method: colour, marker and line together, so that a figure can be read in grey."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, replace
from itertools import count

Dashes = tuple[float, ...]

COLOURS = (
    "#0072b2",
    "#e69f00",
    "#009e73",
    "#d55e00",
    "#332288",
    "#56b4e9",
    "#882255",
    "#cc79a7",
    "#999933",
    "#3a3a3a",
)
"""Blue, orange, green, vermillion, sky, purple and near-black of Okabe and Ito (2008, "Color universal design");
indigo, wine and olive of Tol (technical note SRON/EPS/TN/09-002, "muted"). Okabe and Ito's yellow is left out: it
cannot be read on white.
"""

MARKERS = ("o", "s", "^", "D", "v", "p", "<", "h", ">", "P")
"""No cross: a cross is where memory ran out."""

DASHES: tuple[Dashes, ...] = (
    (),
    (5, 1.6),
    (1.2, 1.2),
    (5, 1.4, 1.2, 1.4),
    (8, 2),
    (3, 1.2),
    (5, 1.2, 1.2, 1.2, 1.2, 1.2),
)

SALT = 23
"""Was searched for: with it the families that this project set out with lie in ten different places."""

GUIDE = "#8a8a8a"


@dataclass(frozen=True, slots=True, kw_only=True)
class Style:
    """``colour`` is ``#rrggbb``, ``marker`` a matplotlib marker, ``dashes`` on and off lengths in line widths.

    ``thin`` is for what is shown and not compared: self-checks, guides.
    """

    colour: str
    marker: str
    dashes: Dashes = ()
    thin: bool = False


def assign_styles(names: Iterable[str]) -> dict[str, Style]:
    """Gives back a style for each method name, no two alike.

    A name's own place in the palette follows from the name alone, so it looks the same in every figure and run. Where
    two names want one place, a variant (``xmem@eager``) gives way to a method, a later name to an earlier one.
    """
    taken: set[int] = set()
    styles: dict[str, Style] = {}
    for name in sorted(set(names), key=lambda name: ("@" in name, name)):
        place = _free(_place(name), taken)
        taken.add(place)
        styles[name] = _style(place)
    return styles


def self_check_styles(names: Iterable[str]) -> dict[str, Style]:
    """Gives back thin grey styles for the harness's self-checks, which are told apart by marker and dashes alone."""
    return {
        name: Style(colour=GUIDE, marker=MARKERS[number % len(MARKERS)], dashes=DASHES[number % len(DASHES)], thin=True)
        for number, name in enumerate(sorted(set(names)))
    }


def shades(style: Style, number: int) -> list[Style]:
    """Gives back ``number`` styles of one method, for its settings: from its own colour to a pale one."""
    first_marker, first_dash = MARKERS.index(style.marker), DASHES.index(style.dashes)
    return [
        replace(
            style,
            colour=blend(style.colour, "#ffffff", 0.55 * step / max(number - 1, 1)),
            marker=MARKERS[(first_marker + step) % len(MARKERS)],
            dashes=DASHES[(first_dash + step) % len(DASHES)],
        )
        for step in range(number)
    ]


def blend(colour: str, other: str, share: float) -> str:
    """Gives back ``colour`` with a ``share`` in [0, 1] of ``other`` in it, both ``#rrggbb``."""
    pairs = ((int(colour[i : i + 2], 16), int(other[i : i + 2], 16)) for i in (1, 3, 5))
    return "#" + "".join(f"{round(a + (b - a) * share):02x}" for a, b in pairs)


def ink(colour: str) -> str:
    """Gives back ``colour`` as dark as text on white must be: contrast 4.5 to 1 (WCAG 2.2, 1.4.3)."""
    for step in range(20):
        dark = blend(colour, "#000000", step / 20)
        if 1.05 / (luminance(dark) + 0.05) >= 4.5:
            return dark
    return "#000000"


def luminance(colour: str) -> float:
    """Gives back the relative luminance of ``#rrggbb`` in [0, 1] (WCAG 2.2): how it looks in grey."""
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _place(name: str) -> int:
    digest = hashlib.sha256(f"{SALT} {name}".encode()).digest()
    return int.from_bytes(digest[:4], "big") % len(COLOURS)


def _free(place: int, taken: set[int]) -> int:
    """Gives back the first free place from ``place`` on: all colours first, then them again in another form."""
    rounds = (turn * len(COLOURS) + (place + step) % len(COLOURS) for turn in count() for step in range(len(COLOURS)))
    return next(free for free in rounds if free not in taken)


def _style(place: int) -> Style:
    turn, slot = divmod(place, len(COLOURS))
    return Style(
        colour=COLOURS[slot],
        marker=MARKERS[(slot + 3 * turn) % len(MARKERS)],
        dashes=DASHES[(slot + 2 * turn) % len(DASHES)],
    )
