"""Writes each series' label where its line ends or beside its point, so that no box with a legend is needed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from vosbench.report.plots_axes import front_corners, marker_size, stacked
from vosbench.report.plots_data import Panel, Series
from vosbench.report.plots_labels import LEADS, Frame, Label, Points, leader, place, spread
from vosbench.report.plots_styles import Style, blend, ink
from vosbench.report.plots_text import LINE, block_size, wrap

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.transforms import Transform

LABEL = 6.4
NOTE = 5.4
GAP = 4.5
MARGIN = 15.0
"""Points; `MARGIN` is what lies between the axes and a label beside them: a leader and the method's marker."""

REACHES = 0.97
"""A course that gets less far than this share of the axis has its label beside its end, not in the margin."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Caption:
    """A label with the point of the data that it belongs to."""

    lines: tuple[str, ...]
    style: Style
    x: float
    y: float
    size: float = LABEL
    marked: bool = True

    @property
    def extent(self) -> tuple[float, float]:
        """Width and height in points."""
        return block_size(list(self.lines), self.size)


def margin_captions(panel: Panel, width: float) -> list[Caption]:
    """Gives back the labels that stand in the margin right of the axes, none wider than ``width`` points."""
    captions = [
        Caption(
            lines=tuple(wrap(series.label, LABEL, width)),
            style=panel.series[0].style,
            x=series.x[-1],
            y=(floor[-1] + top[-1]) / 2,
            marked=False,
        )
        for series, floor, top in stacked(panel)
    ]
    lines = [series for series in panel.series if _in_margin(series, panel)]
    return captions + [_caption(series, width, series.x[-1], series.y[-1]) for series in lines if series.label]


def margin_width(captions: Sequence[Caption]) -> float:
    """Gives back how much room in points the captions need right of the axes."""
    return max((caption.extent[0] + MARGIN for caption in captions), default=8.0)


def write_margin(page: Figure, axes: Axes, captions: Sequence[Caption]) -> None:
    """Write labels in the margin, each as near the height of its line's end as the others let it."""
    if not captions:
        return
    (_, bottom), (right, top) = _on_page([(0.0, 0.0), (1.0, 1.0)], axes.transAxes)
    ends = [float(y) for _, y in _on_page([(caption.x, caption.y) for caption in captions], axes.transData)]
    ends = [min(max(end, bottom), top) for end in ends]
    centres = spread(ends, [caption.extent[1] for caption in captions], low=bottom, high=top)
    for caption, end, centre in zip(captions, ends, centres, strict=True):
        colour = blend(ink(caption.style.colour), "#ffffff", 0.35)
        _line(page, [(right + 1.5, end), (right + 7.5, centre)], colour, 0.5)
        if caption.marked:
            _marker(page, caption.style, right + 10.5, centre)
        _text(page, caption, right + (MARGIN if caption.marked else 9.0), centre, "left")


def write_beside(page: Figure, axes: Axes, panel: Panel, width: float) -> None:
    """Write the labels of points, curves and courses that broke off beside them, clear of everything drawn."""
    captions = _beside(panel, width)
    if not captions:
        return
    ends = _on_page([(caption.x, caption.y) for caption in captions], axes.transData)
    labels = [
        Label(x=float(x), y=float(y), width=caption.extent[0], height=caption.extent[1])
        for caption, (x, y) in zip(captions, ends, strict=True)
    ]
    (left, bottom), (right, top) = _on_page([(0.0, 0.0), (1.0, 1.0)], axes.transAxes)
    frame = Frame(left=left + 1, bottom=bottom + 1, right=right + 3, top=top + 3)
    centres = place(labels, _obstacles(axes, panel), frame, gap=GAP)
    for caption, label, centre in zip(captions, labels, centres, strict=True):
        near = leader(label, centre)
        if np.hypot(near[0] - label.x, near[1] - label.y) > LEADS * GAP:
            _line(page, [(label.x, label.y), near], blend(ink(caption.style.colour), "#ffffff", 0.35), 0.5)
        _text(page, caption, *centre, "center")


