"""The curve of a training: one line per iteration, kept as a CSV file beside the checkpoint."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from vosbench.errors import StoreError
from vosbench.store.atomic import storing, write_whole

FILE = "curve.csv"


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """Iteration ``step`` (from 0): its loss, the loss's parts before weighing, the gradient's norm before clipping, the
    learning rate of new layers, seconds of training so far, and the two measures of what is held back where scored."""

    step: int
    seconds: float
    loss: float
    parts: tuple[float, ...]
    norm: float
    rate: float
    held_back: tuple[float, float] | None = None


class Curve:
    """Appends points; a resumed training drops those behind its checkpoint. ``measures`` name what is held back's."""

    def __init__(
        self, folder: Path, parts: Sequence[str], *, step: int = 0, measures: tuple[str, str] = ("j", "f")
    ) -> None:
        self._path = folder / FILE
        scored = (f"held_back_{name}" for name in measures)
        self._header = ["step", "seconds", "loss", *parts, "norm", "rate", *scored]
        kept = [row for row in _rows(self._path) if int(row[0]) < step] if step else []
        write_whole(self._path, _text([self._header, *kept]).encode())
        self._waiting: list[list[object]] = []

    def add(self, point: Point) -> None:
        """Keep a point; it reaches the disk with the next `flush`."""
        numbers = [point.loss, *point.parts, point.norm, point.rate]
        scores = ["", ""] if point.held_back is None else [f"{value:.5f}" for value in point.held_back]
        row = [point.step, f"{point.seconds:.2f}", *(f"{number:.9g}" for number in numbers), *scores]
        self._waiting.append(row)

    def flush(self) -> None:
        """Write what waits."""
        with storing(self._path), self._path.open("a", encoding="utf-8", newline="") as stream:
            stream.write(_text(self._waiting))
        self._waiting = []


def read_curve(folder: Path) -> tuple[tuple[int, float], ...]:
    """Gives back (step, loss) of every iteration written."""
    return tuple((int(row[0]), float(row[2])) for row in _rows(folder / FILE))


def scores_of(folder: Path) -> tuple[tuple[int, float, float], ...]:
    """Gives back (step, J, F), or (step, AP, AP50), of every time that what is held back was scored."""
    return tuple((int(row[0]), float(row[-2]), float(row[-1])) for row in _rows(folder / FILE) if row[-1])


def _rows(path: Path) -> list[list[str]]:
    """Gives back the whole lines without the header; a line that a kill tore is left out."""
    if not path.is_file():
        return []
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise StoreError(f"the curve cannot be read: {error.strerror}", where=str(path)) from error
    rows = list(csv.reader(text[: text.rfind("\n") + 1].splitlines()))
    return [row for row in rows[1:] if len(row) == len(rows[0])]


def _text(rows: Sequence[Sequence[object]]) -> str:
    stream = io.StringIO()
    csv.writer(stream, lineterminator="\n").writerows(rows)
    return stream.getvalue()
