"""How large text is on paper, and where long text breaks."""

from __future__ import annotations

import re
from functools import cache

LINE = 1.22
"""Line height as a multiple of the font size."""

BREAKS = re.compile(r"(?<=[ @_=/,:])(?=\S)|(?<=\w-)(?=[^\W\d])")
"""Where a label may break: behind a space or a mark that joins words."""

SPACES = re.compile(r"(?<= )(?=\S)")


def text_width(text: str, size: float) -> float:
    """Gives back the width in points of one line of DejaVu Sans at ``size`` points, without kerning."""
    return size * sum(_advance(character) for character in text)


@cache
def _advance(character: str) -> float:
    """How far a character moves the pen, in em."""
    from matplotlib.font_manager import FontProperties, findfont, get_font

    font = get_font(findfont(FontProperties(family="DejaVu Sans")))
    if not font.get_char_index(ord(character)):
        return 1.0  # whatever font stands in for it
    font.set_size(100, 72)
    return float(font.load_char(ord(character)).linearHoriAdvance) / 65536 / 100


def wrap(text: str, size: float, width: float) -> list[str]:
    """Gives back ``text`` in lines of at most ``width`` points; a part too long for one stays whole. Line ends stay.

    It breaks at spaces where that costs no more lines and all fit, else wherever `BREAKS` allows.
    """
    lines: list[str] = []
    for paragraph in text.split("\n"):
        anywhere = _filled(BREAKS.split(paragraph), size, width)
        words = _filled(SPACES.split(paragraph), size, width)
        fits = len(words) <= len(anywhere) and all(text_width(line, size) <= width for line in words)
        lines += words if fits else anywhere
    return lines


def _filled(parts: list[str], size: float, width: float) -> list[str]:
    lines = [""]
    for part in parts:
        if lines[-1] and text_width((lines[-1] + part).rstrip(), size) > width:
            lines.append("")
        lines[-1] += part
    return [line.rstrip() for line in lines]


def block_size(lines: list[str], size: float) -> tuple[float, float]:
    """Gives back width and height in points of lines set one under the other."""
    return max(text_width(line, size) for line in lines), len(lines) * size * LINE
