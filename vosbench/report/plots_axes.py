"""Draws a panel's axes and series with matplotlib; the labels come after, when it is known where everything is."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from vosbench.report.plots_data import Axis, Panel, Series
from vosbench.report.plots_styles import GUIDE, Style, ink
from vosbench.report.plots_text import text_width, wrap

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis as DrawnAxis

TEXT = 7.0
TICKS = 6.2
LINE_TEXT = 5.5
HALO = "#ffffff"
"""Sizes in points."""


def draw_panel(axes: Axes, panel: Panel) -> None:
    """Draw the series of a panel, set its scales, limits, ticks and titles."""
    axes.set_xscale(panel.x.scale)
    axes.set_yscale(panel.y.scale)
    _draw_banks(axes, [series for series in panel.series if series.form == "bank"])
    others = [series for series in panel.series if series.form != "bank"]
    for number, series in enumerate(sorted(others, key=lambda series: not series.style.thin)):
        _draw_series(axes, series, number, len(others))
    _set_limits(axes, panel)
    _draw_front(axes, panel)
    _draw_lines(axes, panel)
    _set_ticks(axes.xaxis, panel.x)
    _set_ticks(axes.yaxis, panel.y)
    axes.grid(visible=True, which="major", color="#e6e6e6", linewidth=0.5)
    axes.set_axisbelow(True)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    for side in ("left", "bottom"):
        axes.spines[side].set(linewidth=0.6, color="#444444")
    axes.tick_params(which="both", length=2.2, width=0.5, labelsize=TICKS, color="#444444", pad=1.8)
    axes.tick_params(which="minor", length=1.2)


def set_titles(axes: Axes, panel: Panel, width: float, *, title: bool = True, x_title: bool = True) -> int:
    """Write the titles, broken to ``width`` points; gives back how many lines the panel's title has.

    A panel that shares its own title or that of its x axis with a neighbour goes without.
    """
    below = wrap(panel.x.title, TEXT, width) if x_title else []
    axes.set_xlabel("\n".join(below), fontsize=TEXT, labelpad=2, parse_math=False)
    axes.set_ylabel(panel.y.title, fontsize=TEXT, labelpad=2.5, parse_math=False)
    lines = wrap(panel.title, TEXT, width) if panel.title and title else []
    colour = ink(panel.series[0].style.colour) if panel.series[0].form == "bank" else "#000000"
    axes.set_title("\n".join(lines), fontsize=TEXT, loc="left", pad=4, parse_math=False, linespacing=1.15, color=colour)
    return len(lines)


def marker_size(style: Style, size: float) -> float:
    """Gives back ``size`` so that all markers look equally large, those of self-checks smaller."""
    return (
        size
        * {"P": 1.25, "^": 1.12, "v": 1.12, "<": 1.12, ">": 1.12, "p": 1.12, "D": 0.88, "s": 0.92}.get(
            style.marker, 1.0
        )
        * (0.75 if style.thin else 1.0)
    )


def stacked(panel: Panel) -> Iterator[tuple[Series, list[float], list[float]]]:
    """Yields each bank of a panel with its lower and upper edge."""
    below: list[float] = []
    for series in panel.series:
        if series.form != "bank":
            continue
        length = max(len(below), len(series.y))
        floor = below + [0.0] * (length - len(below))
        top = [a + b for a, b in zip(floor, [*series.y, *[0.0] * (length - len(series.y))], strict=True)]
        yield series, floor, top
        below = top


def _draw_series(axes: Axes, series: Series, number: int, count: int) -> None:
    style = series.style
    width = 0.7 if style.thin else 1.25
    if series.form == "front":
        return
    if series.form == "diagonal":
        axes.plot(series.x, series.y, color=style.colour, linewidth=0.7, dashes=style.dashes, zorder=1.5)
        return
    if series.x_low or series.y_low:
        _draw_bars(axes, series)
    line = series.form in ("curve", "course", "fit")
    marked = series.form in ("points", "curve") or (series.form == "course" and not style.thin)
    axes.plot(
        series.x,
        series.y,
        color=style.colour,
        linewidth=width if line else 0,
        dashes=style.dashes or (None, None),
        marker=style.marker if marked else "",
        markersize=marker_size(style, 4.6 if series.form == "points" else 3.5),
        markerfacecolor=HALO if series.hollow else style.colour,
        markeredgecolor=style.colour if series.hollow else HALO,
        markeredgewidth=0.9 if series.hollow else 0.4,
        markevery=_marks(len(series.x), number, count) if series.form == "course" else None,
        solid_capstyle="round",
        zorder=2 if style.thin else 3,
        clip_on=series.form == "course",
    )
    if series.end and series.x:
        mark, size = ("x", 5.5) if series.end == "oom" else ("|", 6.5)
        last = (series.x[-1:], series.y[-1:])
        axes.plot(
            *last,
            marker=mark,
            markersize=size,
            markeredgewidth=1.6,
            color=ink(style.colour),
            linewidth=0,
            zorder=5,
            clip_on=False,
        )


def _draw_bars(axes: Axes, series: Series) -> None:
    x, y = series.x[0], series.y[0]
    x_bar = [[x - series.x_low[0]], [series.x_high[0] - x]] if series.x_low else None
    y_bar = [[y - series.y_low[0]], [series.y_high[0] - y]] if series.y_low else None
    axes.errorbar([x], [y], xerr=x_bar, yerr=y_bar, ecolor=series.style.colour, elinewidth=0.8, capsize=1.6, fmt="none")


def _draw_front(axes: Axes, panel: Panel) -> None:
    """Draw the steps of a front from the bottom of the axes to their right end; the limits must stand."""
    for series in panel.series:
        if series.form == "front":
            x, y = zip(*front_corners(axes, series), strict=True)
            axes.plot(x, y, color=series.style.colour, linewidth=0.7, dashes=series.style.dashes, zorder=1.5)


def front_corners(axes: Axes, series: Series) -> list[tuple[float, float]]:
    """Gives back the corners of a front's steps, x and y, from the bottom of the axes to their right end."""
    bottom, right = axes.get_ylim()[0], axes.get_xlim()[1]
    ends = [*series.x[1:], right]
    steps = [corner for x, end, y in zip(series.x, ends, series.y, strict=True) for corner in ((x, y), (end, y))]
    return [(series.x[0], bottom), *steps]


