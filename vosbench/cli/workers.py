"""Options and start of many workers, for the verbs that use them."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, TypeVar

import click

from vosbench.errors import UsageError
from vosbench.execute.pools import BACKENDS, open_pool
from vosbench.execute.shares import Pool, SharedRun
from vosbench.execute.supervisor import Limits, Progress, Result, Supervisor
from vosbench.machine import Machine, ask_machine, read_machine
from vosbench.records import CellSpec
from vosbench.store.run import RUNS, Run

F = TypeVar("F", bound=Callable[..., Any])

_OPTIONS = (
    click.option(
        "--workers",
        type=click.IntRange(min=1),
        default=1,
        show_default=True,
        help="Cells at a time, as many as there are cards, and processes that score. Cells on a CPU are timed one "
        "after the other, each with its machine for itself.",
    ),
    click.option(
        "--backend",
        type=click.Choice(BACKENDS),
        default="loky",
        show_default=True,
        help="Where workers run: processes here, a dask or ray cluster, jobs of SLURM. All must see the run's folder, "
        "data and weights under the same paths. With --device cuda each worker asks its cluster for a card.",
    ),
    click.option(
        "--cluster",
        default="",
        metavar="ADDRESS|KEY=VALUE,...",
        help="The scheduler's address (dask, ray; without it one is started here), or SLURM's parameters as submitit "
        "names them: slurm_partition=gpu,timeout_min=600.",
    ),
)


def worker_options(command: F) -> F:
    """Add ``--workers``, ``--backend`` and ``--cluster``."""
    return functools.reduce(lambda decorated, option: option(decorated), reversed(_OPTIONS), command)


@contextlib.contextmanager
def opened_pool(options: Mapping[str, Any]) -> Iterator[Pool | None]:
    """Gives back the workers that a command asks for, None where this process does it all."""
    if options["backend"] == "loky" and options["workers"] == 1 and not options["cluster"]:
        yield None
        return
    cards = (options["device"] or "").startswith("cuda")
    folder = Path(options["out"] or RUNS).resolve()
    with open_pool(
        options["backend"], options["workers"], cluster=options["cluster"], cards=cards, folder=folder
    ) as it:
        yield it


def machine_of(pool: Pool | None, interpreter: str = "") -> Machine:
    """Gives back what the cells will run on, as an interpreter of that machine sees it."""
    if pool is not None:
        return pool.machine(interpreter)
    return ask_machine(interpreter) if interpreter else read_machine()


def interpreters_of(flags: Iterable[str]) -> dict[str, str]:
    """Gives back the Python of each method that ``--python METHOD=PATH`` names."""
    chosen: dict[str, str] = {}
    for flag in flags:
        name, _, path = flag.partition("=")
        if not name or not path:
            raise UsageError(
                f"--python {flag}: not understood", fix="write METHOD=PATH/bin/python, of a method in this run"
            )
        chosen[name] = path
    return chosen


def execute(
    run: Run,
    cells: Iterable[CellSpec],
    machine: Machine,
    progress: Progress,
    *,
    limits: Limits,
    interpreters: Mapping[str, str],
    pool: Pool | None,
) -> Result:
    """Gives back how every cell ended, run here or by the pool's workers."""
    if pool is None:
        return Supervisor(run, machine, progress, limits=limits, interpreters=interpreters).execute(cells)
    shared = SharedRun(run, machine, progress, pool, limits=limits, interpreters=interpreters)
    return shared.execute(cells)
