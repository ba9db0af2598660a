"""What happens along a video: memory, speed and banks, frame by frame."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from numpy.typing import NDArray

from vosbench.records import Outcome
from vosbench.report.cells import Cell
from vosbench.report.measures import MIB
from vosbench.report.plots_data import PACE_MS, Axis, NothingToDrawError, Panel, Plot, Series
from vosbench.report.plots_entries import Entry, Group, on_one_core, set_apart, split_far
from vosbench.report.plots_footers import footers
from vosbench.report.plots_styles import blend
from vosbench.store.frames import FrameSeries, read_frames
from vosbench.store.run import FRAMES_FILE

Values = NDArray[np.float64]

WINDOWS = 40
"""About how many windows a speed course has."""

LOG_FROM = 100.0
"""Memory courses begin near zero; their axis is logarithmic where the largest end is this many times the smallest."""

METERS = {
    "allocated": "bytes that torch's CUDA allocator gave out",
    "live": "live bytes of the process's allocator",
    "resident": "the process's resident set",
}

ENDS = {"oom": "out of memory", "timeout": "timed out", "killed": "killed", "error": "failed", "skipped": "skipped"}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Course:
    """A value after each frame, (frames,), the mean over ``cells`` up to the frame that all of them reach.

    ``outcome`` says how it broke off, None where it went through.
    """

    entry: Entry
    values: Values
    cells: tuple[Cell, ...]
    outcome: Outcome | None

    @property
    def label(self) -> str:
        """The entry's label, with how it ended."""
        if self.outcome is None:
            return self.entry.label
        return f"{self.entry.label}: {ENDS[self.outcome.status]} at frame {self.outcome.frame}"

    def series(self, x: Values, y: Values) -> Series:
        """Gives back the course as a series of these points."""
        end = self.outcome.status if self.outcome is not None else ""
        return Series(
            label=self.label,
            form="course",
            style=self.entry.style,
            x=tuple(x.tolist()),
            y=tuple(y.tolist()),
            end="oom" if end == "oom" else "broken" if end else "",
        )


def memory_frames(entries: Sequence[Entry]) -> Plot:
    """Gives back memory above the level before the first frame, in MiB, frame by frame."""
    groups, courses = _courses(entries, _memory_above)
    panels, below = zip(*map(_memory_panel, groups, courses), strict=True)
    kinds = {cell.record.memory.series for e in entries for cell in e.cells if cell.record.memory is not None}
    notes = [f"Memory: {' or '.join(sorted(METERS[kind] for kind in kinds))}, after each frame less before the first."]
    hidden = list(dict.fromkeys(label for labels in below for label in labels))
    notes += [f"Below the axis: {', '.join(hidden)}."] * bool(hidden)
    return Plot(
        name="memory-frames",
        kind="memory-frames",
        panels=panels,
        footers=footers(groups, (), [*notes, *_averaged(courses)]),
    )


def _memory_panel(group: Group, courses: list[Course]) -> tuple[Panel, list[str]]:
    """The panel, and the labels of the courses that a logarithmic axis cannot show."""
    ranked = [course.values for course in courses if not course.entry.row.self_check]
    axis = _memory_axis(ranked or [course.values for course in courses])
    shown = [c for c in courses if axis.scale == "linear" or axis.low is None or float(c.values.max()) > axis.low]
    panel = Panel(
        title=group.title,
        x=_frames_axis(),
        y=axis,
        series=tuple(course.series(np.arange(1.0, course.values.size + 1), course.values) for course in shown),
    )
    return panel, [course.label for course in courses if course not in shown]


def fps_frames(entries: Sequence[Entry]) -> Plot:
    """Gives back frames per second along the video: frames over the sum of seconds in windows that do not overlap."""
    entries, outside = split_far(entries, lambda entry: entry.row.frames_per_second, least=1.0, unit="FPS")
    groups, courses = _courses(entries, _seconds)
    longest = max(course.values.size for members in courses for course in members)
    width = nice_width(longest / WINDOWS)
    panels = tuple(
        Panel(
            title=group.title,
            x=_frames_axis(longest),
            y=_speed_axis(members, width, paced=on_one_core(group)),
            series=tuple(course.series(*_rates(course.values, width)) for course in members),
        )
        for group, members in zip(groups, courses, strict=True)
    )
    window = f"{width} frames" if width > 1 else "1 frame"
    notes = [f"Each point: frames over the sum of seconds in a window of {window}; windows do not overlap."]
    return Plot(
        name="fps-frames",
        kind="fps-frames",
        panels=panels,
        footers=footers(groups, ("speed",), [*notes, *_averaged(courses), *outside]),
    )


