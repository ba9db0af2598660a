"""The score against a setting that a run went through."""

from __future__ import annotations

import pytest
from numpy.testing import assert_allclose

from vosbench.contract import Weights
from vosbench.report.plots_data import NothingToDrawError
from vosbench.report.plots_knob import quality_knob


def _swept(made, name="inst", **changes):
    for reuse, jf in ((6, 29.0), (1, 30.0), (3, 30.5)):
        made.add(name, chosen={"reuse": reuse}, jf=jf, **changes)


def test_a_methods_knob_is_the_axis_and_its_scores_the_line(made):
    _swept(made)
    made.add("xmem")
    (panel,) = quality_knob(made.entries()).panels
    (line,) = panel.series
    assert ("reuse", (1.0, 3.0, 6.0), "linear") == (panel.x.key, panel.x.ticks, panel.x.scale)
    assert ("curve", "INST", (1.0, 3.0, 6.0)) == (line.form, line.label, line.x)
    assert_allclose(line.y, (30.0, 30.5, 29.0))


def test_every_setting_and_suite_has_a_panel_of_its_own(made):
    for suite in ("tiny", "other"):
        _swept(made, suite=made.suite(suite))
    for size in (100, 1000, 10_000):
        made.add("xmem", chosen={"size": size})
    panels = quality_knob(made.entries()).panels
    assert {("Tiny", "reuse"), ("Other", "reuse"), ("Tiny", "size")} == {(one.title, one.x.key) for one in panels}
    assert {"size": "log", "reuse": "linear"} == {panel.x.key: panel.x.scale for panel in panels}


def test_names_have_no_place_on_the_axis(made):
    for value in ("fifo", "learned"):
        made.add("sam", chosen={"pruning": value}, swept=("pruning",))
    with pytest.raises(NothingToDrawError, match="several values of one numeric setting") as told:
        quality_knob(made.entries())
    assert "--curve" in told.value.fix


def test_random_weights_are_left_out_and_named(made):
    _swept(made)
    made.add("stcn", weights=Weights(kind="random", seed=0))
    plot = quality_knob(made.entries())
    assert ["INST"] == [series.label for panel in plot.panels for series in panel.series]
    assert any("STCN (random weights 0) (random weights have no accuracy)" in line for line in plot.footers)


def test_points_that_miss_videos_are_told(made):
    _swept(made)
    made.add("inst", video="bb", chosen={"reuse": 1}, jf=50.0)
    (panel,) = quality_knob(made.entries()).panels
    assert ["INST [some points miss videos]"] == [series.label for series in panel.series]
