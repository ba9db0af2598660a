"""Sees a plan through: starts processes for what is missing, records those that die, waits for other runs' cells."""

from __future__ import annotations

import signal
import sys
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

from vosbench.digest import digest_json
from vosbench.errors import StoreError, UsageError
from vosbench.execute.process import CellProcess, SilenceError
from vosbench.machine import Machine
from vosbench.records import CellSpec, Event, Job, Outcome, Record
from vosbench.store.run import MASKS_FOLDER, Claim, Run

PATIENCE = 1.0
"""Seconds between looks at cells that another process works on."""


CLAIMED = "another process works on it"
"""What a cell is waited for that another process has claimed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Seconds a cell's process may be silent: until the first frame of a video, and between frames."""

    first_frame: float = 1800.0
    frame: float = 600.0


class Progress(Protocol):
    """Is told what goes on, in order."""

    def begin(self, cells: int, found: int) -> None:
        """A run begins with ``cells`` planned, ``found`` of them finished before."""

    def event(self, spec: CellSpec, event: Event) -> None:
        """A cell's process said something."""

    def ended(self, spec: CellSpec, outcome: Outcome) -> None:
        """A cell is finished, well or not."""

    def failed(self, spec: CellSpec, reason: str) -> None:
        """A method could not be started; its cells stay missing."""