def footprint(entries: Sequence[Entry]) -> Plot:
    """Gives back the bytes of each method's banks, one on the other, in MiB: a panel per method."""
    reporting = [entry for entry in entries if any(_banks(cell) for cell in entry.cells)]
    if not reporting:
        raise NothingToDrawError(
            "no method of this run reports its banks", fix="give the adapter's session a footprint(), then run it again"
        )
    groups = set_apart(reporting)
    frames = max(cell.record.frames for entry in reporting for cell in entry.cells)
    where = [[group.title] * (len(groups) > 1) for group in groups]
    panels = tuple(
        panel
        for group, words in zip(groups, where, strict=True)
        for entry in group.entries
        for panel in _bank_panel(entry, words, frames)
    )
    silent = [entry.label for entry in entries if entry not in reporting]
    notes = ["Each panel has a scale of its own."] * (len(panels) > 1)
    notes += [f"Not drawn: {', '.join(silent)} (reports no banks)."] * bool(silent)
    courses = [_course(entry, _seconds) for entry in reporting]
    notes += _averaged([[course for course in courses if course is not None]])
    return Plot(name="footprint", kind="footprint", panels=panels, footers=footers(groups, ("footprint",), notes))


def nice_width(frames: float) -> int:
    """Gives back the least of 1, 2, 5, 10, 20, 25, 50, 100, ... that is not below ``frames``."""
    power = 1
    while True:
        for step in (1, 2, 5) if power < 10 else (1, 2, 2.5, 5):
            if step * power >= frames:
                return int(step * power)
        power *= 10


def series_of(cell: Cell) -> FrameSeries | None:
    """Gives back a cell's frames, None where its process died and left none."""
    path = cell.folder / FRAMES_FILE
    return read_frames(path) if path.is_file() else None


def _courses(
    entries: Sequence[Entry], value: Callable[[Cell], Values | None]
) -> tuple[list[Group], list[list[Course]]]:
    """The groups that have something to draw, and each one's courses."""
    pairs = [
        (group, [course for entry in group.entries if (course := _course(entry, value)) is not None])
        for group in set_apart(entries)
    ]
    drawn = [(group, courses) for group, courses in pairs if courses]
    if not drawn:
        raise NothingToDrawError(
            "no cell of this run has a frame with that measurement", fix="see how its cells ended: vosbench table RUN"
        )
    return [group for group, _ in drawn], [courses for _, courses in drawn]


def _course(entry: Entry, value: Callable[[Cell], Values | None]) -> Course | None:
    pairs = [(cell, values) for cell in entry.cells if (values := value(cell)) is not None and values.size]
    if not pairs:
        return None
    shortest = min(values.size for _, values in pairs)
    ended = [cell for cell, values in pairs if values.size == shortest and cell.record.outcome.status != "ok"]
    mean = np.mean([values[:shortest] for _, values in pairs], axis=0)
    outcome = ended[0].record.outcome if ended else None
    return Course(entry=entry, values=mean, cells=tuple(cell for cell, _ in pairs), outcome=outcome)


def _memory_above(cell: Cell) -> Values | None:
    memory, series = cell.record.memory, series_of(cell)
    if memory is None or memory.before_open is None or series is None:
        return None
    values = series.columns.get(memory.series)
    return (values - memory.before_open) / MIB if values is not None and np.isfinite(values).all() else None


def _seconds(cell: Cell) -> Values | None:
    """Those of the frames that were timed: in real time some are dropped."""
    series = series_of(cell)
    seconds = series.columns.get("seconds") if series is not None else None
    return seconds[np.isfinite(seconds)] if seconds is not None else None


def _banks(cell: Cell) -> dict[str, Values]:
    series = series_of(cell)
    return series.banks() if series is not None else {}


