"""``vosbench compare A B``: what got worse, what better, and where no difference is seen, video by video."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click
from rich.table import Table as RichTable
from rich.text import Text

from vosbench.cli.console import console
from vosbench.cli.options import comma_list, echo_json, json_option
from vosbench.errors import UsageError
from vosbench.store.run import find_run

if TYPE_CHECKING:
    from vosbench.compare import Compared, Comparison

STYLES = {"worse": "bold red", "better": "green"}
WORST = 3


@click.command(short_help="Compare two runs, or two methods of one, video by video.")
@click.argument("a")
@click.argument("b", required=False)
@click.option("--suite", "suites", callback=comma_list, metavar="A,B", help="Only these suites.")
@click.option(
    "--methods",
    callback=comma_list,
    metavar="A,B",
    help="With one run: the two methods to compare. With two: only these methods.",
)
@json_option
def command(a: str, b: str | None, suites: tuple[str, ...], methods: tuple[str, ...], as_json: bool) -> None:
    """Compare run A with run B, or two methods of run A: vosbench compare RUN --methods stcn,xmem

    Both sides are paired by video; the interval of a difference is of 95 %, by 10,000 resamples of the videos. Where
    it holds zero, no difference is seen. AP ranks the answers of all videos together, so it is computed anew on each of
    2,000 resamples. Regressions come first. Runs of other protocols, frames or prompts are
    refused, speed and memory of another machine are not compared.
    """
    from vosbench.compare import compare_methods, compare_runs

    if b is not None:
        compared = compare_runs(find_run(a), find_run(b), suites=suites, methods=methods)
    elif len(methods) == 2:
        compared = compare_methods(find_run(a), *methods, suites=suites)
    else:
        raise UsageError("there is nothing to compare with", fix="name a second run, or two methods with --methods A,B")
    if as_json:
        echo_json(compared)
    else:
        _print(compared)


def _print(compared: Compared) -> None:
    out = console()
    for failure in compared.failures:
        out.print(Text(failure, style="bold red"))
    shown = RichTable(box=None, pad_edge=False)
    for head in ("suite", "method", "measure"):
        shown.add_column(head, overflow="fold")
    for head in ("A", "B", "B - A", "95 % interval", "videos"):
        shown.add_column(head, justify="right")
    shown.add_column("verdict")
    shown.add_column("worst videos", overflow="fold")
    for one in compared.comparisons:
        shown.add_row(*map(Text, _cells(one)), Text(one.verdict, style=STYLES.get(one.verdict, "")), Text(_worst(one)))
    if compared.comparisons:
        out.print(shown)
    for note in compared.notes:
        out.print(Text(note, style="dim"))


def _cells(one: Comparison) -> list[str]:
    method = one.method_a if one.method_a == one.method_b else f"{one.method_a} to {one.method_b}"
    interval = one.interval
    ends = (
        f"{interval.low:+.2f} to {interval.high:+.2f}"
        if interval.low is not None and interval.high is not None
        else "-"
    )
    numbers = [f"{one.a:.2f}", f"{one.b:.2f}", f"{interval.value:+.2f}", ends, str(one.videos)]
    return [one.suite, method, f"{one.measure} ({one.unit})", *numbers]


def _worst(one: Comparison) -> str:
    """The videos that lost most."""
    lost = [pair for pair in one.pairs if (pair.change < 0) == (one.better == "higher") and pair.change != 0]
    return ", ".join(f"{pair.video} {pair.change:+.2f}" for pair in lost[:WORST])
