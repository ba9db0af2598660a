"""``vosbench plot RUN``: the figures of a run, each with the data behind it."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import click

from vosbench.cli.options import comma_list, echo_json, json_option
from vosbench.store.run import find_run

KINDS = (
    "memory-accuracy",
    "memory-frames",
    "fps-frames",
    "quality-length",
    "quality-time",
    "quality-knob",
    "pareto",
    "short-long",
    "footprint",
    "ladder",
)


@click.command(short_help="Draw a run's figures as SVG, PDF and PNG, with their data.")
@click.argument("run")
@click.option("--kind", type=click.Choice(KINDS), default=KINDS[0], show_default=True)
@click.option(
    "--x",
    "cost",
    help="The x of pareto: latency (median), mean-latency (keyframes weigh in), "
    "energy, memory, parameters or macs. Default: latency.",
)
@click.option("--suite", "suites", callback=comma_list, help="Only these suites, a comma list; short-long: short,long.")
@click.option("--methods", callback=comma_list, help="Only these methods, a comma list.")
@click.option("--video", default="", help="Only this video. Default: the mean over videos.")
@click.option(
    "--width", type=click.Choice(["single", "double"]), default="single", show_default=True, help="3.3 or 6.9 in."
)
@click.option("--out", type=click.Path(path_type=Path), help="The folder. Default: figures in the run's folder.")
@json_option
def command(run: str, **options: Any) -> None:
    """Draw one figure of RUN, a folder or the name of one below results/runs.

    quality-knob is the score against a setting that a run swept (--curve, --sweep), as AP against MobileInst's T. The
    score is J&F, G or AP, as the suite's protocol has it.

    Beside SVG, PDF and PNG lies a CSV file with every point that is drawn.
    """
    from vosbench.report.plots import PlotRequest, build_plot, write_plot

    found = find_run(run)
    request = PlotRequest(
        kind=options["kind"],
        suites=options["suites"],
        methods=options["methods"],
        video=options["video"],
        cost=options["cost"] or "",
    )
    plot = build_plot(found, request)
    with warnings.catch_warnings(record=True) as told:
        written = write_plot(plot, options["out"] or found.path / "figures", width=options["width"])
    for one in told:
        click.echo(f"note: {one.message}", err=True)
    if options["as_json"]:
        echo_json({"plot": plot, "written": written})
    else:
        click.echo(f"written: {', '.join(str(path) for path in written)}")
