"""Tables as LaTeX for booktabs, with plain columns or with those of siunitx."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import jinja2

from vosbench.report.published import PublishedView
from vosbench.report.table import Column, Table, Value
from vosbench.report.text import ABSENT, number

_SPECIAL = {
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
    # the text font of LaTeX's first encoding has other characters in these places
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    '"': "''",
    # "\\" takes what follows in brackets or as a star for its own
    "[": "{[}",
    "]": "{]}",
    "*": "{*}",
    # from the mathematical fonts, which every installation has
    "±": r"$\pm$",
    "\N{MULTIPLICATION SIGN}": r"$\times$",
    "\N{MINUS SIGN}": "$-$",
    "≈": r"$\approx$",
    "Δ": r"$\Delta$",
    "°": r"$^{\circ}$",
    "†": r"$^{\dagger}$",
    "‡": r"$^{\ddagger}$",
    "§": r"$^{\mathsection}$",
    "¶": r"$^{\mathparagraph}$",
    "\N{EN DASH}": "--",
    "\N{EM DASH}": "---",
    "…": r"\dots{}",
}

YES, NO = r"$\checkmark$", r"$\times$"


def latex(table: Table, *, siunitx: bool = False) -> str:
    """Gives back a LaTeX table: best in bold, second underlined, footers below, never wider than the line.

    More than eight columns make it a ``table*``, as wide as a page of two columns.

    It needs booktabs, graphicx and amssymb. Numbers of a column all have the same decimals, so they stand under each
    other in plain columns as well; with ``siunitx`` the columns are S columns, for documents that set all of theirs
    so. What is not a bare number (a mark, a note) is wrapped and as wide as the column's numbers.
    """
    widths = [_integer_digits(table, c) for c in range(len(table.columns))]
    rows = [
        [latex_text(line.label)]
        + [
            _cell(column, value, width, siunitx=siunitx)
            for column, value, width in zip(table.columns, line.values, widths, strict=True)
        ]
        for line in table.lines
    ]
    return _environment().get_template("table.tex").render(
        packages=["booktabs", "graphicx", "amssymb", *["siunitx"] * siunitx],
        title=latex_text(table.title),
        label=f"tab:{table.name}",
        format="l" + "".join(_format(table, c, widths[c], siunitx=siunitx) for c in range(len(table.columns))),
        groups=_groups(table.columns),
        columns=[_head(latex_text(column.title), siunitx=siunitx) for column in table.columns],
        rows=rows,
        footers=[latex_text(footer) for footer in table.footers],
    )  # fmt: skip


def latex_view(view: PublishedView, name: str) -> str:
    """Gives back a table of published numbers in LaTeX, every cell as it is shown; ``name`` is for its label."""
    return _environment().get_template("table.tex").render(
        packages=["booktabs", "graphicx", "amssymb"],
        title=latex_text(view.title),
        label=f"tab:{name}",
        format="ll" + "r" * (len(view.head) - 2),
        groups=[],
        columns=[latex_text(head) for head in view.head[1:]],
        rows=[[latex_text(cell) for cell in line] for line in view.lines],
        footers=[latex_text(footer) for footer in view.footers],
    )  # fmt: skip


def latex_text(text: str) -> str:
    """Gives back ``text`` with everything escaped that pdfLaTeX would read otherwise, or could not set."""
    parted = text.replace("--", "-\0-").replace("--", "-\0-")  # LaTeX draws two hyphens as one dash
    return "".join("{}" if c == "\0" else _SPECIAL.get(c) or _settable(c) for c in parted)


def _settable(character: str) -> str:
    """A character that pdfLaTeX has: ASCII, and Latin letters with their accents; else its number."""
    if character.isascii():
        return character if character.isprintable() else " "
    accented = unicodedata.category(character)[0] == "L" and "\u00c0" <= character <= "\u017f"
    return character if accented else f"(U+{ord(character):04X})"


def _environment() -> jinja2.Environment:
    return jinja2.Environment(
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


def _is_word(value: Value) -> bool:
    return bool(value.text) or value.number is None


def _integer_digits(table: Table, place: int) -> int:
    """The most characters before the point in a column: what its numbers are as wide as."""
    column = table.columns[place]
    texts = [number(column, line.values[place]) for line in table.lines if not _is_word(line.values[place])]
    return max((len(text.partition(" ")[0].partition(".")[0]) for text in texts), default=1)


def _format(table: Table, place: int, width: int, *, siunitx: bool) -> str:
    values = [line.values[place] for line in table.lines]
    if not siunitx or all(map(_is_word, values)):
        return "r"
    column = table.columns[place]
    sign = "-" * any(value.number is not None and number(column, value).startswith("-") for value in values)
    return f"S[table-format={sign}{width - len(sign)}.{column.decimals}]"


def _head(text: str, *, siunitx: bool) -> str:
    return f"{{{text}}}" if siunitx else text


def _groups(columns: Sequence[Column]) -> list[dict[str, Any]]:
    """The headings above the titles, each with the columns that it spans; nothing where there is none."""
    groups: list[dict[str, Any]] = []
    for place, column in enumerate(columns, start=2):
        if groups and groups[-1]["text"] == latex_text(column.group):
            groups[-1]["last"] = place
        else:
            groups.append({"text": latex_text(column.group), "first": place, "last": place})
    return groups if any(group["text"] for group in groups) else []


def _cell(column: Column, value: Value, width: int, *, siunitx: bool) -> str:
    if _is_word(value):
        return _word(value.text or ABSENT, siunitx=siunitx)
    text = number(column, value)
    deviation = ""
    if value.deviation is not None:
        text, _, spread = text.partition(" ± ")
        deviation = rf"\,{{\scriptsize$\pm${spread}}}"
    wrap = {"best": r"\textbf{%s}", "second": r"\underline{%s}", "": "%s"}[value.mark]
    note = rf"\rlap{{\textsuperscript{{{value.note}}}}}" if value.note else ""
    if siunitx and not (value.mark or note or deviation):
        return text
    decorated = wrap % text.replace("-", "$-$") + deviation + note
    if not siunitx:
        return decorated
    missing = width - len(text.partition(".")[0])
    padding = rf"\phantom{{{'0' * missing}}}" if missing > 0 else ""
    return f"{{{padding}{decorated}}}"


def _word(text: str, *, siunitx: bool) -> str:
    words = {"yes": YES, "no": NO}.get(text) or latex_text(text)
    return f"{{{words}}}" if siunitx else words
