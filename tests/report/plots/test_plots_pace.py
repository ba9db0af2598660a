"""The line at the pace of video in the speed plots of the one-core profile."""

from __future__ import annotations

import pytest

from vosbench.records import Mode
from vosbench.report.plots_draw import WIDTHS, render
from vosbench.report.plots_frames import fps_frames
from vosbench.report.plots_tradeoff import pareto

ONE_CORE = Mode(one_core=True)


def test_speed_along_a_video_has_its_line_at_33_milliseconds(made):
    made.add("stcn", mode=ONE_CORE)
    plot = fps_frames(made.entries())
    assert (pytest.approx(1000 / 33), "33 ms") == (plot.panels[0].y.line, plot.panels[0].y.line_name)
    assert any(line.startswith("Dotted: 33 ms a frame") for line in plot.footers)


def test_accuracy_against_latency_has_it_upright(made):
    made.add("stcn", mode=ONE_CORE)
    plot = pareto(made.entries(), "latency")
    assert (33.0, None) == (plot.panels[0].x.line, plot.panels[0].y.line)
    assert pareto(made.entries(), "memory").panels[0].x.line is None


def test_other_modes_have_no_line(made):
    made.add("stcn")
    for plot in (fps_frames(made.entries()), pareto(made.entries(), "latency")):
        assert [(None, None)] == [(panel.x.line, panel.y.line) for panel in plot.panels]
        assert not any("33 ms" in line for line in plot.footers)


def test_modes_stand_in_panels_of_their_own(made):
    made.add("stcn", mode=ONE_CORE)
    made.add("stcn")
    lines = {panel.title.splitlines()[-1]: panel.y.line is not None for panel in fps_frames(made.entries()).panels}
    assert {True, False} == set(lines.values())
    assert any("one pinned core" in title for title, line in lines.items() if line)


@pytest.mark.parametrize("build", [fps_frames, lambda entries: pareto(entries, "latency")])
def test_the_line_is_drawn_with_its_name(made, build):
    made.add("stcn", mode=ONE_CORE, seconds=lambda t: 0 * t + 0.4)
    assert b"33 ms" in render(build(made.entries()), WIDTHS["single"])["svg"].split(b"Dotted")[0]
