"""Tables as markdown and CSV, and a number as every format shows it."""

from __future__ import annotations

import csv
import io

from vosbench.report.table import Column, Line, Table, Value, shown

ABSENT = "-"


def markdown(table: Table) -> str:
    """Gives back the table in markdown: best in bold, second in italics, footers below."""
    head = ["method", *(column.heading for column in table.columns)]
    lines = [f"### {table.title}", "", _pipes(head), _pipes(["---", *("---:" for _ in table.columns)])]
    lines += [_pipes([line.label, *_markdown_values(table, line)]) for line in table.lines]
    return "\n".join([*lines, "", *(f"{footer}  " for footer in table.footers)]) + "\n"


def comma_separated(table: Table) -> str:
    """Gives back the table as CSV with every digit as measured; nothing stands where nothing was measured.

    A column whose values have deviations is followed by one of those; where any line has notes, the last column holds
    them.
    """
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    spread = [any(line.values[c].deviation is not None for line in table.lines) for c in range(len(table.columns))]
    keys = [
        [column.key, *[f"{column.key} deviation"] * wide] for column, wide in zip(table.columns, spread, strict=True)
    ]
    noted = [row_note(table, line) for line in table.lines]
    last = ["note"] * any(noted)
    writer.writerow(["suite", "method", *(key for pair in keys for key in pair), *last])
    for line, note in zip(table.lines, noted, strict=True):
        cells = [[_plain(v), *[_digits(v.deviation)] * wide] for v, wide in zip(line.values, spread, strict=True)]
        writer.writerow([table.title, line.label, *(cell for pair in cells for cell in pair), *[note for _ in last]])
    return buffer.getvalue()


def row_note(table: Table, line: Line) -> str:
    """Gives back all that must be said about a line and its values, each of these behind its column's key."""
    values = [
        f"{column.key}: {value.about}" for column, value in zip(table.columns, line.values, strict=True) if value.about
    ]
    return "; ".join([*line.notes, *values])


def number(column: Column, value: Value) -> str:
    """Gives back a value with the column's decimals and its deviation, its text where it has one, or a dash."""
    if value.text:
        return value.text
    if value.number is None:
        return ABSENT
    text = f"{shown(column, value.number):.{column.decimals}f}"
    return text if value.deviation is None else f"{text} ± {value.deviation:.{column.decimals}f}"


def _plain(value: Value) -> str:
    return _digits(value.number) if value.number is not None else value.text


def _digits(value: float | None) -> str:
    return "" if value is None else repr(value)


def _pipes(cells: list[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _markdown_values(table: Table, line: Line) -> list[str]:
    wrap = {"best": "**{}**", "second": "*{}*", "": "{}"}
    return [
        wrap[value.mark].format(number(column, value)) + (f" ({value.note})" if value.note else "")
        for column, value in zip(table.columns, line.values, strict=True)
    ]
