"""Scoring holds a frame at a time: neither the length of a video nor the number of its objects piles up masks."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest

from vosbench.metrics.protocol import find_protocol
from vosbench.metrics.video import score_video

HEIGHT, WIDTH, OBJECTS = 480, 854, 200


def _frame(name):
    """Two hundred squares that move a pixel a frame."""
    labels = np.zeros((HEIGHT, WIDTH), np.uint8)
    for number in range(OBJECTS):
        top, left = 46 * (number // 20) + 4, 42 * (number % 20) + int(name) % 8
        labels[top : top + 30, left : left + 30] = number + 1
    return labels


def _peak(frames):
    """Gives back the bytes that scoring so many frames held at once."""
    names = [str(index) for index in range(frames)]
    tracemalloc.start()
    try:
        score = score_video(
            find_protocol("davis2017-semi"), video="many", frames=names, read_prediction=_frame, read_truth=_frame
        )
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert [1.0] * OBJECTS == [scored.j_statistics.mean for scored in score.objects]
    return peak


def test_two_hundred_objects_at_480p_need_no_more_memory_for_a_longer_video():
    _peak(3)  # compiles, loads
    short, long = _peak(6), _peak(30)
    counts = 24 * OBJECTS * 8 * 16  # integers per object and frame
    assert long - short < counts
    assert long < 32 * HEIGHT * WIDTH
    assert pytest.approx(short, rel=1.0) == long
