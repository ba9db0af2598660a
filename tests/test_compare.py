"""Comparisons of runs and methods, video by video."""

from __future__ import annotations

import dataclasses
import json

import numpy as np
import pytest

from vosbench.compare import FEWEST, compare_methods, compare_runs
from vosbench.compare.bootstrap import paired_interval
from vosbench.errors import UsageError
from vosbench.metrics.protocol import find_protocol
from vosbench.metrics.summary import summarise
from vosbench.records import Outcome
from vosbench.scorer import read_score

VIDEOS = [f"v{number}" for number in range(8)]


def _fill(made, name, jf, seconds=0.05, videos=VIDEOS, **values):
    for number, video in enumerate(videos):
        made.add(
            name, video=video, jf=jf(number) if callable(jf) else jf, seconds=lambda t, s=seconds: 0 * t + s, **values
        )


def _measure(compared, name):
    (found,) = [one for one in compared.comparisons if one.measure == name]
    return found


def test_a_method_that_is_worse_on_every_video_is_a_regression_and_comes_first(made):
    _fill(made, "good", lambda n: 80 + n, seconds=0.1)
    _fill(made, "bad", lambda n: 70 + n, seconds=0.05)
    compared = compare_methods(made.run, "good", "bad")
    jf = _measure(compared, "J&F")
    assert ("worse", -10.0) == (jf.verdict, pytest.approx(jf.interval.value))
    assert jf.interval.high < 0
    assert "worse" == compared.comparisons[0].verdict
    speed = _measure(compared, "FPS")
    assert ("better", 10.0, 20.0) == (speed.verdict, pytest.approx(speed.a), pytest.approx(speed.b))
    assert "better" == compared.comparisons[-1].verdict


def test_differences_that_cancel_out_show_no_difference(made):
    _fill(made, "one", 80.0)
    _fill(made, "other", lambda n: 80 + (5 if n % 2 else -5))
    jf = _measure(compare_methods(made.run, "one", "other"), "J&F")
    assert "no difference seen" == jf.verdict
    assert jf.interval.low < 0 < jf.interval.high
    assert "v0" == jf.pairs[0].video
    assert -5.0 == pytest.approx(jf.pairs[0].change)


def test_with_few_videos_nothing_is_claimed(made):
    videos = VIDEOS[: FEWEST - 1]
    _fill(made, "one", 80.0, videos=videos)
    _fill(made, "other", 60.0, videos=videos)
    jf = _measure(compare_methods(made.run, "one", "other"), "J&F")
    assert ("too few videos", None) == (jf.verdict, jf.interval.low)


def test_equal_values_are_the_same_and_not_merely_undecided(made):
    _fill(made, "one", 80.0)
    _fill(made, "other", 80.0)
    assert "the same" == _measure(compare_methods(made.run, "one", "other"), "J&F").verdict


def test_the_means_are_those_of_the_protocol(made):
    _fill(made, "one", lambda n: 50 + 3 * n)
    _fill(made, "other", lambda n: 55 + 2 * n)
    jf = _measure(compare_methods(made.run, "one", "other"), "J&F")
    for label, value in (("one", jf.a), ("other", jf.b)):
        cells = [(folder, record) for folder, record in made.run.records() if record.spec.method.label == label]
        scores = [read_score(folder, record.spec.suite.protocol) for folder, record in cells]
        assert 100 * summarise(find_protocol("davis2017-semi"), scores).value("J&F-Mean") == pytest.approx(value)


def test_the_same_comparison_gives_the_same_interval(made):
    _fill(made, "one", lambda n: 50 + n)
    _fill(made, "other", lambda n: 50 + 2 * n)
    first, again = (_measure(compare_methods(made.run, "one", "other"), "J&F").interval for _ in range(2))
    assert first == again


def test_the_interval_is_that_of_the_normal_approximation_for_many_videos():
    generator = np.random.default_rng(5)
    values = generator.normal(1.0, 2.0, 400)
    interval = paired_interval(lambda w: w @ values / w.sum(axis=1), 400, generator)
    half = 1.96 * values.std() / 20
    assert values.mean() == pytest.approx(interval.value)
    assert [values.mean() - half, values.mean() + half] == pytest.approx([interval.low, interval.high], abs=0.02)


def test_videos_that_failed_are_told_and_left_out(made):
    _fill(made, "one", 80.0)
    _fill(made, "other", 70.0, videos=VIDEOS[1:])
    made.add("other", video="v0", outcome=Outcome(status="oom", frame=7))
    compared = compare_methods(made.run, "one", "other")
    assert any("B did not go through on v0 (oom)" in text for text in compared.failures)
    assert 7 == _measure(compared, "J&F").videos


def test_other_hardware_leaves_speed_and_memory_out(made):
    _fill(made, "one", 80.0)
    other = dataclasses.replace(made_machine(made), cpu="Another Processor")
    _fill(made, "other", 70.0, machine=other)
    compared = compare_methods(made.run, "one", "other")
    assert {"J&F", "J", "F"} == {one.measure for one in compared.comparisons}
    assert any("not compared: other hardware" in note for note in compared.notes)


def made_machine(made):
    return next(record.machine for _, record in made.run.records())


@pytest.mark.parametrize(
    ("suite", "words"),
    [({"protocol": "davis2016"}, "another protocol: davis2017-semi and davis2016"), ({"split": "test"}, "split")],
)
def test_another_protocol_or_split_is_refused(made, suite, words, tmp_path):
    other = type(made)(tmp_path / "other")
    _fill(made, "m", 80.0)
    _fill(other, "m", 80.0, suite=other.suite(**suite))
    with pytest.raises(UsageError, match=words):
        compare_runs(made.run, other.run)


def test_other_frames_are_refused(made, tmp_path):
    other = type(made)(tmp_path / "other")
    _fill(made, "m", 80.0)
    _fill(other, "m", 80.0)
    for path in other.run.path.glob("*/*/*/record.json"):
        record = json.loads(path.read_text())
        record["spec"]["video_digest"] = "other"
        path.write_text(json.dumps(record))
    with pytest.raises(UsageError, match="frames or prompts of video 'v0'"):
        compare_runs(made.run, other.run)


def test_two_runs_are_compared_method_by_method(made, tmp_path):
    other = type(made)(tmp_path / "other")
    for run, score in ((made, 80.0), (other, 75.0)):
        _fill(run, "m", score)
        _fill(run, "n", 60.0)
    _fill(other, "new", 60.0)
    compared = compare_runs(made.run, other.run)
    verdicts = {(one.method_a, one.verdict) for one in compared.comparisons if one.measure == "J&F"}
    assert {("m", "worse"), ("n", "the same")} == verdicts
    assert any("only in other: new on Tiny" in note for note in compared.notes)


def test_runs_without_a_common_method_are_refused_with_advice(made, tmp_path):
    other = type(made)(tmp_path / "other")
    _fill(made, "m", 80.0)
    _fill(other, "n", 80.0)
    with pytest.raises(UsageError, match="share no method") as error:
        compare_runs(made.run, other.run)
    assert "--methods A,B" in error.value.fix
