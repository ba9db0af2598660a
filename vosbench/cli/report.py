"""``vosbench report RUN``: tables, figures, videos, failures and pictures of a run as one HTML page."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from vosbench.cli.options import comma_list, echo_json, json_option
from vosbench.cli.plot import KINDS
from vosbench.errors import UsageError, nearest
from vosbench.store.run import find_run


@click.command(short_help="Write a run's tables, figures, failures and pictures as one HTML page.")
@click.argument("run")
@click.option("--out", type=click.Path(path_type=Path), help="The file. Default: report.html in the run's folder.")
@click.option(
    "--at",
    "times",
    callback=comma_list,
    default="10,50,95",
    show_default=True,
    help="Pictures at these percentages of a video.",
)
@click.option("--videos", callback=comma_list, help="Pictures of these videos. Default: two of each suite.")
@click.option("--kinds", callback=comma_list, help="Only these kinds of figures. Default: all that the run allows.")
@click.option("--no-pictures", is_flag=True, help="No frames and masks: a smaller page that shows no video.")
@click.option("--published", is_flag=True, help="The papers' numbers beside the measured ones.")
@json_option
def command(run: str, **options: Any) -> None:
    """Write one self-contained page of RUN: it opens from disk and asks no other file or machine for anything.

    Links to the records are relative: keep the page in the run's folder, or open it there.
    """
    from vosbench.published import read_published
    from vosbench.report.page import PageRequest, write_page
    from vosbench.report.page_pictures import Choice

    choice = Choice(times=_shares(options["times"]), videos=options["videos"])
    for kind in options["kinds"]:
        if kind not in KINDS:
            raise UsageError(f"--kinds {kind}: there is no such figure", fix=nearest(kind, KINDS))
    request = PageRequest(
        kinds=options["kinds"] or KINDS,
        overlays=None if options["no_pictures"] else choice,
        published=read_published() if options["published"] else (),
    )
    written = write_page(find_run(run), request, options["out"])
    size = written.stat().st_size
    if options["as_json"]:
        echo_json({"written": written, "bytes": size})
    else:
        click.echo(f"written: {written} ({size / 2**20:.1f} MiB)")


def _shares(words: tuple[str, ...]) -> tuple[float, ...]:
    try:
        percentages = [float(word) for word in words]
    except ValueError:
        percentages = [-1.0]
    if not percentages or not all(0 <= percentage <= 100 for percentage in percentages):
        raise UsageError(f"--at {','.join(words)}: not percentages", fix="write --at 10,50,95")
    return tuple(percentage / 100 for percentage in percentages)
