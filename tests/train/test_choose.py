"""The choice of settings on held-back clips: one after the other, by whole clips, through sessions."""

from __future__ import annotations

import numpy as np
import pytest

from vosbench.train.choose import choose, session_score
from vosbench.train.held_back import Score
from vosbench.train.library import RealClip


def _score(values):
    def score(settings):
        return Score(j=values(settings), f=values(settings), clips=1)

    return score


def test_the_best_of_each_setting_is_kept_for_the_next():
    trials = choose(_score(lambda s: s["size"] / 1000 + s["top_k"] / 100), {"size": (240, 288), "top_k": (5, 20)})
    assert {"size": 288, "top_k": 20} == trials[-1].settings
    assert 3 == len(trials)


def test_what_gains_next_to_nothing_does_not_replace_what_is_cheaper():
    trials = choose(_score(lambda s: 0.5 + s["size"] / 1e6), {"size": (240, 288)})
    assert {"size": 240} == trials[-1].settings


class _Echo:
    """Answers with the prompt for ever; counts what is closed."""

    def __init__(self):
        self.closed = 0

    def open(self, view):
        self.view = view
        return self

    def step(self, frame):
        self.mask = frame.prompt.mask if frame.prompt is not None else self.mask
        return self.mask

    def finish(self):
        return None

    def close(self):
        self.closed += 1


def _clip(*columns):
    """One object, 8 pixels wide, whose left edge stands at ``columns``."""
    masks = []
    for column in columns:
        mask = np.zeros((16, 32), np.uint8)
        mask[:, column : column + 8] = 1
        masks.append(mask)
    return RealClip(
        name="c", source="s", images=tuple(np.zeros((16, 32, 3), np.uint8) for _ in masks), masks=tuple(masks)
    )


def test_frames_behind_the_first_are_scored_and_sessions_closed():
    model = _Echo()
    found = session_score(model, [_clip(4, 4, 8)])
    assert (1.0 + 4 / 12) / 2 == pytest.approx(found.j)
    assert 1 == model.closed


def test_every_object_counts_alike():
    still, gone = _clip(4, 4), _clip(0, 16)
    assert 0.5 == pytest.approx(session_score(_Echo(), [still, gone]).j)
