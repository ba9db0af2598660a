"""What the figures of a run draw: its rows with their cells, settings and styles, set apart where not comparable."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from vosbench.errors import StoreError, UsageError, nearest
from vosbench.report.cells import Cell, distinct_passes
from vosbench.report.plots_styles import Style, assign_styles, self_check_styles, shades
from vosbench.report.rows import MethodRow, method_rows, read_cells
from vosbench.store.run import Run

HEADLINES: Mapping[str, str] = {"J&F-Mean": "J&F", "G": "G", "AP": "AP"}
"""The score that figures show, by its name in a row: the one that the protocol's papers rank by."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Entry:
    """One row with the cells behind it.

    ``name`` is the method with its variants, ``title`` its name for people, ``label`` the title with settings and
    weights; ``settings`` are those it ran with, those of the suite included where they were the same on every video.
    ``style`` is this setting's shade of ``method_style``.
    """

    row: MethodRow
    cells: tuple[Cell, ...]
    name: str
    title: str
    label: str
    settings: Mapping[str, Any]
    style: Style
    method_style: Style

    @property
    def score(self) -> float | None:
        """The headline score in percent, or None."""
        return headline(self.row)

    @property
    def identity(self) -> tuple[str, ...]:
        """What is the same of one method on two suites."""
        spec = self.cells[0].record.spec
        weights = spec.method.weights
        return (spec.method.label, weights.kind, str(weights.seed), weights.sha256, str(spec.warmup_frames))

    def repeats(self, value: Callable[[MethodRow], float | None]) -> list[float]:
        """Gives back a value of each distinct pass on its own, by insertion offset, of those that have it."""
        rows = [method_rows(one)[0] for one in distinct_passes(self.cells)]
        return [found for row in rows if (found := value(row)) is not None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Entries that may stand in one panel: one suite, hardware, mode and cut. ``apart`` says what set them apart."""

    suite: str
    apart: str
    entries: tuple[Entry, ...]

    @property
    def title(self) -> str:
        """The panel's title."""
        return f"{self.suite}\n{self.apart}" if self.apart else self.suite


def headline(row: MethodRow) -> float | None:
    """Gives back a row's headline score in percent, or None."""
    return next((row.scores[name] for name in HEADLINES if name in row.scores), None)


def score_name(entries: Iterable[Entry]) -> str:
    """Gives back the name of the headline score, for an axis."""
    names = {title: None for entry in entries for name, title in HEADLINES.items() if name in entry.row.scores}
    return " or ".join(names)


def read_entries(
    run: Run, *, suites: tuple[str, ...] = (), methods: tuple[str, ...] = (), video: str = ""
) -> list[Entry]:
    """Gives back a run's entries, all or those of some suites, methods or of one video.

    On a ladder there is an entry for each video. A method's style is the same whatever is chosen. Raises `StoreError`
    for a run without a finished cell, `UsageError` for a name it does not hold.
    """
    cells = read_cells(run)
    if not cells:
        raise StoreError("no cell of this run is finished", where=str(run.path), fix="run the command again to go on")
    chosen = _choose(
        "suite", suites, cells, lambda cell: _words(cell.record.spec.suite.name, cell.record.spec.suite.title)
    )
    chosen = _choose(
        "method",
        methods,
        chosen,
        lambda cell: _words(cell.record.spec.method.label, _name(cell).split("@")[0], _name(cell)),
    )
    chosen = _choose("video", (video,) if video else (), chosen, lambda cell: {cell.record.spec.video})
    styles = _styles(cells)
    groups: dict[tuple[str, str, str, str], list[Cell]] = {}
    for cell in chosen:
        spec = cell.record.spec
        rung = spec.video if spec.suite.vary or spec.suite.noise else ""
        groups.setdefault((spec.suite.title, spec.method.label, spec.method_key, rung), []).append(cell)
    return [_entry(group, styles) for _, group in sorted(groups.items())]


def split_far(
    entries: Sequence[Entry], value: Callable[[Entry], float | None], *, least: float, unit: str
) -> tuple[list[Entry], list[str]]:
    """Gives back the entries without the self-checks that would squeeze all others, and a note with those' values.

    That is one whose value lies further off the others than these lie apart, or than ``least`` of their largest.
    ``unit`` is for the note.
    """
    ranked = [found for entry in entries if not entry.row.self_check and (found := value(entry)) is not None]
    if not ranked:
        return list(entries), []
    room = max(max(ranked) - min(ranked), least * max(ranked))
    far = {
        id(entry): f"{entry.label} ({found:.4g} {unit})"
        for entry in entries
        if entry.row.self_check
        and (found := value(entry)) is not None
        and not min(ranked) - room <= found <= max(ranked) + room
    }
    notes = [f"Outside the axes: {', '.join(dict.fromkeys(far.values()))}."] * bool(far)
    return [entry for entry in entries if id(entry) not in far], notes


def set_apart(
    entries: Iterable[Entry], suite: Callable[[Entry], str] = lambda entry: entry.row.suite_title
) -> list[Group]:
    """Gives back the entries in groups of one suite, hardware, mode and cut, in the order of the suites."""
    groups: dict[tuple[str, ...], list[Entry]] = {}
    for entry in entries:
        groups.setdefault((suite(entry), *_conditions(entry)), []).append(entry)
    return [
        Group(suite=key[0], apart=_difference(key, [k for k in groups if k[0] == key[0]]), entries=tuple(members))
        for key, members in groups.items()
    ]


def on_one_core(group: Group) -> bool:
    """True where the group's cells ran on one pinned core, the stand-in for a phone: its speed has a line at 33 ms."""
    return group.entries[0].cells[0].record.spec.mode.one_core


def planned_videos(group: Group) -> int:
    """Gives back how many videos the entries of a group have between them."""
    return len({cell.record.spec.video for entry in group.entries for cell in entry.cells})


def label_of(entry: Entry, group: Group, text: str = "") -> str:
    """Gives back an entry's label, with the videos that it misses."""
    planned = planned_videos(group)
    missing = f" [{entry.row.videos} of {planned} videos]" if entry.row.videos < planned else ""
    return (text or entry.label) + missing


def is_hollow(entry: Entry, group: Group) -> bool:
    """True where an entry's mean misses videos that others have."""
    return entry.row.videos < planned_videos(group)


def _entry(cells: list[Cell], styles: Mapping[tuple[str, str], Style]) -> Entry:
    (row,) = method_rows(cells)
    method = cells[0].record.spec.method
    title = method.title.removesuffix(method.label.removeprefix(method.name))
    weights = f" ({row.weights})" if row.weights else ""
    return Entry(
        row=row,
        cells=tuple(cells),
        name=method.name,
        title=title + " (prompted)" * row.prompted + weights,
        label=row.label + weights,
        settings={**method.settings, **_given(cells)},
        style=styles[method.name, method.label],
        method_style=styles[method.name, ""],
    )


def _given(cells: list[Cell]) -> dict[str, Any]:
    """What the suite set; a setting that differs from video to video is no value that a curve could be drawn along."""
    given: dict[str, set[Any]] = {}
    for cell in cells:
        for name, value in cell.record.spec.given.items():
            given.setdefault(name, set()).add(value)
    return {name: next(iter(values)) if len(values) == 1 else "by video" for name, values in given.items()}


def _styles(cells: list[Cell]) -> dict[tuple[str, str], Style]:
    """A style for each method of the run and a shade of it for each of its settings, by name and label.

    The label '' stands for the method itself.
    """
    ranked = {_name(cell) for cell in cells if cell.record.spec.method.ranked}
    styles = assign_styles(ranked) | self_check_styles({_name(cell) for cell in cells} - ranked)
    labels = {name: sorted({_label(cell) for cell in cells if _name(cell) == name}, key=_by_number) for name in styles}
    return {(name, ""): style for name, style in styles.items()} | {
        (name, label): shade
        for name, style in styles.items()
        for label, shade in zip(labels[name], shades(style, len(labels[name])), strict=True)
    }


def _by_number(label: str) -> tuple[int, list[tuple[int, float, str]]]:
    """Sorts ``size=500`` before ``size=1000``."""
    words = label.replace("=", " = ").split()
    return len(words), [
        (0, float(word), "") if word.replace(".", "", 1).isdecimal() else (1, 0.0, word) for word in words
    ]


def _name(cell: Cell) -> str:
    return cell.record.spec.method.name


def _label(cell: Cell) -> str:
    return cell.record.spec.method.label


def _words(*names: str) -> set[str]:
    return set(names)


def _choose(what: str, wanted: tuple[str, ...], cells: list[Cell], names: Callable[[Cell], set[str]]) -> list[Cell]:
    known = {name for cell in cells for name in names(cell)}
    for name in wanted:
        if name not in known:
            raise UsageError(f"this run has no {what} '{name}'", fix=nearest(name, known))
    return [cell for cell in cells if not wanted or names(cell) & set(wanted)]


def _conditions(entry: Entry) -> tuple[str, str, str, str]:
    """What must be equal where values are compared: hardware, mode, what is timed, how long videos are."""
    spec = entry.cells[0].record.spec
    machine = entry.cells[0].record.machine.describe(spec.runtime.device, spec.runtime.threads)
    cut = f"first {spec.max_frames} frames" if spec.max_frames is not None else "whole videos"
    core = "core timed too" if spec.core else ""
    return (f"{machine}\0{entry.row.fingerprint}", entry.row.mode, core, cut)


def _difference(key: tuple[str, ...], others: list[tuple[str, ...]]) -> str:
    """The conditions in which the groups of one suite differ."""
    differing = [place for place in range(1, len(key)) if len({other[place] for other in others}) > 1]
    return "; ".join(words for place in differing if (words := key[place].partition("\0")[0]))
