"""``vosbench show CELL``: what a cell is, where it was slow, what went wrong, and why it is or is not used again."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from vosbench.cli.options import adapter_option, echo_json, json_option

if TYPE_CHECKING:
    from vosbench.records import Record
    from vosbench.show import Reason, SlowFrame

SAME = {True: "same", False: "CHANGED", None: "not known"}


@click.command(short_help="Show a cell: what it is, how it ended, why it is (not) used again.")
@click.argument("run")
@click.argument("words", nargs=-1)
@click.option("--why", is_flag=True, help="Everything that the cell's key covers, then and now.")
@adapter_option
@json_option
def command(run: str, words: tuple[str, ...], why: bool, adapters: tuple[Path, ...], as_json: bool) -> None:
    """Show the cell of a folder, or the one of RUN that fits WORDS: suite, method, video, outcome or key.

    Where several fit they are listed: vosbench show RUN davis2016 xmem blackswan

    A file that a record names as its adapter is code: --why looks at it only where --adapter names it as well.
    """
    from vosbench.show import find_cells, reuse_reasons

    cells = find_cells(run, words)
    if len(cells) > 1:
        _list(cells, as_json=as_json)
        return
    ((folder, record),) = cells
    reasons = reuse_reasons(record, adapters) if why else []
    _show(folder, record, reasons, as_json=as_json)


def _list(cells: list[tuple[Path, Record]], *, as_json: bool) -> None:
    if as_json:
        echo_json([{"cell": path, "key": record.key, "outcome": record.outcome} for path, record in cells])
        return
    for path, record in cells:
        click.echo(f"{record.key[:12]}  {record.outcome.status:8} {'/'.join(path.parts[-3:])}")
    click.echo(f"{len(cells)} cells: name one by more words, its folder or the beginning of its key")


def _show(folder: Path, record: Record, reasons: list[Reason], *, as_json: bool) -> None:
    from vosbench.show import cell_log, describe_cell, slow_frames
    from vosbench.store.frames import read_frames
    from vosbench.store.run import FRAMES_FILE

    path = folder / FRAMES_FILE
    slow = slow_frames(read_frames(path)) if path.is_file() else []
    described = describe_cell(folder, record)
    log = cell_log(folder, record) if record.outcome.status != "ok" else ""
    if as_json:
        echo_json({"record": record, "slow_frames": slow, "log": log, "reuse": reasons})
        return
    for name, text in described.items():
        click.echo(f"{name:9} {text}")
    _show_slow(slow)
    if reasons:
        _show_reasons(reasons)
    if log:
        click.echo(f"\n{log}")


def _show_slow(slow: list[SlowFrame]) -> None:
    for frame in slow:
        grown = f", banks {frame.bank_bytes / (1 << 20):+.2f} MiB" if frame.bank_bytes is not None else ""
        trace = "".join(f", {name} {value:g}" for name, value in frame.trace)
        times = f"{frame.medians:.1f} medians"
        click.echo(f"slow      frame {frame.index} ({frame.name}): {frame.milliseconds:.1f} ms, {times}{grown}{trace}")


def _show_reasons(reasons: list[Reason]) -> None:
    click.echo("\nused again by the same command, where all of these are the same:")
    for reason in reasons:
        then = f" then {reason.recorded or 'nothing'}, now {reason.now or 'nothing'}" if not reason.same else ""
        click.echo(f"  {reason.part:26} {SAME[reason.same]}{then if reason.now else ''}")
    if all(reason.same for reason in reasons):
        click.echo("so this cell is used again")
    elif [reason.part for reason in reasons if reason.same is False] == ["outcome"]:
        click.echo("so this cell counts as finished; --retry runs it once more")
    else:
        click.echo("so this cell is run again")
