"""What a row's cells measured beside its headline: scatter over passes, memory's stations, energy, operations."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from vosbench.growth import Growth, frames_until_full
from vosbench.records import CellSpec, MemorySummary, Record
from vosbench.report.cells import Cell, mean_scale, mean_scores
from vosbench.stats import Interval, Slope, mean_interval, robust_slope
from vosbench.store.frames import read_frames
from vosbench.store.run import FRAMES_FILE

MIB = float(1 << 20)

WH_FRAMES = 10 * 60 * 30
"""Frames of the ten minutes of video at 30 frames per second for which energy is told."""

LONE_LEAK = (3 * MIB, 0.4)
"""The bytes, and the share of what it took, that a row's only video must leave behind to be told."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Measures:
    """What a row's cells measured; None where not measured.

    ``speed`` is frames per second over the passes. ``slope_ms`` is the robust slope of the milliseconds over the
    longest video, per frame. ``short`` says that a measurement was too short, '' where none was, ``disturbed`` that the
    machine was not quiet meanwhile. ``allocated_mib`` and ``reserved_mib`` are the allocator's peaks; ``held_bytes`` is
    what the process held at the end of the longest video, after ``held_frames`` frames. ``leaks`` says what was not
    given back, '' where all was. ``joules_per_frame`` and ``gmacs`` (10^9 multiply-accumulates of one frame) have a
    reason beside where they are missing. ``dropped`` of ``frames`` came too late for a method in real time. Where
    memory ran out, ``so_far`` are the scores over the frames that were answered, in percent, and ``coverage`` is their
    share of all frames. ``scale`` is the mean over the frames of the scale that an adaptive method says it shrank them
    to.
    """

    speed: Interval | None = None
    p90_ms: float | None = None
    slope_ms: Slope | None = None
    short: str = ""
    disturbed: str = ""
    allocated_mib: float | None = None
    reserved_mib: float | None = None
    held_bytes: int | None = None
    held_frames: int = 0
    leaks: str = ""
    joules_per_frame: float | None = None
    energy_reason: str = ""
    gmacs: float | None = None
    operations_reason: str = ""
    frames: int = 0
    dropped: int | None = None
    so_far: Mapping[str, float] = field(default_factory=dict)
    coverage: float | None = None
    scale: float | None = None

    @property
    def wh_per_ten_minutes(self) -> float | None:
        """Watt-hours of ten minutes of video at 30 frames per second."""
        return self.joules_per_frame * WH_FRAMES / 3600 if self.joules_per_frame is not None else None

    def frames_until_full(self, growth: Growth | None, capacity: int) -> float | None:
        """Gives back after how many frames ``capacity`` bytes are full; extrapolated, None where they never are."""
        if growth is None or self.held_bytes is None:
            return None
        return frames_until_full(growth, frames=self.held_frames, held=self.held_bytes, capacity=capacity)


def measures_of(cells: Sequence[Cell]) -> Measures:
    """Gives back what the cells of one row measured."""
    good = [cell for cell in cells if cell.record.outcome.status == "ok"]
    answered = answered_cells(cells)
    longest = longest_cell(answered)
    milliseconds = milliseconds_of(good)
    joules, energy_reason = _energy(good)
    gmacs, operations_reason = _operations(answered)
    real_time = cells[0].record.spec.mode.realtime is not None
    return Measures(
        speed=_speed(good),
        p90_ms=float(np.percentile(milliseconds, 90)) if milliseconds.size else None,
        slope_ms=robust_slope(milliseconds_of([longest])) if longest is not None else None,
        short=_short(good),
        disturbed=_disturbed(good),
        allocated_mib=largest_mib(cells, lambda memory: memory.peak_allocated),
        reserved_mib=largest_mib(cells, lambda memory: memory.peak_reserved),
        held_bytes=_held(longest.record.memory) if longest is not None else None,
        held_frames=longest.record.frames if longest is not None else 0,
        leaks=_leaks(cells),
        joules_per_frame=joules,
        energy_reason=energy_reason,
        gmacs=gmacs,
        operations_reason=operations_reason,
        frames=sum(cell.record.frames for cell in good),
        dropped=sum(cell.record.dropped for cell in good) if real_time else None,
        so_far=_so_far(cells),
        coverage=_coverage(cells),
        scale=mean_scale(good),
    )


def answered_cells(cells: Sequence[Cell]) -> list[Cell]:
    """Gives back the cells whose frames say something: those that went through, and those whose memory ran out."""
    return [cell for cell in cells if cell.record.outcome.status in ("ok", "oom") and cell.record.frames]


def longest_cell(cells: Sequence[Cell]) -> Cell | None:
    """Gives back the cell with most frames: a short video tells nothing that a long one does not tell better."""
    return max(cells, key=lambda cell: cell.record.frames) if cells else None


def milliseconds_of(cells: Sequence[Cell]) -> NDArray[np.float64]:
    """Gives back the milliseconds of every frame that was timed, cell after cell, (frames,)."""
    series = [read_frames(cell.folder / FRAMES_FILE).columns["seconds"] for cell in cells]
    seconds = np.concatenate(series) if series else np.empty(0)
    return seconds[np.isfinite(seconds)] * 1e3


def largest_mib(cells: Sequence[Cell], value: Callable[[MemorySummary], int | None]) -> float | None:
    """Gives back the largest number of bytes that any cell has, in MiB."""
    found = [value(cell.record.memory) for cell in cells if cell.record.memory is not None]
    measured = [size for size in found if size is not None]
    return max(measured) / MIB if measured else None


