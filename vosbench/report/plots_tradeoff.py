"""What accuracy costs: points and curves of accuracy against memory, time or size."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from vosbench.report.plots_data import PACE_MS, Axis, NothingToDrawError, Panel, Plot, Series, scale_of
from vosbench.report.plots_entries import (
    Entry,
    Group,
    is_hollow,
    label_of,
    on_one_core,
    score_name,
    set_apart,
    split_far,
)
from vosbench.report.plots_footers import Shown, footers, without_accuracy
from vosbench.report.plots_styles import GUIDE, Style
from vosbench.report.rows import MethodRow
from vosbench.report.table import is_ranked, ranked_with

FRONT = Style(colour=GUIDE, marker="o", dashes=(3, 2), thin=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What an x axis can hold; ``shown`` is what its footers explain."""

    key: str
    title: str
    unit: str
    value: Callable[[MethodRow], float | None]
    shown: tuple[Shown, ...] = ()


COSTS: Mapping[str, Cost] = {
    "memory": Cost(
        key="peak_mib", title="Peak memory (MiB)", unit="MiB", value=lambda row: row.peak_mib, shown=("memory",)
    ),
    "latency": Cost(
        key="median_ms",
        title="Median time per frame (ms)",
        unit="ms",
        value=lambda row: row.median_ms,
        shown=("speed",),
    ),
    "mean-latency": Cost(
        key="mean_ms",
        title="Mean time per frame (ms)",
        unit="ms",
        value=lambda row: 1e3 / row.frames_per_second if row.frames_per_second else None,
        shown=("speed",),
    ),
    "parameters": Cost(key="parameters_millions", title="Parameters (M)", unit="M", value=lambda row: row.parameters),
    "energy": Cost(
        key="energy_wh_per_10_minutes",
        title="Energy (Wh per 10 minutes of video)",
        unit="Wh",
        value=lambda row: row.measures.wh_per_ten_minutes,
    ),
    "macs": Cost(
        key="gmacs",
        title="Multiply-accumulates per frame (10⁹)",
        unit="G",
        value=lambda row: row.measures.gmacs,
    ),
}
"""What records hold and ``pareto --x`` takes."""


def memory_accuracy(entries: Sequence[Entry]) -> Plot:
    """Gives back accuracy against peak memory: a point per method, a curve where one setting was swept."""
    return _plot(entries, COSTS["memory"], name="memory-accuracy", kind="memory-accuracy", front=False)


def pareto(entries: Sequence[Entry], cost: str) -> Plot:
    """Gives back accuracy against ``cost``, a key of `COSTS`, with the front that no other row is beyond."""
    return _plot(entries, COSTS[cost], name=f"pareto-{cost}", kind="pareto", front=True)


def _plot(entries: Sequence[Entry], cost: Cost, *, name: str, kind: str, front: bool) -> Plot:
    drawn = [entry for entry in entries if entry.score is not None and cost.value(entry.row) is not None]
    if not drawn:
        raise _nothing(entries, cost)
    drawn, outside = split_far(drawn, lambda entry: entry.score, least=0.1, unit="%")
    drawn, beyond = split_far(drawn, lambda entry: cost.value(entry.row), least=1.0, unit=cost.unit)
    groups = set_apart(drawn)
    notes = list(dict.fromkeys(note for group in groups for note in _swept(group)))
    panels = tuple(_panel(group, cost, front=front) for group in groups)
    if any(series.form == "front" for panel in panels for series in panel.series):
        notes.append("Dashed: no row that tables rank lies to the upper left of it.")
    return Plot(
        name=name,
        kind=kind,
        panels=panels,
        footers=footers(groups, ("accuracy", *cost.shown), [*notes, *outside, *beyond, *_left_out(entries, cost)]),
    )


def _left_out(entries: Sequence[Entry], cost: Cost) -> list[str]:
    notes = without_accuracy(entries)
    without = [entry.label for entry in entries if entry.score is not None and cost.value(entry.row) is None]
    return notes + [f"Not drawn: {', '.join(without)} ({cost.title} not measured)."] * bool(without)


def _nothing(entries: Sequence[Entry], cost: Cost) -> NothingToDrawError:
    if all(not entry.cells[0].record.spec.method.weights.trained for entry in entries):
        what, fix = "every row has random weights, which have no accuracy", "run with --weights METHOD=PATH"
    elif all(entry.score is None for entry in entries):
        what, fix = "no row has an accuracy", "'vosbench score RUN' says why; suites without truth have none"
    else:
        what, fix = f"no row with an accuracy has a value for: {cost.title}", "choose another axis with --x"
    return NothingToDrawError(what, fix=fix)


