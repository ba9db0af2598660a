"""Small statistics of series: the clock's summary, and slopes that outliers do not move."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vosbench.records import Timing

MOST_POINTS = 400
"""A slope is taken over at most this many points, each the median of equally many neighbours."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval:
    """A mean with its 95 % interval over ``count`` repetitions, in their unit."""

    mean: float
    low: float
    high: float
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Slope:
    """A line's rise per step with its 95 % interval, in the series' unit per step."""

    value: float
    low: float
    high: float


def summarise_seconds(seconds: NDArray[np.float64], core_seconds: NDArray[np.float64] | None = None) -> Timing | None:
    """Gives back the clock's summary of per-frame seconds (frames,), or None for no frame.

    Frames per second is frames over the sum of seconds, so slow frames count with their whole weight.
    """
    if seconds.size == 0:
        return None
    total = float(seconds.sum())
    median, p90, p99 = (float(q) * 1e3 for q in np.percentile(seconds, [50, 90, 99]))
    marked = core_seconds is not None and bool(np.isfinite(core_seconds).all())
    return Timing(
        frames=int(seconds.size),
        seconds=total,
        frames_per_second=seconds.size / total,
        median_ms=median,
        p90_ms=p90,
        p99_ms=p99,
        core_frames_per_second=seconds.size / float(core_seconds.sum())
        if core_seconds is not None and marked
        else None,
        slope_ms=slope.value * 1e3 if (slope := robust_slope(seconds)) is not None else None,
    )


def mean_interval(values: NDArray[np.float64]) -> Interval | None:
    """Gives back the mean of ``values`` (repetitions,) with Student's 95 % interval; None below two.

    Mean +- t s / sqrt(n) with n - 1 degrees of freedom. With the three or five repetitions that people can afford a
    bootstrap interval is far too narrow: it cannot leave the range of what was seen.
    """
    if values.size < 2:
        return None
    mean = float(values.mean())
    half = student_quantile(values.size - 1) * float(values.std(ddof=1)) / math.sqrt(values.size)
    return Interval(mean=mean, low=mean - half, high=mean + half, count=int(values.size))


def student_quantile(freedom: int, level: float = 0.95) -> float:
    """Gives back t such that Student's variable with ``freedom`` degrees of freedom lies in [-t, t] with ``level``."""
    low, high = 0.0, 1.0
    while _student_within(high, freedom) < level:
        high *= 2
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if _student_within(middle, freedom) < level else (low, middle)
    return (low + high) / 2


def _student_within(t: float, freedom: int) -> float:
    """The probability of [-t, t], in closed form (Abramowitz and Stegun, 26.7.3 and 26.7.4)."""
    angle = math.atan(t / math.sqrt(freedom))
    sine, cosine = math.sin(angle), math.cos(angle)
    odd = freedom % 2
    term, total = (cosine if odd else 1.0), 0.0
    for k in range(1 + odd, freedom, 2):
        total += term
        term *= cosine * cosine * k / (k + 1)
    if not odd:
        return sine * total
    return 2 / math.pi * (angle + sine * total)


def robust_slope(values: NDArray[np.float64]) -> Slope | None:
    """Gives back the Theil-Sen slope of ``values`` (steps,) per step with Sen's 95 % interval; None below 10 values.

    The slope is the median of the slopes of all pairs; the interval takes its ranks from the variance of Kendall's
    statistic without ties: n (n - 1) (2 n + 5) / 18 (Sen 1968, JASA 63, eq. 2.6 and section 5).
    """
    if values.size < 10:
        return None
    width = -(-values.size // MOST_POINTS)
    steps, points = _medians(values, width)
    first, second = np.triu_indices(points.size, 1)
    slopes = np.sort((points[second] - points[first]) / (steps[second] - steps[first]))
    count = points.size
    spread = 1.959964 * np.sqrt(count * (count - 1) * (2 * count + 5) / 18.0)
    low = int(max(0, np.floor((slopes.size - spread) / 2) - 1))  # Sen counts ranks from 1
    high = int(min(slopes.size - 1, np.ceil((slopes.size + spread) / 2)))
    return Slope(value=float(np.median(slopes)), low=float(slopes[low]), high=float(slopes[high]))


def _medians(values: NDArray[np.float64], width: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Gives back the centres and medians of blocks of ``width`` neighbours; a last part of a block is left out."""
    blocks = values[: values.size // width * width].reshape(-1, width)
    centres = np.arange(blocks.shape[0], dtype=np.float64) * width + (width - 1) / 2
    return centres, np.median(blocks, axis=1)
