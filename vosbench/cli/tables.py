"""Shows tables on the terminal."""

from __future__ import annotations

from typing import Any

from rich.text import Text

from vosbench.cli.console import console
from vosbench.cli.grid import print_grid
from vosbench.report.table import Line, Table
from vosbench.report.text import number, row_note

STYLES = {"best": "bold green", "second": "underline", "": ""}


def print_tables(tables: list[Table]) -> None:
    """Print each table with its footers."""
    out = console()
    for table in tables:
        out.print()
        head = ["method", *(column.heading for column in table.columns)]
        print_grid(out, table.title, head, [_cells(table, line) for line in table.lines], justify="right")
        for footer in table.footers:
            out.print(Text(footer, style="dim"))


def _cells(table: Table, line: Line) -> list[Text]:
    values = [
        Text(number(column, value) + (f" ({value.note})" if value.note else ""), style=STYLES[value.mark])
        for column, value in zip(table.columns, line.values, strict=True)
    ]
    return [Text(line.label), *values]


def describe_tables(tables: list[Table]) -> list[dict[str, Any]]:
    """Gives back tables as plain data, every number as measured; ``note`` holds what must be said about a row."""
    return [
        {
            "title": table.title,
            "rows": [
                {"method": line.label}
                | _numbers(table, line)
                | {"note": row_note(table, line), "cells": list(line.cells)}
                for line in table.lines
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
        if value.about:
            numbers[f"{column.key} note"] = value.about
    return numbers
