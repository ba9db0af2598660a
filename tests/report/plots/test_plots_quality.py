"""Accuracy along a video, against length, on short and on long videos; and the ladders."""

from __future__ import annotations

import pytest
from numpy.testing import assert_allclose

from vosbench.contract import Weights
from vosbench.records import Outcome
from vosbench.report.plots_data import NothingToDrawError
from vosbench.report.plots_ladder import ladder
from vosbench.report.plots_quality import quality_length, quality_time, short_long


def drawn(plot):
    return {series.label: series for panel in plot.panels for series in panel.series}


def at(made, times):
    title = f"Long ({times}x)" if times > 1 else "Long"
    return made.suite(f"long@{times}x" if times > 1 else "long", title, times=times)


def test_quality_is_averaged_over_the_scored_frames_of_each_window(made):
    made.add("a", frames=40, jf=lambda t: t)
    plot = quality_time(made.entries())
    course = drawn(plot)["A"]
    assert_allclose(course.x, [1.5 + 2 * part for part in range(20)])
    assert_allclose(course.y, [2.0, *[3.5 + 2 * part for part in range(18)], 39.0])
    assert any("in a window of 2 frames" in line for line in plot.footers)


def test_a_window_holds_a_scored_frame_where_truth_is_sparse(made):
    made.add("a", frames=100, jf=lambda t: t, truth_every=12)
    course = drawn(quality_time(made.entries()))["A"]
    assert_allclose(course.x, [10.5, 30.5, 50.5, 70.5, 90.5])
    assert_allclose(course.y, [13.0, 31.0, 49.0, 67.0, 85.0])


def test_quality_along_a_video_needs_scores(made):
    made.add("a", weights=Weights(kind="random"))
    with pytest.raises(NothingToDrawError, match="frame by frame"):
        quality_time(made.entries())


def test_quality_against_length_is_fitted_by_least_squares(made):
    for times, jf in ((1, 80.0), (2, 79.0), (3, 76.0)):
        made.add("a", suite=at(made, times), jf=jf)
    plot = quality_length(made.entries())
    fit = drawn(plot)["A (\N{MINUS SIGN}2.00)"]
    assert ((1.0, 3.0), "fit") == (fit.x, fit.form)
    assert_allclose(fit.y, (78.0 + 1 / 3 + 2, 76 + 1 / 3))
    assert ((1.0, 2.0, 3.0), "x", "Long") == (plot.panels[0].x.ticks, plot.panels[0].x.suffix, plot.panels[0].title)


def test_two_lengths_are_joined_and_not_fitted(made):
    for times in (1, 3):
        made.add("a", suite=at(made, times))
    assert {"A": "curve"} == {label: series.form for label, series in drawn(quality_length(made.entries())).items()}


def test_a_method_that_ran_out_of_memory_at_a_length_says_so(made):
    for times in (1, 2, 3):
        made.add("a", suite=at(made, times))
        made.add("b", suite=at(made, times), outcome=Outcome(status="oom", frame=5) if times == 3 else None)
    plot = quality_length(made.entries())
    assert "B, out of memory at 3x" in drawn(plot)
    assert any("B on Long (3x) (aa: out of memory at frame 5)" in line for line in plot.footers)


def test_one_length_makes_no_such_figure(made):
    made.add("a")
    with pytest.raises(NothingToDrawError, match="more than one length") as told:
        quality_length(made.entries())
    assert "long-time@3x" in told.value.fix


def test_short_and_long_stand_in_the_order_of_their_videos_length(made):
    made.add("a", suite=made.suite("slow", "Slow"), frames=40, jf=70.0)
    made.add("a", suite=made.suite("swift", "Swift"), frames=10, jf=80.0)
    plot = short_long(made.entries(), ())
    assert_allclose((drawn(plot)["A"].x, drawn(plot)["A"].y), ((80.0,), (70.0,)))
    assert {"1:1", "A"} == set(drawn(plot))
    assert "J&F (%) on Swift" == plot.panels[0].x.title


