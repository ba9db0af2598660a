"""``vosbench table RUN``: the tables of a run in any style and format; ``--published``: the papers' numbers."""

from __future__ import annotations

from typing import Any

import click

from vosbench.cli.options import comma_list, echo_json, json_option
from vosbench.errors import UsageError
from vosbench.store.run import find_run

FORMATS = ("text", "markdown", "latex", "csv")
STYLES = ("suite", "methods", "ablation", "short-long", "memory", "speed")


@click.command(short_help="Print a run's tables as markdown, LaTeX or CSV, or the papers' numbers.")
@click.argument("run", required=False)
@click.option("--format", "form", type=click.Choice(FORMATS), default="text", show_default=True)
@click.option(
    "--style",
    type=click.Choice(STYLES),
    default="suite",
    show_default=True,
    help="suite: a table per suite. methods: one table, methods by suites. ablation: variants and settings of a "
    "method against its default. short-long: what changes on longer videos. memory: bytes, growth, compression. "
    "speed: intervals, percentiles, energy, operations.",
)
@click.option("--by-video", is_flag=True, help="A row for each video instead of the mean.")
@click.option("--siunitx", is_flag=True, help="LaTeX with S columns, for documents that load siunitx.")
@click.option("--macros", is_flag=True, help="A LaTeX macro for each number instead of the tables.")
@click.option(
    "--published",
    is_flag=True,
    help="The papers' numbers: beside the measured rows of RUN in columns of their own, or without RUN as a table.",
)
@click.option("--conflicts", is_flag=True, help="With --published, without RUN: where papers disagree.")
@click.option("--suite", "suites", callback=comma_list, metavar="A,B", help="Only these suites.")
@click.option("--methods", callback=comma_list, metavar="A,B", help="Only these methods.")
@click.option(
    "--card",
    metavar="SIZE|NAME",
    help="With --style memory: after how many frames a card is full, as 24GiB or 'RTX 4090'; extrapolated.",
)
@click.option("--study", help="The tables of a study, its paper's values beside; 'vosbench studies' lists them.")
@click.option("--columns", callback=comma_list, metavar="A,B", help="Only these columns, by title or CSV key.")
@json_option
def command(run: str | None, **options: Any) -> None:
    """Print the tables of RUN, a folder or the name of one below results/runs, or published numbers.

    LaTeX needs booktabs, graphicx and amssymb. Best is bold, second underlined, and rows that cannot be compared
    (hardware, mode, missing videos) are not ranked.
    """
    if run is None:
        _print_published(options)
        return
    if options["study"]:
        from vosbench.cli.study import print_study

        print_study(find_run(run), options["study"], as_json=options["as_json"])
        return
    if options["conflicts"]:
        raise UsageError("--conflicts compares papers with each other, without a run", fix="leave RUN out")
    if options["siunitx"] and options["form"] != "latex":
        raise UsageError("--siunitx is about LaTeX", fix="add --format latex")
    if options["card"] and options["style"] != "memory":
        raise UsageError("--card says when a card's memory is full", fix="add --style memory")
    if options["by_video"] and options["style"] != "suite":
        raise UsageError(f"--style {options['style']} has a row per method", fix="leave --by-video out")
    _print_run(run, options)


def _print_published(options: dict[str, Any]) -> None:
    if not options["published"]:
        raise UsageError("no run is named", fix="vosbench table RUN, or vosbench table --published")
    for flag in ("by_video", "siunitx", "macros", "study", "columns"):
        if options[flag]:
            raise UsageError(f"--{flag.replace('_', '-')} needs a run", fix="name RUN")
    from vosbench.cli.published import print_published

    chosen = {name: options[name] for name in ("suites", "methods", "conflicts", "form", "as_json")}
    print_published(**chosen)


def _print_run(run: str, options: dict[str, Any]) -> None:
    from vosbench.cli.tables import describe_tables, print_tables
    from vosbench.gpus import find_graphics_memory
    from vosbench.published import read_published
    from vosbench.report.files import run_tables
    from vosbench.report.latex import latex
    from vosbench.report.macros import macro_file, table_macros
    from vosbench.report.text import comma_separated, markdown

    tables = run_tables(
        find_run(run),
        by_video=options["by_video"],
        style=options["style"],
        suites=options["suites"],
        methods=options["methods"],
        columns=options["columns"],
        published=read_published() if options["published"] else (),
        card=find_graphics_memory(options["card"]) if options["card"] else None,
    )
    form = options["form"]
    if options["macros"]:
        macros = table_macros(tables)
        echo_json(macros) if options["as_json"] else click.echo(macro_file(macros), nl=False)
    elif options["as_json"]:
        echo_json(describe_tables(tables))
    elif form == "text":
        print_tables(tables)
    elif form == "latex":
        click.echo("\n".join(latex(table, siunitx=options["siunitx"]) for table in tables), nl=False)
    else:
        write = {"markdown": markdown, "csv": comma_separated}[form]
        click.echo("\n".join(write(table) for table in tables), nl=False)
