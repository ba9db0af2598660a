"""The tables of a study: the paper's rows with what this run measured, and the published values beside."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from vosbench.errors import UsageError, nearest
from vosbench.plain import to_plain
from vosbench.published import METRICS, PublishedNumber, PublishedTable, read_published, read_tables
from vosbench.published.reading import read_papers
from vosbench.registry import Registry
from vosbench.report.published import SHORT, PublishedView, shown
from vosbench.report.rows import MethodRow
from vosbench.studies import Study, StudyColumn, StudyRow, StudyTable, run_of
from vosbench.sweep import parse_row

CHANGE = "J&F change from 1x to 3x"
ABSENT = "-"
BESIDE = (
    "The paper's numbers stand beside those of this run and are not ranked with them: hardware, clock, precision and "
    "data may differ."
)

MEASURED: Mapping[str, Callable[[MethodRow], float | None]] = {
    "frames_per_second": lambda row: row.frames_per_second,
    # papers give means, in which slow keyframes weigh as much as they last
    "milliseconds_per_frame": lambda row: 1e3 / row.frames_per_second if row.frames_per_second else None,
    "peak_memory": lambda row: row.peak_mib,
    "parameters": lambda row: row.parameters,
    "compression_ratio": lambda row: row.compression,
    "energy": lambda row: row.measures.wh_per_ten_minutes,
    "flops": lambda row: row.measures.gmacs,
}
"""What a row says of a published metric that is no score."""


SIZES: Mapping[str, str] = {"AP-small": "APs", "AP-medium": "APm", "AP-large": "APl"}
"""Published scores that rows call otherwise."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Wanted:
    """What a row of a study runs: its method, and the settings that tell it from others of that method."""

    method: str
    settings: Mapping[str, Any]


def study_views(rows: Sequence[MethodRow], study: Study, registry: Registry) -> list[PublishedView]:
    """Gives back the study's tables, filled with what ``rows`` hold of it.

    Raises `UsageError` for a study that names a table, a row or a column that is not published.
    """
    return [_view(rows, study, table, registry) for table in study.tables]


def _view(rows: Sequence[MethodRow], study: Study, table: StudyTable, registry: Registry) -> PublishedView:
    published = _published_table(table, study)
    numbers = {
        (number.row, number.column): number
        for number in read_published()
        if (number.paper, number.table) == (table.paper, table.table)
    }
    columns = table.columns or _own_columns(published)
    _check(study, table, published, columns)
    wanted = _wanted(table, registry)
    found = {run: [row for row in rows if _fits(row, one)] for run, one in wanted.items()}
    lines = tuple((one.printed, one.run, *_values(found, one, columns, numbers)) for one in table.rows)
    short = read_papers()[table.paper].short
    head = [cell for column in columns for cell in (f"{column.title}, here", *_heads(column, short))]
    return PublishedView(
        title=f"{short}, table {table.table}: {published.title}",
        head=("published row", "run here", *head),
        lines=lines,
        footers=(*_footers(_once(found.values()), columns, published), *study.notes, BESIDE),
    )


def _published_table(table: StudyTable, study: Study) -> PublishedTable:
    for found in read_tables():
        if (found.paper, found.table) == (table.paper, table.table):
            return found
    known = sorted(found.table for found in read_tables() if found.paper == table.paper)
    raise UsageError(
        f"no table {table.table} of the paper '{table.paper}' is here",
        where=f"study {study.name}",
        fix=nearest(table.table, known),
    )


def _own_columns(published: PublishedTable) -> tuple[StudyColumn, ...]:
    """Each published column with a measured one of the same metric on the same suite."""
    return tuple(
        StudyColumn(
            title=column.name,
            metric=column.metric,
            suite=published.suite if column.suite is None else column.suite,
            published=(column.name,),
        )
        for column in published.columns
    )


def _check(study: Study, table: StudyTable, published: PublishedTable, columns: Iterable[StudyColumn]) -> None:
    known = {row.printed for row in published.rows}
    names = {column.name for column in published.columns}
    wrong = [(row.printed, known, "row") for row in table.rows if row.printed not in known]
    wrong += [(name, names, "column") for column in columns for name in column.published if name not in names]
    wrong += [(column.metric, set(METRICS), "metric") for column in columns if column.metric not in METRICS]
    for name, there, what in wrong:
        raise UsageError(
            f"table {table.table} of '{table.paper}' has no {what} '{name}'",
            where=f"study {study.name}",
            fix=nearest(name, there),
        )


def _once(groups: Iterable[list[MethodRow]]) -> list[MethodRow]:
    return list({id(row): row for members in groups for row in members}.values())


def _wanted(table: StudyTable, registry: Registry) -> dict[str, _Wanted]:
    """What each of the table's runs asks for."""
    wishes = {run: parse_row(run) for run in table.runs}
    varied: dict[str, set[str]] = {}
    for wish in wishes.values():
        varied.setdefault(wish.method, set()).update(wish.overrides)
    made: dict[str, _Wanted] = {}
    for run, wish in wishes.items():
        settings = to_plain(registry.method(wish.method, wish.overrides).settings)
        made[run] = _Wanted(method=wish.method, settings={name: settings[name] for name in varied[wish.method]})
    return made


