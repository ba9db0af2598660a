"""Objects that a video's ids promise and its masks never show."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from vosbench.data.suite import FIRST_FRAME_IDS
from vosbench.data.video import Video, read_truth
from vosbench.errors import DataError

COUNTED = FIRST_FRAME_IDS | {"davis2017-unsup"}
"""Protocols whose objects are 1 to the largest id of the first mask, whether a mask shows them or not."""

_VOID = 255

Absent = tuple[int, int]
"""How many ids no mask shows, and the largest id of the first mask."""


def absent_objects(video: Video) -> Absent:
    """Gives back how many of the ids from 1 to the first mask's largest no mask of a video shows, and that largest.

    Later masks are read only where the first one leaves a gap. Where one cannot be read the answer is (0, 0): who plays
    or scores the video says what is wrong with it.
    """
    annotated = [name for name in video.names if name in video.masks]
    if not annotated:
        return 0, 0
    try:
        first = _ids(video, annotated[0])
        largest = max(first, default=0)
        missing = set(range(1, largest + 1)) - first
        for name in annotated[1:]:
            if not missing:
                break
            missing -= _ids(video, name)
    except DataError:
        return 0, 0
    return len(missing), largest


def absent_notice(found: Mapping[str, Absent], protocol: str) -> str:
    """Gives back what to say of videos with such objects, by name; "" where there are none."""
    videos = [name for name, (missing, _) in found.items() if missing]
    if not videos:
        return ""
    missing, largest = (sum(found[name][part] for name in videos) for part in (0, 1))
    more = f" and {len(videos) - 1} more" if len(videos) > 1 else ""
    return (
        f"{missing} of {largest} objects are nowhere in the truth (video {videos[0]}{more}), and {protocol} scores "
        "each of them 1 where nothing is predicted: renumber the ids from 1 on, or use 'protocol: vos-benchmark'"
    )


def _ids(video: Video, name: str) -> set[int]:
    return set(np.flatnonzero(np.bincount(read_truth(video, name).ravel())).tolist()) - {0, _VOID}