def test_short_and_long_can_be_named(made):
    for name in ("one", "two", "three"):
        made.add("a", suite=made.suite(name))
    plot = short_long(made.entries(), ("three", "one"))
    assert ("J&F (%) on Three", "J&F (%) on One") == (plot.panels[0].x.title, plot.panels[0].y.title)


def test_bars_are_the_deviation_over_repeats_where_they_differ(made):
    for repeat, jf in enumerate((70.0, 72.0, 74.0)):
        made.add("a", suite=made.suite("short"), frames=10, repeat=repeat)
        made.add("a", suite=made.suite("long"), frames=20, repeat=repeat, jf=jf)
    plot = short_long(made.entries(), ())
    point = drawn(plot)["A"]
    assert ((), ()) == (point.x_low, point.x_high)
    assert_allclose((point.y, point.y_low, point.y_high), ((72.0,), (70.0,), (74.0,)))
    assert any("one standard deviation over the repeats" in line for line in plot.footers)


def test_insertion_offsets_count_as_repeats(made):
    for offset, jf in enumerate((70.0, 74.0)):
        made.add("a", suite=made.suite("short"), frames=10, offset=(offset, 2))
        made.add("a", suite=made.suite("long"), frames=20, offset=(offset, 2), jf=jf)
    point = drawn(short_long(made.entries(), ()))["A"]
    deviation = 8**0.5
    assert_allclose((point.y, point.y_low, point.y_high), ((72.0,), (72 - deviation,), (72 + deviation,)))


@pytest.mark.parametrize("suites", [("one",), ("one", "two", "three")])
def test_short_and_long_need_two_suites(made, suites):
    for name in suites:
        made.add("a", suite=made.suite(name))
    with pytest.raises(NothingToDrawError, match="a short suite and a long one"):
        short_long(made.entries(), ())


def test_methods_on_one_of_the_two_suites_only_make_no_point(made):
    made.add("a", suite=made.suite("one"))
    made.add("b", suite=made.suite("two"))
    with pytest.raises(NothingToDrawError, match="no method has a score on both"):
        short_long(made.entries(), ())


def test_a_ladder_is_drawn_against_its_variable(made):
    for objects in (1, 2, 4):
        suite = made.suite("ladder-objects", "Ladder of objects", vary="objects")
        made.add(
            "a", suite=suite, video=f"objects-{objects:05d}", jf=90.0 - objects, memory=lambda t, n=objects: n + 0 * t
        )
    accuracy, speed, memory = ladder(made.entries()).panels
    assert ("Objects", (1.0, 2.0, 4.0)) == (accuracy.x.title, accuracy.x.ticks)
    assert_allclose(accuracy.series[0].y, (89.0, 88.0, 86.0))
    assert_allclose(speed.series[0].y, (20.0,) * 3)
    assert_allclose(memory.series[0].y, (401.0, 402.0, 404.0))


def test_a_ladder_of_random_weights_shows_speed_and_memory(made):
    suite = made.suite("ladder-size", vary="size")
    for size in ("000.10", "000.60"):
        made.add("a", suite=suite, video=f"size-{size}", weights=Weights(kind="random"))
    panels = ladder(made.entries()).panels
    assert ["frames_per_second", "peak_mib"] == [panel.y.key for panel in panels]
    assert (0.1, 0.6) == panels[0].x.ticks


def test_a_ladder_of_lengths_that_was_cut_says_how_long_its_videos_were(made):
    suite = made.suite("ladder-length", vary="length")
    for length in (50, 100):
        made.add("a", suite=suite, video=f"length-{length:05d}", max_frames=60)
    assert (50.0, 60.0) == ladder(made.entries()).panels[0].x.ticks


def test_a_run_without_a_ladder_names_one(made):
    made.add("a")
    with pytest.raises(NothingToDrawError) as told:
        ladder(made.entries())
    assert "--suite ladder-objects" in told.value.fix


def test_ap_has_no_course_along_a_video_and_says_so(made, monkeypatch):
    made.add("inst", suite=made.suite(task="vis", protocol="youtube-vis"))
    monkeypatch.setattr("vosbench.report.cells.read_measures", lambda cells: {"AP": 0.3})
    with pytest.raises(NothingToDrawError, match="no frame has one of its own"):
        quality_time(made.entries())
