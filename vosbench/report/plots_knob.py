"""The score against a setting that a run went through: AP against MobileInst's T, J&F against a bank's size."""

from __future__ import annotations

from collections.abc import Sequence

from vosbench.report.plots_data import Axis, NothingToDrawError, Panel, Plot, Series, scale_of
from vosbench.report.plots_entries import Entry, Group, label_of, score_name, set_apart
from vosbench.report.plots_footers import footers, without_accuracy
from vosbench.report.plots_tradeoff import is_number, swept_curves


def quality_knob(entries: Sequence[Entry]) -> Plot:
    """Gives back the score against every number that was set to several values, a panel for each suite and setting."""
    groups = set_apart([entry for entry in entries if entry.score is not None])
    found = [(group, setting) for group in groups for setting in _settings(group)]
    if not found:
        raise NothingToDrawError(
            "no method has scores at several values of one numeric setting",
            fix="run with --curve, which goes through each method's memory knob, or with --sweep METHOD.SETTING=1,3,6; "
            "'vosbench score RUN' says why a row has no score",
        )
    drawn = [group for group in groups if any(group is one for one, _ in found)]
    return Plot(
        name="quality-knob",
        kind="quality-knob",
        panels=tuple(_panel(group, setting, _settings(group)[setting]) for group, setting in found),
        footers=footers(drawn, ("accuracy",), without_accuracy(entries)),
    )


def _settings(group: Group) -> dict[str, list[list[Entry]]]:
    """The numeric settings that rows of a group differ in, and the rows of each method along it."""
    found: dict[str, list[list[Entry]]] = {}
    for setting, members in swept_curves(group.entries):
        numbers = [entry for entry in members if is_number(entry.settings[setting])]
        if len(numbers) > 1:
            found.setdefault(setting, []).append(numbers)
    return found


def _panel(group: Group, setting: str, curves: list[list[Entry]]) -> Panel:
    values = tuple(sorted({float(entry.settings[setting]) for members in curves for entry in members}))
    return Panel(
        title=group.title,
        x=Axis(key=setting, title=setting, scale=scale_of(values), ticks=values),
        y=Axis(key="score", title=f"{score_name(group.entries)} (%)", low=0, high=100, narrowest=1.0),
        series=tuple(_curve(setting, members, group) for members in curves),
    )


def _curve(setting: str, members: list[Entry], group: Group) -> Series:
    """One method's line; where some of its points miss videos the label says so."""
    missing = {label_of(entry, group, " ") for entry in members} - {" "}
    return Series(
        label=members[0].title + (" [some points miss videos]" if missing else ""),
        form="curve",
        style=members[0].method_style,
        x=tuple(float(entry.settings[setting]) for entry in members),
        y=tuple(entry.score for entry in members if entry.score is not None),
    )
