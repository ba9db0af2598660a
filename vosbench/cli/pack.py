"""``vosbench pack RUN``: the zip file that an evaluation server takes."""

from __future__ import annotations

from pathlib import Path

import click

from vosbench.cli.options import comma_list, echo_json, json_option
from vosbench.errors import UsageError
from vosbench.store.run import find_run


@click.command(short_help="Make the zip files that evaluation servers take.")
@click.argument("run")
@click.option("--suite", "suites", callback=comma_list, metavar="A,B", help="Only these suites of the run.")
@click.option("--methods", callback=comma_list, metavar="A,B", help="Only these methods, by their labels in the table.")
@click.option(
    "--out", type=click.Path(path_type=Path), help="The file, where there is just one. Default: RUN/submissions/."
)
@json_option
def command(run: str, suites: tuple[str, ...], methods: tuple[str, ...], out: Path | None, as_json: bool) -> None:
    """Pack the masks or tracks of RUN, one zip file per suite and method, in the layout of the suite's server.

    Names, sizes, ids, palettes and missing frames are checked first; a zip file that would be refused is not written.
    """
    from vosbench.submission import FOLDER, find_answers, pack

    found = find_run(run)
    answers = find_answers(found, suites, methods)
    if out is not None and len(answers) > 1:
        raise UsageError(
            f"--out names one file, and there are {len(answers)} to write",
            fix="choose with --suite and --methods among " + ", ".join(entry.name for entry in answers),
        )
    packed = [pack(entry, out or found.path / FOLDER / f"{entry.name}.zip") for entry in answers]
    if as_json:
        echo_json(packed)
        return
    for entry in packed:
        held = f"{entry.videos} videos, {entry.masks} {entry.what}, {entry.bytes / 2**20:.1f} MiB"
        click.echo(f"{entry.path}: {entry.suite}, {entry.method}, {held}")
