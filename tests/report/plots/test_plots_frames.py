"""Memory, speed and banks along a video."""

from __future__ import annotations

import pytest
from numpy.testing import assert_allclose

from vosbench.contract import Weights
from vosbench.records import Outcome
from vosbench.report.plots_data import NothingToDrawError
from vosbench.report.plots_frames import footprint, fps_frames, memory_frames, nice_width

OOM = Outcome(status="oom", frame=7)


def drawn(plot):
    return {series.label: series for panel in plot.panels for series in panel.series}


def test_memory_is_what_was_added_since_before_the_first_frame(made):
    made.add("stcn", memory=lambda t: 2 * t, frames=10)
    course = drawn(memory_frames(made.entries()))["STCN"]
    assert_allclose(course.x, range(1, 11))
    assert_allclose(course.y, range(2, 22, 2))


def test_random_weights_show_memory_and_speed(made):
    made.add("stcn", weights=Weights(kind="random", seed=3))
    for plot in (memory_frames(made.entries()), fps_frames(made.entries())):
        assert ["STCN (random weights 3)"] == list(drawn(plot))


def test_the_course_is_a_mean_up_to_the_frame_that_all_videos_reach(made):
    made.add("stcn", video="aa", frames=10, memory=lambda t: t)
    made.add("stcn", video="bb", frames=6, memory=lambda t: 3 * t)
    plot = memory_frames(made.entries())
    assert_allclose(drawn(plot)["STCN"].y, [2, 4, 6, 8, 10, 12])
    assert any("Mean over 2 videos, up to the frame that all of them reach." in line for line in plot.footers)


def test_one_video_can_be_chosen(made):
    made.add("stcn", video="aa", memory=lambda t: t)
    made.add("stcn", video="bb", memory=lambda t: 3 * t)
    plot = memory_frames(made.entries(video="bb"))
    assert 60.0 == pytest.approx(drawn(plot)["STCN"].y[-1])
    assert not any("Mean" in line for line in plot.footers)


def test_out_of_memory_ends_the_course_at_its_frame(made):
    made.add("stcn", outcome=OOM)
    course = drawn(memory_frames(made.entries()))["STCN: out of memory at frame 7"]
    assert ("oom", 7.0) == (course.end, course.x[-1])


def test_another_failure_is_no_cross(made):
    made.add("stcn", outcome=Outcome(status="error", frame=7, reason="x"))
    assert "broken" == drawn(memory_frames(made.entries()))["STCN: failed at frame 7"].end


def test_a_cell_whose_process_died_has_no_frames_and_is_left_out(made):
    made.add("xmem")
    made.add("stcn", outcome=Outcome(status="killed", frame=7))
    assert ["XMEM"] == list(drawn(memory_frames(made.entries())))


def test_a_run_without_a_single_measured_frame_says_where_to_look(made):
    made.add("stcn", outcome=Outcome(status="killed", frame=7))
    with pytest.raises(NothingToDrawError, match="no cell of this run has a frame") as told:
        memory_frames(made.entries())
    assert "vosbench table" in told.value.fix


def test_memory_that_differs_a_hundredfold_is_logarithmic_and_names_what_lies_below(made):
    made.add("a", memory=lambda t: t)
    made.add("b", memory=lambda t: 500 * t)
    made.add("echo", title="echo", memory=lambda t: 0 * t + 0.1, ranked=False)
    plot = memory_frames(made.entries())
    assert "log" == plot.panels[0].y.scale
    assert {"A", "B"} == set(drawn(plot))
    assert any("Below the axis: echo." in line for line in plot.footers)


def test_speed_is_frames_over_the_sum_of_seconds_of_each_window(made):
    made.add("a", frames=80, seconds=lambda t: 0.1 + 0.1 * (t % 2))
    plot = fps_frames(made.entries())
    course = drawn(plot)["A"]
    assert_allclose(course.y, [2 / 0.3] * 40)
    assert_allclose(course.x[:3], [1.5, 3.5, 5.5])
    assert any("in a window of 2 frames; windows do not overlap" in line for line in plot.footers)


def test_all_courses_of_a_figure_have_windows_of_one_width(made):
    made.add("a", frames=80)
    made.add("b", frames=20)
    assert 10 == len(drawn(fps_frames(made.entries()))["B"].x)


def test_a_self_check_a_hundred_times_as_fast_is_named_only(made):
    made.add("a")
    made.add("null", title="null", seconds=lambda t: 0 * t + 1e-5, ranked=False)
    plot = fps_frames(made.entries())
    assert ["A"] == list(drawn(plot))
    assert any("Outside the axes: null" in line for line in plot.footers)


@pytest.mark.parametrize(("frames", "width"), [(0.3, 1), (1.2, 2), (4, 5), (11, 20), (21, 25), (60, 100), (180, 200)])
def test_windows_have_round_widths(frames, width):
    assert width == nice_width(frames)


def test_banks_stand_on_each_other_in_a_panel_for_each_method(made):
    made.add("xmem", frames=6, banks={"working": lambda t: t, "long_term": lambda t: 0 * t + 2})
    made.add("stcn", frames=6, banks={"memory": lambda t: 2 * t})
    made.add("other", frames=6)
    plot = footprint(made.entries())
    assert ["STCN", "XMEM"] == [panel.title for panel in plot.panels]
    assert ["working", "long_term"] == [series.label for series in plot.panels[1].series]
    assert_allclose(plot.panels[1].series[0].y, range(1, 7))
    assert any("Not drawn: OTHER (reports no banks)." in line for line in plot.footers)


def test_the_cross_of_a_footprint_is_on_its_topmost_bank(made):
    made.add("xmem", banks={"a": lambda t: t, "b": lambda t: t}, outcome=OOM)
    (panel,) = footprint(made.entries()).panels
    assert ("XMEM: out of memory at frame 7", ["", "oom"]) == (panel.title, [series.end for series in panel.series])


def test_a_run_without_banks_says_what_an_adapter_must_give(made):
    made.add("xmem")
    with pytest.raises(NothingToDrawError) as told:
        footprint(made.entries())
    assert "footprint()" in told.value.fix
