"""A paired bootstrap over videos: how sure a difference between two methods is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

RESAMPLES = 10_000

FEWEST = 6
"""Videos. With fewer no difference is sure at 95 %, even if all of them agree: 2 (1/2)^5 = 6 % (sign test)."""

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval:
    """A difference with its 95 % interval; the ends are None where there are too few videos for one."""

    value: float
    low: float | None
    high: float | None

    @property
    def sure(self) -> bool:
        """True where the interval leaves zero out."""
        return self.low is not None and self.high is not None and (self.low > 0 or self.high < 0)


def paired_interval(
    statistic: Callable[[Floats], Floats], videos: int, generator: np.random.Generator, *, resamples: int = RESAMPLES
) -> Interval:
    """Gives back a statistic of a sample of videos with its 95 % percentile interval (Efron, Tibshirani 1993, ch. 13).

    ``statistic`` takes weights (samples, videos), how often each video was drawn, and gives (samples,); both methods'
    values of a video are drawn together. A sample for which it is not finite (no object of a group) is left out.
    """
    value = float(statistic(np.ones((1, videos)))[0])
    if videos < FEWEST:
        return Interval(value=value, low=None, high=None)
    weights = generator.multinomial(videos, np.full(videos, 1 / videos), size=resamples).astype(np.float64)
    found = statistic(weights)
    found = found[np.isfinite(found)]
    if found.size < resamples // 2:
        return Interval(value=value, low=None, high=None)
    low, high = np.percentile(found, [2.5, 97.5])
    return Interval(value=value, low=float(low), high=float(high))
