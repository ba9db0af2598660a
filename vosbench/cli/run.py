"""``vosbench run``: plan, execute, score, print the table."""

from __future__ import annotations

import re
import sys
from datetime import datetime
from pathlib import Path
from typing import Any

import click

from vosbench.cli.options import adapter_option, comma_list, data_option, echo_json, json_option
from vosbench.config import find_places
from vosbench.contract import Runtime
from vosbench.errors import StoreError, UsageError
from vosbench.execute.supervisor import Limits, Result, Supervisor
from vosbench.machine import Machine, default_device, read_machine
from vosbench.metrics.protocol import find_protocol
from vosbench.plan import Plan, Request, make_plan
from vosbench.registry import Registry
from vosbench.store.run import RUNS, Run, unfinished_run


@click.command(short_help="Run methods on suites, score them and print the table.")
@click.option(
    "--suite", "suites", callback=comma_list, required=True, help="Suites, by name or YAML file; a comma list."
)
@click.option("--methods", callback=comma_list, required=True, help="Methods, a comma list: xmem,xmem@no-sensory,stcn.")
@data_option
@click.option("--weights", multiple=True, metavar="[METHOD=]PATH|random:SEED", help="Weights of a method. Repeatable.")
@click.option("--set", "settings", multiple=True, metavar="METHOD.SETTING=VALUE", help="A setting. Repeatable.")
@click.option("--out", type=click.Path(path_type=Path), help=f"The run's folder. Default: {RUNS}/DATE-TIME.")
@click.option("--split", help="The split, where not the suite's default.")
@click.option("--feed", type=click.Choice(["all", "fifth"]), help="YouTube-VOS: every frame, or every fifth.")
@click.option("--videos", callback=comma_list, help="Only these videos, a comma list.")
@click.option("--max-frames", type=click.IntRange(min=1), help="Cut every video to its first frames.")
@click.option("--repeats", type=click.IntRange(min=1), default=1, show_default=True, help="Passes over everything.")
@click.option("--device", help="cpu, cuda or cuda:N. Default: the first GPU, else the CPU.")
@click.option("--threads", type=click.IntRange(min=1), help="CPU threads. Default: all cores.")
@click.option("--precision", type=click.Choice(["fp32", "tf32", "fp16", "bf16"]), default="fp32", show_default=True)
@click.option("--core", is_flag=True, help="Time the network part as well (synchronises inside the step).")
@click.option("--warm-up", type=click.IntRange(min=0), help="Frames of warm-up. Default: 10 on a GPU, 2 on a CPU.")
@click.option("--first-frame-limit", type=float, default=Limits().first_frame, show_default=True, help="Seconds.")
@click.option("--frame-limit", type=float, default=Limits().frame, show_default=True, help="Seconds.")
@click.option("--retry", is_flag=True, help="Run cells that failed before once more.")
@click.option("--python", "interpreters", multiple=True, metavar="METHOD=PATH", help="Another environment's Python.")
@adapter_option
@json_option
def command(**options: Any) -> None:
    """Run methods on suites, score them and print the table.

    Running the same command again does only what is missing. Without a data root suites are synthetic; without a
    checkpoint, random:SEED weights measure speed and memory.
    """
    machine = read_machine()
    request = _request(options, machine)
    plan = make_plan(request, Registry(options["adapters"]), find_places(options["data"]), machine)
    for protocol in {spec.suite.protocol for spec in plan.cells}:
        find_protocol(protocol)  # an unknown one is refused before hours are spent on masks for it
    quiet = options["as_json"]
    for notice in plan.notices:
        click.echo(notice, err=quiet)
    run = _choose_run(plan, options["out"], retry=options["retry"], quiet=quiet)
    if options["retry"]:
        _set_failed_aside(run, plan)
    limits = Limits(first_frame=options["first_frame_limit"], frame=options["frame_limit"])
    interpreters = _interpreters(options["interpreters"], request.methods)
    result = _execute(run, plan, machine, limits, interpreters, quiet=quiet)
    _finish(run, plan, result, as_json=options["as_json"])


def _request(options: dict[str, Any], machine: Machine) -> Request:
    device = options["device"] or default_device(machine)
    device = "cuda:0" if device == "cuda" else device
    if not re.fullmatch(r"cpu|cuda:[0-9]+", device):
        raise UsageError(f"--device {device}: not known", fix="write cpu, cuda or cuda:N")
    if device != "cpu" and int(device[5:]) >= len(machine.gpus):
        raise UsageError(f"--device {device}: this machine has {len(machine.gpus)} NVIDIA cards", fix="write cpu")
    runtime = Runtime(device=device, precision=options["precision"], threads=options["threads"] or machine.cores)
    return Request(
        suites=options["suites"],
        methods=options["methods"],
        settings=options["settings"],
        weights=options["weights"],
        split=options["split"],
        feed=options["feed"],
        videos=options["videos"],
        max_frames=options["max_frames"],
        repeats=options["repeats"],
        core=options["core"],
        warmup_frames=options["warm_up"],
        runtime=runtime,
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
    for flag in flags:
        name, _, path = flag.partition("=")
        matching = [method for method in methods if name in (method, method.split("@")[0])]
        if not path or not matching:
            raise UsageError(
                f"--python {flag}: not understood", fix="write METHOD=PATH/bin/python, of a method in this run"
            )
        chosen.update(dict.fromkeys(matching, path))
    return chosen


def _execute(
    run: Run, plan: Plan, machine: Machine, limits: Limits, interpreters: dict[str, str], *, quiet: bool
) -> Result:
    from vosbench.cli.console import console
    from vosbench.cli.progress import RunProgress

    with RunProgress(console(stderr=quiet)) as progress:
        return Supervisor(run, machine, progress, limits=limits, interpreters=interpreters).execute(plan.cells)


def _finish(run: Run, plan: Plan, result: Result, *, as_json: bool) -> None:
    """Score, print, write; ends with status 1 where a cell did not go through."""
    from vosbench.cli.tables import describe_tables, print_tables
    from vosbench.report.files import run_tables, write_tables
    from vosbench.report.plots import write_headline
    from vosbench.scorer import score_run

    if not result.records:
        reasons = "; ".join(result.failures.values())
        raise StoreError("nothing could be run", where=str(run.path), fix=reasons)
    labels = {spec.method_key: spec.method.label for spec in plan.cells}
    failures = {labels[key]: reason for key, reason in result.failures.items()}
    unscored = score_run(run)
    tables = run_tables(run)
    written = [*write_tables(run, tables), *write_headline(run)]
    failed = [record for record in result.records.values() if record.outcome.status != "ok"]
    if as_json:
        echo_json({"run": run.path, "tables": describe_tables(tables), "failures": failures, "unscored": unscored})
    else:
        print_tables(tables)
        for entry in unscored:
            click.echo(f"no score for {entry.name}: {entry.reason}")
        click.echo(f"\nwritten: {', '.join(str(path) for path in written)}")
    missing = len(plan.cells) - len(result.records)
    for label, reason in failures.items():
        click.echo(f"{label} could not run: {reason}", err=True)
    if failed or missing:
        click.echo(f"{len(failed)} cells failed, {missing} could not be run; logs are in {run.path / 'logs'}", err=True)
        sys.exit(1)
