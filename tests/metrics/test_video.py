"""Scoring of whole videos: the rules of the protocols and what they refuse."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from vosbench.errors import DataError, ScoreError
from vosbench.metrics.protocol import PROTOCOLS, find_protocol
from vosbench.metrics.records import VideoScore
from vosbench.metrics.spans import ObjectSpan
from vosbench.metrics.summary import summarise
from vosbench.metrics.video import score_video

SEMI = find_protocol("davis2017-semi")
UNSUP = find_protocol("davis2017-unsup")
BENCHMARK = find_protocol("vos-benchmark")


SAV = find_protocol("sav")


def _clip(frames=5, dtype=np.uint8):
    """Two squares that stand still: (frames, 20, 24)."""
    clip = np.zeros((frames, 20, 24), dtype)
    clip[:, 2:8, 2:8] = 1
    clip[:, 10:16, 12:20] = 2
    return clip


def _means(score):
    return {scored.id: scored.j_statistics.mean for scored in score.objects}


def test_first_and_last_frame_do_not_count(score_arrays):
    truth = _clip()
    prediction = truth.copy()
    prediction[[0, -1]] = 0
    score = score_arrays(SEMI, prediction, truth)
    assert ("00001", "00002", "00003") == score.frames
    assert {1: 1.0, 2: 1.0} == _means(score)


def test_the_prediction_of_frames_that_do_not_count_is_not_read():
    truth = dict(zip("abcd", _clip(4), strict=True))
    asked = []

    def read(name):
        asked.append(name)
        return truth[name]

    score_video(SEMI, video="clip", frames="abcd", read_prediction=read, read_truth=truth.__getitem__)
    assert ["b", "c"] == asked


def test_ids_below_the_largest_one_are_objects_even_if_nobody_ever_saw_them(score_arrays):
    truth = _clip()
    truth[truth == 2] = 3
    score = score_arrays(SEMI, np.where(truth == 3, 0, truth).astype(np.uint8), truth)
    assert {1: 1.0, 2: 1.0, 3: 0.0} == _means(score)


def test_objects_that_enter_late_are_not_scored_by_davis_but_by_vos_benchmark(score_arrays):
    truth = _clip()
    truth[0][truth[0] == 2] = 0
    prediction = np.where(truth == 2, 0, truth).astype(np.uint8)
    assert {1: 1.0} == _means(score_arrays(SEMI, prediction, truth))
    assert {1: 1.0, 2: 0.0} == _means(score_arrays(BENCHMARK, prediction, truth))


def test_void_is_background_in_semi_supervised_davis(score_arrays):
    truth = _clip()
    truth[truth == 2] = 255
    assert [1] == [scored.id for scored in score_arrays(SEMI, np.minimum(truth, 1), truth).objects]
    half = score_arrays(SEMI, np.where(truth == 255, 1, truth).astype(np.uint8), truth)
    assert half.objects[0].j_statistics.mean == 36 / (36 + 48)


def test_void_is_ignored_in_unsupervised_davis(score_arrays):
    truth = _clip()
    truth[truth == 2] = 255
    score = score_arrays(UNSUP, np.where(truth == 255, 1, truth).astype(np.uint8), truth)
    assert {1: 1.0} == _means(score)


def test_void_is_an_object_in_vos_benchmark(score_arrays):
    truth = _clip()
    truth[truth == 2] = 255
    assert {1: 1.0, 255: 1.0} == _means(score_arrays(BENCHMARK, truth, truth))


def test_everything_but_0_is_the_object_of_davis_2016(score_arrays):
    truth = np.where(_clip() == 0, 0, 255).astype(np.uint8)
    assert {1: 1.0} == _means(score_arrays(find_protocol("davis2016"), _clip(), truth))


def test_vos_benchmark_begins_where_truth_or_prediction_first_shows_an_object(score_arrays):
    truth, prediction = _clip(7), _clip(7)
    truth[:4][truth[:4] == 2] = 0
    prediction[:3][prediction[:3] == 2] = 0
    late = score_arrays(BENCHMARK, prediction, truth).objects[1]
    assert (2, [0.0, 1.0, 1.0]) == (late.begin, late.j.tolist())


def test_vos_benchmark_does_not_score_objects_that_only_the_prediction_shows(score_arrays):
    truth = np.where(_clip() == 2, 0, _clip()).astype(np.uint8)
    assert {1: 1.0} == _means(score_arrays(BENCHMARK, _clip(), truth))


def test_vos_benchmark_passes_over_videos_of_two_frames(score_arrays):
    assert () == score_arrays(BENCHMARK, _clip(2), _clip(2)).objects


def test_unsupervised_objects_are_matched_and_ordered_by_prediction(score_arrays):
    truth = _clip()
    prediction = np.array([0, 7, 4], np.uint8)[truth]
    score = score_arrays(UNSUP, prediction, truth)
    assert [(2, 4, 1.0), (1, 7, 1.0)] == [(o.id, o.matched, o.j_statistics.mean) for o in score.objects]


@pytest.mark.parametrize(
    ("counts", "matched"),
    [
        ([[5, 0, 1, 1, 1, 5, 6, 4, 0], [0, 2, 3, 4, 3, 1, 1, 4, 5]], [2, 1]),
        ([[3, 3, 3, 2, 6, 2, 4, 2, 3], [6, 1, 4, 2, 4, 5, 2, 4, 4]], [2, 1]),
        ([[2, 5, 2, 4, 3, 4, 2, 0, 2], [4, 4, 6, 1, 2, 6, 0, 4, 6]], [1, 2]),
    ],
)
def test_matches_that_tie_but_for_rounding_are_those_of_the_official_tool(score_arrays, counts, matched):
    """Prediction p covers as many columns of object 1 as of object 2, in turned order; answers by numpy's means over
    the frames of a contiguous array and scipy's assignment.
    """
    truth = np.zeros((9, 4, 12), np.uint8)
    truth[:, :2], truth[:, 2:] = 1, 2
    prediction = np.zeros_like(truth)
    for p, widths in enumerate(counts):
        for t in range(9):
            prediction[t, :2, 6 * p : 6 * p + widths[t]] = p + 1
            prediction[t, 2:, 6 * p : 6 * p + widths[8 - t]] = p + 1
    objects = score_arrays(UNSUP, prediction, truth).objects
    assert matched == [entry.matched for entry in sorted(objects, key=lambda entry: entry.id)]


def test_objects_of_spans_count_on_their_own_frames(score_arrays):
    truth = _clip()
    prediction = truth.copy()
    prediction[2][truth[2] == 2] = 0
    spans = (
        ObjectSpan(id=1, frames=("00001", "00002", "00003"), group="seen"),
        ObjectSpan(id=2, frames=("00002", "00003"), group="unseen", missing=2),
    )
    score = score_arrays(find_protocol("lvos"), prediction, truth, spans=spans)
    late = score.objects[1]
    assert ([0.0, 1.0, 0.0, 0.0], "unseen") == (late.j.tolist(), late.group)
    assert ("00002", "00003") == score.frames_of(late)


def test_white_is_object_1_in_the_tool_of_afb_urr(score_arrays):
    truth = np.minimum(_clip(), 1)
    score = score_arrays(find_protocol("long-time-afb-urr"), truth * np.uint8(255), truth)
    assert (("00001", "00002", "00003", "00004"), {1: 1.0}) == (score.frames, _means(score))


def test_a_video_without_objects_has_no_scores(score_arrays):
    blank = np.zeros((4, 5, 6), np.uint8)
    assert () == score_arrays(SEMI, blank, blank).objects


def test_objects_of_sa_v_are_scored_one_by_one_and_averaged_together(score_arrays):
    """From where truth or prediction first shows the object, under the id of its folder."""
    white = np.where(_clip() == 1, 255, 0).astype(np.uint8)
    late = white.copy()
    late[:2] = 0
    scores = [
        score_arrays(SAV, np.minimum(white, 1), white, object_id=0),
        score_arrays(SAV, late, late, object_id=7),
    ]
    summary = summarise(SAV, scores)
    assert (("clip",), ["clip_0", "clip_7"]) == (summary.videos, [row.label for row in summary.rows])
    assert ([1.0, 1.0], 1) == (scores[1].objects[0].j.tolist(), scores[1].objects[0].begin)
    assert 1.0 == summary.value("J&F-Mean")


def test_a_map_of_two_objects_is_refused_by_sa_v(score_arrays):
    with pytest.raises(ScoreError, match="3 labels") as caught:
        score_arrays(SAV, _clip(), np.minimum(_clip(), 1))
    assert "00001" in caught.value.where


def test_an_object_that_sa_v_never_shows_is_refused(score_arrays):
    blank = np.zeros((4, 8, 8), np.uint8)
    with pytest.raises(ScoreError, match="object 5"):
        score_arrays(SAV, blank, blank, object_id=5)


@pytest.mark.parametrize("protocol", PROTOCOLS, ids=lambda protocol: protocol.name)
def test_a_score_survives_its_json(protocol, score_arrays):
    truth = _clip()
    truth = np.minimum(truth, 1) if protocol.one_object else truth
    prediction = np.roll(truth, 1, axis=2)
    spans = (ObjectSpan(id=2, frames=("00001", "00002"), group="seen"),) if protocol.needs_spans else ()
    score = score_arrays(protocol, prediction, truth, spans=spans)
    again = VideoScore.from_json(score.to_json())
    assert score.to_json() == again.to_json()
    assert score.objects[0].j.tolist() == again.objects[0].j.tolist()


def test_scores_of_another_schema_are_refused():
    with pytest.raises(ScoreError, match="schema 0"):
        VideoScore.from_json({"schema": 0, "video": "clip"})


@pytest.mark.parametrize("number", [3, 200, 255])
def test_ids_above_the_number_of_objects_are_refused(number, score_arrays):
    prediction = _clip()
    prediction[2, 0, 0] = number
    with pytest.raises(ScoreError, match=f"id {number}.*up to 2") as caught:
        score_arrays(SEMI, prediction, _clip())
    assert "00002" in caught.value.where
    assert "clip" in caught.value.where
    assert caught.value.fix


def test_ids_above_the_number_of_objects_do_no_harm_where_nothing_is_scored(score_arrays):
    prediction = _clip()
    prediction[[0, -1], 0, 0] = 99
    assert {1: 1.0, 2: 1.0} == _means(score_arrays(SEMI, prediction, _clip()))


def test_more_than_20_proposals_are_refused(score_arrays):
    prediction = _clip()
    prediction[4, 0, 0] = 21
    with pytest.raises(ScoreError, match="id 21"):
        score_arrays(UNSUP, prediction, _clip())


@pytest.mark.parametrize(("name", "frames"), [("davis2017-semi", 2), ("davis2016", 2), ("long-time-afb-urr", 1)])
def test_too_few_frames_are_refused(name, frames, score_arrays):
    with pytest.raises(ScoreError, match=f"{frames} annotated"):
        score_arrays(find_protocol(name), _clip(frames), _clip(frames))


def test_no_frame_at_all_is_refused(score_arrays):
    with pytest.raises(ScoreError, match="0 annotated"):
        score_arrays(UNSUP, (), ())


def test_another_size_is_refused(score_arrays):
    with pytest.raises(ScoreError, match="19 x 24 pixels") as caught:
        score_arrays(SEMI, _clip()[:, :-1], _clip())
    assert "00001" in caught.value.where


@pytest.mark.parametrize(
    "error", [FileNotFoundError("x/00001.png"), DataError("there is no such mask", where="x/1.png")]
)
def test_a_missing_prediction_is_refused_by_name(error):
    def missing(name):
        raise error

    truth = dict(zip("abcd", _clip(4), strict=True))
    with pytest.raises(ScoreError, match="no readable prediction") as caught:
        score_video(SEMI, video="clip", frames="abcd", read_prediction=missing, read_truth=truth.__getitem__)
    assert "video clip, frame b" in caught.value.where


def test_protocols_that_need_spans_say_so(score_arrays):
    with pytest.raises(ScoreError, match="meta file"):
        score_arrays(find_protocol("youtube-vos"), _clip(), _clip())


def test_spans_must_name_annotated_frames(score_arrays):
    with pytest.raises(ScoreError, match="'00009'"):
        score_arrays(find_protocol("lvos"), _clip(), _clip(), spans=(ObjectSpan(id=1, frames=("00009",)),))


def test_what_is_no_label_map_is_refused_with_its_frame(score_arrays):
    with pytest.raises(ScoreError, match="no label map") as caught:
        score_arrays(BENCHMARK, _clip(5, np.uint8)[..., None], _clip()[..., None])
    assert "00001" in caught.value.where


def test_two_hundred_objects_are_scored_at_once(score_arrays):
    clip = np.arange(1, 201, dtype=np.uint8).reshape(10, 20).repeat(3, 0).repeat(3, 1)
    score = score_arrays(SEMI, [clip] * 4, [clip] * 4)
    assert [1.0] * 200 == [scored.f_statistics.mean for scored in score.objects]


def test_a_frame_rule_can_be_replaced(score_arrays):
    everything = dataclasses.replace(SEMI, frames="all")
    assert 5 == len(score_arrays(everything, _clip(), _clip()).frames)
