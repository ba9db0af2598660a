"""How accuracy holds up: along a video, against its length, on short and on long videos."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vosbench.report.cells import Cell
from vosbench.report.plots_data import Axis, NothingToDrawError, Panel, Plot, Series
from vosbench.report.plots_entries import Entry, Group, headline, score_name, set_apart, split_far
from vosbench.report.plots_footers import footers, without_accuracy
from vosbench.report.plots_frames import nice_width, series_of
from vosbench.report.plots_styles import GUIDE, Style

WINDOWS = 20
"""About how many windows a quality course has; a window is never shorter than the distance of scored frames."""

DIAGONAL = Style(colour=GUIDE, marker="o", dashes=(3, 2), thin=True)

NO_SCORE = "'vosbench score RUN' says why a row has no score; random weights and suites without truth have none"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Scored:
    """J&F of one cell: (frames,) the frames' places in the video, counted from 1, and each one's mean over objects."""

    entry: Entry
    video: str
    length: int
    frames: NDArray[np.float64]
    values: NDArray[np.float64]


def quality_time(entries: Sequence[Entry]) -> Plot:
    """Gives back J&F along the video: the mean over objects and scored frames in windows that do not overlap."""
    trained, outside = split_far(
        [e for e in entries if e.score is not None], lambda entry: entry.score, least=0.2, unit="%"
    )
    scored = [one for entry in trained for cell in entry.cells if (one := _scored(entry, cell)) is not None]
    if not scored:
        if trained and all(entry.cells[0].record.spec.suite.task == "vis" for entry in trained):
            raise NothingToDrawError(
                "AP ranks the answers of all videos together, so no frame has one of its own",
                fix="choose another kind, as quality-knob or pareto",
            )
        raise NothingToDrawError("no cell of this run has scores frame by frame", fix=NO_SCORE)
    width = _window(scored)
    groups = set_apart([entry for entry in trained if any(one.entry is entry for one in scored)])
    panels = tuple(
        Panel(
            title=group.title,
            x=Axis(key="frame", title="Frame", low=0, high=max(one.length for one in scored)),
            y=Axis(key="jf", title="J&F (%)", low=0, high=100, narrowest=2.0),
            series=tuple(
                _course(entry, [one for one in scored if one.entry is entry], width) for entry in group.entries
            ),
        )
        for group in groups
    )
    notes = [f"Each point: mean over objects and scored frames in a window of {width} frames; windows do not overlap."]
    if len({(one.entry.row.suite_title, one.video) for one in scored}) > len(groups):
        notes.append("Mean over videos, up to the frame that all of them reach.")
    return Plot(
        name="quality-time",
        kind="quality-time",
        panels=panels,
        footers=footers(groups, ("accuracy",), [*notes, *outside, *without_accuracy(entries)]),
    )


def quality_length(entries: Sequence[Entry]) -> Plot:
    """Gives back the score against how often the videos were played, with the least-squares line of each method."""
    scored, outside = split_far(
        [e for e in entries if e.score is not None], lambda entry: entry.score, least=0.1, unit="%"
    )
    groups = [group for group in set_apart(scored, _base_suite) if len({_times(entry) for entry in group.entries}) > 1]
    if not groups:
        raise NothingToDrawError(
            "no suite of this run was scored at more than one length",
            fix="run several, as --suite long-time,long-time@3x,long-time@5x --out RUN; " + NO_SCORE,
        )
    lengths = sorted({_times(entry) for group in groups for entry in group.entries})
    panels = tuple(
        Panel(
            title=group.title,
            x=Axis(key="times", title="Length of the video", ticks=tuple(map(float, lengths)), suffix="x"),
            y=Axis(key="score", title=f"{score_name(group.entries)} (%)", low=0, high=100, narrowest=2.0),
            series=tuple(series for members in _methods(group.entries) for series in _fitted(members, entries)),
        )
        for group in groups
    )
    kept = [entry for entry in entries if _base_suite(entry) in {group.suite for group in groups}]
    fit = "Lines: least squares over the lengths, from three on; the figure beside a method is its change per 1x."
    return Plot(
        name="quality-length",
        kind="quality-length",
        panels=panels,
        footers=footers(groups, ("accuracy",), [fit, *outside, *without_accuracy(kept)]),
    )


def short_long(entries: Sequence[Entry], suites: tuple[str, ...]) -> Plot:
    """Gives back the score on long videos against that on short ones, with the line on which both are equal.

    ``suites`` are the short one and the long one; where none is named a run's two suites stand in the order of their
    videos' mean length.
    """
    scored, outside = split_far(
        [e for e in entries if e.score is not None], lambda entry: entry.score, least=0.1, unit="%"
    )
    short, long = _short_and_long(scored, suites)
    groups = set_apart([entry for entry in scored if entry.row.suite in (short, long)], lambda _: "")
    panels = tuple(panel for group in groups for panel in _short_long_panel(group, short, long))
    if not panels:
        raise NothingToDrawError(f"no method has a score on both {short} and {long}", fix=NO_SCORE)
    notes = ["Dashed: equal on both.", *_bars(panels), *outside]
    kept = [entry for entry in entries if entry.row.suite in (short, long)]
    return Plot(
        name="short-long",
        kind="short-long",
        panels=panels,
        footers=footers(groups, ("accuracy",), [*notes, *without_accuracy(kept)]),
    )


def _scored(entry: Entry, cell: Cell) -> _Scored | None:
    series = series_of(cell)
    if cell.score is None or series is None or not cell.score.objects:
        return None
    place = {name: number for number, name in enumerate(series.names, start=1)}
    values: dict[int, list[float]] = {}
    for scored in cell.score.objects:
        for name, j, f in zip(cell.score.frames_of(scored), scored.j, scored.f, strict=True):
            if name in place:
                values.setdefault(place[name], []).append(50.0 * float(j + f))
    frames = sorted(values)
    return _Scored(
        entry=entry,
        video=cell.record.spec.video,
        length=len(series.names),
        frames=np.array(frames, np.float64),
        values=np.array([np.mean(values[frame]) for frame in frames]),
    )


def _window(scored: list[_Scored]) -> int:
    """A window's frames: each is to hold a scored one."""
    apart = max(float(np.diff(one.frames).max()) if one.frames.size > 1 else one.length for one in scored)
    return nice_width(max(apart, max(one.length for one in scored) / WINDOWS))