def _bank(name: str, cell: Cell) -> Values | None:
    """A bank that is not there yet, or no longer, holds nothing."""
    values = _banks(cell).get(name)
    return np.nan_to_num(values) / MIB if values is not None else None


def _bank_panel(entry: Entry, where: list[str], frames: int) -> list[Panel]:
    names = list(dict.fromkeys(name for cell in entry.cells for name in _banks(cell)))
    courses = [(name, course) for name in names if (course := _course(entry, partial(_bank, name))) is not None]
    if not courses:
        return []
    outcome = next((course for _, course in courses if course.outcome is not None), None)
    title = outcome.label if outcome is not None else entry.label
    return [
        Panel(
            title="\n".join([title, *where]),
            x=_frames_axis(frames),
            y=Axis(key="bank_mib", title="Banks (MiB)", low=0),
            series=tuple(_layer(name, number, len(courses), course) for number, (name, course) in enumerate(courses)),
        )
    ]


def _layer(name: str, number: int, count: int, course: Course) -> Series:
    base = course.series(np.arange(1.0, course.values.size + 1), course.values)
    return replace(
        base,
        label=name,
        form="bank",
        style=replace(
            base.style, colour=_shade(base.style.colour, number / (count - 1) if count > 1 else 0.5), dashes=()
        ),
        end=base.end if number == count - 1 else "",
    )


def _shade(colour: str, share: float) -> str:
    """From dark to pale, through the colour itself."""
    dark, pale = blend(colour, "#000000", 0.3), blend(colour, "#ffffff", 0.62)
    return blend(dark, colour, 2 * share) if share < 0.5 else blend(colour, pale, 2 * share - 1)


def _frames_axis(frames: int = 0) -> Axis:
    return Axis(key="frame", title="Frame", low=0, high=frames or None)


def _memory_axis(courses: list[Values]) -> Axis:
    ends = [float(values.max()) for values in courses]
    positive = [end for end in ends if end > 0.01]
    title = "Memory above the start (MiB)"
    if len(positive) > 1 and max(positive) > LOG_FROM * min(positive):
        return Axis(key="memory_above_start_mib", title=title, scale="log", low=min(positive) / 3)
    return Axis(
        key="memory_above_start_mib", title=title, low=min(0.0, *(float(v.min()) for v in courses)), narrowest=1.0
    )


def _speed_axis(courses: list[Course], width: int, *, paced: bool) -> Axis:
    rates = [_rates(course.values, width)[1] for course in courses]
    wide = max(float(r.max()) for r in rates) >= 10 * min(float(r.min()) for r in rates)
    return Axis(
        key="frames_per_second",
        title="Frames per second",
        scale="log" if wide else "linear",
        low=None if wide else 0,
        line=1e3 / PACE_MS if paced else None,
        line_name=f"{PACE_MS:g} ms",
    )


def _rates(seconds: Values, width: int) -> tuple[Values, Values]:
    """The middle of each window and its frames per second; a last part of a window is left out, unless it is all."""
    whole = max(seconds.size // width, 1)
    parts = [seconds[part * width : (part + 1) * width] for part in range(whole)]
    middles = np.array([part * width + (parts[part].size + 1) / 2 for part in range(whole)], np.float64)
    return middles, np.array([part.size / part.sum() for part in parts])


def _averaged(courses: Iterable[Sequence[Course]]) -> list[str]:
    """Says over what the courses are means, where they are."""
    every = [course for members in courses for course in members]
    videos = {len({cell.record.spec.video for cell in course.cells}) for course in every}
    repeats = {1 + max(cell.record.spec.repeat for cell in course.cells) for course in every}
    offsets = {len({cell.record.spec.offset for cell in course.cells}) for course in every}
    counts = {"videos": videos, "repeats": repeats, "insertion offsets": offsets}
    over = [f"{_span(found)} {what}" for what, found in counts.items() if max(found) > 1]
    return [f"Mean over {' and '.join(over)}, up to the frame that all of them reach."] if over else []


def _span(counts: set[int]) -> str:
    return f"{min(counts)}" if len(counts) == 1 else f"{min(counts)} to {max(counts)}"
