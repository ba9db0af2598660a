"""Shows a run on the terminal: a live line where there is one, a line per finished cell where there is not."""

from __future__ import annotations

import sys
import time
from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from vosbench.records import CellSpec, Event, Outcome

MIB = float(1 << 20)

TELL_EVERY = 60.0
"""Seconds between two lines that something is still waited for, where there is no live line."""

LOCKED = "another process holds the machine or its card"
"""What a cell's process waits for that says no more: locks keep two from being timed at once."""


class RunProgress:
    """Cells done, failed and left, the current video with its frames per second and memory, the remaining time."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._bar = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=20),
            MofNCompleteColumn(),
            TextColumn("{task.fields[detail]}", markup=False),
            TimeElapsedColumn(),
            console=console,
            disable=not console.is_terminal,
            transient=True,
        )
        self._task: TaskID | None = None
        self._cells = self._done = self._failed = self._found = 0
        self._frames = self._timed = 0
        self._began = self._frame_seconds = 0.0
        self._last = Event(kind="loading")
        self._waited_for = ("", "")
        self._waits_since = self._told = 0.0

    def __enter__(self) -> RunProgress:
        self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bar.stop()

    def begin(self, cells: int, found: int) -> None:
        """Show how much there is to do."""
        self._cells, self._found, self._done = cells, found, found
        self._began = time.monotonic()
        self._task = self._bar.add_task("cells", total=cells, completed=found, detail="")
        if found:
            self._console.print(f"{found} of {cells} cells were finished before", highlight=False)

    def event(self, spec: CellSpec, event: Event) -> None:
        """Show what the current cell does."""
        if event.kind == "waiting":
            self._wait(spec, event)
        else:
            self._waited_for = ("", "")
        if event.kind == "video":
            self._frames, self._timed, self._frame_seconds = event.frames, 0, 0.0
        if event.kind == "frame":
            self._frame_seconds += event.seconds
            self._timed += event.seconds > 0  # in real time some are dropped
            self._last = event
        self._show(f"{spec.method.label} {spec.video}: {self._doing(event)}")

    def ended(self, spec: CellSpec, outcome: Outcome) -> None:
        """Count a finished cell, and print its line."""
        self._done += 1
        if outcome.status == "ok" and self._last.key != spec.key:
            words = "ok, run by another process"
        elif outcome.status == "ok":
            speed = self._timed / self._frame_seconds if self._frame_seconds else 0.0
            words = f"ok, {self._last.frame + 1} frames, {speed:.2f} fps"
        else:
            self._failed += 1
            words = (
                f"{outcome.status} at frame {outcome.frame}: {outcome.reason.splitlines()[0] if outcome.reason else ''}"
            )
        self._console.print(
            f"[{self._done}/{self._cells}] {spec.suite.name} {spec.method.label} {spec.video}: {words}",
            highlight=False,
            markup=False,
        )
        if self._task is not None:
            self._bar.update(self._task, completed=self._done)

    def failed(self, spec: CellSpec, reason: str) -> None:
        """Say that a method could not be started."""
        self._console.print(f"{spec.method.label} cannot run: {reason}", style="red", highlight=False, markup=False)

    def _wait(self, spec: CellSpec, event: Event) -> None:
        """Print a line when waiting begins and now and then while it lasts, where no live line says so."""
        if self._console.is_terminal:
            return
        now, wanted = time.monotonic(), (spec.key, event.text)
        begins = wanted != self._waited_for
        if begins:
            self._waited_for, self._waits_since = wanted, now
        if begins or now - self._told >= TELL_EVERY:
            self._told = now
            cell = f"{spec.suite.name} {spec.method.label} {spec.video}"
            lasted = "" if begins else f", for {(now - self._waits_since) / 60:.0f} min"
            print(f"waiting for {cell}: {event.text or LOCKED}{lasted}", file=sys.stderr, flush=True)

    def _doing(self, event: Event) -> str:
        if event.kind == "frame":
            speed = self._timed / self._frame_seconds if self._frame_seconds else 0.0
            memory = f", {event.bytes / MIB:.0f} MiB" if event.bytes is not None else ""
            return f"frame {event.frame + 1} of {self._frames}, {speed:.2f} fps{memory}"
        words = {
            "waiting": f"waiting: {event.text or LOCKED}",
            "loading": "loading",
            "video": "warming up",
            "busy": "another process works on it",
        }
        return words.get(event.kind, "")

    def _show(self, detail: str) -> None:
        if self._task is not None:
            failed = f", {self._failed} failed" if self._failed else ""
            self._bar.update(self._task, detail=f"{detail}{failed}{self._remaining()}")

    def _remaining(self) -> str:
        """The cells left, each as long as those of this call were on average."""
        here = self._done - self._found
        if here == 0:
            return ""
        seconds = (time.monotonic() - self._began) / here * (self._cells - self._done)
        return f", about {seconds / 60:.0f} min left" if seconds >= 90 else f", about {seconds:.0f} s left"
