"""``vosbench table RUN``: the table of a run, again and in any format; ``--published``: the papers' numbers."""

from __future__ import annotations

import click

from vosbench.cli.options import comma_list, echo_json, json_option
from vosbench.errors import UsageError
from vosbench.store.run import find_run


@click.command(short_help="Print a run's table as markdown, LaTeX or CSV, or the papers' numbers.")
@click.argument("run", required=False)
@click.option(
    "--format", "form", type=click.Choice(["text", "markdown", "latex", "csv"]), default="text", show_default=True
)
@click.option("--by-video", is_flag=True, help="A row for each video instead of the mean.")
@click.option("--published", is_flag=True, help="The numbers that papers printed, as a table of their own.")
@click.option("--conflicts", is_flag=True, help="With --published: where papers disagree about the same method.")
@click.option("--suite", "suites", callback=comma_list, metavar="A,B", help="With --published: of these suites only.")
@click.option("--methods", callback=comma_list, metavar="A,B", help="With --published: of these methods only.")
@json_option
def command(
    run: str | None,
    form: str,
    by_video: bool,
    published: bool,
    conflicts: bool,
    suites: tuple[str, ...],
    methods: tuple[str, ...],
    as_json: bool,
) -> None:
    """Print the tables of RUN, a folder or the name of one below results/runs, or published numbers."""
    if published:
        if run is not None:
            raise UsageError("--published prints a table of its own, without a run", fix="leave RUN out")
        from vosbench.cli.published import print_published

        print_published(suites=suites, methods=methods, conflicts=conflicts, form=form, as_json=as_json)
        return
    if conflicts or suites or methods:
        raise UsageError("--conflicts, --suite and --methods belong to --published", fix="add --published")
    if run is None:
        raise UsageError("no run is named", fix="vosbench table RUN, or vosbench table --published")
    _print_run(run, form, by_video, as_json)


def _print_run(run: str, form: str, by_video: bool, as_json: bool) -> None:
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
