"""A table before it is LaTeX, markdown or CSV: columns, values, marks and the footers that make it honest."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from vosbench.report.rows import MIB, MethodRow

Mark = Literal["", "best", "second"]
Better = Literal["higher", "lower", "neither"]

CLOCK = (
    "Clock: host uint8 image in to host label map out, device synchronised at both ends; resize, upload, network, "
    "memory update, argmax and download are inside, decoding and writing are not. FPS is frames over the sum of "
    "seconds."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """What a column shows: its key in CSV, its title, how many decimals, and which values are better."""

    key: str
    title: str
    decimals: int
    better: Better
    value: Callable[[MethodRow], float | None]
    accuracy: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Value:
    """A number as measured, with what its place in the column earned it."""

    number: float | None
    mark: Mark = ""
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One method's line."""

    label: str
    values: tuple[Value, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """One suite's table."""

    title: str
    columns: tuple[Column, ...]
    lines: tuple[Line, ...]
    footers: tuple[str, ...]

    @property
    def name(self) -> str:
        """The title as a file's or a label's name."""
        words = "".join(c if c.isalnum() else " " for c in self.title.lower()).split()
        return "-".join(words)


def _score(name: str) -> Callable[[MethodRow], float | None]:
    return lambda row: row.scores.get(name)


def _growth(row: MethodRow) -> float | None:
    if row.growth is None or row.growth.per_frame is None:
        return None
    return row.growth.per_frame / MIB


SPEED = (
    Column(key="frames_per_second", title="FPS", decimals=2, better="higher", value=lambda row: row.frames_per_second),
    Column(key="median_ms", title="median ms", decimals=1, better="lower", value=lambda row: row.median_ms),
    Column(key="p99_ms", title="p99 ms", decimals=1, better="lower", value=lambda row: row.p99_ms),
)
MEMORY = (
    Column(key="peak_mib", title="peak MiB", decimals=0, better="lower", value=lambda row: row.peak_mib),
    Column(key="growth_mib_per_frame", title="growth MiB/frame", decimals=3, better="lower", value=_growth),
    Column(key="parameters_millions", title="params M", decimals=1, better="neither", value=lambda row: row.parameters),
)
CORE = Column(
    key="core_frames_per_second",
    title="core FPS",
    decimals=2,
    better="higher",
    value=lambda row: row.core_frames_per_second,
)


def build_tables(rows: Sequence[MethodRow], machine: str, versions: str, date: str) -> list[Table]:
    """Gives back one table per suite, each with its best and second values marked."""
    titles = list(dict.fromkeys(row.suite_title for row in rows))
    return [
        _table(title, [row for row in rows if row.suite_title == title], machine, versions, date) for title in titles
    ]


def _table(title: str, rows: list[MethodRow], machine: str, versions: str, date: str) -> Table:
    names = list(dict.fromkeys(name for row in rows for name in row.scores))
    scores = tuple(
        Column(
            key=name,
            title=name.removesuffix("-Mean"),
            decimals=1,
            better="neither" if name.endswith("Decay") else "higher",
            value=_score(name),
            accuracy=True,
        )
        for name in names
    )
    core = (CORE,) if any(row.core_frames_per_second is not None for row in rows) else ()
    columns = (*scores, *SPEED, *core, *MEMORY)
    marks = [_marks(column, rows) for column in columns]
    notes = _Notes()
    lines = tuple(
        Line(
            label=_label(row, notes),
            values=tuple(
                Value(number=column.value(row), mark=marks[c][r], note=_note(column, row, notes))
                for c, column in enumerate(columns)
            ),
        )
        for r, row in enumerate(rows)
    )
    return Table(title=title, columns=columns, lines=lines, footers=_footers(rows, notes, machine, versions, date))


class _Notes:
    """Gives each distinct note a letter, in the order in which they come."""

    def __init__(self) -> None:
        self._letters: dict[str, str] = {}

    def letter(self, text: str) -> str:
        if text not in self._letters:
            self._letters[text] = _letters(len(self._letters))
        return self._letters[text]

    def lines(self) -> list[str]:
        return [f"({letter}) {text}" for text, letter in self._letters.items()]


def _letters(number: int) -> str:
    """a to z, then aa, ab, ...: a run of many videos may fail in many ways."""
    first, last = divmod(number, 26)
    return (_letters(first - 1) if first else "") + chr(ord("a") + last)


def _label(row: MethodRow, notes: _Notes) -> str:
    words = [f"{row.video}: {row.label}" if row.video else row.label]
    if row.weights:
        words.append(f"({row.weights})")
    if not row.complete:
        words.append(f"[{row.videos} of {row.planned} videos]")
    texts = list(row.trouble)
    if row.outputs_differ:
        texts.append("outputs differ between repeats")
    letters = "".join(f"({notes.letter(text)})" for text in texts)
    return " ".join(words) + (f" {letters}" if letters else "")


def _note(column: Column, row: MethodRow, notes: _Notes) -> str:
    if column.key != "growth_mib_per_frame" or row.growth is None or row.growth.per_frame is None:
        return ""
    if row.growth.verdict == "too short":
        text = "video too short for a verdict on growth: slope of its second half"
    elif row.growth.frames_100_to_200 is None:
        text = f"{row.growth.verdict}: slope of the video's second half; XMem's rule needs 200 frames"
    else:
        text = f"{row.growth.verdict}; (frame 200 - frame 100) / 100"
    return notes.letter(text)


def _marks(column: Column, rows: Sequence[MethodRow]) -> list[Mark]:
    """Marks best and second among the rows that may be ranked, video by video where rows are of one video."""
    marks: list[Mark] = ["" for _ in rows]
    for video in dict.fromkeys(row.video for row in rows):
        _mark(column, rows, [index for index, row in enumerate(rows) if row.video == video], marks)
    return marks


def _mark(column: Column, rows: Sequence[MethodRow], indices: list[int], marks: list[Mark]) -> None:
    """Marks nothing where there is nothing to compare, or where rows differ in hardware or mode."""
    if column.better == "neither":
        return
    groups: dict[tuple[str, ...], list[int]] = {}
    for index in indices:
        row = rows[index]
        if row.complete and not row.self_check and column.value(row) is not None:
            groups.setdefault(_ranked_with(column, row), []).append(index)
    if len(groups) != 1:
        return
    (members,) = groups.values()
    numbers = sorted({_shown(column, rows[i]) for i in members}, reverse=column.better == "higher")
    if len(members) < 2 or len(numbers) < 2:
        return
    for index in members:
        place = numbers.index(_shown(column, rows[index]))
        marks[index] = ("best", "second")[place] if place < 2 else ""


def _ranked_with(column: Column, row: MethodRow) -> tuple[str, ...]:
    """Ranked are the same videos at the same length in one mode; speed and memory on identical hardware as well."""
    return (row.mode, str(row.planned), str(row.cut_frames), "" if column.accuracy else row.fingerprint)


def _shown(column: Column, row: MethodRow) -> float:
    value = column.value(row)
    return round(value if value is not None else 0.0, column.decimals)


def _footers(rows: list[MethodRow], notes: _Notes, machine: str, versions: str, date: str) -> tuple[str, ...]:
    first = rows[0]
    videos = len({row.video for row in rows}) if first.video else max(row.planned for row in rows)
    scope = f"{first.suite_title}: {videos} video{'s' if videos != 1 else ''}"
    if first.official_videos > videos:
        scope += f", a subset of the official {first.official_videos}"
    cuts = sorted({row.cut_frames for row in rows if row.cut_frames is not None})
    if cuts:
        scope += f"; cut to the first {' or '.join(map(str, cuts))} frames"
    footers = [scope + "."]
    if "(synthetic)" in first.suite_title:
        footers.append("Synthetic videos: these figures are not those of a data set.")
    if any(row.scores for row in rows):
        footers.append(f"Scores in percent by protocol {first.protocol}.")
    if any(row.weights.startswith("random") for row in rows):
        footers.append("Random weights show speed and memory only; they have no accuracy.")
    prints = {row.fingerprint for row in rows}
    modes = sorted({row.mode for row in rows})
    if len(prints) > 1 or len(modes) > 1:
        footers.append("Rows differ in hardware or mode: speed and memory are not ranked.")
    if len({(row.planned, row.cut_frames) for row in rows}) > 1:
        footers.append("Rows differ in videos or their length: they are not ranked.")
    given = [f"{row.label}: {row.given}" for row in rows if row.given]
    if given:
        footers.append(f"Set by the suite: {'; '.join(given)}.")
    memory = [f"Memory: {text}." for text in dict.fromkeys(row.memory for row in rows) if text]
    return (*footers, *notes.lines(), CLOCK, *memory, f"Hardware: {machine}; {' / '.join(modes)}. {versions}. {date}.")
