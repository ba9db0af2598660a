"""``vosbench table RUN``: the table of a run, again and in any format."""

from __future__ import annotations

import click

from vosbench.cli.options import echo_json, json_option
from vosbench.store.run import find_run


@click.command(short_help="Print a run's table as markdown, LaTeX or CSV.")
@click.argument("run")
@click.option(
    "--format", "form", type=click.Choice(["text", "markdown", "latex", "csv"]), default="text", show_default=True
)
@click.option("--by-video", is_flag=True, help="A row for each video instead of the mean.")
@json_option
def command(run: str, form: str, by_video: bool, as_json: bool) -> None:
    """Print the tables of RUN, a folder or the name of one below results/runs."""
    from vosbench.cli.tables import describe_tables, print_tables
    from vosbench.report.files import run_tables
    from vosbench.report.text import comma_separated, latex, markdown

    tables = run_tables(find_run(run), by_video=by_video)
    if as_json:
        echo_json(describe_tables(tables))
    elif form == "text":
        print_tables(tables)
    else:
        write = {"markdown": markdown, "csv": comma_separated, "latex": latex}[form]
        click.echo("\n".join(write(table) for table in tables), nl=False)