def mode_of(spec: CellSpec) -> str:
    """Gives back in words how a cell was run; rows in which this differs are never ranked together."""
    runtime, mode = spec.runtime, spec.mode
    threads = f"{runtime.threads} thread{'s' * (runtime.threads > 1)}" if runtime.device == "cpu" else ""
    scales = " and ".join(f"{scale:g}" for scale in runtime.scales)
    words = {
        runtime.precision: True,
        runtime.device.split(":")[0]: True,
        threads: bool(threads),
        "one pinned core": mode.one_core,
        "compiled": runtime.compile,
        f"short side {mode.short_side}": mode.short_side is not None,
        "flip": runtime.flip,
        f"scales {scales}": runtime.scales != (1.0,),
        f"in real time at {mode.realtime or 0:g} frames per second": mode.realtime is not None,
        f"within {(mode.memory_budget or 0) / (1 << 30):g} GiB": mode.memory_budget is not None,
    }
    return ", ".join(word for word, true in words.items() if true)


def _speed(cells: Sequence[Cell]) -> Interval | None:
    """Frames per second over the passes that have every video: one that misses some is no sample of the same mean."""
    passes: dict[int, list[Record]] = {}
    for cell in cells:
        if cell.record.timing is not None:
            passes.setdefault(cell.record.spec.repeat, []).append(cell.record)
    whole = max((len(records) for records in passes.values()), default=0)
    rates = [_rate(records) for records in passes.values() if len(records) == whole]
    return mean_interval(np.array(rates))


def _rate(records: Sequence[Record]) -> float:
    timings = [record.timing for record in records if record.timing is not None]
    return sum(timing.frames for timing in timings) / sum(timing.seconds for timing in timings)


def _short(cells: Sequence[Cell]) -> str:
    short = [cell for cell in cells if _is_short(cell.record)]
    if not short:
        return ""
    least = short[0].record.spec.minimum
    return (
        f"{len(short)} of {len(cells)} measurements are shorter than {least.seconds:g} s or {least.frames} frames: "
        "take longer videos"
    )


def _is_short(record: Record) -> bool:
    timing, least = record.timing, record.spec.minimum
    return timing is not None and (timing.frames < least.frames or timing.seconds < least.seconds)


def _disturbed(cells: Sequence[Cell]) -> str:
    """What the worst of the cells says that were not measured on a quiet machine."""
    found = [cell.record.quiet for cell in cells if cell.record.quiet.verdict == "disturbed"]
    if not found:
        return ""
    worst = max(found, key=lambda quiet: (len(quiet.reasons), quiet.foreign_cpu or 0.0))
    return f"{len(found)} of {len(cells)} measurements were disturbed, at worst: {'; '.join(worst.reasons)}"


def _held(memory: MemorySummary | None) -> int | None:
    """What fills the device: what the driver counts for the process, else what the allocator took, else the process."""
    if memory is None:
        return None
    if memory.series != "allocated":
        return memory.peak_host
    return next((size for size in (memory.peak_process, memory.peak_reserved, memory.peak) if size is not None), None)


def _leaks(cells: Sequence[Cell]) -> str:
    """What close() does not give back: a leak repeats, what a library keeps from its first shapes does not.

    A row's only video must leave more, since nothing can repeat: libraries kept up to 2.5 MiB, or a third of what small
    networks took.
    """
    memories = [cell.record.memory for cell in cells if cell.record.memory is not None]
    leaking = [memory for memory in memories if memory.leaks]
    if 2 * len(leaking) <= len(memories):
        return ""
    left, taken = max((memory.left_behind or 0, memory.taken or 0) for memory in leaking)
    if len(memories) > 1:
        return f"leaks: close() left up to {left / MIB:.1f} MiB behind, in {len(leaking)} of {len(memories)} videos"
    if left < max(LONE_LEAK[0], LONE_LEAK[1] * taken):
        return ""
    return f"its only video left {left / MIB:.1f} MiB behind: a leak if a second one leaves as much"


def _energy(cells: Sequence[Cell]) -> tuple[float | None, str]:
    """Joules per frame over all passes, or why they are not known."""
    joules = [cell.record.energy.joules for cell in cells]
    counted = [value for value in joules if value is not None]
    frames = sum(cell.record.frames for cell in cells)
    if len(counted) < len(joules) or not frames:
        return None, next((cell.record.energy.reason for cell in cells if cell.record.energy.reason), "")
    return sum(counted) / frames, ""


def _operations(cells: Sequence[Cell]) -> tuple[float | None, str]:
    """The mean over the videos of 10^9 multiply-accumulates of one frame, or why they are not known."""
    counted = [cell.record.operations.macs for cell in cells if cell.record.operations.macs is not None]
    if counted:
        return float(np.mean(counted)) / 1e9, ""
    return None, next((cell.record.operations.reason for cell in cells if cell.record.operations.reason), "")


def _so_far(cells: Sequence[Cell]) -> dict[str, float]:
    """The scores over the frames that were answered, where memory ran out on some video."""
    spec = cells[0].record.spec
    if spec.suite.task != "vos" or all(cell.record.outcome.status != "oom" for cell in cells):
        return {}  # tracks are scored over whole videos
    return mean_scores([cell for cell in cells if cell.record.outcome.status in ("ok", "oom")], so_far=True)


def _coverage(cells: Sequence[Cell]) -> float | None:
    """The share of the frames that were answered; None where every cell went through, or the length is not known."""
    ended = [cell.record for cell in cells if cell.record.outcome.status in ("ok", "oom")]
    lengths = [record.video_frames for record in ended if record.video_frames is not None]
    if all(record.outcome.status == "ok" for record in ended) or len(lengths) < len(ended):
        return None
    return sum(record.frames for record in ended) / sum(lengths)
