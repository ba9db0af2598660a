"""Shows tables on the terminal."""

from __future__ import annotations

from typing import Any

from rich.table import Table as RichTable
from rich.text import Text

from vosbench.cli.console import console
from vosbench.report.table import Line, Table
from vosbench.report.text import number

STYLES = {"best": "bold green", "second": "underline", "": ""}


def print_tables(tables: list[Table]) -> None:
    """Print each table with its footers."""
    out = console()
    for table in tables:
        out.print()
        shown = RichTable(title=table.title, title_justify="left", box=None, pad_edge=False)
        shown.add_column("method", overflow="fold", min_width=12)
        for column in table.columns:
            shown.add_column(column.heading, justify="right", overflow="fold")
        for line in table.lines:
            values = [
                Text(number(column, value) + (f" ({value.note})" if value.note else ""), style=STYLES[value.mark])
                for column, value in zip(table.columns, line.values, strict=True)
            ]
            shown.add_row(Text(line.label), *values)
        if not out.is_terminal:
            out.width = max(out.width, out.measure(shown).maximum)  # nothing is cut in a file or a pipe
        out.print(shown)
        for footer in table.footers:
            out.print(Text(footer, style="dim"))


def describe_tables(tables: list[Table]) -> list[dict[str, Any]]:
    """Gives back tables as plain data, every number as measured."""
    return [
        {
            "title": table.title,
            "rows": [
                {"method": line.label} | _numbers(table, line) | {"cells": list(line.cells)} for line in table.lines
            ],
            "footers": list(table.footers),
        }
        for table in tables
    ]


def _numbers(table: Table, line: Line) -> dict[str, Any]:
    numbers: dict[str, Any] = {}
    for column, value in zip(table.columns, line.values, strict=True):
        numbers[column.key] = value.number if value.number is not None else value.text or None
        if value.deviation is not None:
            numbers[f"{column.key} deviation"] = value.deviation
    return numbers
