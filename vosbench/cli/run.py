"""``vosbench run``: plan, execute, score, print the table."""

from __future__ import annotations

import sys
from collections.abc import Callable
from datetime import datetime
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from vosbench.cli.measuring import measuring_options, minimum_of, mode_of, runtime_of
from vosbench.cli.options import adapter_option, comma_list, data_option, echo_json, json_option
from vosbench.cli.study import show_study, with_study
from vosbench.cli.workers import execute, interpreters_of, machine_of, opened_pool, worker_options
from vosbench.config import find_places
from vosbench.errors import StoreError, UsageError, nearest
from vosbench.execute.shares import Pool
from vosbench.execute.supervisor import Limits, Result
from vosbench.machine import Machine
from vosbench.metrics.protocol import check_protocol
from vosbench.plan import Plan, Request, make_plan
from vosbench.registry import Registry
from vosbench.store.run import RUNS, Run, unfinished_run

if TYPE_CHECKING:
    from vosbench.cli.progress import RunProgress


@click.command(short_help="Run methods on suites, score them and print the table.")
@click.option("--suite", "suites", callback=comma_list, help="Suites, by name or YAML file; a comma list.")
@click.option(
    "--methods",
    callback=comma_list,
    help="Methods, a comma list: xmem,xmem@no-sensory,stcn. 'all-with-networks' is every method that needs weights, "
    "and each of its variants that is a network of its own.",
)
@data_option
@click.option(
    "--weights",
    multiple=True,
    metavar="[METHOD=]PATH|mini|random:SEED",
    help="Weights of a method: a checkpoint, its bundled small model, or random ones for speed and memory. Default: "
    "the official file in the weights folder, else the small model. Repeatable.",
)
@click.option("--set", "settings", multiple=True, metavar="METHOD.SETTING=VALUE", help="A setting. Repeatable.")
@click.option(
    "--sweep",
    "sweeps",
    multiple=True,
    metavar="METHOD.SETTING=V1,V2,...",
    help="A row for each value of a setting. Repeatable; several of one method give every combination.",
)
@click.option("--curve", is_flag=True, help="Sweep every method's memory knob ('vosbench methods NAME' shows it).")
@click.option(
    "--offsets",
    type=click.IntRange(min=1),
    help="Insertion offsets: offset k shifts the first write by r k / N frames; mean and deviation. Default: 1.",
)
@click.option("--study", help="A paper's experiment, in place of --methods; 'vosbench studies' lists them.")
@click.option("--out", type=click.Path(path_type=Path), help=f"The run's folder. Default: {RUNS}/DATE-TIME.")
@click.option("--split", help="The split, where not the suite's default.")
@click.option("--feed", type=click.Choice(["all", "fifth"]), help="YouTube-VOS: every frame, or every fifth.")
@click.option("--videos", callback=comma_list, help="Only these videos, a comma list.")
@click.option("--max-frames", type=click.IntRange(min=1), help="Cut every video to its first frames.")
@measuring_options
@worker_options
@click.option("--first-frame-limit", type=float, default=Limits().first_frame, show_default=True, help="Seconds.")
@click.option("--frame-limit", type=float, default=Limits().frame, show_default=True, help="Seconds.")
@click.option("--retry", is_flag=True, help="Run cells that failed before once more.")
@click.option("--python", "interpreters", multiple=True, metavar="METHOD=PATH", help="Another environment's Python.")
@adapter_option
@json_option
def command(**options: Any) -> None:
    """Run methods on suites, score them and print the table.

    Running the same command again does only what is missing. Without a data root suites are synthetic; without a
    checkpoint methods run with the small models that come with them. --weights random:SEED measures speed and memory
    of any network at full size.
    """
    options, study = with_study(options)
    registry = Registry(options["adapters"])
    with opened_pool(options) as pool:
        run, plan, result = _run(options, registry, pool)
    show = None if study is None else partial(show_study, run, study, registry, quiet=options["as_json"])
    _finish(run, plan, result, show, as_json=options["as_json"], workers=options["workers"])


