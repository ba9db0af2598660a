"""Reads the files of ``results/published/`` and makes numbers of them."""

from __future__ import annotations

import importlib.resources
from collections.abc import Iterable, Sequence
from pathlib import Path

from vosbench.errors import UsageError, nearest
from vosbench.published.numbers import METRICS, Cell, PublishedNumber, parse_cell
from vosbench.published.tables import Column, Errata, Erratum, Paper, Papers, PublishedTable, Row
from vosbench.strict_yaml import load_yaml

PAPERS, ERRATA = "papers.yaml", "errata.yaml"


def published_folder() -> Path:
    """Gives back the folder of the files."""
    return Path(str(importlib.resources.files("vosbench.results.published")))


def read_papers(folder: Path | None = None) -> dict[str, Paper]:
    """Gives back the papers by key, in the order of their file."""
    papers = load_yaml(Papers, (folder or published_folder()) / PAPERS).papers
    return {paper.key: paper for paper in papers}


def read_errata(folder: Path | None = None) -> tuple[Erratum, ...]:
    """Gives back what was found wrong by looking: reading errors of the texts, and errors of the papers."""
    return load_yaml(Errata, (folder or published_folder()) / ERRATA).errata


def read_tables(folder: Path | None = None) -> tuple[PublishedTable, ...]:
    """Gives back every table, by paper and number.

    Raises `UsageError` with the file where one is torn, names an unknown paper or metric, or has a row whose cells
    are not as many as its columns.
    """
    folder = folder or published_folder()
    papers = list(read_papers(folder))
    found = []
    for path in folder.glob("*.yaml"):
        if path.name not in (PAPERS, ERRATA):
            table = load_yaml(PublishedTable, path)
            _check(table, papers, path)
            found.append(table)
    return tuple(sorted(found, key=lambda table: (papers.index(table.paper), _place(table.table))))


def read_published(folder: Path | None = None) -> tuple[PublishedNumber, ...]:
    """Gives back every published number, by paper, table, row and column."""
    folder = folder or published_folder()
    papers = read_papers(folder)
    return tuple(number for table in read_tables(folder) for number in numbers_of(table, papers[table.paper]))


def numbers_of(table: PublishedTable, paper: Paper) -> tuple[PublishedNumber, ...]:
    """Gives back the numbers of one table, row by row; a cell in which the paper prints nothing gives none."""
    return tuple(
        _number(table, row, column, cell, paper)
        for row in table.rows
        for column, text in zip(table.columns, row.values.split(), strict=True)
        if (cell := parse_cell(text)) is not None
    )


def select_numbers(
    numbers: Sequence[PublishedNumber], *, suites: Iterable[str] = (), methods: Iterable[str] = ()
) -> tuple[PublishedNumber, ...]:
    """Gives back the numbers of these suites and methods; all of them where none is named.

    A suite brings those numbers of its rows along that belong to no suite (parameters, energy). Raises `UsageError`
    for a suite or method of which no paper here prints anything.
    """
    suites = _known(suites, {number.suite for number in numbers if number.suite}, "suite")
    methods = _known(methods, {number.method for number in numbers}, "method")
    rows = {(number.paper, number.table, number.row) for number in numbers if number.suite in suites}
    return tuple(
        number
        for number in numbers
        if (not methods or number.method in methods)
        and (not suites or number.suite in suites or (not number.suite and _row(number) in rows))
    )


def _row(number: PublishedNumber) -> tuple[str, str, str]:
    return (number.paper, number.table, number.row)


def _known(names: Iterable[str], known: set[str], what: str) -> frozenset[str]:
    names = frozenset(names)
    for name in sorted(names - known):
        raise UsageError(f"no paper here prints a number of the {what} '{name}'", fix=nearest(name, known))
    return names


def _place(table: str) -> tuple[int, int]:
    """Tables 1, 2, ..., then S1, S2, ..., then the prose."""
    if table.isdecimal():
        return (0, int(table))
    return (1, int(table[1:])) if table[1:].isdecimal() else (2, 0)


def _check(table: PublishedTable, papers: Sequence[str], path: Path) -> None:
    wrong = "" if table.paper in papers else f"the paper '{table.paper}' is not in {PAPERS}"
    for metric in [column.metric for column in table.columns] + [row.metric for row in table.rows if row.metric]:
        wrong = wrong or ("" if metric in METRICS else f"there is no metric '{metric}'; {nearest(metric, METRICS)}")
    rows, columns = [row.printed for row in table.rows], [column.name for column in table.columns]
    for names in (rows, columns):
        wrong = wrong or next((f"'{name}' stands here twice" for name in names if names.count(name) > 1), "")
    for row in table.rows:
        wrong = wrong or _row_trouble(row, len(columns))
    for claim in table.claims:
        named = {claim.of, claim.to or claim.of}, {claim.column, claim.to_column or claim.column}
        wrong = wrong or _unknown(named[0], rows) or _unknown(named[1], columns)
    for order in table.orders:
        wrong = wrong or _unknown({order.column}, columns) or _unknown(set(order.rows), rows)
    if wrong:
        raise UsageError(wrong, where=str(path), fix="mend the file; the paper's table is what it must say")


def _row_trouble(row: Row, columns: int) -> str:
    cells = row.values.split()
    if len(cells) != columns:
        return f"the row '{row.printed}' has {len(cells)} cells and there are {columns} columns"
    try:
        for text in cells:
            parse_cell(text)
    except ValueError as error:
        return f"the row '{row.printed}': {error}"
    return ""


def _unknown(names: set[str], known: list[str]) -> str:
    return next((f"there is no '{name}'" for name in sorted(names - set(known))), "")


def _number(table: PublishedTable, row: Row, column: Column, cell: Cell, paper: Paper) -> PublishedNumber:
    metric = METRICS[row.metric or column.metric]
    marks = [mark for mark in table.marks if mark.sign in cell.signs]
    hardware = next((mark.hardware for mark in marks if mark.hardware), None)
    return PublishedNumber(
        method=row.method,
        variant=", ".join(part for part in (row.variant, column.variant) if part),
        suite=_first(row.suite, column.suite, table.suite),
        metric=row.metric or column.metric,
        value=cell.value,
        spread=cell.spread,
        relation=cell.relation,
        decimals=cell.decimals,
        unit=column.unit or metric.unit,
        oom=cell.value is None,
        hardware=_first(hardware, row.hardware, column.hardware, table.hardware) if metric.machine else "",
        precision=_first(row.precision, column.precision, table.precision) if metric.machine else "",
        clock=_first(row.clock, column.clock, table.clock) if metric.machine else "",
        protocol=_first(row.protocol, column.protocol, table.protocol),
        paper=table.paper,
        table=table.table,
        row=row.printed,
        column=column.name,
        lines=row.lines or table.lines,
        source=table.source,
        reservation=paper.reservation,
        note="; ".join(part for part in (row.note, *(mark.means for mark in marks)) if part),
    )


def _first(*texts: str | None) -> str:
    return next((text for text in texts if text is not None), "")
