"""Mean, recall and decay of a measure over the scored frames of one object."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

RECALL_THRESHOLD = 0.5
"""An object counts as found on a frame where the measure exceeds this (DAVIS 2016, section 5.2)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Statistics:
    """Mean, recall and decay in [0, 1], [0, 1] and [-1, 1]; None where there is none, and then ``reason`` says why."""

    mean: float | None
    recall: float | None = None
    decay: float | None = None
    reason: str = ""


def statistics(values: NDArray[np.float64], *, has_recall: bool, official_decay: bool = False) -> Statistics:
    """Gives back the statistics of one measure, as ``db_statistics`` of davis2017-evaluation defines them.

    Args:
        values: (frames,), float64 in [0, 1].
        has_recall: False where the protocol's tool gives the mean only.
        official_decay: True repeats the overflow of the official tool, see `decay`.
    """
    if len(values) == 0:
        return Statistics(mean=None, reason="no frame of the object is scored")
    mean = float(np.mean(values))
    if not has_recall:
        return Statistics(mean=mean, reason="the protocol's tool gives neither recall nor decay")
    recall = float(np.mean(values > RECALL_THRESHOLD))
    fall = decay(values, official=official_decay)
    reason = "" if fall is not None else "the official tool's byte edges leave a quarter of the video empty"
    return Statistics(mean=mean, recall=recall, decay=fall, reason=reason)


def decay(values: NDArray[np.float64], *, official: bool = False) -> float | None:
    """Gives back how much the measure falls: the mean of the first quarter less the mean of the last.

    The quarters share their edges ``round(linspace(1, n, 5)) - 1``. The official tool keeps those edges in bytes
    (``utils.py``, line 153), so that they wrap round for more than 255 frames: its figure is then wrong, or none at
    all (None here) where a quarter comes out empty. ``official`` repeats that, as numpy 2 computes it, for comparison
    with published figures; otherwise the intended value is given for any length.
    """
    edges = np.round(np.linspace(1, len(values), 5) + 1e-10).astype(np.int64) - 1
    stops = edges + 1
    if official:
        edges, stops = edges % 256, (edges % 256 + 1) % 256
    first = values[edges[0] : stops[1]]
    last = values[edges[3] : stops[4]]
    if len(first) == 0 or len(last) == 0:
        return None
    return float(np.mean(first) - np.mean(last))
