"""The small print under a figure: what was run, where, and what the axes mean."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal

from vosbench.report.origins import days_of, measured, versions_of
from vosbench.report.plots_entries import Entry, Group, on_one_core
from vosbench.report.rows import sides_in_words
from vosbench.report.table_footers import model_footers

Shown = Literal["accuracy", "speed", "memory", "footprint"]

CLOCK = "Clock: host image in to host label map out, device synchronised; decoding and writing are outside."
ONE_CORE = "Dotted: 33 ms a frame, the pace of video; one pinned core is a stand-in for a phone, and not one."
BANKS = "Banks: bytes as the method itself reports them."


def footers(groups: Sequence[Group], shown: Iterable[Shown], notes: Iterable[str] = ()) -> tuple[str, ...]:
    """Gives back a figure's small print; ``shown`` says what its axes show, ``notes`` what else a reader must know."""
    entries = [entry for group in groups for entry in group.entries]
    axes = set(shown)
    lines = [*_scopes(entries), *notes]
    if "accuracy" in axes:
        protocols = dict.fromkeys(entry.row.protocol for entry in entries)
        lines.append(f"Scores by protocol {' and '.join(protocols)}.")
    if "speed" in axes:
        lines.append(CLOCK)
    if "speed" in axes and any(map(on_one_core, groups)):
        lines.append(ONE_CORE)
    if "memory" in axes:
        lines += [f"Memory: {text}." for text in dict.fromkeys(entry.row.memory for entry in entries) if text]
    sides = sides_in_words(entry.row for entry in entries)
    if sides and axes & {"speed", "memory"}:
        lines.append(f"{sides}.")
    if "footprint" in axes:
        lines.append(BANKS)
    if any(group.apart for group in groups):
        lines.append("Panels of one suite differ in hardware, mode or cut: they are not to be compared.")
    if any(entry.row.self_check for entry in entries):
        lines.append("Thin grey: self-checks of the harness.")
    if any(entry.row.prompted for entry in entries):
        lines.append("Prompted: given each instance's first mask and category; not comparable with the others.")
    lines += model_footers([entry.row for entry in entries])
    given = dict.fromkeys(f"{entry.label}: {entry.row.given}" for entry in entries if entry.row.given)
    if given:
        lines.append(f"Set by the suite: {'; '.join(given)}.")
    return (*lines, _machines(entries))


def without_accuracy(entries: Sequence[Entry]) -> list[str]:
    """Gives back a note on the entries that an accuracy axis leaves out, with each one's reason."""
    reasons: dict[str, dict[str, None]] = {}
    several = len({entry.row.suite_title for entry in entries}) > 1
    for entry in entries:
        if entry.score is None:
            label = f"{entry.label} on {entry.row.suite_title}" if several else entry.label
            reasons.setdefault(_no_score(entry), {})[label] = None
    return [f"Not drawn: {', '.join(labels)} ({reason})." for reason, labels in reasons.items()]


def _no_score(entry: Entry) -> str:
    if not entry.cells[0].record.spec.method.weights.trained:
        return "random weights have no accuracy"
    if entry.row.trouble and not entry.row.videos:
        return entry.row.trouble[0]
    return "no score"


def _scopes(entries: list[Entry]) -> list[str]:
    scopes: dict[str, list[str]] = {}
    for title in dict.fromkeys(entry.row.suite_title for entry in entries):
        members = [entry for entry in entries if entry.row.suite_title == title]
        videos = {cell.record.spec.video for entry in members for cell in entry.cells}
        scope = f"video {next(iter(videos))}" if len(videos) == 1 else f"{len(videos)} videos"
        official = members[0].row.official_videos
        if official > len(videos):
            scope += f", a subset of the official {official}"
        cuts = sorted({entry.row.cut_frames for entry in members if entry.row.cut_frames is not None})
        if cuts:
            scope += f"; cut to the first {' or '.join(map(str, cuts))} frames"
        scopes.setdefault(scope, []).append(title)
    synthetic = any(entry.cells[0].record.spec.suite.synthetic for entry in entries)
    lines = [f"{', '.join(titles)}: {scope}." for scope, titles in scopes.items()]
    return [*lines, *["Synthetic videos: not the figures of a data set."] * synthetic]


def _machines(entries: list[Entry]) -> str:
    records = [cell.record for entry in entries for cell in entry.cells]
    machines = dict.fromkeys(r.machine.describe(r.spec.runtime.device, r.spec.runtime.threads) for r in records)
    modes = dict.fromkeys(entry.row.mode for entry in entries)
    return f"{' | '.join(machines)}; {' / '.join(modes)}. {measured(days_of(records), versions_of(records))}."
