"""Sets a figure's panels on a page, draws them and gives back the page as SVG, PDF and PNG."""

from __future__ import annotations

import io
import re
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from vosbench import __version__
from vosbench.report.plots_axes import TEXT, draw_panel, set_titles
from vosbench.report.plots_data import Plot
from vosbench.report.plots_marks import Caption, margin_captions, margin_width, write_beside, write_margin
from vosbench.report.plots_text import LINE, wrap

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

WIDTHS = {"single": 3.3, "double": 6.9}
"""Inches: one column and two columns of the conferences' two-column papers."""

SMALL = 4.8
EDGE = 3.0
BETWEEN = 9.0
"""Points: the small print's size, the page's border, the room between panels."""

SQUARE = 235.0
"""Points: the largest side of axes that are as high as wide."""

PNG_DOTS = 300


_NO_GLYPH = re.compile(r"Glyph (\d+) \(.*\) missing from font")
"""How matplotlib's warning begins, which comes for each character each time that it is drawn."""


class NoGlyphWarning(UserWarning):
    """Characters of a figure that no font has."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Grid:
    """How panels lie on the page, in points: a panel's axes are ``width`` by ``height``.

    ``above`` and ``below`` hold, for each row, the room that titles and ticks take over and under its axes.
    """

    columns: int
    left: float
    right: float
    above: tuple[float, ...]
    below: tuple[float, ...]
    width: float
    height: float


def render(plot: Plot, width: float, forms: Sequence[str] = ("svg", "pdf", "png")) -> dict[str, bytes]:
    """Gives back a figure ``width`` inches wide in each of ``forms``: the same bytes for the same figure.

    Warns once, with `NoGlyphWarning`, of all characters that no font has.
    """
    with _glyphs_told_once(), _settings():
        page = _page(plot, width)
        return {form: _saved(page, form) for form in forms}


@contextmanager
def _settings() -> Iterator[None]:
    """Lets neither the user's style nor an earlier figure's count."""
    import matplotlib

    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(
            {
                "font.family": ["DejaVu Sans", "sans-serif"],
                "svg.fonttype": "none",
                "svg.hashsalt": "vosbench",
                "pdf.fonttype": 42,
                "text.hinting": "none",  # hinted letters are wider at few dots per inch than on paper
            }
        )
        yield


@contextmanager
def _glyphs_told_once() -> Iterator[None]:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        yield
    missing: dict[str, None] = {}
    for one in caught:
        found = _NO_GLYPH.match(str(one.message))
        if found is not None:
            missing[chr(int(found[1]))] = None
        else:
            warnings.warn_explicit(one.message, one.category, one.filename, one.lineno)
    if missing:
        what = f"no font here has {' '.join(missing)}: PDF and PNG show boxes in their place, SVG has the text"
        warnings.warn(f"{what}; a title in Latin letters helps", NoGlyphWarning, stacklevel=4)


def _saved(page: Figure, form: str) -> bytes:
    maker = f"vosbench {__version__}"
    metadata = {
        "svg": {"Date": None, "Creator": maker},
        "pdf": {"CreationDate": None, "Creator": maker},
        "png": {"Software": maker},
    }[form]
    buffer = io.BytesIO()
    page.savefig(buffer, format=form, dpi=PNG_DOTS if form == "png" else 72, metadata=metadata)
    return buffer.getvalue()


def _page(plot: Plot, width: float) -> Figure:
    """Draws twice: the first time to learn how much room ticks, titles and labels take."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    page = Figure(figsize=(width, 3.0), dpi=72)
    FigureCanvasAgg(page)
    every = [page.add_axes((0.2, 0.2, 0.6, 0.6)) for _ in plot.panels]
    for axes, panel in zip(every, plot.panels, strict=True):
        draw_panel(axes, panel)
    columns = _columns(plot, width)
    captions = _captions(plot, width / columns)
    grid = _grid(plot, page, every, captions, columns)
    small = wrap(" ".join(plot.footers), SMALL, 72 * width - 2 * EDGE)
    _set_positions(page, grid, every, width, len(small) * SMALL * LINE)
    for axes, panel, margin in zip(every, plot.panels, captions, strict=True):
        write_margin(page, axes, margin)
        write_beside(page, axes, panel, 0.42 * grid.width)
    _write_small(page, small)
    return page


