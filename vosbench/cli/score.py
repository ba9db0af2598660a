"""``vosbench score``: the official scores of a run, or of masks that anyone's code wrote."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from vosbench.cli.options import comma_list, data_option, echo_json, json_option
from vosbench.config import find_places
from vosbench.data.suite import Suite, at_split, find_root, find_suite, split_times, video_names
from vosbench.errors import UsageError
from vosbench.heap import keep_freed_memory
from vosbench.store.atomic import storing
from vosbench.store.run import RUNS, Run

if TYPE_CHECKING:
    from vosbench.metrics.summary import Measure


@click.command(short_help="Score a run, or masks or tracks that anyone's code wrote.")
@click.argument("target", type=click.Path(path_type=Path))
@click.option("--suite", help="The suite whose truth to use. Needed unless TARGET is a run.")
@data_option
@click.option("--split", help="The split, where not the suite's default.")
@click.option("--feed", type=click.Choice(["all", "fifth"]), help="YouTube-VOS: every frame, or every fifth.")
@click.option("--protocol", help="Another protocol than the suite's own.")
@click.option(
    "--videos", callback=comma_list, help="Only these videos, a comma list. Default: those of the data's list."
)
@click.option(
    "--official-decay",
    is_flag=True,
    help="Repeat the official tool's decay, whose 8-bit bin edges are wrong from 256 scored frames on.",
)
@click.option(
    "--csv", "csv_folder", type=click.Path(path_type=Path), help="Where the official CSV files go. Default: TARGET."
)
@json_option
def command(target: Path, **options: Any) -> None:
    """Score TARGET: a folder of masks laid out as VIDEO/FRAME.png, a results file of YouTube-VIS, or a run.

    Of masks the official CSV files are written, always computed anew. Of a run the missing scores are added and its
    tables printed.
    """
    keep_freed_memory()
    if options["suite"] is None:
        _score_run(Run(target if target.is_dir() else RUNS / target), options)
        return
    name, times = split_times(options["suite"])
    found, _ = find_suite(name)
    split = options["split"] or found.splits.default
    suite = at_split(found, split, feed=options["feed"], times=times)
    root = find_root(suite, find_places(options["data"]))
    if root is None:
        raise UsageError("no data root is configured, so there is no truth", fix="say where it is with --data ROOT")
    if suite.task == "vis":
        _score_results(target, suite, root, split, options)
    else:
        _score_masks(target, suite, root, split, options)


def _score_masks(target: Path, suite: Suite, root: Path, split: str, options: dict[str, Any]) -> None:
    from vosbench.metrics.official_csv import write_official_csv
    from vosbench.metrics.protocol import find_protocol
    from vosbench.metrics.summary import summarise
    from vosbench.scorer import score_folder

    if not target.is_dir():
        raise UsageError(f"there is no folder {target}", fix="name the folder that holds one folder of masks per video")
    protocol = find_protocol(options["protocol"] or suite.protocol)
    names = options["videos"] or video_names(suite, root, split)
    scores = score_folder(target, suite, root, names, protocol, official_decay=options["official_decay"])
    summary = summarise(protocol, scores)
    folder = options["csv_folder"] or target
    with storing(folder):
        folder.mkdir(parents=True, exist_ok=True)
    written = write_official_csv(folder, protocol, summary, subset=split)
    if options["as_json"]:
        echo_json(summary.to_json())
        return
    objects = f"{len(summary.rows)} objects"
    click.echo(f"{suite.title} {split}, {len(names)} videos, {objects}, protocol {summary.protocol}")
    _print_measures(summary.measures)
    if written:
        click.echo(f"written: {', '.join(str(path) for path in written)}")


def _score_results(target: Path, suite: Suite, root: Path, split: str, options: dict[str, Any]) -> None:
    from vosbench.vis_scorer import results_file, score_results

    for flag in ("feed", "videos", "csv_folder", "official_decay"):
        if options[flag]:
            raise UsageError(
                f"--{flag.replace('_', '-').removesuffix('-folder')} is about masks, and '{suite.name}' scores tracks",
                fix="leave it out",
            )
    if options["protocol"] not in (None, suite.protocol) or suite.times > 1:
        raise UsageError(f"'{suite.name}' is scored as it is, by the protocol {suite.protocol}", fix="name it alone")
    score = score_results(results_file(target), suite, root)
    if options["as_json"]:
        echo_json(score.to_json())
        return
    click.echo(f"{suite.title} {split}, protocol {suite.protocol}")
    _print_measures(score.measures)


def _score_run(run: Run, options: dict[str, Any]) -> None:
    from vosbench.cli.tables import describe_tables, print_tables
    from vosbench.report.files import run_tables, write_tables
    from vosbench.scorer import score_run

    if next(run.records(), None) is None:
        raise UsageError(
            f"{run.path} is not a run", fix="to score masks, say whose truth they are scored against with --suite NAME"
        )
    if options["protocol"] is not None:
        raise UsageError("a run is scored by its suite's protocol", fix="score one cell's masks folder with --suite")
    unscored = score_run(run, official_decay=options["official_decay"])
    tables = run_tables(run)
    write_tables(run, tables)
    if options["as_json"]:
        echo_json({"tables": describe_tables(tables), "unscored": unscored})
        return
    print_tables(tables)
    for entry in unscored:
        click.echo(f"no score for {entry.name}: {entry.reason}")


def _print_measures(measures: tuple[Measure, ...]) -> None:
    for measure in measures:
        value = "-" if measure.value is None else f"{100 * measure.value:.1f}"
        click.echo(f"  {measure.name:<10} {value:>6}{'  ' + measure.reason if measure.reason else ''}")
