"""The tables of a run: built from its records, written into its folder."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from vosbench.errors import StoreError, UsageError, nearest
from vosbench.gpus import GraphicsMemory
from vosbench.published import PublishedNumber
from vosbench.report.cells import Cell
from vosbench.report.latex import latex
from vosbench.report.origins import days_of, versions_of
from vosbench.report.rows import MethodRow, method_rows, read_cells
from vosbench.report.table import Table
from vosbench.report.table_footers import Origin
from vosbench.report.table_styles import Style, build_tables
from vosbench.report.text import comma_separated
from vosbench.store.atomic import write_whole
from vosbench.store.run import Run


def run_tables(
    run: Run,
    *,
    by_video: bool = False,
    style: Style = "suite",
    suites: Sequence[str] = (),
    methods: Sequence[str] = (),
    columns: Sequence[str] = (),
    published: Sequence[PublishedNumber] = (),
    card: GraphicsMemory | None = None,
) -> list[Table]:
    """Gives back the tables of a run in a style, of all or some of its suites, methods and columns.

    With ``by_video`` there is a row per video; ``published`` numbers stand beside measured ones; for ``card`` see
    `build_tables`. Raises `StoreError` for a run without a finished cell, `UsageError` for a name it does not hold.
    """
    cells = read_cells(run)
    if not cells:
        raise StoreError("no cell of this run is finished", where=str(run.path), fix="run the command again to go on")
    rows = choose_rows(method_rows(cells, by_video=by_video), suites, methods)
    return build_tables(rows, run_origin(cells), style=style, columns=columns, published=published, card=card)


def run_details(run: Run) -> list[Table]:
    """Gives back the tables of speed and of memory: what the headline has no room for.

    Random frames have no second table of memory: their headline is one.
    """
    cells = read_cells(run)
    rows, origin = method_rows(cells), run_origin(cells)
    videos = [row for row in rows if not row.noise]
    memory = build_tables(videos, origin, style="memory") if videos else []
    return [*build_tables(rows, origin, style="speed"), *memory]


def choose_rows(rows: Sequence[MethodRow], suites: Sequence[str], methods: Sequence[str]) -> list[MethodRow]:
    """Gives back the rows of these suites and methods, in the order in which suites are named; all where none is."""
    chosen = _choose("suite", rows, suites, lambda row: {row.suite, row.suite_title})
    return _choose("method", chosen, methods, lambda row: {row.method, row.method.split("@")[0], row.label})


def run_origin(cells: Sequence[Cell]) -> Origin:
    """Gives back machines, versions and days of what was measured, for the foot of a table."""
    records = [cell.record for cell in cells]
    return Origin(
        machine=" | ".join(
            dict.fromkeys(r.machine.describe(r.spec.runtime.device, r.spec.runtime.threads) for r in records)
        ),
        versions=versions_of(records),
        date=days_of(records),
    )


def write_tables(run: Run, tables: list[Table]) -> list[Path]:
    """Write ``tables/SUITE.tex`` and ``tables/SUITE.csv`` into the run's folder; gives back their paths."""
    written: list[Path] = []
    for table in tables:
        for suffix, text in ((".tex", latex(table)), (".csv", comma_separated(table))):
            path = run.path / "tables" / (table.name + suffix)
            write_whole(path, text.encode())
            written.append(path)
    return written


def _choose(
    what: str, rows: Sequence[MethodRow], wanted: Sequence[str], names: Callable[[MethodRow], set[str]]
) -> list[MethodRow]:
    known = {name for row in rows for name in names(row)}
    for name in wanted:
        if name not in known:
            raise UsageError(f"this run has no {what} '{name}'", fix=nearest(name, known))
    if not wanted:
        return list(rows)
    found = [row for name in wanted for row in rows if name in names(row)]
    return list({id(row): row for row in found}.values())
