"""Tables as markdown, CSV and LaTeX."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import jinja2

from vosbench.report.table import Column, Line, Table, Value

ABSENT = "-"

_LATEX_SPECIAL = {
    "\\": r"\textbackslash{}",
    "&": r"\&",
    "%": r"\%",
    "$": r"\$",
    "#": r"\#",
    "_": r"\_",
    "{": r"\{",
    "}": r"\}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
}


def markdown(table: Table) -> str:
    """Gives back the table in markdown: best in bold, second in italics, footers below."""
    head = ["method", *(column.title for column in table.columns)]
    lines = [f"### {table.title}", "", _pipes(head), _pipes(["---", *("---:" for _ in table.columns)])]
    lines += [_pipes([line.label, *_markdown_values(table, line)]) for line in table.lines]
    return "\n".join([*lines, "", *(f"{footer}  " for footer in table.footers)]) + "\n"


def comma_separated(table: Table) -> str:
    """Gives back the table as CSV with every digit as measured; nothing stands where nothing was measured."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(["suite", "method", *(column.key for column in table.columns)])
    for line in table.lines:
        numbers = [value.number for value in line.values]
        writer.writerow([table.title, line.label, *("" if n is None else repr(n) for n in numbers)])
    return buffer.getvalue()


def latex(table: Table) -> str:
    """Gives back a LaTeX table for booktabs: best in bold, second underlined, footers below."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent / "templates"),
        block_start_string="<%",
        block_end_string="%>",
        variable_start_string="<<",
        variable_end_string=">>",
        comment_start_string="<#",
        comment_end_string="#>",
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
        autoescape=False,  # noqa: S701 - the template is LaTeX; every text goes through latex_text
    )
    rows = [[latex_text(line.label), *_latex_values(table, line)] for line in table.lines]
    return environment.get_template("table.tex").render(
        title=latex_text(table.title),
        label=f"tab:{table.name}",
        columns=[latex_text(column.title) for column in table.columns],
        rows=rows,
        footers=[latex_text(footer) for footer in table.footers],
    )


def latex_text(text: str) -> str:
    """Gives back ``text`` with LaTeX's special characters escaped."""
    return "".join(_LATEX_SPECIAL.get(character, character) for character in text)


def number(column: Column, value: Value) -> str:
    """Gives back a value with the column's decimals, or a dash."""
    if value.number is None:
        return ABSENT
    return f"{round(value.number, column.decimals) + 0.0:.{column.decimals}f}"  # + 0.0 takes the sign off a zero


def _pipes(cells: list[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _markdown_values(table: Table, line: Line) -> list[str]:
    wrap = {"best": "**{}**", "second": "*{}*", "": "{}"}
    return [
        wrap[value.mark].format(number(column, value)) + (f" ({value.note})" if value.note else "")
        for column, value in zip(table.columns, line.values, strict=True)
    ]


def _latex_values(table: Table, line: Line) -> list[str]:
    wrap = {"best": r"\textbf{%s}", "second": r"\underline{%s}", "": "%s"}
    return [
        wrap[value.mark] % number(column, value) + (rf"\textsuperscript{{{value.note}}}" if value.note else "")
        for column, value in zip(table.columns, line.values, strict=True)
    ]