def _draw_lines(axes: Axes, panel: Panel) -> None:
    """Draw the lines at which a value is reached, with their names inside the axes; the limits must stand."""
    dotted: dict[str, Any] = {"color": GUIDE, "linewidth": 0.7, "dashes": (1, 2), "zorder": 1.5}
    written: dict[str, Any] = {"fontsize": LINE_TEXT, "color": GUIDE, "parse_math": False, "zorder": 1.6}
    if panel.x.line is not None:
        axes.axvline(panel.x.line, **dotted)
        place = axes.get_xaxis_transform()
        axes.text(panel.x.line, 0.02, f" {panel.x.line_name}", transform=place, ha="left", va="bottom", **written)
    if panel.y.line is not None:
        axes.axhline(panel.y.line, **dotted)
        place = axes.get_yaxis_transform()
        axes.text(0.99, panel.y.line, panel.y.line_name, transform=place, ha="right", va="bottom", **written)


def _draw_banks(axes: Axes, banks: Sequence[Series]) -> None:
    panel = Panel(title="", x=Axis(key="", title=""), y=Axis(key="", title=""), series=tuple(banks))
    for series, floor, top in stacked(panel):
        frames = range(1, len(top) + 1)
        axes.fill_between(frames, floor, top, facecolor=series.style.colour, edgecolor=HALO, linewidth=0.3)
        if series.end:
            mark = "x" if series.end == "oom" else "|"
            axes.plot(
                len(top), top[-1], marker=mark, markersize=5.5, markeredgewidth=1.6, color="#000000", clip_on=False
            )


