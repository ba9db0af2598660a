"""``vosbench check METHOD``: an adapter's behaviour on small videos, or its parity with stored outputs."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from vosbench.cli.measuring import device_of
from vosbench.cli.options import adapter_option, echo_json, json_option
from vosbench.contract import Runtime
from vosbench.machine import read_machine
from vosbench.registry import Method, Registry
from vosbench.weights import equip


@click.command(short_help="Prove an adapter: its behaviour, or its parity with stored reference outputs.")
@click.argument("method")
@click.option(
    "--parity",
    "folder",
    type=click.Path(path_type=Path),
    help="A fixture of stored reference outputs, or a folder of them, with clips/ beside.",
)
@click.option("--weights", metavar="PATH|mini|random:SEED", help="Weights to check with. Default: random:0.")
@click.option("--device", help="cpu or cuda:N. Default: the first GPU, else the CPU.")
@click.option("--threads", type=click.IntRange(min=1), default=1, show_default=True, help="CPU threads.")
@adapter_option
@json_option
def command(
    method: str,
    folder: Path | None,
    weights: str | None,
    device: str | None,
    threads: int,
    adapters: tuple[Path, ...],
    as_json: bool,
) -> None:
    """Prove the adapter of METHOD.

    Exit status 0 says that everything passed, 1 that something did not, 2 that no fixture fitted.
    """
    chosen = Registry(adapters).method(method)
    if folder is not None:
        sys.exit(_check_parity(chosen, folder, as_json=as_json))
    runtime = Runtime(device=device_of(device, read_machine()), threads=threads)
    sys.exit(_check_behaviour(chosen, runtime, weights or "random:0", as_json=as_json))


def _check_behaviour(method: Method, runtime: Runtime, weights: str, *, as_json: bool) -> int:
    from vosbench.check import behaviour_status, check_method

    results = []
    method, chosen = equip(method, weights, None)
    for result in check_method(method, runtime, chosen):
        results.append(result)
        if not as_json:
            colour = {"passed": "green", "failed": "red", "skipped": "yellow"}[result.status]
            click.echo(click.style(f"{result.status:<8}", fg=colour) + f"{result.name:<28}{result.detail}")
    failed = sum(result.status == "failed" for result in results)
    if as_json:
        echo_json(results)
    else:
        click.echo(f"{method.name}: {len(results) - failed} of {len(results)} checks did not fail, {failed} failed")
    return behaviour_status(results)


def _check_parity(method: Method, folder: Path, *, as_json: bool) -> int:
    from vosbench.check import check_parity, parity_status

    results = []
    for result in check_parity(method, folder):
        results.append(result)
        if as_json:
            continue
        colour = "green" if result.passed else "red"
        click.echo(
            click.style("passed" if result.passed else "FAILED", fg=colour) + f"  {result.name} ({result.network})"
        )
        for comparison in result.comparisons:
            mark = " " if comparison.within else ">"
            line = (
                f"  {mark} {comparison.what:<32}{comparison.difference:<12.3g}tolerance {comparison.tolerance:<10.3g}"
            )
            click.echo((line + comparison.where).rstrip())
        if result.problem:
            click.echo(f"  {result.problem}")
    if as_json:
        echo_json(results)
    elif not results:
        click.echo(f"no fixture in {folder} is one of {method.name}'s: {', '.join(method.card.fixtures)}")
    return parity_status(results)
