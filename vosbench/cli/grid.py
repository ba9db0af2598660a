"""Prints rows under a head so that no number is broken: what a terminal has no room for goes into further parts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from rich.cells import cell_len
from rich.console import Console
from rich.table import Table as RichTable
from rich.text import Text

GAP = 2
"""Columns of the terminal behind each column of a table."""

SHARE = 0.4
"""The most of a terminal's width that one column takes: labels and words fold at it, numbers are shorter."""

LEAST = 24
"""Characters up to which no column is folded, however narrow the terminal: no number is longer."""


def print_grid(
    out: Console, title: str, head: Sequence[str], rows: Sequence[Sequence[Text]], *, justify: Literal["left", "right"]
) -> None:
    """Print ``rows`` below ``head`` and ``title``, the first column in every part that the width asks for.

    Nothing is folded in a file or a pipe. ``justify`` is that of all columns but the first.
    """
    columns = [[row[index] for row in rows] for index in range(len(head))]
    limit = max(LEAST, int(SHARE * out.width)) if out.is_terminal else None
    wide = [_width(name, cells, limit, whole=True) for name, cells in zip(head, columns, strict=True)]
    narrow = [_width(name, cells, limit, whole=False) for name, cells in zip(head, columns, strict=True)]
    out.print(Text(title, style="italic"))
    for number, part in enumerate(_parts(narrow, out.width) if out.is_terminal else [[*range(len(head))]]):
        fits = not out.is_terminal or _total(wide, part) <= out.width
        widths = wide if fits else narrow
        shown = RichTable(box=None, pad_edge=False, padding=(0, GAP, 0, 0))
        for index in part:
            side = justify if index else "left"
            shown.add_column(head[index], justify=side, width=widths[index], overflow="fold")
        for row in rows:
            shown.add_row(*(row[index] for index in part))
        if number:
            out.print()
        out.width = max(out.width, _total(widths, part))
        out.print(shown)


def _width(name: str, cells: Sequence[Text], limit: int | None, *, whole: bool) -> int:
    """What a column needs so that its cells stay whole, up to ``limit``, and its heading, or each of its words."""
    words = [name] if whole else name.split()
    needed = max(map(cell_len, [*words, *(cell.plain for cell in cells)]), default=1)
    return max(1, min(needed, limit) if limit is not None else needed)


def _total(widths: Sequence[int], part: Sequence[int]) -> int:
    return sum(widths[index] + GAP for index in part)


def _parts(widths: Sequence[int], room: int) -> list[list[int]]:
    """The columns of each part: the first, and as many of the others as there is room for, one at least."""
    parts = [[0]]
    for index in range(1, len(widths)):
        if len(parts[-1]) > 1 and _total(widths, [*parts[-1], index]) > room:
            parts.append([0])
        parts[-1].append(index)
    return parts