@dataclass(slots=True)
class Result:
    """How a run ended: records by cell key, and the reasons of methods that could not be started, by method key."""

    records: dict[str, Record] = field(default_factory=dict)
    failures: dict[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class _Visit:
    """What happened while one process ran: the cell it was on, whether anything was achieved or others were at it."""

    current: CellSpec | None = None
    frame: int = 0
    achieved: bool = False
    busy: bool = False
    failure: str = ""


class Silence:
    """A progress that says nothing: what is told on another machine, nobody there reads."""

    def begin(self, cells: int, found: int) -> None:
        """Say nothing."""

    def event(self, spec: CellSpec, event: Event) -> None:
        """Say nothing."""

    def ended(self, spec: CellSpec, outcome: Outcome) -> None:
        """Say nothing."""

    def failed(self, spec: CellSpec, reason: str) -> None:
        """Say nothing."""


class Supervisor:
    """Runs the cells of a plan into a run's folder.

    With ``alone`` False others work on the same cells at the same time: then cells may run on any card of their kind,
    and those that others have are left to them instead of being waited for.
    """

    def __init__(
        self,
        run: Run,
        machine: Machine,
        progress: Progress,
        *,
        limits: Limits,
        interpreters: Mapping[str, str] | None = None,
        alone: bool = True,
    ) -> None:
        self._run = run
        self._machine = machine
        self._progress = progress
        self._limits = limits
        self._interpreters = interpreters or {}
        self._alone = alone
        self._result = Result()

    def execute(self, cells: Iterable[CellSpec]) -> Result:
        """Gives back how every cell ended, running only what is missing.

        Raises `StoreError` on a full disk. Interrupted, it ends its process; what was finished is kept.
        """
        pending = list(cells)
        self._collect(pending)
        self._progress.begin(len(pending), len(self._result.records))
        while pending := [spec for spec in pending if self._open(spec)]:
            free = [spec for spec in pending if self._is_free(spec)]
            achieved = [self._visit(left) for group in _groups(free) if (left := self._left(group))]
            if not any(achieved) and not self._alone:
                return self._result
            if not any(achieved):
                self._tell_claimed(pending)
                time.sleep(PATIENCE)
            self._collect(pending, tell=True)
        return self._result

    def _tell_claimed(self, pending: Iterable[CellSpec]) -> None:
        claimed = next((spec for spec in pending if self._open(spec) and not self._is_free(spec)), None)
        if claimed is not None:
            self._progress.event(claimed, Event(kind="waiting", key=claimed.key, text=CLAIMED))

    def _left(self, group: tuple[CellSpec, ...]) -> tuple[CellSpec, ...]:
        """What others have left of a group: a process that finds nothing to do costs a second."""
        if self._alone:
            return group
        self._collect(group)
        return tuple(spec for spec in group if self._open(spec) and self._is_free(spec))

    def _open(self, spec: CellSpec) -> bool:
        return spec.key not in self._result.records and spec.method_key not in self._result.failures

    def _is_free(self, spec: CellSpec) -> bool:
        claim = self._run.claim(spec)
        if claim is not None:
            claim.release()
        return claim is not None

    def _collect(self, cells: Iterable[CellSpec], *, tell: bool = False) -> None:
        """Take in the records that are there, this run's and other processes'."""
        for spec in cells:
            if spec.key in self._result.records:
                continue
            record = self._run.record(spec)
            if record is not None:
                self._result.records[spec.key] = record
                if tell:
                    self._progress.ended(spec, record.outcome)

    def _visit(self, group: tuple[CellSpec, ...]) -> bool:
        """Run one process over a group; gives back whether anything was achieved."""
        first = group[0]
        by_key = {spec.key: spec for spec in group}
        interpreter = self._interpreters.get(first.method.name, sys.executable)
        visit = _Visit()
        try:
            job = Job(run=self._run.path, cells=group, spread=not self._alone)
            process = CellProcess(job, run_log(self._run, first), interpreter)
        except UsageError as error:
            self._fail(first, str(error))
            return False
        try:
            for event in process.events(self._limits.first_frame, self._limits.frame):
                self._take(by_key.get(event.key, first), event, visit)
            status = process.end()
            if visit.current is not None:
                self._record_death(visit, Outcome(status="killed", frame=visit.frame, reason=_death(status)))
            elif not (visit.failure or visit.achieved or visit.busy):
                visit.failure = f"its process ended with status {status}\n{process.last_words()}"
        except SilenceError as error:
            process.kill()
            self._record_silence(visit, error)
        finally:
            process.kill()
        if visit.failure:
            self._fail(first, visit.failure)
        return visit.achieved

    def _fail(self, spec: CellSpec, reason: str) -> None:
        self._result.failures[spec.method_key] = reason
        self._progress.failed(spec, reason)

    def _take(self, spec: CellSpec, event: Event, visit: _Visit) -> None:
        if event.kind == "disk full":
            raise StoreError(event.text)
        if event.kind == "failed":
            visit.failure = event.text
            visit.current = None
        elif event.kind == "busy":
            visit.busy = True
        elif event.kind == "video":
            visit.current, visit.frame = spec, 0
        elif event.kind == "frame":
            visit.frame = event.frame + 1
        elif event.kind == "finished":
            visit.current, visit.achieved = None, True
            self._collect([spec], tell=True)
        self._progress.event(spec, event)

    def _record_silence(self, visit: _Visit, error: SilenceError) -> None:
        if visit.current is None:
            visit.failure = f"{error} while it was loading"
            return
        limit = "first-frame" if visit.frame == 0 else "frame"
        reason = f"{error}; raise the limit with --{limit}-limit"
        self._record_death(visit, Outcome(status="timeout", frame=visit.frame, reason=reason))

    def _record_death(self, visit: _Visit, outcome: Outcome) -> None:
        """Publish what a dead process left of its cell: the masks written so far, and how it died."""
        spec = visit.current
        visit.achieved = True
        claim = self._claim_of_dead(spec) if spec is not None else None
        if spec is None or claim is None:
            return
        try:
            # It may have died, or been silent, behind its last deed; or another run was faster.
            if self._run.record(spec) is not None:
                return
            workspace = self._run.path / ".unfinished" / spec.key[:24]
            (workspace / MASKS_FOLDER).mkdir(parents=True, exist_ok=True)
            record = Record(
                key=spec.key,
                spec=spec,
                outcome=outcome,
                frames=visit.frame,
                machine=self._machine,
                started=datetime.now(UTC).isoformat(timespec="seconds"),
            )
            self._run.publish(workspace, record)
        finally:
            claim.release()
            self._collect([spec], tell=True)

    def _claim_of_dead(self, spec: CellSpec) -> Claim | None:
        """The system gives a claim back when its holder is gone, which takes a moment."""
        for _ in range(100):
            claim = self._run.claim(spec)
            if claim is not None:
                return claim
            time.sleep(0.02)
        return None


def _groups(cells: list[CellSpec]) -> list[tuple[CellSpec, ...]]:
    """Gives back the cells that one process runs: one suite, one method with its settings, one pass, in order."""
    groups: dict[tuple[int, str, str, str], list[CellSpec]] = {}
    for spec in cells:
        set_by_plan = digest_json([spec.given, spec.shift])
        groups.setdefault((spec.repeat, spec.suite.name, spec.method_key, set_by_plan), []).append(spec)
    return [tuple(group) for group in groups.values()]


def _death(status: int) -> str:
    if status == -signal.SIGKILL:
        return "killed by signal 9; the system kills a process like this when the machine runs out of memory"
    if status < 0:
        return f"died of signal {-status} ({signal.Signals(-status).name})"
    return f"ended by itself with status {status} in the middle of the video"


def run_log(run: Run, spec: CellSpec) -> Path:
    """Gives back the file that holds what a method's processes printed."""
    return run.path / "logs" / f"{spec.folder.parent.name}.log"
