"""Mean, recall and decay."""

from __future__ import annotations

import numpy as np
import pytest

from vosbench.metrics.series import decay, statistics


def test_recall_counts_frames_above_one_half_strictly():
    values = np.array([0.5, 0.500001, 1.0, 0.0])
    assert 0.5 == statistics(values, has_recall=True).recall


def test_decay_is_the_first_quarter_less_the_last():
    """Edges of 8 frames: 1, 2.75, 4.5, 6.25, 8, rounded 1, 3, 4, 6, 8: frames 1 to 3 less 6 to 8."""
    values = np.array([1, 1, 0.7, 0, 0, 0.4, 0.4, 0.1])
    assert pytest.approx(0.9 - 0.3, abs=1e-15) == decay(values)


def test_one_frame_has_no_decay_but_the_value_nought():
    assert 0.0 == decay(np.array([0.3]))


@pytest.mark.parametrize("frames", [1, 2, 3, 4, 5, 17, 100, 255])
def test_both_decays_agree_up_to_255_frames(frames):
    values = np.random.default_rng(frames).random(frames)
    assert decay(values) == decay(values, official=True)


@pytest.mark.parametrize("frames", [256, 257, 300, 513])
def test_the_official_decay_of_long_videos_is_none(frames):
    values = np.linspace(1, 0, frames)
    result = statistics(values, has_recall=True, official_decay=True)
    assert result.decay is None
    assert "byte" in result.reason
    assert pytest.approx(0.75, abs=0.01) == statistics(values, has_recall=True).decay


def test_the_official_decay_of_400_frames_is_a_number_without_meaning():
    values = np.linspace(1, 0, 400)
    edges = np.array([0, 100, 200, 299 - 256, 399 - 256])
    expected = values[0:101].mean() - values[edges[3] : edges[4] + 1].mean()
    assert expected == decay(values, official=True)


def test_no_frames_give_no_mean_and_the_reason():
    result = statistics(np.array([]), has_recall=True)
    assert (None, None, None) == (result.mean, result.recall, result.decay)
    assert result.reason


def test_a_tool_without_recall_gives_the_mean_and_the_reason():
    result = statistics(np.array([0.25, 0.75]), has_recall=False)
    assert (0.5, None, None) == (result.mean, result.recall, result.decay)
    assert result.reason
