"""Many workers on one run: each is given all the cells, begins at another place, and takes what nobody else has."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from vosbench.errors import StoreError
from vosbench.execute.supervisor import CLAIMED, PATIENCE, Limits, Progress, Result, Silence, Supervisor
from vosbench.machine import Machine
from vosbench.records import CellSpec, Event
from vosbench.store.run import Run


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """What one worker is sent. ``index`` of ``count`` says where it begins; claims keep two from doing one cell."""

    run: Path
    cells: tuple[CellSpec, ...]
    machine: Machine
    limits: Limits
    interpreters: Mapping[str, str]
    index: int = 0
    count: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class ShareResult:
    """What one worker could not do: methods that it could not start, by method key; why it broke off, or ''."""

    failures: Mapping[str, str] = field(default_factory=dict)
    broke_off: str = ""


class Pool(Protocol):
    """Workers, here or on other machines, that see the run's folder under the same path."""

    @property
    def workers(self) -> int:
        """How many shares may run at a time."""

    def machine(self, interpreter: str = "") -> Machine:
        """Gives back what the workers run on, as ``interpreter`` sees it there; '' stands for their own Python."""

    def run(self, shares: Sequence[Share]) -> list[ShareResult]:
        """Gives back what every share could not do, in any order; a worker that is lost says nothing."""

    def stop(self) -> None:
        """End what still runs."""


def work(share: Share) -> ShareResult:
    """Run every cell of a share that nobody else runs or has run. This is what a worker calls."""
    begin = len(share.cells) * share.index // share.count
    turned = share.cells[begin:] + share.cells[:begin]
    supervisor = Supervisor(
        Run(share.run),
        share.machine,
        Silence(),
        limits=share.limits,
        interpreters=share.interpreters,
        alone=False,
    )
    try:
        return ShareResult(failures=supervisor.execute(turned).failures)
    except StoreError as error:
        return ShareResult(broke_off=str(error))


class SharedRun:
    """Sees the cells of a plan through with the workers of a pool, and tells what they finish as it appears."""

    def __init__(
        self,
        run: Run,
        machine: Machine,
        progress: Progress,
        pool: Pool,
        *,
        limits: Limits,
        interpreters: Mapping[str, str] | None = None,
    ) -> None:
        self._run = run
        self._machine = machine
        self._progress = progress
        self._pool = pool
        self._limits = limits
        self._interpreters = interpreters or {}
        self._result = Result()

    def execute(self, cells: Iterable[CellSpec]) -> Result:
        """Gives back how every cell ended, running only what is missing.

        Workers that die are replaced as long as something gets finished. Raises `StoreError` when nothing does any
        more, and on a full disk.
        """
        pending = tuple(cells)
        self._collect(pending, tell=False)
        self._progress.begin(len(pending), len(self._result.records))
        try:
            while pending := tuple(spec for spec in pending if self._open(spec)):
                self._round(pending)
        except BaseException:
            self._pool.stop()
            raise
        return self._result

    def _round(self, pending: tuple[CellSpec, ...]) -> None:
        done = len(self._result.records) + len(self._result.failures)
        count = min(self._pool.workers, len(pending))
        shares = [self._share(pending, index, count) for index in range(count)]
        results = _while_waiting(lambda: self._pool.run(shares), lambda: self._collect(pending))
        self._collect(pending)
        for result in results:
            if result.broke_off:
                raise StoreError(result.broke_off)
            for key, reason in result.failures.items():
                self._fail(pending, key, reason)
        if len(self._result.records) + len(self._result.failures) == done:
            self._wait_for_others(pending)

    def _share(self, cells: tuple[CellSpec, ...], index: int, count: int) -> Share:
        return Share(
            run=self._run.path,
            cells=cells,
            machine=self._machine,
            limits=self._limits,
            interpreters=dict(self._interpreters),
            index=index,
            count=count,
        )

    def _wait_for_others(self, pending: Sequence[CellSpec]) -> None:
        """Nothing was achieved: then another run has the cells, or the workers do not work."""
        for spec in pending:
            claim = self._run.claim(spec)
            if claim is not None:
                claim.release()
                raise StoreError(
                    "the workers ended without a result",
                    where=str(self._run.path),
                    fix="see whether they reach this folder and have vosbench installed; the same command goes on",
                )
        self._progress.event(pending[0], Event(kind="waiting", key=pending[0].key, text=CLAIMED))
        time.sleep(PATIENCE)

    def _open(self, spec: CellSpec) -> bool:
        return spec.key not in self._result.records and spec.method_key not in self._result.failures

    def _fail(self, cells: Iterable[CellSpec], key: str, reason: str) -> None:
        """Every worker that tried to start a method tells so; it is said once."""
        if key in self._result.failures:
            return
        self._result.failures[key] = reason
        self._progress.failed(next(spec for spec in cells if spec.method_key == key), reason)

    def _collect(self, cells: Iterable[CellSpec], *, tell: bool = True) -> None:
        for spec in cells:
            record = self._run.record(spec) if spec.key not in self._result.records else None
            if record is not None:
                self._result.records[spec.key] = record
                if tell:
                    self._progress.ended(spec, record.outcome)


def _while_waiting(call: Callable[[], list[ShareResult]], look: Callable[[], None]) -> list[ShareResult]:
    """Gives back what ``call`` gives, looking round every now and then meanwhile."""
    results: list[ShareResult] = []
    errors: list[BaseException] = []

    def run() -> None:
        try:
            results.extend(call())
        except BaseException as error:  # noqa: BLE001 - it is raised again, in the thread that waits
            errors.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    while thread.is_alive():
        thread.join(PATIENCE)
        look()
    if errors:
        raise errors[0]
    return results
