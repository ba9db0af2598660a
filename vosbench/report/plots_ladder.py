"""Accuracy, speed and memory against the one variable of a ladder suite."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from vosbench.report.plots_data import Axis, NothingToDrawError, Panel, Plot, Series, scale_of
from vosbench.report.plots_entries import Entry, Group, headline, score_name, set_apart
from vosbench.report.plots_footers import Shown, footers, without_accuracy
from vosbench.report.rows import MethodRow

TITLES: Mapping[str, str] = {
    "length": "Length of the video (frames)",
    "objects": "Objects",
    "distractors": "Distractors",
    "cuts": "Cuts",
    "occlusion": "Share of time that an object is hidden",
    "speed": "Speed of the objects (multiple)",
    "size": "Diameter of the objects (share of the frame)",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Measure:
    """One panel's y axis."""

    key: str
    title: str
    value: Callable[[MethodRow], float | None]
    shown: Shown


MEASURES = (
    _Measure(key="score", title="", value=headline, shown="accuracy"),
    _Measure(
        key="frames_per_second", title="Frames per second", value=lambda row: row.frames_per_second, shown="speed"
    ),
    _Measure(key="peak_mib", title="Peak memory (MiB)", value=lambda row: row.peak_mib, shown="memory"),
)


def ladder(entries: Sequence[Entry]) -> Plot:
    """Gives back a panel each of accuracy, speed and memory against the variable of every ladder suite of a run."""
    rungs = [entry for entry in entries if entry.cells[0].record.spec.suite.vary]
    if not rungs:
        raise NothingToDrawError("this run has no ladder suite", fix="run one, as --suite ladder-objects")
    groups = set_apart(rungs)
    pairs = [(panel, measure) for group in groups for measure in MEASURES for panel in _panel(group, measure)]
    if not pairs:
        raise NothingToDrawError(
            "no rung of the ladder went through", fix="see how its cells ended: vosbench table RUN"
        )
    shown = tuple(dict.fromkeys(measure.shown for _, measure in pairs))
    return Plot(
        name="ladder",
        kind="ladder",
        panels=tuple(panel for panel, _ in pairs),
        footers=footers(groups, shown, list(dict.fromkeys(without_accuracy(rungs)))),
    )


def _panel(group: Group, measure: _Measure) -> list[Panel]:
    methods: dict[tuple[str, ...], list[Entry]] = {}
    for entry in sorted(group.entries, key=_value):
        if measure.value(entry.row) is not None and entry.row.videos:
            methods.setdefault(entry.identity, []).append(entry)
    if not methods:
        return []
    rungs = tuple(sorted({_value(entry) for entry in group.entries}))
    values = [
        value for members in methods.values() for entry in members if (value := measure.value(entry.row)) is not None
    ]
    scored = measure.shown == "accuracy"
    x_title = TITLES.get(variable := group.entries[0].cells[0].record.spec.suite.vary, variable)
    return [
        Panel(
            title=group.title,
            x=Axis(key=variable, title=x_title, scale=scale_of(rungs), ticks=rungs),
            y=Axis(
                key=measure.key,
                title=f"{score_name(group.entries)} (%)" if scored else measure.title,
                scale="linear" if scored else scale_of(values),
                low=0,
                high=100 if scored else None,
                narrowest=2.0 if scored else 0.05 * max(values),
            ),
            series=tuple(_curve(members, measure) for members in methods.values()),
        )
    ]


def _curve(members: list[Entry], measure: _Measure) -> Series:
    points = [(_value(entry), value) for entry in members if (value := measure.value(entry.row)) is not None]
    return Series(
        label=members[0].label,
        form="curve",
        style=members[0].style,
        x=tuple(x for x, _ in points),
        y=tuple(y for _, y in points),
    )


def _value(entry: Entry) -> float:
    """The value of the ladder's variable: a ladder's videos are named ``VARIABLE-VALUE``."""
    spec = entry.cells[0].record.spec
    value = float(spec.video.removeprefix(f"{spec.suite.vary}-"))
    return min(value, spec.max_frames) if spec.suite.vary == "length" and spec.max_frames is not None else value