def _panel(group: Group, cost: Cost, *, front: bool) -> Panel:
    curves = swept_curves(group.entries)
    joined = {id(entry) for _, members in curves for entry in members}
    series = [_curve(setting, members, group, cost) for setting, members in curves]
    series += [_point(entry, group, cost) for entry in group.entries if id(entry) not in joined]
    values = [x for one in series for x in one.x]
    compared = [x for one in series for x in one.x if not one.style.thin]
    if front:
        series += _front(group, cost)
    paced = cost.key in ("median_ms", "mean_ms") and on_one_core(group)
    return Panel(
        title=group.title,
        x=Axis(
            key=cost.key,
            title=cost.title,
            scale=scale_of(compared or values),
            low=0,
            narrowest=0.05 * max(values),
            line=PACE_MS if paced else None,
            line_name=f"{PACE_MS:g} ms",
        ),
        y=Axis(key="score", title=f"{score_name(group.entries)} (%)", low=0, high=100, narrowest=1.0),
        series=tuple(series),
    )


def _point(entry: Entry, group: Group, cost: Cost) -> Series:
    return Series(
        label=label_of(entry, group),
        form="points",
        style=entry.style,
        x=(_cost(entry, cost),),
        y=(_score(entry),),
        hollow=is_hollow(entry, group),
    )


def _curve(setting: str, members: list[Entry], group: Group, cost: Cost) -> Series:
    return Series(
        label=members[0].title,
        form="curve",
        style=members[0].method_style,
        x=tuple(_cost(entry, cost) for entry in members),
        y=tuple(_score(entry) for entry in members),
        notes=tuple(label_of(entry, group, _text(entry.settings[setting])) for entry in members),
    )


def swept_curves(entries: Sequence[Entry]) -> list[tuple[str, list[Entry]]]:
    """Gives back the settings along which rows of one method differ, and these rows in the order of the setting.

    Two rows are joined where they differ in one numeric setting alone, or in one that the run swept; the setting with
    most values comes first, and rows that are all on curves already make no other one.
    """
    found: list[tuple[str, list[Entry]]] = []
    families: dict[tuple[str, ...], list[Entry]] = {}
    for entry in entries:
        families.setdefault((entry.name, *entry.identity[1:]), []).append(entry)
    for members in families.values():
        joined: set[int] = set()
        for setting in _differing(members):
            for curve in _along(setting, members):
                if any(id(entry) not in joined for entry in curve):
                    joined.update(id(entry) for entry in curve)
                    found.append((setting, curve))
    return found


def _differing(members: list[Entry]) -> list[str]:
    """The settings of curves that have several values, the one with most first."""
    values = {
        setting: {entry.settings[setting] for entry in members if _makes_curves(setting, entry)}
        for setting in sorted({setting for entry in members for setting in entry.settings})
    }
    several = [setting for setting, found in values.items() if len(found) > 1]
    return sorted(several, key=lambda setting: (-len(values[setting]), setting))


def _along(setting: str, members: list[Entry]) -> list[list[Entry]]:
    alike: dict[str, list[Entry]] = {}
    for entry in members:
        if _makes_curves(setting, entry):
            others = sorted((key, repr(value)) for key, value in entry.settings.items() if key != setting)
            alike.setdefault(repr(others), []).append(entry)
    curves = (sorted(curve, key=lambda entry: _place(setting, entry)) for curve in alike.values())
    return [curve for curve in curves if len({entry.settings[setting] for entry in curve}) == len(curve) > 1]


def _makes_curves(setting: str, entry: Entry) -> bool:
    """Numbers have an order of their own; names have one only where the run was told to go through them."""
    return is_number(entry.settings.get(setting)) or setting in entry.cells[0].record.spec.method.swept


def _place(setting: str, entry: Entry) -> tuple[float, float]:
    """A number's place is itself, behind the names, which follow each other as their memory grows."""
    value = entry.settings[setting]
    memory = entry.row.peak_mib or 0.0
    return (float(value), memory) if is_number(value) else (-1.0, memory)


def is_number(value: Any) -> bool:
    """Tells whether a setting's value has a place on an axis."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def _text(value: Any) -> str:
    return f"{value:g}" if is_number(value) else str(value)


def _swept(group: Group) -> list[str]:
    """What the words beside a curve's points are."""
    notes = []
    for setting, members in swept_curves(group.entries):
        words = "numbers" if is_number(members[0].settings[setting]) else "names"
        notes.append(f"{members[0].title}: the {words} are {setting}.")
    return notes


def _front(group: Group, cost: Cost) -> list[Series]:
    """The steps through the rows that no other one beats in both, by the rule of tables: where rows are of two kinds
    that are not ranked together, or where there is nothing to compare, there is no front.
    """
    ranked = [entry for entry in group.entries if is_ranked(entry.row) and not is_hollow(entry, group)]
    kinds = {ranked_with(entry.row, accuracy=True) for entry in ranked}
    best: list[Entry] = []
    for entry in sorted(ranked, key=lambda entry: (_cost(entry, cost), -_score(entry))):
        if not best or _score(entry) > _score(best[-1]):
            best.append(entry)
    if len(ranked) < 2 or len(kinds) > 1:
        return []
    x, y = (tuple(value(entry) for entry in best) for value in (lambda e: _cost(e, cost), _score))
    return [Series(label="", form="front", style=FRONT, x=x, y=y)]


def _cost(entry: Entry, cost: Cost) -> float:
    value = cost.value(entry.row)
    return value if value is not None else float("nan")  # rows without one are left out before


def _score(entry: Entry) -> float:
    return entry.score if entry.score is not None else float("nan")
