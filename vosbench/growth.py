"""Does memory grow on a long video? XMem's rule, a robust slope of the second half, and a verdict."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from vosbench.stats import Slope, robust_slope

Verdict = Literal["bounded", "growing", "too short"]

SHORTEST = 100
"""Frames. Below it a bank that is still filling looks like one that grows for ever."""

FILM_RATE = 24
"""Frames per second of the minutes in which growth is told."""

NEGLIGIBLE = 1 << 20
"""Bytes over the second half of a video. A smaller rise is the allocator's own unrest, not a bank."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Growth:
    """How memory changes over a video, in bytes per frame.

    ``frames_100_to_200`` is XMem's rule (section 4.1: the difference between the 100th and the 200th frame, per
    frame), None for videos of fewer than 200 frames. ``tail`` is the Theil-Sen slope of the second half.
    """

    frames_100_to_200: float | None
    tail: Slope | None
    verdict: Verdict

    @property
    def per_frame(self) -> float | None:
        """The value for a table: XMem's rule where the video is long enough, else the slope of its second half."""
        if self.frames_100_to_200 is not None:
            return self.frames_100_to_200
        return self.tail.value if self.tail is not None else None

    @property
    def mib_per_minute(self) -> float | None:
        """The value for a table as MiB per minute of video at 24 frames per second."""
        return self.per_frame * 60 * FILM_RATE / (1 << 20) if self.per_frame is not None else None


def frames_until_full(growth: Growth, *, frames: int, held: float, capacity: float) -> float | None:
    """Gives back after how many frames ``capacity`` bytes are full, where ``held`` of them were after ``frames``.

    Extrapolated by the slope of the video's second half, which is the latest that is known: a bank that grows ever more
    slowly lasts longer. None where memory is bounded or the video too short to tell.
    """
    if growth.verdict != "growing" or growth.tail is None:
        return None
    return frames + max(0.0, capacity - held) / growth.tail.value


def measure_growth(memory: NDArray[np.float64]) -> Growth:
    """Gives back the growth of a series of bytes after each frame, (frames,)."""
    finite = memory[np.isfinite(memory)]
    if finite.size != memory.size:
        return Growth(frames_100_to_200=None, tail=None, verdict="too short")
    rule = float(memory[199] - memory[99]) / 100 if memory.size >= 200 else None
    half = memory[memory.size // 2 :]
    tail = robust_slope(half)
    return Growth(frames_100_to_200=rule, tail=tail, verdict=_verdict(memory, tail))


def _verdict(memory: NDArray[np.float64], tail: Slope | None) -> Verdict:
    """What has grown reaches new heights in the last quarter of a video, and the trend of its second half says so.

    A bank that fills up and is cleared again (XMem's working memory) may have a rising slope, because most pairs of
    frames lie within one filling, but it comes back to the same height: that is looked for over half of a video, so
    that a filling may take as long. A bank that is seldom written has no trend between two writes; where at least two
    of them made it higher in the second half, the video is too short to tell it from one that is filling up.
    """
    if memory.size < SHORTEST or tail is None:
        return "too short"
    quarter, half = memory.size // 4, memory.size // 2
    heights = np.maximum.accumulate(_without_spikes(memory)[quarter:])
    if heights[-1] - heights[half - 1] <= NEGLIGIBLE / 2:
        return "bounded"
    if tail.low > 0 and tail.value * half > NEGLIGIBLE:
        return "growing"
    rises = int((np.diff(heights[half - quarter - 1 :]) > NEGLIGIBLE / 2).sum())
    return "too short" if rises > 1 else "bounded"


def _without_spikes(memory: NDArray[np.float64]) -> NDArray[np.float64]:
    """Gives back each frame's median with its neighbours: one outlier is no height."""
    around = np.pad(memory, 1, mode="reflect")
    return np.median(np.stack([around[:-2], memory, around[2:]]), axis=0)
