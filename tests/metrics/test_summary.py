"""Means over videos."""

from __future__ import annotations

import numpy as np
import pytest

from vosbench.errors import ScoreError
from vosbench.metrics.protocol import find_protocol
from vosbench.metrics.records import ObjectScore, VideoScore
from vosbench.metrics.series import statistics
from vosbench.metrics.summary import Summary, summarise


def _object(number, j, f, *, recall=True, **options):
    j, f = np.array(j, np.float64), np.array(f, np.float64)
    return ObjectScore(
        id=number,
        j=j,
        f=f,
        j_statistics=statistics(j, has_recall=recall),
        f_statistics=statistics(f, has_recall=recall),
        **options,
    )


def _video(protocol, name, *objects, official_decay=False):
    return VideoScore(protocol=protocol, video=name, frames=("a", "b"), objects=objects, official_decay=official_decay)


def test_objects_are_pooled_over_videos():
    scores = [
        _video("davis2017-semi", "one", _object(1, [1, 1], [0, 0])),
        _video("davis2017-semi", "two", _object(1, [0, 0.4], [1, 1]), _object(2, [0, 0.4], [1, 1])),
    ]
    summary = summarise(find_protocol("davis2017-semi"), scores)
    assert pytest.approx((1 + 0.2 + 0.2) / 3) == summary.value("J-Mean")
    assert pytest.approx(2 / 3) == summary.value("F-Mean")
    assert pytest.approx((1.4 / 3 + 2 / 3) / 2) == summary.value("J&F-Mean")
    assert ["one_1", "two_1", "two_2"] == [row.label for row in summary.rows]
    assert ["J&F-Mean", "J-Mean", "J-Recall", "J-Decay", "F-Mean", "F-Recall", "F-Decay"] == [
        measure.name for measure in summary.measures
    ]


def test_no_object_gives_no_mean_and_the_reason():
    summary = summarise(find_protocol("davis2017-semi"), [_video("davis2017-semi", "empty")])
    assert all(measure.value is None and measure.reason for measure in summary.measures)


def test_one_object_without_decay_leaves_no_mean_decay():
    """As the NaN of one object does in the official tool."""
    long = np.linspace(1, 0, 300)
    scored = ObjectScore(
        id=1,
        j=long,
        f=long,
        j_statistics=statistics(long, has_recall=True, official_decay=True),
        f_statistics=statistics(long, has_recall=True),
    )
    score = _video("davis2017-semi", "long", scored, _object(2, [1, 1], [1, 1]), official_decay=True)
    summary = summarise(find_protocol("davis2017-semi"), [score])
    assert summary.value("J-Decay") is None
    assert summary.value("F-Decay") is not None
    assert summary.official_decay


def test_seen_and_unseen_weigh_the_same_however_many_they_are():
    score = _video(
        "youtube-vos",
        "clip",
        _object(1, [1, 1], [1, 1], recall=False, group="seen"),
        _object(2, [1, 1], [1, 1], recall=False, group="seen"),
        _object(3, [0, 0], [0.5, 0.5], recall=False, group="unseen"),
    )
    summary = summarise(find_protocol("youtube-vos"), [score])
    assert (1 + 1 + 0 + 0.5) / 4 == summary.value("G")
    assert (1.0, 0.0) == (summary.value("J-seen-Mean"), summary.value("J-unseen-Mean"))


def test_without_unseen_objects_there_is_no_overall_mean():
    score = _video("youtube-vos", "clip", _object(1, [1], [1], recall=False, group="seen"))
    summary = summarise(find_protocol("youtube-vos"), [score])
    assert (None, 1.0) == (summary.value("G"), summary.value("J-seen-Mean"))
    assert "unseen" in summary.measures[0].reason


def test_an_object_without_a_scored_frame_is_left_out_of_the_mean():
    score = _video(
        "youtube-vos",
        "clip",
        _object(1, [0.5], [0.5], recall=False, group="seen"),
        _object(2, [], [], recall=False, group="seen"),
    )
    summary = summarise(find_protocol("youtube-vos"), [score])
    assert 0.5 == summary.value("J-seen-Mean")
    assert summary.rows[1].j_mean is None


def test_lvos_gives_the_deviation_of_j_and_f():
    score = _video(
        "lvos",
        "clip",
        _object(7, [1, 0], [1, 0], recall=False, group="seen"),
        _object(9, [1, 1], [1, 1], recall=False, group="unseen"),
    )
    summary = summarise(find_protocol("lvos"), [score])
    assert (0.5, 0.0, 0.25) == tuple(summary.value(f"V-{kind}Mean") for kind in ("seen-", "unseen-", ""))
    assert ["clip_1", "clip_2"] == [row.label for row in summary.rows]


def test_vos_benchmark_names_rows_by_id():
    score = _video("vos-benchmark", "clip", _object(255, [1], [0], recall=False))
    assert ["clip_255"] == [row.label for row in summarise(find_protocol("vos-benchmark"), [score]).rows]


def test_a_summary_survives_its_json():
    summary = summarise(find_protocol("davis2016"), [_video("davis2016", "clip", _object(1, [1 / 3], [2 / 3]))])
    assert summary == Summary.from_json(summary.to_json())


def test_a_summary_of_another_schema_is_refused():
    with pytest.raises(ScoreError, match="schema 99"):
        Summary.from_json({"schema": 99})


def test_an_unknown_measure_is_a_key_error():
    with pytest.raises(KeyError):
        summarise(find_protocol("davis2016"), []).value("AP")


def test_scores_of_two_protocols_are_not_averaged():
    with pytest.raises(ScoreError, match="davis2016"):
        summarise(find_protocol("davis2017-semi"), [_video("davis2016", "clip")])


def test_scores_of_both_decays_are_not_averaged():
    scores = [_video("davis2016", "a"), _video("davis2016", "b", official_decay=True)]
    with pytest.raises(ScoreError, match="decay"):
        summarise(find_protocol("davis2016"), scores)
