"""A table before it is LaTeX, markdown or CSV: columns, lines, and which value won."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from vosbench.report.rows import MethodRow, known_sides

Mark = Literal["", "best", "second"]
Better = Literal["higher", "lower", "neither"]

OOM = "OOM"
"""What stands where a method ran out of memory before it had a number."""

Subject = Mapping[str, MethodRow]
"""What one line of a table is about: its row by suite title; a table of one suite has one, under ''."""


class Notes:
    """Gives each distinct note a letter, in the order in which they come."""

    def __init__(self) -> None:
        self._letters: dict[str, str] = {}

    def letter(self, text: str) -> str:
        """Gives back the letter of ``text``."""
        if text not in self._letters:
            self._letters[text] = _letters(len(self._letters))
        return self._letters[text]

    def lines(self) -> list[str]:
        """Gives back the notes for the foot of the table."""
        return [f"({letter}) {text}" for text, letter in self._letters.items()]


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """What a column shows: its key in CSV, its title, how many decimals, and which values are better.

    ``accuracy`` is ranked whatever the hardware. ``suite`` says which row of a line it shows, ``group`` is the heading
    above its title. ``deviation`` gives what stands behind "±"; ``word`` gives a text in place of the number; ``note``
    what must be said about the value, '' for nothing.
    """

    key: str
    title: str
    decimals: int
    better: Better
    value: Callable[[MethodRow], float | None]
    accuracy: bool = False
    suite: str = ""
    group: str = ""
    deviation: Callable[[MethodRow], float | None] | None = None
    word: Callable[[MethodRow, Notes], str] | None = None
    note: Callable[[MethodRow], str] | None = None

    @property
    def names(self) -> set[str]:
        """What it may be asked for by: its key, with and without the suite before it, and its title.

        A published column has those of the measured one beside it.
        """
        return {self.key, self.key.split()[-1], self.title}

    @property
    def heading(self) -> str:
        """The title with the heading above it, where a format has one line for both."""
        return f"{self.group} {self.title}" if self.group else self.title


@dataclass(frozen=True, slots=True, kw_only=True)
class Value:
    """A number as measured, with what its place in the column earned it; ``text`` is shown in its place.

    ``note`` is the letter of what must be said about it, ``about`` the words. A ``partial`` one misses videos.
    """

    number: float | None
    mark: Mark = ""
    note: str = ""
    deviation: float | None = None
    text: str = ""
    about: str = ""
    partial: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One method's line. ``name`` is its label without notes, ``key`` tells apart what the label may not; ``cells``
    are the folders that its numbers come from, below the run's; ``notes`` are the words of the label's notes.
    """

    label: str
    values: tuple[Value, ...]
    name: str = ""
    key: str = ""
    cells: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """One table: of a suite, or of several in one of the styles that papers use."""

    title: str
    columns: tuple[Column, ...]
    lines: tuple[Line, ...]
    footers: tuple[str, ...]

    @property
    def name(self) -> str:
        """The title as a file's or a label's name."""
        words = "".join(c if c.isalnum() else " " for c in self.title.lower()).split()
        return "-".join(words)


def lines_of(subjects: Sequence[Subject], columns: Sequence[Column], notes: Notes) -> tuple[Line, ...]:
    """Gives back a line for each subject, with its best and second values marked column by column."""
    marks = [_marks(column, [subject.get(column.suite) for subject in subjects]) for column in columns]
    return tuple(
        Line(
            label=_label(subject, notes),
            values=tuple(
                _value(column, subject.get(column.suite), marks[c][s], notes) for c, column in enumerate(columns)
            ),
            name=_name(subject),
            key=_first(subject).key,
            cells=tuple(cell for row in subject.values() for cell in row.cells),
            notes=(*_missing(subject), *(f"({notes.letter(text)}) {text}" for text in _told(subject))),
        )
        for s, subject in enumerate(subjects)
    )


def shown(column: Column, value: float) -> float:
    """Gives back a value as the column shows it."""
    return round(value, column.decimals) + 0.0  # + 0.0 takes the sign off a zero


def _letters(number: int) -> str:
    """a to z, then aa, ab, ...: a run of many videos may fail in many ways."""
    first, last = divmod(number, 26)
    return (_letters(first - 1) if first else "") + chr(ord("a") + last)


def _first(subject: Subject) -> MethodRow:
    return next(iter(subject.values()))


def _name(subject: Subject) -> str:
    """A line about several videos does not bear the name of one."""
    row = _first(subject)
    words = [f"{row.video}: {row.label}" if row.video and "" in subject else row.label]
    return " ".join([*words, *[f"({row.weights})"] * bool(row.weights)])


