"""The tables of a run in the styles of the papers: per suite, methods by suites, ablation, short and long, and more."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Literal

from vosbench.errors import UsageError, nearest
from vosbench.gpus import GraphicsMemory
from vosbench.published import PublishedNumber
from vosbench.report.rows import MethodRow
from vosbench.report.table import Column, Notes, Subject, Table, lines_of
from vosbench.report.table_capacity import until_full
from vosbench.report.table_columns import (
    AFTER_LOAD,
    ALLOCATED,
    COMPRESSION,
    CONSTANT_COST,
    CORE,
    DROPPED,
    ENERGY,
    FPS,
    FPS_HIGH,
    FPS_LOW,
    GROWTH,
    HOST,
    MEDIAN,
    OPERATIONS,
    P90,
    P99,
    PARAMETERS,
    PEAK,
    PER_MINUTE,
    PROCESS,
    RESERVED,
    SLOWING,
    change_column,
    differences,
    headline_of,
    on_suite,
    score_column,
    score_columns,
    where_measured,
)
from vosbench.report.table_footers import Origin, table_footers
from vosbench.report.table_published import beside_columns, beside_footers, is_published
from vosbench.report.table_throughput import at_most, by_video, of_method, on_videos

Style = Literal["suite", "methods", "ablation", "short-long", "memory", "speed"]


def build_tables(
    rows: Sequence[MethodRow],
    origin: Origin,
    *,
    style: Style = "suite",
    published: Sequence[PublishedNumber] = (),
    columns: Sequence[str] = (),
    card: GraphicsMemory | None = None,
) -> list[Table]:
    """Gives back the tables of a run's rows in a style, with all or some ``columns``, by title or key, in that order.

    With ``card`` the style "memory" says after how many frames that one is full.
    ``published`` numbers stand beside the rows of the same method and suite in columns of their own. Raises
    `UsageError` where the rows hold nothing for the style, and for a column that no table has.
    """
    builders: Mapping[Style, Callable[[_Maker], list[Table]]] = {
        "suite": _by_suite,
        "methods": _methods_by_suite,
        "ablation": _ablations,
        "short-long": _short_long,
        "memory": _memory,
        "speed": _speed,
    }
    made = _Maker(rows, origin, published, columns, card)
    tables = [table for table in builders[style](made) if table.columns]
    for name in columns:
        if name not in made.known:
            raise UsageError(f"no table here has a column '{name}'", fix=nearest(name, made.known))
    return tables


class _Maker:
    """The rows of a run, and how a table of some of them is put together."""

    def __init__(
        self,
        rows: Sequence[MethodRow],
        origin: Origin,
        published: Sequence[PublishedNumber],
        wanted: Sequence[str],
        card: GraphicsMemory | None,
    ) -> None:
        self.rows = list(rows)
        self.capacity = [until_full(card)] if card is not None else []
        self.known: set[str] = set()
        self._origin = origin
        self._published = published
        self._wanted = wanted

    def suites(self) -> list[list[MethodRow]]:
        """Gives back the rows of each suite."""
        titles = dict.fromkeys(row.suite_title for row in self.rows)
        return [[row for row in self.rows if row.suite_title == title] for title in titles]

    def table(
        self, title: str, subjects: Sequence[Subject], columns: Sequence[Column], more: Sequence[str] = ()
    ) -> Table:
        """Gives back a table of the columns in which any line has something, with the published ones behind."""
        rows = [row for subject in subjects for row in subject.values()]
        kept = self._choose([*columns, *beside_columns(columns, rows, self._published)])
        notes = Notes()
        lines = lines_of(subjects, kept, notes)
        more = [*more, *beside_footers(kept)]
        footers = table_footers(rows, kept, notes, self._origin, more)
        return Table(title=title, columns=tuple(kept), lines=lines, footers=footers)

    def _choose(self, columns: list[Column]) -> list[Column]:
        self.known |= {name for column in columns for name in column.names}
        if not self._wanted:
            return columns
        measured = [c for name in self._wanted for c in columns if name in c.names and not is_published(c)]
        beside = [c for name in self._wanted for c in columns if name in c.names and is_published(c)]
        return list({id(column): column for column in [*measured, *beside]}.values())


def _by_suite(made: _Maker) -> list[Table]:
    return [
        table
        for rows in made.suites()
        for table in (_throughput(made, rows) if rows[0].noise else [_suite_table(made, rows)])
    ]


def _throughput(made: _Maker, rows: list[MethodRow]) -> list[Table]:
    """Speed and memory for each number of frames and objects (MobileVOS, table 4)."""
    title, subjects = rows[0].suite_title, by_video(rows)
    return [
        made.table(title, subjects, [*on_videos(FPS, rows), of_method(PARAMETERS, rows)]),
        made.table(f"{title}: memory", subjects, [*on_videos(PEAK, rows), at_most(GROWTH, rows)]),
    ]


def _suite_table(made: _Maker, rows: list[MethodRow]) -> Table:
    optional = where_measured([CORE], rows)
    memory = [PEAK, GROWTH, *where_measured([CONSTANT_COST, COMPRESSION], rows), PARAMETERS]
    changes = _changes(made, rows)
    columns = [*score_columns(rows), *changes, FPS, MEDIAN, P99, *optional, *memory]
    return made.table(rows[0].suite_title, [{"": row} for row in rows], columns)


def _memory(made: _Maker) -> list[Table]:
    return [
        made.table(
            f"{rows[0].suite_title}: memory",
            [{"": row} for row in rows],
            [
                PEAK, *where_measured([AFTER_LOAD, ALLOCATED, RESERVED, PROCESS, HOST], rows), GROWTH, PER_MINUTE,
                CONSTANT_COST, *where_measured([*made.capacity, COMPRESSION, PARAMETERS], rows),
            ],
        )
        for rows in made.suites()
    ]  # fmt: skip


def _speed(made: _Maker) -> list[Table]:
    optional = [CORE, P90, P99, SLOWING, OPERATIONS, ENERGY, DROPPED, PARAMETERS]
    return [
        made.table(
            f"{rows[0].suite_title}: speed",
            [{"": row} for row in rows],
            [FPS, *where_measured([FPS_LOW, FPS_HIGH], rows), MEDIAN, *where_measured(optional, rows)],
            _missing(rows),
        )
        for rows in made.suites()
    ]


def _missing(rows: Sequence[MethodRow]) -> list[str]:
    """Why a row has no energy or no count of operations, and which measurements are too short."""
    reasons = {f"Energy not measured: {row.measures.energy_reason}." for row in rows if row.measures.energy_reason}
    reasons |= {
        f"{row.label}: operations not counted: {row.measures.operations_reason}."
        for row in rows
        if row.measures.operations_reason
    }
    return sorted(reasons)


def _changes(made: _Maker, rows: list[MethodRow]) -> list[Column]:
    """The change of the headline score from the shortest playing of the same suite, where this one is longer."""
    times = [row.times for row in made.rows if row.base == rows[0].base and not row.video]
    if rows[0].video or not times or rows[0].times == min(times):
        return []
    shortest = {row.identity: row for row in made.rows if row.base == rows[0].base and row.times == min(times)}
    column = change_column(shortest, (min(times), rows[0].times))
    return where_measured([column], rows)


def _methods_by_suite(made: _Maker) -> list[Table]:
    """One table: a line per method, for each suite its headline score and its speed (XMem's tables 2 and 3)."""
    rows = _without_ladders(made, "methods")
    columns: list[Column] = []
    for members in _suites_of(rows):
        names = dict.fromkeys(name for row in members if (name := headline_of(row)))
        columns += [on_suite(column, members[0].suite_title) for column in [*map(score_column, names), FPS]]
    subjects = _joined(rows)
    shared = replace(PARAMETERS, suite=rows[0].suite_title)
    parameters = [shared] if all(rows[0].suite_title in subject for subject in subjects) else []
    return [made.table("Methods by suite", subjects, [*columns, *parameters])]


def _ablations(made: _Maker) -> list[Table]:
    """A table per suite and method of which there are several variants or settings (XMem's tables 4 to 8)."""
    tables: list[Table] = []
    for rows in made.suites():
        for name in dict.fromkeys(row.method.split("@")[0] for row in rows):
            members = [row for row in rows if row.method.split("@")[0] == name]
            if len({row.label for row in members}) > 1 and not members[0].video:
                tables.append(_ablation(made, members))
    if not tables:
        raise UsageError(
            "this run has no method in several variants or settings",
            fix="run some, as --methods xmem,xmem@no-long-term or --sweep xmem.top_k=10,30",
        )
    return tables


def _ablation(made: _Maker, rows: list[MethodRow]) -> Table:
    rows = sorted(rows, key=lambda row: (len(row.method), len(row.changed)))
    whole = rows[0]
    scores = [column for column in score_columns(rows) if column.key == headline_of(whole)] or score_columns(rows)[:1]
    others = [FPS, PEAK, GROWTH, *where_measured([CONSTANT_COST, COMPRESSION], rows)]
    columns = [*scores, *(differences(column, lambda _: whole) for column in scores), *_changes(made, rows), *others]
    more = [f"Δ: against {whole.label}."] * bool(scores)
    title = f"{whole.suite_title}: {whole.label}"
    return made.table(title, [{"": row} for row in rows], columns, more)


def _short_long(made: _Maker) -> list[Table]:
    """Score, speed and memory on short and on long videos, and what changes (XMem, table 1; MobileVOS, table 4)."""
    rows = _without_ladders(made, "short-long")
    pairs = _pairs(rows)
    if not pairs:
        raise UsageError(
            "a short suite and a long one are needed",
            fix="run two, as --suite long-time,long-time@3x, or name two of this run's: --suite davis2017,long-time",
        )
    return [_pair_table(made, rows, short, long) for short, long in pairs]


def _pairs(rows: list[MethodRow]) -> list[tuple[str, str]]:
    """The suites that were played at several lengths, each against its shortest; else a run's only two suites."""
    pairs: list[tuple[str, str]] = []
    for base in dict.fromkeys(row.base for row in rows):
        titles = {row.times: row.suite_title for row in rows if row.base == base}
        pairs += [(titles[min(titles)], titles[times]) for times in sorted(titles)[1:]]
    ordered = sorted(_suites_of(rows), key=lambda members: max(row.mean_frames for row in members))
    if not pairs and len(ordered) == 2:
        pairs.append((ordered[0][0].suite_title, ordered[1][0].suite_title))
    return pairs


def _pair_table(made: _Maker, rows: list[MethodRow], short: str, long: str) -> Table:
    chosen = [row for row in rows if row.suite_title in (short, long)]
    columns: list[Column] = []
    for title in (short, long):
        members = [row for row in chosen if row.suite_title == title]
        names = dict.fromkeys(name for row in members if (name := headline_of(row)))
        columns += [on_suite(column, title) for column in [*map(score_column, names), FPS, PEAK]]
    shorter = {_joint(row): row for row in chosen if row.suite_title == short}
    columns += [
        replace(column, suite=long)
        for column in (
            _between("change", "change", 1, shorter, _score_change),
            _between("fps_ratio", "FPS long/short", 2, shorter, _speed_ratio),
            CONSTANT_COST,
        )
    ]
    return made.table(f"{short} and {long}", _joined(chosen), columns)


def _between(
    key: str,
    title: str,
    decimals: int,
    shorter: Mapping[tuple[str, ...], MethodRow],
    compare: Callable[[MethodRow, MethodRow], float | None],
) -> Column:
    def value(row: MethodRow) -> float | None:
        other = shorter.get(_joint(row))
        return compare(other, row) if other is not None and other.complete and row.complete else None

    return Column(key=key, title=title, decimals=decimals, better="neither", value=value)


def _score_change(short: MethodRow, long: MethodRow) -> float | None:
    name = headline_of(long)
    return long.scores[name] - short.scores[name] if name and name in short.scores else None


def _speed_ratio(short: MethodRow, long: MethodRow) -> float | None:
    if not short.frames_per_second or long.frames_per_second is None:
        return None
    return long.frames_per_second / short.frames_per_second


def _without_ladders(made: _Maker, style: Style) -> list[MethodRow]:
    rows = [row for row in made.rows if not row.video]
    if not rows:
        raise UsageError(
            f"--style {style} shows means over videos", fix="leave --by-video out; a ladder's videos have no mean"
        )
    return rows


def _suites_of(rows: Sequence[MethodRow]) -> list[list[MethodRow]]:
    titles = dict.fromkeys(row.suite_title for row in rows)
    return [[row for row in rows if row.suite_title == title] for title in titles]


def _joint(row: MethodRow) -> tuple[str, ...]:
    """What is equal where two rows may share a line."""
    return (row.identity, row.mode, row.fingerprint)


def _joined(rows: Sequence[MethodRow]) -> list[Subject]:
    """The rows of each method, by suite."""
    subjects: dict[tuple[str, ...], dict[str, MethodRow]] = {}
    for row in rows:
        subjects.setdefault(_joint(row), {})[row.suite_title] = row
    return list(subjects.values())
