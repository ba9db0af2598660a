"""Sets a figure's panels on a page, draws them and gives back the page as SVG, PDF and PNG."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from vosbench import __version__
from vosbench.report.plots_axes import TEXT, draw_panel, set_titles
from vosbench.report.plots_data import Panel, Plot
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

PNG_DOTS = 300

SETTINGS: dict[str, Any] = {
    "font.family": ["DejaVu Sans", "sans-serif"],
    "svg.fonttype": "none",
    "svg.hashsalt": "vosbench",
    "pdf.fonttype": 42,
    "path.simplify": True,
    "axes.unicode_minus": True,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Grid:
    """How panels lie on the page, in points: a panel's axes are ``width`` by ``height``."""

    columns: int
    left: float
    right: float
    above: float
    below: float
    width: float
    height: float

    @property
    def cell(self) -> tuple[float, float]:
        """Width and height of a panel with its titles and labels."""
        return self.left + self.width + self.right, self.above + self.height + self.below


def render(plot: Plot, width: float) -> dict[str, bytes]:
    """Gives back a figure ``width`` inches wide as ``svg``, ``pdf`` and ``png``: the same bytes for the same figure."""
    with _settings():
        page = _page(plot, width)
        return {form: _saved(page, form) for form in ("svg", "pdf", "png")}


@contextmanager
def _settings() -> Iterator[None]:
    """Lets neither the user's style nor an earlier figure's count."""
    import matplotlib

    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(SETTINGS)
        yield


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
    label = 72 * (0.95 if width / columns < 4 else 1.5)
    captions = [margin_captions(panel, label) for panel in plot.panels]
    grid = _grid(plot, every, captions, width, columns)
    small = [line for footer in plot.footers for line in wrap(footer, SMALL, 72 * width - 2 * EDGE)]
    _set_positions(page, grid, every, width, len(small) * SMALL * LINE)
    for axes, panel, margin in zip(every, plot.panels, captions, strict=True):
        write_margin(axes, margin)
        write_beside(axes, panel, label)
    _write_small(page, small)
    return page


def _columns(plot: Plot, width: float) -> int:
    count = len(plot.panels)
    if plot.kind == "footprint":
        return min(count, 2 if width < 5 else 3)
    if width < 5:
        return 1
    return min(count, 2 if count in (2, 4) else 3)


def _grid(
    plot: Plot, every: Sequence[Axes], captions: Sequence[Sequence[Caption]], width: float, columns: int
) -> _Grid:
    right = max(margin_width(margin) for margin in captions)
    cell = (72 * width - 2 * EDGE - BETWEEN * (columns - 1)) / columns
    guess = _Grid(columns=columns, left=30, right=right, above=10, below=24, width=cell - 30 - right, height=90)
    page = every[0].get_figure(root=True)
    _set_positions(page, guess, every, width, 0)
    titles = [set_titles(axes, panel, cell) for axes, panel in zip(every, plot.panels, strict=True)]
    left, below = (max(_outside(axes, side) for axes in every) for side in ("left", "below"))
    inner = cell - left - right
    return _Grid(
        columns=columns,
        left=left,
        right=right,
        above=max(titles) * TEXT * LINE + 6,
        below=below,
        width=inner,
        height=_height(plot, inner),
    )


def _height(plot: Plot, width: float) -> float:
    if plot.kind == "short-long":
        return width
    if plot.kind == "footprint":
        return min(max(0.62 * width, 52), 90)
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
    across, down = grid.cell
    rows = -(-len(every) // grid.columns)
    height = 2 * EDGE + rows * down + (rows - 1) * BETWEEN + small + (5 if small else 0)
    page.set_size_inches(width, height / 72)
    for number, axes in enumerate(every):
        row, column = divmod(number, grid.columns)
        left = EDGE + column * (across + BETWEEN) + grid.left
        top = height - EDGE - row * (down + BETWEEN) - grid.above
        axes.set_position((left / 72 / width, (top - grid.height) / height, grid.width / 72 / width, grid.height / height))


def _write_small(page: Figure, lines: Sequence[str]) -> None:
    for number, line in enumerate(reversed(lines)):
        page.text(
            EDGE / 72,
            (EDGE + number * SMALL * LINE + 0.25 * SMALL) / 72,
            line,
            fontsize=SMALL,
            color="#555555",
            va="baseline",
            transform=page.dpi_scale_trans,
            parse_math=False,
        )
