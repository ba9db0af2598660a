"""``vosbench score``: the official scores of a run, or of masks that anyone's code wrote."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from vosbench.cli.options import comma_list, data_option, echo_json, json_option
from vosbench.config import find_places
from vosbench.data.suite import Suite, at_split, find_root, find_suite, official_count, split_times, video_names
from vosbench.errors import StoreError, UsageError, nearest
from vosbench.heap import keep_freed_memory, no_collection
from vosbench.store.atomic import storing
from vosbench.store.run import RUNS, Run

if TYPE_CHECKING:
    from vosbench.cross_check import ToolCheck
    from vosbench.metrics.protocol import Protocol
    from vosbench.metrics.summary import Measure, Summary

MOST_DIFFERENCES = 10
"""Rows that are printed of those that differ; ``--json`` has all."""


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
    "--csv",
    "csv_folder",
    type=click.Path(path_type=Path),
    help="Where the official CSV files go. Default: TARGET, and with --videos nowhere.",
)
@click.option(
    "--cross-check",
    is_flag=True,
    help="Also run what is installed of davis2017-evaluation, vos-benchmark and TrackEval on the same masks.",
)
@click.option("--tools-python", default=sys.executable, help="The interpreter that has those tools. Default: this one.")
@click.option("--workers", type=click.IntRange(min=1), default=1, show_default=True, help="Processes that share it.")
@json_option
def command(target: Path, **options: Any) -> None:
    """Score TARGET: a folder of masks laid out as VIDEO/FRAME.png, a results file of YouTube-VIS or COCO, or a run.

    Of masks the official CSV files are written, always computed anew; of some --videos alone only into --csv. Of a
    run the missing scores are added and its tables printed.
    """
    from vosbench.compiled import leave_out_linear_algebra

    keep_freed_memory()
    with no_collection():
        leave_out_linear_algebra()
        _score(target, options)


def _score(target: Path, options: dict[str, Any]) -> None:
    if options["suite"] is None:
        _score_run(Run(target if target.is_dir() else RUNS / target), options)
        return
    name, times = split_times(options["suite"])
    found, file = find_suite(name)
    split = options["split"] or found.splits.default
    suite = at_split(found, split, feed=options["feed"], times=times, protocol=options["protocol"])
    root = find_root(suite, find_places(options["data"]))
    if root is None:
        raise UsageError("no data root is configured, so there is no truth", fix="say where it is with --data ROOT")
    if suite.task == "vis":
        _score_results(target, suite, root, split, options)
    else:
        _score_masks(target, suite, root, split, options, official_count(suite, file, split))


def _score_masks(target: Path, suite: Suite, root: Path, split: str, options: dict[str, Any], official: int) -> None:
    from vosbench.metrics.protocol import find_protocol
    from vosbench.metrics.summary import summarise
    from vosbench.scorer import score_folder

    if not target.is_dir():
        raise UsageError(f"there is no folder {target}", fix="name the folder that holds one folder of masks per video")
    if split in suite.splits.on_server:
        raise UsageError(
            f"the truth of {suite.title} {split} is on an evaluation server",
            fix="send the masks there: 'vosbench pack RUN' makes the zip of a run; or choose a split with --split",
        )
    protocol = find_protocol(options["protocol"] or suite.protocol)
    there = video_names(suite, root, split)
    names = _chosen(there, options["videos"], suite)
    decay, workers = options["official_decay"], options["workers"]
    scores = score_folder(target, suite, root, names, protocol, official_decay=decay, workers=workers)
    summary = summarise(protocol, scores)
    notes = _notes(suite, root, there, names, protocol)
    if options["as_json"]:
        checks = _checks(target, suite, root, names, protocol, options)
        found = {"official_videos": official or None, "notes": notes}
        echo_json(summary.to_json() | found | ({"cross_check": checks} if options["cross_check"] else {}))
        _write_csv(target, protocol, summary, split, options)
    else:
        extent = _extent(len(names), len(there), official)
        click.echo(f"{suite.title} {split}, {extent}, {len(summary.rows)} objects, protocol {summary.protocol}")
        _print_measures(summary.measures)
        for note in notes:
            click.echo(f"note: {note}")
        click.echo(_write_csv(target, protocol, summary, split, options), nl=False)
        checks = _checks(target, suite, root, names, protocol, options)
        for check in checks:
            _print_check(check)
    _exit_if_unexplained(checks)


def _extent(number: int, there: int, official: int) -> str:
    """How many videos, in words; of how many, where they are not all."""
    if number < official:
        return f"{number} of {official} official videos"
    return f"{number} of {there} videos" if number < there else f"{number} videos"


def _notes(suite: Suite, root: Path, there: tuple[str, ...], names: tuple[str, ...], protocol: Protocol) -> list[str]:
    """What a reader of the scores should know of the truth."""
    from vosbench.data.absent import COUNTED, absent_notice, absent_objects
    from vosbench.data.meta import video_names as videos_of_meta
    from vosbench.data.video import open_video

    notes: list[str] = []
    if protocol.name in COUNTED:
        absent = {name: absent_objects(open_video(suite, root, name)) for name in names}
        notes.append(absent_notice(absent, protocol.name))
    if suite.layout.meta is not None and protocol.needs_spans:
        lost = [name for name in videos_of_meta(root / suite.layout.meta) if name not in there]
        if lost:
            notes.append(
                f"{len(lost)} videos of {suite.layout.meta} have no folder of frames here and are left out, the first "
                f"is {lost[0]}"
            )
    return [note for note in notes if note]


def _write_csv(target: Path, protocol: Protocol, summary: Summary, split: str, options: dict[str, Any]) -> str:
    """Write the official files and give back a line about them; some videos alone have none unless one says where."""
    from vosbench.metrics.official_csv import write_official_csv

    if options["videos"] and options["csv_folder"] is None:
        return "no official files: these are some videos alone (--csv FOLDER writes them all the same)\n"
    folder = options["csv_folder"] or target
    try:
        with storing(folder):
            folder.mkdir(parents=True, exist_ok=True)
        written = write_official_csv(folder, protocol, summary, subset=split)
    except StoreError as error:
        raise StoreError(error.what, where=error.where, fix="write the files elsewhere, with --csv FOLDER") from error
    return f"written: {', '.join(str(path) for path in written)}\n" if written else ""


def _checks(
    target: Path, suite: Suite, root: Path, names: tuple[str, ...], protocol: Protocol, options: dict[str, Any]
) -> tuple[ToolCheck, ...]:
    from vosbench.cross_check import cross_check

    return cross_check(target, suite, root, names, protocol, options["tools_python"]) if options["cross_check"] else ()


def _chosen(there: tuple[str, ...], wanted: tuple[str, ...], suite: Suite) -> tuple[str, ...]:
    for name in wanted:
        if name not in there:
            raise UsageError(f"{suite.title} has no video '{name}' here", fix=nearest(name, there))
    return wanted or there


def _score_results(target: Path, suite: Suite, root: Path, split: str, options: dict[str, Any]) -> None:
    from vosbench.vis_scorer import results_file, score_results

    for flag in ("feed", "videos", "csv_folder", "official_decay", "cross_check"):
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
    unscored = score_run(run, official_decay=options["official_decay"], workers=options["workers"])
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


def _print_check(check: ToolCheck) -> None:
    """One paragraph: what was compared, what differs, and what differs by design."""
    click.echo(f"{check.tool} {check.version}".rstrip() + ":")
    if check.problem:
        click.echo(f"  {check.problem}")
    elif not check.differences:
        unit = "videos" if check.tool == "TrackEval" else "objects"
        click.echo(
            f"  agrees with {check.protocol} on all {check.compared} {unit}, to {check.largest or 0:.1g}; "
            f"its J&F {100 * (check.mean or 0):.1f}"
        )
    else:
        why = "by design, see below" if check.explained else "and no rule says why: please report it"
        click.echo(f"  differs from {check.protocol} on {len(check.differences)} of {check.compared}, {why}")
        for entry in check.differences[:MOST_DIFFERENCES]:
            here, there = (" ".join(f"{100 * value:.2f}" for value in pair) for pair in (entry.here, entry.there))
            click.echo(f"    {entry.label}: J and F {here} here, {there} there")
    for sentence in check.by_design:
        click.echo(f"  by design, {sentence}")


def _exit_if_unexplained(checks: tuple[ToolCheck, ...]) -> None:
    if any(check.unexplained for check in checks):
        sys.exit(1)
