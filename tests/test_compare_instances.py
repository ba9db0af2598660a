"""Comparisons of methods that find instances: average precision, ranked anew on every sample of videos."""

from __future__ import annotations

import json

import numpy as np
import pytest

from vosbench.compare import compare_methods
from vosbench.contract import Weights
from vosbench.rle import bounds_of_mask, text_of_bounds
from vosbench.store.tracks import StoredTrack, StoredTracks, write_tracks

VIDEOS = 8
SUITE = """\
schema: 1
name: things
title: Things
task: vis
protocol: youtube-vis
layout:
  annotations: ["val.json"]
splits: {default: val}
"""


def _text(shift=0):
    mask = np.zeros((20, 30), np.bool_)
    mask[4:14, 4 + shift : 14 + shift] = True
    return text_of_bounds(bounds_of_mask(mask), mask.size)


@pytest.fixture
def suite(made, tmp_path):
    """Gives back a suite of one object a video, of category 1; the last video has none."""
    (tmp_path / "things.yaml").write_text(SUITE)
    code = {"size": [20, 30], "counts": _text()}
    numbers = range(1, VIDEOS + 1)
    data = {
        "categories": [{"id": 1, "name": "one"}],
        "videos": [{"id": n, "height": 20, "width": 30, "file_names": [f"v{n}/0.jpg"]} for n in numbers],
        "annotations": [
            {"id": n, "video_id": n, "category_id": 1, "iscrowd": 0, "segmentations": [code], "areas": [100]}
            for n in numbers[:-1]
        ],
    }
    (tmp_path / "val.json").write_text(json.dumps(data))
    return made.suite("things", task="vis", protocol="youtube-vis", file=tmp_path / "things.yaml", root=tmp_path)


@pytest.fixture
def fill(made, suite):
    """Gives back a function that adds a method: of each video the pairs of score and shift that it answers with."""

    def add(name, answers, **values):
        for number in range(1, VIDEOS + 1):
            folder = made.add(name, suite=suite, video=f"v{number}", jf=None, **values)
            tracks = tuple(StoredTrack(category=1, score=s, texts=(_text(shift),)) for s, shift in answers(number))
            write_tracks(folder / "tracks.json", StoredTracks(video=number, height=20, width=30, tracks=tracks))

    return add


def _measures(compared):
    return {one.measure: one for one in compared.comparisons if one.measure.startswith("AP")}


def test_a_method_that_is_worse_everywhere_is_a_regression(made, fill):
    fill("good", lambda number: [(0.9, 0)] if number < VIDEOS else [])
    fill("bad", lambda number: [(0.9, 2)] if number < VIDEOS else [])
    found = _measures(compare_methods(made.run, "good", "bad"))
    assert {"AP", "AP50", "AP75"} == set(found)
    # a shift of 2 of 10 pixels leaves an overlap of 8 / 12: it counts at four of the ten thresholds
    assert (pytest.approx(100), pytest.approx(40)) == (found["AP"].a, found["AP"].b)
    assert ("worse", "the same") == (found["AP"].verdict, found["AP50"].verdict)
    assert (VIDEOS, VIDEOS - 1) == (found["AP"].videos, len(found["AP"].pairs))


def test_one_ranking_over_all_videos_counts_and_not_the_mean_of_videos(made, fill):
    """On each video both answer alike; one is surer of its misses than of its hits on other videos."""
    fill("calm", lambda number: [(0.9, 0), (0.1, 15)])
    fill("loud", lambda number: [(0.3, 0), (0.2, 15)] if number % 2 else [(0.9, 0), (0.8, 15)])
    loud = _measures(compare_methods(made.run, "calm", "loud"))["AP"]
    assert all(pair.change == 0 for pair in loud.pairs)
    assert loud.interval.value < -10
    assert "the same" != loud.verdict


def test_the_same_comparison_gives_the_same_interval(made, fill):
    fill("one", lambda number: [(number / 10, number % 4)])
    fill("other", lambda number: [(number / 10, (number + 1) % 4)])
    first, again = (_measures(compare_methods(made.run, "one", "other"))["AP"].interval for _ in range(2))
    assert first == again
    assert first.low < first.value < first.high


def test_what_cannot_be_compared_is_said(made, fill, suite):
    fill("one", lambda number: [(0.5, 0)])
    fill("random", lambda number: [(0.5, 0)], weights=Weights(kind="random", seed=0))
    compared = compare_methods(made.run, "one", "random")
    assert not _measures(compared)
    assert any("no accuracy on both sides" in note for note in compared.notes)
    (suite.root / "val.json").unlink()
    fill("other", lambda number: [(0.5, 0)])
    compared = compare_methods(made.run, "one", "other")
    assert not _measures(compared)
    assert any("no annotation file here" in note for note in compared.notes)
