"""``vosbench studies [NAME]``: which papers' experiments a single command runs again."""

from __future__ import annotations

from typing import Any

import click

from vosbench.cli.options import echo_json, json_option
from vosbench.studies import Study, find_study, study_files


@click.command(short_help="Show the studies: papers' experiments as one command each.")
@click.argument("name", required=False)
@json_option
def command(name: str | None, as_json: bool) -> None:
    """Show every study, or one with its suites, rows, tables and figures."""
    studies = [find_study(text) for text in ([name] if name else sorted(study_files()))]
    if as_json:
        described = [_describe(study) for study in studies]
        echo_json(described if name is None else described[0])
    elif name is None:
        for study in studies:
            click.echo(f"{study.name:<22}{len(study.methods):>3} rows  {study.title}")
        click.echo("\nvosbench run --study NAME runs one; vosbench studies NAME shows its rows.")
    else:
        _print(studies[0])


def _print(study: Study) -> None:
    click.echo(f"{study.title}\n  suites: {', '.join(study.suites)}\n  insertion offsets: {study.offsets}")
    for run in study.methods:
        click.echo(f"  row: {run}")
    for table in study.tables:
        click.echo(f"  table: {table.paper} {table.table}, {len(table.rows)} rows, the published values beside")
    for figure in study.figures:
        click.echo(f"  figure: {' '.join([figure.kind, *figure.suites])}")
    for note in study.notes:
        click.echo(f"  note: {note}")
    click.echo(f"\nvosbench run --study {study.name} --weights METHOD=PATH ...")


def _describe(study: Study) -> dict[str, Any]:
    return {
        "name": study.name,
        "title": study.title,
        "suites": study.suites,
        "offsets": study.offsets,
        "rows": study.methods,
        "tables": [f"{table.paper} {table.table}" for table in study.tables],
        "figures": [figure.kind for figure in study.figures],
        "notes": study.notes,
    }