def _columns(plot: Plot, width: float) -> int:
    count = len(plot.panels)
    return 1 if width < 5 else min(count, 2 if count in (2, 4) else 3)


def _captions(plot: Plot, width: float) -> list[list[Caption]]:
    """The labels in the margins of panels ``width`` inches wide: in a wider margin where a narrow one fills up."""
    for share in (0.27, 0.36):
        captions = [margin_captions(panel, 72 * min(share * width, 1.6)) for panel in plot.panels]
        if max(map(_tall, captions)) < _height(plot, 72 * width * (1 - share)):
            break
    return captions


def _tall(captions: Sequence[Caption]) -> float:
    return sum(caption.extent[1] for caption in captions)


def _grid(
    plot: Plot, page: Figure, every: Sequence[Axes], captions: Sequence[Sequence[Caption]], columns: int
) -> _Grid:
    width = page.get_figwidth()
    right = max(margin_width(margin) for margin in captions)
    cell = (72 * width - 2 * EDGE - BETWEEN * (columns - 1)) / columns
    room = (24.0,) * -(-len(every) // columns)
    guess = _Grid(columns=columns, left=30, right=right, above=room, below=room, width=cell - 30 - right, height=90)
    _set_positions(page, guess, every, width, 0)
    titles = [_titles(plot, number, axes, cell - 32, columns) for number, axes in enumerate(every)]
    left = max(_outside(axes, "left") for axes in every)
    below = [_outside(axes, "below") for axes in every]
    inner = cell - left - right
    spare = max(inner - SQUARE, 0.0) if plot.kind == "short-long" else 0.0
    return _Grid(
        columns=columns,
        left=left + spare / 2,
        right=right + spare / 2,
        above=tuple(lines * TEXT * LINE + 6 for lines in _by_row(titles, columns)),
        below=_by_row(below, columns),
        width=inner - spare,
        height=max(_height(plot, inner), *map(_tall, captions)),
    )


def _by_row(values: Sequence[float], columns: int) -> tuple[float, ...]:
    """The largest value of each row of panels."""
    return tuple(max(values[first : first + columns]) for first in range(0, len(values), columns))


def _titles(plot: Plot, number: int, axes: Axes, width: float, columns: int) -> int:
    """Writes a panel's titles, the same one once: panel titles over the first, x titles under the last of a column."""
    panel = plot.panels[number]
    title = number == 0 or plot.panels[number - 1].title != panel.title
    lowest = number + columns >= len(plot.panels)
    x_title = lowest or plot.panels[number + columns].x.title != panel.x.title
    return set_titles(axes, panel, width, title=title, x_title=x_title)


def _height(plot: Plot, width: float) -> float:
    if plot.kind == "short-long":
        return min(width, SQUARE)
    if plot.kind == "footprint":
        return min(max(0.36 * width, 46), 80)
    return min(max(0.64 * width, 85), 165)


def _outside(axes: Axes, side: str) -> float:
    """How far ticks and title reach out of the axes, in points."""
    box = axes.bbox
    if side == "left":
        drawn = axes.yaxis.get_tightbbox()
        return float(box.x0 - drawn.x0) if drawn is not None else 0.0
    drawn = axes.xaxis.get_tightbbox()
    return float(box.y0 - drawn.y0) if drawn is not None else 0.0


def _set_positions(page: Figure, grid: _Grid, every: Sequence[Axes], width: float, small: float) -> None:
    across = grid.left + grid.width + grid.right + BETWEEN
    downs = [above + grid.height + below + BETWEEN for above, below in zip(grid.above, grid.below, strict=True)]
    height = 2 * EDGE + sum(downs) - BETWEEN + small + (5 if small else 0)
    page.set_size_inches(width, height / 72)
    for number, axes in enumerate(every):
        row, column = divmod(number, grid.columns)
        left = EDGE + column * across + grid.left
        top = height - EDGE - sum(downs[:row]) - grid.above[row]
        axes.set_position(
            (left / 72 / width, (top - grid.height) / height, grid.width / 72 / width, grid.height / height)
        )


def _write_small(page: Figure, lines: Sequence[str]) -> None:
    for number, line in enumerate(lines, start=1):
        page.text(
            EDGE / 72,
            (EDGE + (len(lines) - number) * SMALL * LINE + 0.25 * SMALL) / 72,
            line,
            fontsize=SMALL,
            color="#555555",
            va="baseline",
            transform=page.dpi_scale_trans,
            parse_math=False,
        )
