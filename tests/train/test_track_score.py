"""AP of a model on held-back videos: the truth has 1, what is wrong has less, and sessions are closed."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from vosbench.errors import AdapterError
from vosbench.train.library import RealClip
from vosbench.train.track_score import CATEGORIES, TrackScore, track_score
from vosbench.types import Instance, Track


def _clip(name, categories):
    masks = []
    for shift in (0, 4, 8):
        mask = np.zeros((48, 64), np.uint8)
        for number in range(1, len(categories) + 1):
            mask[16 * number - 12 : 16 * number, shift : shift + 20] = number
        masks.append(mask)
    images = tuple(np.zeros((48, 64, 3), np.uint8) for _ in masks)
    return RealClip(name=name, source="s", images=images, masks=tuple(masks), categories=categories)


CLIPS = (_clip("a", (2, 5)), _clip("b", (5,)))


@dataclasses.dataclass
class _Told:
    """Answers with the truth, changed by ``change`` of (clip, number, index, mask), and with ``late`` answers."""

    late: bool = True
    change: object = None
    right: bool = True
    closed: int = 0

    def open(self, view):
        self.view = view
        self.clip = next(clip for clip in CLIPS if clip.name == view.id)
        return self

    def step(self, frame):
        if not self.right:
            return self.clip.masks[frame.index]
        out = []
        for number, category in enumerate(self.clip.categories, start=1):
            mask = self.clip.masks[frame.index] == number
            mask = mask if self.change is None else self.change(mask)
            if mask is not None:
                out.append(Instance(track_id=number, category=category + 1, score=0.5, mask=mask))
        return tuple(out)

    def finish(self):
        if not self.late:
            return None
        return [Track(track_id=n, category=c + 1, score=0.9) for n, c in enumerate(self.clip.categories, start=1)]

    def close(self):
        self.closed += 1


@pytest.mark.parametrize("late", [True, False])
def test_the_truth_scores_1_and_sessions_are_closed(late):
    model = _Told(late=late)
    assert TrackScore(ap=1.0, ap50=1.0, clips=2) == track_score(model, CLIPS)
    assert 2 == model.closed
    assert ("vis", CATEGORIES) == (model.view.task, model.view.categories)


def test_half_of_each_mask_misses_the_higher_thresholds():
    found = track_score(_Told(change=lambda mask: mask & (np.arange(64) % 3 > 0)), CLIPS)
    assert 1.0 == found.ap50
    assert 0.3 <= found.ap <= 0.5


def test_no_answer_scores_0():
    assert TrackScore(ap=0.0, ap50=0.0, clips=2) == track_score(_Told(late=False, change=lambda mask: None), CLIPS)


def test_label_maps_are_refused():
    with pytest.raises(AdapterError, match="instances are expected"):
        track_score(_Told(right=False), CLIPS)


def test_a_score_is_that_of_its_settings():
    trial = TrackScore(ap=0.4, ap50=0.6, clips=3).trial({"size": 192})
    assert ({"size": 192}, 0.4, 0.6, 0.4) == (trial.settings, trial.ap, trial.ap50, trial.headline)
    assert "AP 40.0" == trial.told()
