"""How large text is on paper, and where long text breaks."""

from __future__ import annotations

import re
from functools import cache

LINE = 1.22
"""Line height as a multiple of the font size."""

BREAKS = re.compile(r"(?<=[ @_=/,:\-])(?=\S)")
"""Where a label may break: behind a space or a mark that joins words."""


@cache
def text_width(text: str, size: float) -> float:
    """Gives back the width in points of one line of DejaVu Sans at ``size`` points."""
    from matplotlib.font_manager import FontProperties
    from matplotlib.textpath import TextPath

    if not text.strip():
        return 0.3 * size * len(text)
    return float(TextPath((0, 0), text, size=size, prop=FontProperties(family="DejaVu Sans"), usetex=False).get_extents().x1)


def wrap(text: str, size: float, width: float) -> list[str]:
    """Gives back ``text`` in lines of at most ``width`` points, broken where `BREAKS` allows; a longer word stays whole.

    Line ends in ``text`` stay.
    """
    lines: list[str] = []
    for paragraph in text.split("\n"):
        line = ""
        for part in BREAKS.split(paragraph):
            if line and text_width((line + part).rstrip(), size) > width:
                lines.append(line.rstrip())
                line = ""
            line += part
        lines.append(line.rstrip())
    return lines


def block_size(lines: list[str], size: float) -> tuple[float, float]:
    """Gives back width and height in points of lines set one under the other."""
    return max(text_width(line, size) for line in lines), len(lines) * size * LINE
