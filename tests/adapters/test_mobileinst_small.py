"""The bundled small MobileInst: it finds, classifies and tracks on videos that it has not seen."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import vosbench.adapters.mobileinst as adapter
from vosbench.adapters.mobileinst import CARD
from vosbench.contract import Runtime, Weights
from vosbench.data.synthetic_shapes import family_names
from vosbench.registry import restore_settings
from vosbench.train.instance_clips import held_back_videos
from vosbench.train.track_score import track_score

MINI = CARD.minis[0]
FILE = Path(adapter.__file__).parent / "weights" / MINI.file

ENOUGH = 0.30
"""AP on held-out synthetic videos that the small model has to reach."""


@pytest.fixture(scope="module")
def scores():
    """AP by T on four held-back videos."""
    clips = held_back_videos(4)

    def score(reuse):
        settings = restore_settings(CARD, {**MINI.settings, "reuse": reuse})
        return track_score(CARD.load(Runtime(), Weights(kind="mini", path=FILE), settings), clips)

    return {reuse: score(reuse) for reuse in (1, 6)}


def test_it_finds_classifies_and_tracks_on_held_out_videos(scores):
    assert scores[1].ap >= ENOUGH


def test_kernels_that_serve_longer_cost_accuracy(scores):
    assert scores[6].ap < scores[1].ap - 0.03


def test_its_settings_are_those_of_its_card_and_its_classes_those_of_synthetic_videos():
    card = json.loads(FILE.with_suffix(".json").read_text())
    names = MINI.settings["category_names"]
    assert {**card["settings"], "category_names": names} == MINI.settings
    assert ",".join(family_names()) == names
    assert tuple(card["marks"]) == MINI.marks
    assert MINI.file == card["file"]
    assert card["bytes"] <= 5_000_000