def _marks(points: int, number: int, count: int) -> tuple[int, int]:
    """Five markers along a course, at other frames than those of the other courses."""
    step = max(points // 5, 1)
    return (step * (number + 1) // (count + 1), step)


def _set_limits(axes: Axes, panel: Panel) -> None:
    tops = [value for _, _, top in stacked(panel) for value in top]
    drawn = [series for series in panel.series if series.form != "bank"]
    x = [value for series in panel.series for value in (*series.x, *series.x_low, *series.x_high)]
    y = [value for series in drawn for value in (*series.y, *series.y_low, *series.y_high)] + tops
    x += [panel.x.line] if panel.x.line is not None else []
    y += [panel.y.line] if panel.y.line is not None else []
    x_span, y_span = _span(panel.x, x), _span(panel.y, y, stack=bool(tops))
    if any(series.form == "diagonal" for series in panel.series):
        x_span = y_span = (min(x_span[0], y_span[0]), max(x_span[1], y_span[1]))
    courses = any(series.form in ("course", "bank") for series in panel.series)
    axes.set_xlim(*((0.0, max(panel.x.high or 0.0, *x)) if courses else x_span))
    axes.set_ylim(*y_span)


def _span(axis: Axis, values: list[float], *, stack: bool = False) -> tuple[float, float]:
    """The limits of an axis: its values with some room, within what they can be by their nature."""
    low, high = min(values), max(values)
    if axis.scale == "log":
        room = (high / low) ** 0.08 if high > low else 1.5
        return (axis.low or low / room, high * room)
    missing = max(axis.narrowest - (high - low), 0.0) / 2
    room = 0.08 * max(high - low, axis.narrowest) or 0.5
    low, high = low - missing - room, high + missing + room
    if stack:
        return 0.0, high or 1.0
    if axis.low is not None:
        low = max(low, axis.low) if axis.high is not None or axis.narrowest else axis.low
    return low, min(high, axis.high + 1.0) if axis.high is not None else high


def _set_ticks(drawn: DrawnAxis, axis: Axis) -> None:
    from matplotlib.ticker import FixedLocator, FuncFormatter, LogLocator, MaxNLocator, NullFormatter, NullLocator

    named = _with_room(drawn, axis) if axis.ticks and drawn is drawn.axes.xaxis else axis.ticks
    crowded = set(axis.ticks) - set(named)
    written = FuncFormatter(lambda value, _place: "" if value in crowded else _written(value) + axis.suffix)
    if axis.ticks:
        drawn.set_major_locator(FixedLocator(list(axis.ticks)))
        drawn.set_minor_locator(NullLocator())
    elif axis.scale == "log":
        low, high = drawn.get_view_interval()
        few = high / low < 300
        drawn.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0) if few else (1.0,)))
        drawn.set_minor_locator(LogLocator(subs=tuple(range(1, 10))))
    else:
        drawn.set_major_locator(MaxNLocator(nbins=5, steps=[1, 2, 2.5, 5, 10]))
    drawn.set_major_formatter(written)
    drawn.set_minor_formatter(NullFormatter())


def _with_room(drawn: DrawnAxis, axis: Axis) -> tuple[float, ...]:
    """The ticks whose figures do not run into each other: the last one's always, the others' from the left."""
    pixels = drawn.axes.transData.transform([(value, drawn.axes.get_ylim()[0]) for value in axis.ticks])[:, 0]
    points = [float(pixel) * 72 / drawn.axes.figure.dpi for pixel in pixels]
    halves = [text_width(_written(value) + axis.suffix, TICKS) / 2 + 1 for value in axis.ticks]
    last = len(points) - 1
    kept: list[int] = []
    for place in range(last):
        beside = [*kept[-1:], last]
        if all(abs(points[place] - points[other]) >= halves[place] + halves[other] for other in beside):
            kept.append(place)
    return tuple(axis.ticks[place] for place in [*kept, last])


def _written(value: float) -> str:
    text = f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.6g}"
    return text.replace("-", "\N{MINUS SIGN}")