def _label(subject: Subject, notes: Notes) -> str:
    words = [_name(subject)]
    for suite, row in subject.items():
        words += [*_adaptive(suite, row), *(f"[{text}]" for text in _missing({suite: row}))]
    letters = "".join(f"({notes.letter(text)})" for text in _told(subject))
    return " ".join(words) + (f" {letters}" if letters else "")


def _missing(subject: Subject) -> list[str]:
    """How many videos went through, for each row that misses some."""
    return [
        f"{f'{suite}: ' if suite else ''}{row.videos} of {row.planned} videos"
        for suite, row in subject.items()
        if not row.complete
    ]


def _told(subject: Subject) -> list[str]:
    """What must be said about a whole line."""
    texts: dict[str, list[str]] = {}
    for suite, row in subject.items():
        differ = "outputs differ between repeats" if row.outputs_differ else ""
        for text in filter(None, (*row.trouble, differ, row.measures.leaks)):
            texts.setdefault(text, []).append(suite)
    return [_said(text, suites, subject) for text, suites in texts.items()]


def _adaptive(suite: str, row: MethodRow) -> list[str]:
    """What a method that adapts its resolution did: its row has no resolution of its own."""
    if row.measures.scale is None:
        return []
    return [f"({f'{suite}: ' if suite else ''}adaptive, mean scale {row.measures.scale:.2f})"]


def _said(text: str, suites: Sequence[str], subject: Subject) -> str:
    """What is true of all that a line is about is said once, else of which it is true."""
    named = [suite for suite in suites if suite and not text.startswith(f"{suite}: ")]
    return text if len(suites) == len(subject) or not named else f"{', '.join(named)}: {text}"


def _value(column: Column, row: MethodRow | None, mark: Mark, notes: Notes) -> Value:
    if row is None:
        return Value(number=None)
    number = column.value(row)
    text = column.word(row, notes) if column.word is not None else ""
    if number is None and not text and row.oom and not row.videos and column.better != "neither":
        text = OOM
    about = column.note(row) if column.note is not None and number is not None else ""
    return Value(
        number=number,
        mark=mark,
        note=notes.letter(about) if about else "",
        deviation=column.deviation(row) if column.deviation is not None else None,
        text=text,
        about=about,
        partial=number is not None and not row.complete,
    )


def _marks(column: Column, rows: Sequence[MethodRow | None]) -> list[Mark]:
    """Marks best and second among the rows that may be ranked, video by video where rows are of one video."""
    marks: list[Mark] = ["" for _ in rows]
    for video in dict.fromkeys(row.video for row in rows if row is not None):
        members = {index: row for index, row in enumerate(rows) if row is not None and row.video == video}
        _mark(column, members, marks)
    return marks


def _mark(column: Column, rows: Mapping[int, MethodRow], marks: list[Mark]) -> None:
    """Marks nothing where there is nothing to compare, or where rows differ in hardware or mode.

    A place is the number of better ones: nothing is second where several share the best. Speed and
    memory are those of one input size.
    """
    if column.better == "neither":
        return
    groups: dict[tuple[str, ...], dict[int, float]] = {}
    for index, row in rows.items():
        value = column.value(row)
        if is_ranked(row) and value is not None:
            alike = (*ranked_with(row, accuracy=column.accuracy), "" if column.accuracy else row.fingerprint)
            groups.setdefault(alike, {})[index] = shown(column, value)
    if len(groups) != 1:
        return
    (members,) = groups.values()
    if not column.accuracy and len(known_sides(rows[index] for index in members)) > 1:
        return
    numbers = sorted(members.values(), reverse=column.better == "higher")
    if len(set(numbers)) < 2:
        return
    for index, value in members.items():
        place = numbers.index(value)  # of the first that is as good
        marks[index] = ("best", "second")[place] if place < 2 else ""


def is_ranked(row: MethodRow) -> bool:
    """Tells whether a row may win: one that is complete, no self-check and in the controlled comparison."""
    return row.complete and not row.self_check and not row.beside


def ranked_with(row: MethodRow, *, accuracy: bool) -> tuple[str, ...]:
    """Gives back what must be equal of two rows that are ranked: the same videos at the same length in one mode.

    Speed and memory ask for identical hardware as well. Bundled small models are ranked among each other only, and so
    is the ``accuracy`` of prompted rows.
    """
    return (row.mode, str(row.planned), str(row.cut_frames), str(row.prompted and accuracy), str(row.mini))