def _run(options: dict[str, Any], registry: Registry, pool: Pool | None) -> tuple[Run, Plan, Result]:
    """Plan for the machine that the cells will run on, and run them."""
    machine = machine_of(pool)
    pythons = interpreters_of(options["interpreters"])

    @cache
    def seen_by(method: str) -> Machine | None:
        path = pythons.get(method) or pythons.get(method.split("@")[0])
        return machine_of(pool, path) if path else None

    plan = make_plan(_request(options, machine), registry, find_places(options["data"]), machine, seen_by)
    for protocol, task in {(spec.suite.protocol, spec.suite.task) for spec in plan.cells if not spec.suite.noise}:
        check_protocol(protocol, task)  # an unknown one is refused before hours are spent on masks for it
    quiet = options["as_json"]
    for notice in plan.notices:
        click.echo(notice, err=quiet)
    run = _choose_run(plan, options["out"], retry=options["retry"], quiet=quiet)
    if options["retry"]:
        _set_failed_aside(run, plan)
    limits = Limits(first_frame=options["first_frame_limit"], frame=options["frame_limit"])
    names = tuple(dict.fromkeys(spec.method.name for spec in plan.cells))
    interpreters = _interpreters(options["interpreters"], names)
    with _progress(quiet=quiet) as progress:
        result = execute(run, plan.cells, machine, progress, limits=limits, interpreters=interpreters, pool=pool)
    return run, plan, result


def _request(options: dict[str, Any], machine: Machine) -> Request:
    return Request(
        suites=options["suites"],
        methods=options["methods"],
        settings=options["settings"],
        sweeps=options["sweeps"],
        curve=options["curve"],
        weights=options["weights"],
        split=options["split"],
        feed=options["feed"],
        videos=options["videos"],
        max_frames=options["max_frames"],
        repeats=options["repeats"],
        offsets=options["offsets"] or 1,
        core=options["core"],
        warmup_frames=options["warm_up"],
        runtime=runtime_of(options, machine),
        mode=mode_of(options),
        minimum=minimum_of(options),
    )


def _choose_run(plan: Plan, out: Path | None, *, retry: bool, quiet: bool) -> Run:
    """The folder of ``--out``; else the run that the same command left unfinished; else a new one."""
    begun = unfinished_run(plan.cells, well=retry) if out is None else None
    run = begun or Run(out or RUNS / f"{datetime.now().astimezone():%Y-%m-%d-%H%M%S}")
    if begun is None:
        run.save_plan(plan.cells)
    click.echo(f"run: {run.path}{' (going on with it)' if begun else ''}", err=quiet)
    return run


def _set_failed_aside(run: Run, plan: Plan) -> None:
    for spec in plan.cells:
        record = run.record(spec)
        if record is not None and record.outcome.status != "ok":
            run.set_aside(spec)


def _interpreters(flags: tuple[str, ...], methods: tuple[str, ...]) -> dict[str, str]:
    """The Python of each method that has one of its own; vosbench must be installed there."""
    chosen: dict[str, str] = {}
    for name, path in interpreters_of(flags).items():
        matching = [method for method in methods if name in (method, method.split("@")[0])]
        if not matching:
            raise UsageError(f"--python {name}={path}: this run has no method '{name}'", fix=nearest(name, methods))
        chosen.update(dict.fromkeys(matching, path))
    return chosen


def _progress(*, quiet: bool) -> RunProgress:
    from vosbench.cli.console import console
    from vosbench.cli.progress import RunProgress

    return RunProgress(console(stderr=quiet))


def _finish(
    run: Run,
    plan: Plan,
    result: Result,
    show: Callable[[], list[dict[str, Any]]] | None,
    *,
    as_json: bool,
    workers: int,
) -> None:
    """Score, print, write, then ``show`` the study; ends with status 1 where a cell did not go through."""
    from vosbench.cli.tables import describe_tables, print_tables
    from vosbench.report.files import run_details, run_tables, write_tables
    from vosbench.report.plots import write_headline
    from vosbench.scorer import score_run

    if not result.records:
        reasons = "; ".join(result.failures.values())
        raise StoreError("nothing could be run", where=str(run.path), fix=reasons)
    labels = {spec.method_key: spec.method.label for spec in plan.cells}
    failures = {labels[key]: reason for key, reason in result.failures.items()}
    unscored = score_run(run, workers=workers)
    tables, details = run_tables(run), run_details(run)
    written = [*write_tables(run, [*tables, *details]), *write_headline(run)]
    failed = [record for record in result.records.values() if record.outcome.status != "ok"]
    if as_json:
        described = {"tables": describe_tables(tables), "details": describe_tables(details)}
        described["study"] = show() if show is not None else []
        echo_json({"run": run.path, **described, "failures": failures, "unscored": unscored})
    else:
        print_tables(tables)
        for entry in unscored:
            click.echo(f"no score for {entry.name}: {entry.reason}")
        click.echo(f"\nwritten: {', '.join(str(path) for path in written)}")
        if show is not None:
            show()
    missing = len(plan.cells) - len(result.records)
    for label, reason in failures.items():
        click.echo(f"{label} could not run: {reason}", err=True)
    if failed or missing:
        click.echo(f"{len(failed)} cells failed, {missing} could not be run; logs are in {run.path / 'logs'}", err=True)
        sys.exit(1)