def _in_margin(series: Series, panel: Panel) -> bool:
    if series.form == "course":
        return series.x[-1] >= REACHES * max(one.x[-1] for one in panel.series if one.x)
    return series.form == "fit" or (
        series.form == "curve" and bool(panel.x.ticks) and series.x[-1] == panel.x.ticks[-1]
    )


def _caption(series: Series, width: float, x: float, y: float) -> Caption:
    return Caption(lines=tuple(wrap(series.label, LABEL, width)), style=series.style, x=x, y=y)


def _beside(panel: Panel, width: float) -> list[Caption]:
    captions: list[Caption] = []
    for series in panel.series:
        if series.form in ("bank", "front") or not series.x:
            continue
        if series.label and not _in_margin(series, panel):
            captions.append(_caption(series, width, *_anchor(series)))
        captions += [
            Caption(lines=(note,), style=series.style, x=x, y=y, size=NOTE)
            for x, y, note in zip(series.x, series.y, series.notes, strict=bool(series.notes))
        ]
    return captions


def _anchor(series: Series) -> tuple[float, float]:
    """Where a label belongs: the end of a line, the middle of a curve's points, the upper end of the diagonal."""
    if series.form == "curve" and series.notes:
        middle = len(series.x) // 2
        return series.x[middle], series.y[middle]
    return series.x[-1], series.y[-1]


def _obstacles(axes: Axes, panel: Panel) -> Points:
    """Points along everything drawn, dense enough that no label slips between two of them."""
    found = [np.zeros((0, 2))]
    for series in panel.series:
        if not series.x or series.form == "bank":
            continue
        if series.form == "front":
            found.append(_along(_on_page(front_corners(axes, series), axes.transData)))
            continue
        points = _on_page(list(zip(series.x, series.y, strict=True)), axes.transData)
        found.append(points)
        bars = [(x, series.y[0]) for x in (*series.x_low, *series.x_high)]
        bars += [(series.x[0], y) for y in (*series.y_low, *series.y_high)]
        found += [_along(_on_page([(series.x[0], series.y[0]), bar], axes.transData)) for bar in bars]
        if series.form != "points":
            found.append(_along(points))
    return np.concatenate(found)


def _along(points: Points) -> Points:
    steps = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(points, axis=0).T))])
    if steps[-1] <= 0:
        return points
    at = np.linspace(0, steps[-1], min(int(steps[-1] / 4) + 2, 400))
    return np.stack([np.interp(at, steps, points[:, 0]), np.interp(at, steps, points[:, 1])], axis=1)


def _on_page(pairs: Sequence[tuple[float, float]], transform: Transform) -> Points:
    """Gives back positions in points from the page's lower left corner; a layout has 72 dots per inch."""
    return np.asarray(transform.transform(np.asarray(pairs, np.float64)), np.float64)


def _text(page: Figure, caption: Caption, x: float, y: float, align: Literal["left", "center"]) -> None:
    """Write a label's lines round the height ``y``, each by itself: renderers differ in how they set blocks."""
    top = y + (len(caption.lines) - 1) / 2 * caption.size * LINE
    for number, line in enumerate(caption.lines):
        page.text(
            x / 72,
            (top - number * caption.size * LINE - 0.36 * caption.size) / 72,
            line,
            fontsize=caption.size,
            color=ink(caption.style.colour),
            ha=align,
            va="baseline",
            transform=page.dpi_scale_trans,
            parse_math=False,
            zorder=6,
        )


def _line(page: Figure, points: Sequence[tuple[float, float]], colour: str, width: float) -> None:
    from matplotlib.lines import Line2D

    x, y = ([point[place] / 72 for point in points] for place in (0, 1))
    page.add_artist(Line2D(x, y, color=colour, linewidth=width, transform=page.dpi_scale_trans, zorder=4))


def _marker(page: Figure, style: Style, x: float, y: float) -> None:
    from matplotlib.lines import Line2D

    page.add_artist(
        Line2D(
            [x / 72],
            [y / 72],
            marker=style.marker,
            markersize=marker_size(style, 3.8),
            markeredgewidth=0,
            color=style.colour,
            linewidth=0,
            transform=page.dpi_scale_trans,
        )
    )
