"""Annotation and results files of video instance segmentation that somebody broke, by accident or on purpose."""

from __future__ import annotations

import copy
import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vosbench.errors import ScoreError, VosbenchError
from vosbench.metrics.rle_texts import bounds_of_texts
from vosbench.metrics.vis_ap import score_tracks
from vosbench.metrics.vis_tracks import read_results, read_truth
from vosbench.rle import bounds_of_lengths, bounds_of_polygons, bounds_of_text

quick = settings(max_examples=150, deadline=None, derandomize=True, database=None)

MASK = {"size": [4, 5], "counts": "52207"}
TRUTH = {
    "videos": [{"id": 1, "height": 4, "width": 5, "length": 3, "file_names": ["a/0.jpg"]}],
    "categories": [{"id": 1, "name": "thing"}],
    "annotations": [
        {
            "id": 1,
            "video_id": 1,
            "category_id": 1,
            "iscrowd": 0,
            "segmentations": [MASK, None, {"size": [4, 5], "counts": [5, 2, 2, 2, 9]}],
            "areas": [4, None, 4],
        },
        {
            "id": 2,
            "video_id": 1,
            "category_id": 1,
            "iscrowd": 1,
            "segmentations": [[[0.0, 0.0, 3.0, 0.0, 3.0, 3.0]], None, MASK],
            "areas": [4, None, 4],
        },
    ],
}
RESULTS = [{"video_id": 1, "category_id": 1, "score": 0.5, "segmentations": [MASK, None, MASK]}] * 2

_DEEP = json.loads("[" * 300 + "]" * 300)
HOSTILE = st.one_of(
    st.sampled_from([None, True, -1, 0, 2, 10**30, -(10**30), 1e308, float("inf"), float("nan")]),
    st.sampled_from(["", "x", "52207", "9" * 5000, "é", [], {}, [None], _DEEP, {"counts": "52207"}]),
    st.sampled_from([{"size": [1 << 40, 1 << 40], "counts": "0"}, [[1e9, -1e9, 3, 4, 5, 6]]]),
)


def _places(value, path=()):
    yield path
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        yield from _places(item, (*path, key))


def _replaced(value, path, item):
    if not path:
        return item
    value = copy.deepcopy(value)
    inner = value
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = item
    return value


def _score(truth, results):
    """Scores, or raises an error of vosbench's own."""
    try:
        read = read_truth(truth, where="gt.json")
        score = score_tracks(read, read_results(results, read, where="results.json"))
    except VosbenchError as error:
        assert error.what
        return None
    assert all(measure.value is None or 0 <= measure.value <= 1 for measure in score.measures)
    return score


def test_the_files_that_are_broken_here_are_whole_at_first():
    assert _score(TRUTH, RESULTS) is not None


def test_annotations_of_videos_that_are_not_listed_do_not_count():
    stray = {"id": 1, "video_id": 2, "category_id": 1}  # the id of another, and no masks: nobody looks at it
    with_stray = _replaced(TRUTH, ("annotations",), [*TRUTH["annotations"], stray])
    assert _score(TRUTH, RESULTS).to_json() == _score(with_stray, RESULTS).to_json()


def test_an_annotation_that_lacks_a_key_is_named():
    lacking = copy.deepcopy(TRUTH)
    del lacking["annotations"][1]["iscrowd"]
    with pytest.raises(ScoreError, match=r"annotation 2 \(id 2\) is not in the format.*KeyError 'iscrowd'"):
        read_truth(lacking)


@quick
@given(st.sampled_from([path for path in _places(TRUTH) if path]), HOSTILE)
def test_a_truth_with_any_value_replaced_is_scored_or_refused(path, item):
    score = _score(_replaced(TRUTH, path, item), RESULTS)
    assert score is None or score.measures


@quick
@given(st.sampled_from(list(_places(RESULTS))), HOSTILE)
def test_results_with_any_value_replaced_are_scored_or_refused(path, item):
    score = _score(TRUTH, _replaced(RESULTS, path, item))
    assert score is None or score.measures


@quick
@given(st.text(st.characters(min_codepoint=32, max_codepoint=127), max_size=40), st.integers(1, 400))
def test_any_text_is_a_mask_of_its_pixels_or_refused(text, pixels):
    try:
        bounds, starts, areas = bounds_of_texts([text], [pixels])
    except ScoreError:
        with pytest.raises(ScoreError):
            bounds_of_text(text, pixels)
        return
    if text:
        assert bounds.tolist() == bounds_of_text(text, pixels).tolist()
    assert len(bounds) % 2 == 0
    assert starts[-1] == len(bounds)
    assert 0 <= areas[0] <= pixels
    assert (np.diff(bounds) >= 0).all()
    assert bounds.max(initial=0) <= pixels


def test_huge_lengths_that_wrap_around_to_the_right_sum_are_refused():
    """Sixteen times 2^60 is 0 in 64 bits."""
    with pytest.raises(ScoreError):
        bounds_of_lengths([1 << 60] * 16 + [20], 20)
    big = "P" + "P" * 11 + "1"
    with pytest.raises(ScoreError):
        bounds_of_texts([big * 16 + "d0"], [20])
    with pytest.raises(ScoreError):
        bounds_of_text(big * 16 + "d0", 20)


@pytest.mark.parametrize("corner", [1e9, -1e9, float("nan"), float("inf")])
def test_polygons_that_reach_far_out_are_refused_before_they_are_drawn(corner):
    with pytest.raises(ScoreError, match="far outside"):
        bounds_of_polygons([[0, 0, corner, 0, 3, 3]], 4, 5)


def test_polygons_in_a_frame_that_nobody_draws_are_refused():
    with pytest.raises(ScoreError, match="too many"):
        bounds_of_polygons([[0, 0, 3, 0, 3, 3]], 1 << 19, 1 << 19)
