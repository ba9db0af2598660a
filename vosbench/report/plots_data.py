"""A figure before it is drawn: panels, series and the small print that makes it honest, as plain data."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from vosbench.errors import VosbenchError
from vosbench.report.plots_styles import Style

Scale = Literal["linear", "log"]

Form = Literal["points", "curve", "course", "fit", "bank", "front", "diagonal"]
"""What joins a series' points. "points": nothing. "curve": one method's settings, in order. "course": the frames of a
video. "fit": a fitted line. "bank": a layer of a stack, its y on top of the layers before. "front": the steps of a
Pareto front. "diagonal": the line on which both axes are equal.
"""

PACE_MS = 33.0
"""Milliseconds of a frame at the pace of video."""

LOG_FROM = 10.0
"""An axis is logarithmic where its largest value is this many times the smallest, and none is zero or below."""


class NothingToDrawError(VosbenchError):
    """A run holds nothing that a figure of this kind could show."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Axis:
    """An axis: ``key`` names its column in the data, ``title`` its unit as well.

    ``ticks`` are the only ones where given, each followed by ``suffix``; ``low`` and ``high`` are limits that the
    values have by their nature; ``narrowest`` is the least the axis spans, so that noise is not blown up. ``line`` is a
    value at which a line named ``line_name`` is drawn across the panel.
    """

    key: str
    title: str
    scale: Scale = "linear"
    ticks: tuple[float, ...] = ()
    suffix: str = ""
    low: float | None = None
    high: float | None = None
    narrowest: float = 0.0
    line: float | None = None
    line_name: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """What a panel shows of one method.

    ``label`` is written beside it; ``y_low`` and ``y_high`` (likewise x) are the ends of error bars where there are
    some; ``notes`` stand beside the points; ``hollow`` marks what misses videos. ``end`` says how a course broke off:
    a cross where memory ran out, a bar where something else happened.
    """

    label: str
    form: Form
    style: Style
    x: tuple[float, ...]
    y: tuple[float, ...]
    y_low: tuple[float, ...] = ()
    y_high: tuple[float, ...] = ()
    x_low: tuple[float, ...] = ()
    x_high: tuple[float, ...] = ()
    notes: tuple[str, ...] = ()
    hollow: bool = False
    end: Literal["", "oom", "broken"] = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """One pair of axes; what may not be compared stands in panels of its own."""

    title: str
    x: Axis
    y: Axis
    series: tuple[Series, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Plot:
    """One figure. ``name`` is its files' name, ``footers`` are its small print."""

    name: str
    kind: str
    panels: tuple[Panel, ...]
    footers: tuple[str, ...]


def scale_of(values: Iterable[float]) -> Scale:
    """Gives back the scale that the range of ``values`` asks for."""
    known = list(values)
    wide = bool(known) and min(known) > 0 and max(known) >= LOG_FROM * min(known)
    return "log" if wide else "linear"


def comma_separated(plot: Plot) -> str:
    """Gives back the data behind a figure as CSV, a line per point, every digit as measured.

    The columns ``x`` and ``y`` hold what ``x_name`` and ``y_name`` say.
    """
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(
        ["panel", "series", "form", "x_name", "x", "y_name", "y", "x_low", "x_high", "y_low", "y_high", "note", "end"]
    )
    for panel in plot.panels:
        for series in panel.series:
            writer.writerows(_lines(panel, series))
    return buffer.getvalue()


def _lines(panel: Panel, series: Series) -> list[list[str]]:
    last = len(series.x) - 1
    return [
        [panel.title, series.label, series.form, panel.x.key, repr(x), panel.y.key, repr(y)]
        + [_at(values, i) for values in (series.x_low, series.x_high, series.y_low, series.y_high)]
        + [series.notes[i] if series.notes else "", series.end if i == last else ""]
        for i, (x, y) in enumerate(zip(series.x, series.y, strict=True))
    ]


def _at(values: Sequence[float], index: int) -> str:
    return repr(values[index]) if values else ""