def _course(entry: Entry, scored: list[_Scored], width: int) -> Series:
    whole = max(min(one.length for one in scored) // width, 1)
    means = [
        [one.values[(one.frames > part * width) & (one.frames <= (part + 1) * width)] for one in scored]
        for part in range(whole)
    ]
    known = [(part, np.concatenate(values)) for part, values in enumerate(means) if all(v.size for v in values)]
    return Series(
        label=entry.label,
        form="course",
        style=entry.style,
        x=tuple(part * width + (width + 1) / 2 for part, _ in known),
        y=tuple(float(values.mean()) for _, values in known),
    )


def _times(entry: Entry) -> int:
    return entry.cells[0].record.spec.suite.times


def _base_suite(entry: Entry) -> str:
    """The suite's title without how often it was played."""
    return entry.row.suite_title.replace(f" ({_times(entry)}x)", "")


def _methods(entries: Sequence[Entry]) -> list[list[Entry]]:
    """The entries of each method, by length."""
    methods: dict[tuple[str, ...], list[Entry]] = {}
    for entry in entries:
        methods.setdefault(entry.identity, []).append(entry)
    return [sorted(members, key=_times) for members in methods.values()]


def _fitted(members: list[Entry], every: Sequence[Entry]) -> list[Series]:
    """A method's points, and its line: fitted from three lengths on, else from point to point."""
    first = members[0]
    x = np.array([_times(entry) for entry in members], np.float64)
    y = np.array([entry.score for entry in members], np.float64)
    values = (tuple(x.tolist()), tuple(y.tolist()))
    broken = _broken(first, every)
    if len(members) < 3:
        return [Series(label=first.label + broken, form="curve", style=first.style, x=values[0], y=values[1])]
    slope, start = (float(value) for value in np.polyfit(x, y, 1))
    ends = (float(x[0]), float(x[-1]))
    line = tuple(start + slope * end for end in ends)
    change = f"{slope:+.2f}".replace("-", "\N{MINUS SIGN}")
    return [
        Series(label="", form="points", style=first.style, x=values[0], y=values[1]),
        Series(label=f"{first.label} ({change}){broken}", form="fit", style=first.style, x=ends, y=line),
    ]


def _broken(entry: Entry, every: Sequence[Entry]) -> str:
    """The lengths that a method did not get through."""
    failed = sorted(
        _times(other)
        for other in every
        if other.score is None and other.row.trouble and other.identity == entry.identity
        and _base_suite(other) == _base_suite(entry)
    )  # fmt: skip
    oom = all(
        o.cells[0].record.outcome.status == "oom" for o in every if o.identity == entry.identity and o.score is None
    )
    words = "out of memory" if oom else "failed"
    return f", {words} at {failed[0]}x" if failed else ""


def _short_and_long(scored: list[Entry], suites: tuple[str, ...]) -> tuple[str, str]:
    known = {entry.row.suite: entry for entry in scored}
    if len(suites) == 2:
        by_title = {entry.row.suite_title: entry.row.suite for entry in scored} | {name: name for name in known}
        if all(suite in by_title for suite in suites):
            return by_title[suites[0]], by_title[suites[1]]
    elif not suites and len(known) == 2:
        ordered = sorted(known, key=lambda name: _mean_frames([entry for entry in scored if entry.row.suite == name]))
        return ordered[0], ordered[1]
    raise NothingToDrawError(
        "a short suite and a long one are needed, both with scores",
        where=f"this run has scores on {', '.join(known) or 'no suite'}",
        fix="name two of a run's suites, the short one first: --suite davis2017,long-time; " + NO_SCORE,
    )


def _mean_frames(entries: list[Entry]) -> float:
    return float(np.mean([cell.record.frames for entry in entries for cell in entry.cells]))


def _short_long_panel(group: Group, short: str, long: str) -> list[Panel]:
    pairs = [
        (by_suite[short], by_suite[long])
        for members in _methods(group.entries)
        if len(by_suite := {entry.row.suite: entry for entry in members}) == 2
    ]
    if not pairs:
        return []
    points = [_pair(*pair) for pair in pairs]
    both = [value for point in points for value in (*point.x, *point.y)]
    diagonal = (min(both), max(both))
    guide = Series(label="1:1", form="diagonal", style=DIAGONAL, x=diagonal, y=diagonal)
    names = [score_name([pair[place] for pair in pairs]) for place in (0, 1)]
    titles = [f"{name} (%) on {pairs[0][place].row.suite_title}" for place, name in enumerate(names)]
    return [
        Panel(
            title=group.apart,
            x=Axis(key=f"score {short}", title=titles[0], low=0, high=100, narrowest=2.0),
            y=Axis(key=f"score {long}", title=titles[1], low=0, high=100, narrowest=2.0),
            series=(guide, *points),
        )
    ]


def _pair(short: Entry, long: Entry) -> Series:
    """A method's point; bars of one standard deviation where repeats differ."""
    (x, x_bar), (y, y_bar) = _spread(short), _spread(long)
    return Series(
        label=short.label,
        form="points",
        style=short.style,
        x=(x,),
        y=(y,),
        x_low=(x - x_bar,) if x_bar else (),
        x_high=(x + x_bar,) if x_bar else (),
        y_low=(y - y_bar,) if y_bar else (),
        y_high=(y + y_bar,) if y_bar else (),
    )


def _spread(entry: Entry) -> tuple[float, float]:
    """The mean over repeats and its standard deviation, 0 where there is one repeat or all are alike."""
    values = entry.repeats(headline)
    return float(np.mean(values)), float(np.std(values, ddof=1)) if len(values) > 1 else 0.0


def _bars(panels: Sequence[Panel]) -> list[str]:
    drawn = any(series.x_low or series.y_low for panel in panels for series in panel.series)
    return ["Bars: one standard deviation over the repeats and insertion offsets."] * drawn
