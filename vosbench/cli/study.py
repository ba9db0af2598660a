"""What ``--study`` means to ``vosbench run`` and ``vosbench table``."""

from __future__ import annotations

from typing import Any

import click

from vosbench.cli.options import echo_json
from vosbench.errors import UsageError
from vosbench.registry import Registry
from vosbench.store.run import Run
from vosbench.studies import Study, find_study


def with_study(options: dict[str, Any]) -> tuple[dict[str, Any], Study | None]:
    """Gives back the options with the rows, suites and offsets of the study that they name, and the study.

    ``--suite`` and ``--offsets`` win over the study's. Raises `UsageError` for options that would change its rows.
    """
    name = options["study"]
    if name is None:
        return options, None
    for option, flag in (("methods", "--methods"), ("sweeps", "--sweep"), ("curve", "--curve")):
        if options[option]:
            raise UsageError(f"--study {name} and {flag}: a study has its rows", fix="leave one of the two out")
    study = find_study(name)
    chosen = {
        "methods": study.methods,
        "suites": options["suites"] or study.suites,
        "offsets": options["offsets"] or study.offsets,
    }
    return options | chosen, study


def show_study(run: Run, study: Study, registry: Registry, *, quiet: bool) -> list[dict[str, Any]]:
    """Print and write a study's tables and figures; gives back the tables as plain data."""
    from vosbench.cli.published import print_views
    from vosbench.report.study_files import finish_study

    finished = finish_study(run, study, registry)
    if not quiet:
        print_views(finished.views)
        for reason in finished.missing:
            click.echo(reason)
        click.echo(f"written: {', '.join(str(path) for path in finished.written)}")
    return [
        {
            "title": view.title,
            "rows": [dict(zip(view.head, line, strict=True)) for line in view.lines],
            "footers": list(view.footers),
        }
        for view in finished.views
    ]


def print_study(run: Run, name: str, *, as_json: bool) -> None:
    """Print the tables of a study again, from what the run holds now."""
    tables = show_study(run, find_study(name), Registry(), quiet=as_json)
    if as_json:
        echo_json(tables)
