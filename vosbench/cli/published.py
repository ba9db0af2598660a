"""Prints the papers' numbers for ``vosbench table --published``."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import click
from rich.text import Text

from vosbench.cli.console import console
from vosbench.cli.grid import print_grid
from vosbench.cli.options import echo_json
from vosbench.errors import UsageError
from vosbench.published import find_conflicts, read_published, select_numbers
from vosbench.report.published import PublishedView, conflict_view, csv_view, markdown_view, published_views


def print_published(
    *, suites: Iterable[str], methods: Iterable[str], conflicts: bool, form: str, as_json: bool
) -> None:
    """Print the published numbers of these suites and methods, or only where they contradict each other."""
    if form == "latex" and not as_json:
        raise UsageError("published numbers are not written as LaTeX", fix="--format text, markdown or csv, or --json")
    numbers = select_numbers(read_published(), suites=suites, methods=methods)
    if not numbers:
        raise UsageError("no paper here prints a number of these methods on these suites", fix="name fewer of them")
    found = find_conflicts(numbers) if conflicts else ()
    if as_json:
        echo_json(list(found) if conflicts else list(numbers))
        return
    views = [conflict_view(found)] if conflicts else published_views(numbers)
    if form == "text":
        print_views(views)
    else:
        write = {"markdown": markdown_view, "csv": csv_view}[form]
        click.echo("\n".join(write(view) for view in views), nl=False)


def print_views(views: Sequence[PublishedView]) -> None:
    """Print each table with its footers."""
    out = console()
    for view in views:
        out.print()
        print_grid(out, view.title, view.head, [[*map(Text, line)] for line in view.lines], justify="left")
        for footer in view.footers:
            out.print(Text(footer, style="dim"))
