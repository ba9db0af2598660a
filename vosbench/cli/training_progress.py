"""Shows a training on the terminal: a live line where there is one, a line now and then where there is not."""

from __future__ import annotations

import time
from types import TracebackType

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from vosbench.cli.console import console
from vosbench.train.curve import Point
from vosbench.train.held_back import Score
from vosbench.train.recipe import Recipe
from vosbench.train.track_score import TrackScore

SMOOTHING = 0.05
"""The loss shown follows each new one by this share: single batches say little."""

LINE_SECONDS = 30.0


class TrainingProgress:
    """Loss, J and F on held-back clips, iterations per second, remaining time."""

    def __init__(self) -> None:
        self._console = console()
        self._bar = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=20),
            MofNCompleteColumn(),
            TextColumn("{task.fields[detail]}", markup=False),
            TimeElapsedColumn(),
            console=self._console,
            disable=not self._console.is_terminal,
            transient=True,
        )
        self._task: TaskID | None = None
        self._steps = self._first = self._done = 0
        self._began = self._told = 0.0
        self._loss: float | None = None
        self._score = ""

    def __enter__(self) -> TrainingProgress:
        self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bar.stop()

    def began(self, recipe: Recipe, step: int) -> None:
        """Show how much there is to do."""
        self._steps, self._first, self._done = recipe.steps, step, step
        self._began = self._told = time.monotonic()
        self._task = self._bar.add_task(recipe.name, total=recipe.steps, completed=step, detail="")
        if step:
            self._console.print(f"{step} of {recipe.steps} iterations were done before", highlight=False)

    def stepped(self, point: Point) -> None:
        """Show an iteration."""
        self._done = point.step + 1
        self._loss = point.loss if self._loss is None else self._loss + SMOOTHING * (point.loss - self._loss)
        if self._task is not None:
            self._bar.update(self._task, completed=self._done, detail=self._detail())
        now = time.monotonic()
        if not self._console.is_terminal and (now - self._told >= LINE_SECONDS or self._done == self._steps):
            self._told = now
            self._console.print(f"[{self._done}/{self._steps}] {self._detail()}", highlight=False, markup=False)

    def scored(self, step: int, found: Score | TrackScore) -> None:
        """Show the score on what is held back."""
        self._score = f", held back {found.told()}"
        self._console.print(f"iteration {step}{self._score} ({found.clips} clips)", highlight=False, markup=False)

    def _detail(self) -> str:
        seconds = time.monotonic() - self._began
        speed = (self._done - self._first) / seconds if seconds else 0.0
        left = (self._steps - self._done) / speed if speed else 0.0
        remaining = f"{left / 60:.0f} min left" if left >= 90 else f"{left:.0f} s left"
        return f"loss {self._loss or 0.0:.3f}{self._score}, {speed:.2f} it/s, {remaining}"