def _fits(row: MethodRow, wanted: _Wanted) -> bool:
    settings = to_plain(row.settings)
    return row.method == wanted.method and all(settings.get(name) == value for name, value in wanted.settings.items())


def _values(
    found: Mapping[str, Sequence[MethodRow]],
    wanted: StudyRow,
    columns: Sequence[StudyColumn],
    numbers: Mapping[tuple[str, str], PublishedNumber],
) -> list[str]:
    cells: list[str] = []
    for column in columns:
        rows = found[run_of(wanted, column.run)]
        beside = [numbers.get((wanted.printed, name)) for name in column.published]
        decimals = max((number.decimals for number in beside if number is not None), default=1)
        own = dict.fromkeys(_here(row, column, rows, decimals) for row in rows if _is_of(row, column))
        cells.append(" / ".join(own) or ABSENT)
        cells += [ABSENT if number is None else shown(number) for number in beside]
    return cells


def _is_of(row: MethodRow, column: StudyColumn) -> bool:
    """A number of no suite (parameters) is that of any."""
    return (row.suite == column.suite or not column.suite) and (row.video == column.video or not column.suite)


def _here(row: MethodRow, column: StudyColumn, rows: Sequence[MethodRow], decimals: int) -> str:
    """A measured value as text, with its deviation over the passes where there is one."""
    if column.metric == "constant_cost":
        verdict = row.growth.verdict if row.growth is not None else ""
        return {"bounded": "yes", "growing": "no"}.get(verdict, ABSENT)
    value = _measure(row, column.metric, rows)
    if value is None:
        return "OOM" if row.oom else ABSENT
    deviation = row.deviations.get(_score_name(row, column.metric))
    text = f"{value:.{decimals}f}" + (f" ± {deviation:.{decimals}f}" if deviation is not None else "")
    missing = f" [{row.videos} of {row.planned} videos]" if not row.complete else ""
    return (f"{text} MiB" if column.metric == "peak_memory" else text) + missing


def _measure(row: MethodRow, metric: str, rows: Sequence[MethodRow]) -> float | None:
    if metric in MEASURED:
        return MEASURED[metric](row)
    if metric == CHANGE:
        once = [other for other in rows if other.suite == row.suite.partition("@")[0] and other.suite != row.suite]
        values = [_measure(one, "J&F", rows) for one in (row, *once[:1])]
        return values[0] - values[1] if len(values) == 2 and values[0] is not None and values[1] is not None else None
    return row.scores.get(_score_name(row, metric))


def _score_name(row: MethodRow, metric: str) -> str:
    """The row's name of a published score: ``J&F-Mean`` of J&F, ``APs`` of AP-small, or the metric's own."""
    return f"{metric}-Mean" if f"{metric}-Mean" in row.scores else SIZES.get(metric, metric)


def _heads(column: StudyColumn, short: str) -> list[str]:
    if len(column.published) == 1:
        return [f"{column.title}, {short}"]
    return [f"{short}: {name}" for name in column.published]


def _footers(rows: Sequence[MethodRow], columns: Sequence[StudyColumn], published: PublishedTable) -> tuple[str, ...]:
    conditions = [published.hardware, published.protocol, published.clock]
    lines = [f"Published: {'; '.join(text for text in conditions if text)}."] * any(conditions)
    if not rows:
        return (*lines, "Here: no cell of this study is finished.")
    suites = dict.fromkeys(row.suite_title for row in rows)
    cuts = sorted({row.cut_frames for row in rows if row.cut_frames is not None})
    machines = dict.fromkeys(f"{row.device}; {row.mode}" for row in rows)
    cut = f", cut to the first {' or '.join(map(str, cuts))} frames" if cuts else ""
    lines.append(f"Here: {', '.join(suites)}{cut}; {' | '.join(machines)}.")
    if any(row.synthetic for row in rows):
        lines.append("Synthetic videos: the figures here are not those of the data set.")
    if any(row.weights.startswith("random") for row in rows):
        lines.append("Random weights here: they have no accuracy.")
    elif weights := list(dict.fromkeys(row.weights for row in rows if row.weights)):
        lines.append(f"Weights here: {', '.join(weights)}, not the published ones.")
    if any(row.deviations for row in rows):
        lines.append("±: here the sample deviation over the passes (insertion offsets, repeats that differ).")
    if any(column.metric == "peak_memory" for column in columns):
        lines.append(f"Memory here: {next((row.memory for row in rows if row.memory), 'not measured')}.")
    skipped = [SHORT.get(column.metric, column.metric) for column in columns if not _can_measure(column.metric)]
    return (*lines, *[f"Not measured here: {', '.join(skipped)}."] * bool(skipped))


def _can_measure(metric: str) -> bool:
    return metric in MEASURED or metric == CHANGE or METRICS[metric].unit in ("percent", "mark")
