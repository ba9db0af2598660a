"""The tables of a run: built from its records, written into its folder."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from vosbench import __version__
from vosbench.errors import StoreError
from vosbench.report.rows import Cell, method_rows, read_cells
from vosbench.report.table import Table, build_tables
from vosbench.report.text import comma_separated, latex
from vosbench.store.atomic import write_whole
from vosbench.store.run import Run


def run_tables(run: Run, *, by_video: bool = False) -> list[Table]:
    """Gives back one table per suite of a run, with a row per video where ``by_video``.

    Raises `StoreError` for a run without a finished cell.
    """
    cells = read_cells(run)
    if not cells:
        raise StoreError("no cell of this run is finished", where=str(run.path), fix="run the command again to go on")
    return build_tables(
        method_rows(cells, by_video=by_video),
        _machines(cells),
        _versions(cells),
        f"{datetime.now().astimezone():%Y-%m-%d}",
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


def _machines(cells: list[Cell]) -> str:
    described = (c.record.machine.describe(c.record.spec.runtime.device, c.record.spec.runtime.threads) for c in cells)
    return " | ".join(dict.fromkeys(described))


def _versions(cells: list[Cell]) -> str:
    torch = " or ".join(sorted({cell.record.machine.versions.get("torch", "") for cell in cells}))
    return f"vosbench {__version__}, torch {torch}"
