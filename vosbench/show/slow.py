"""Where the frames of a cell went slow, and what else happened there."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from vosbench.store.frames import TRACE, FrameSeries


@dataclass(frozen=True, slots=True, kw_only=True)
class SlowFrame:
    """A frame that took longest: its index from 0, how many medians it took, and what changed on it.

    ``bank_bytes`` is by how much the method's banks grew on it, None where the method does not tell; ``trace`` are the
    method's own numbers of the frame.
    """

    index: int
    name: str
    milliseconds: float
    medians: float
    bank_bytes: int | None
    trace: tuple[tuple[str, float], ...]


def slow_frames(series: FrameSeries, *, most: int = 5) -> list[SlowFrame]:
    """Gives back the frames of a cell that took longest, the slowest first, those above the median only."""
    seconds = series.columns["seconds"]
    timed = np.flatnonzero(np.isfinite(seconds))
    if not timed.size:
        return []
    median = float(np.median(seconds[timed]))
    order = timed[np.argsort(-seconds[timed], kind="stable")][:most]
    return [_frame(series, int(index), median) for index in order if seconds[index] > median]


def _frame(series: FrameSeries, index: int, median: float) -> SlowFrame:
    traces = {
        name.removeprefix(TRACE): float(values[index])
        for name, values in series.columns.items()
        if name.startswith(TRACE) and np.isfinite(values[index])
    }
    return SlowFrame(
        index=index,
        name=series.names[index],
        milliseconds=1e3 * float(series.columns["seconds"][index]),
        medians=float(series.columns["seconds"][index]) / median if median else float("inf"),
        bank_bytes=_growth(series, index),
        trace=tuple(sorted(traces.items())),
    )


def _growth(series: FrameSeries, index: int) -> int | None:
    banks = series.banks()
    if not banks:
        return None
    total = np.sum(list(banks.values()), axis=0)
    before = float(total[index - 1]) if index else 0.0
    change = float(total[index]) - before
    return int(change) if np.isfinite(change) else None
