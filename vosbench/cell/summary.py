"""What a cell's series come down to: the clock's and the memory's summary."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from vosbench.cell.series import Series
from vosbench.meters.device import Memory
from vosbench.records import MemorySummary, Minimum, Timing
from vosbench.stats import summarise_seconds

Kind = Literal["allocated", "live", "resident"]


def summarise_timing(series: Series) -> Timing | None:
    """Gives back the clock's summary of the frames that were timed: a dropped frame has no time."""
    seconds = series.column("seconds")
    timed = np.isfinite(seconds)
    return summarise_seconds(seconds[timed], series.column("core_seconds")[timed])


def summarise_memory(
    series: Series, *, before_load: Memory, after_load: Memory, before_open: Memory | None, after_close: Memory | None
) -> MemorySummary:
    """Gives back the stations and peaks of a cell."""
    kind = _kind(after_load)
    on_device = kind == "allocated"
    return MemorySummary(
        series=kind,
        before_load=_station(before_load, kind),
        after_load=_station(after_load, kind),
        peak=_maximum(series.column("peak_allocated" if on_device else "peak_resident")),
        peak_allocated=_maximum(series.column("peak_allocated" if on_device else "live")),
        peak_reserved=_maximum(series.column("peak_reserved" if on_device else "held")),
        peak_process=_maximum(series.column("process")),
        peak_host=_maximum(series.column("peak_resident")),
        before_open=_station(before_open, kind),
        after_last=_last(series.column(kind)),
        after_close=_station(after_close, kind),
    )


def too_short(timing: Timing | None, minimum: Minimum) -> str:
    """Gives back what is wrong with a measurement that is too short, '' where it is long enough."""
    if timing is None or (timing.frames >= minimum.frames and timing.seconds >= minimum.seconds):
        return ""
    return (
        f"timed for {timing.seconds:.2f} s over {timing.frames} frames; a measurement takes at least "
        f"{minimum.seconds:g} s and {minimum.frames} frames"
    )


def _kind(memory: Memory) -> Kind:
    if memory.allocated is not None:
        return "allocated"
    return "live" if memory.host.live is not None else "resident"


def _station(memory: Memory | None, kind: Kind) -> int | None:
    if memory is None:
        return None
    return memory.allocated if kind == "allocated" else getattr(memory.host, kind)


def _maximum(column: NDArray[np.float64]) -> int | None:
    measured = column[np.isfinite(column)]
    return int(measured.max()) if measured.size else None


def _last(column: NDArray[np.float64]) -> int | None:
    return int(column[-1]) if column.size and np.isfinite(column[-1]) else None
