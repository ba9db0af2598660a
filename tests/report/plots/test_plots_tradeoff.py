"""Accuracy against what it costs: points, curves, fronts, and what must not be drawn."""

from __future__ import annotations

import dataclasses

import pytest
from numpy.testing import assert_allclose

from vosbench.contract import Weights
from vosbench.records import Outcome
from vosbench.report.plots_data import NothingToDrawError
from vosbench.report.plots_tradeoff import COSTS, memory_accuracy, pareto

RANDOM = Weights(kind="random", seed=0)


def drawn(plot):
    return {series.label: series for panel in plot.panels for series in panel.series}


def test_each_method_is_a_point_of_its_peak_and_its_score(made):
    made.add("xmem", jf=84.0, memory=lambda t: t)
    made.add("stcn", jf=82.0, memory=lambda t: 100 * t)
    series = drawn(memory_accuracy(made.entries()))
    assert {"XMEM": ("points", 84.0, 420.0), "STCN": ("points", 82.0, 2400.0)} == {
        label: (one.form, round(one.y[0], 9), one.x[0]) for label, one in series.items()
    }


def test_rows_of_random_weights_never_stand_on_an_accuracy_axis(made):
    made.add("xmem")
    made.add("stcn", weights=RANDOM)
    plot = memory_accuracy(made.entries())
    assert ["XMEM"] == list(drawn(plot))
    assert any("STCN (random weights 0) (random weights have no accuracy)" in line for line in plot.footers)


def test_a_run_of_random_weights_has_no_such_figure_and_says_why(made):
    made.add("stcn", weights=RANDOM)
    with pytest.raises(NothingToDrawError, match="random weights, which have no accuracy") as told:
        memory_accuracy(made.entries())
    assert "--weights" in told.value.fix


def test_a_run_without_scores_says_so(made):
    made.add("xmem", jf=None)
    with pytest.raises(NothingToDrawError, match="no row has an accuracy"):
        memory_accuracy(made.entries())


def test_rows_that_differ_in_one_setting_make_a_curve_in_its_order(made):
    for size, jf in ((1000, 82.0), (500, 80.0), (2500, 83.0)):
        made.add("xmem", chosen={"size": size}, settings={"top_k": 30}, jf=jf, memory=lambda t, size=size: size + 0 * t)
    made.add("stcn")
    plot = memory_accuracy(made.entries())
    curve = drawn(plot)["XMEM"]
    assert ("curve", ("500", "1000", "2500")) == (curve.form, curve.notes)
    assert_allclose(curve.y, (80.0, 82.0, 83.0))
    assert_allclose(curve.x, (900.0, 1400.0, 2900.0))
    assert any("XMEM: the numbers are size." in line for line in plot.footers)


def test_two_sweeps_from_one_default_are_two_curves(made):
    base = {"size": 5, "top_k": 30}
    made.add("xmem", settings=base)
    for change in ({"size": 10}, {"size": 20}, {"top_k": 20}):
        made.add("xmem", settings=base, chosen=change)
    curves = [series.notes for panel in memory_accuracy(made.entries()).panels for series in panel.series]
    assert [("5", "10", "20"), ("20", "30")] == curves


def test_a_grid_of_settings_is_joined_along_the_longer_side_only(made):
    for size in (1, 2, 3):
        for top in (20, 30):
            made.add("xmem", chosen={"size": size, "top_k": top})
    curves = [series.notes for panel in memory_accuracy(made.entries()).panels for series in panel.series]
    assert [("1", "2", "3")] * 2 == curves


def test_words_and_other_weights_are_not_joined(made):
    for value in ("fifo", "learned"):
        made.add("sam", chosen={"pruning": value})
    made.add("xmem", settings={"size": 1})
    made.add("xmem", settings={"size": 2}, weights=Weights(kind="mini", sha256="1"))
    assert {"points"} == {series.form for panel in memory_accuracy(made.entries()).panels for series in panel.series}


def test_words_that_were_swept_are_joined_as_their_memory_grows(made):
    for value, mib in (("all", 400), ("reference", 40), ("mca", 90)):
        made.add("mavos", chosen={"memory": value}, swept=("memory",), memory=lambda t, mib=mib: 0 * t + mib)
    plot = memory_accuracy(made.entries())
    (curve,) = drawn(plot).values()
    assert ("curve", ("reference", "mca", "all")) == (curve.form, curve.notes)
    assert any("MAVOS: the names are memory." in line for line in plot.footers)


def test_what_misses_videos_is_hollow_and_says_so(made):
    for video in ("aa", "bb"):
        made.add("xmem", video=video)
    made.add("stcn", video="aa")
    made.add("stcn", video="bb", outcome=Outcome(status="oom", frame=4))
    point = drawn(memory_accuracy(made.entries()))["STCN [1 of 2 videos]"]
    assert point.hollow


def test_a_method_that_ran_out_of_memory_everywhere_is_named_below(made):
    made.add("xmem")
    made.add("stcn", outcome=Outcome(status="oom", frame=4))
    plot = memory_accuracy(made.entries())
    assert any("Not drawn: STCN (aa: out of memory at frame 4)" in line for line in plot.footers)


@pytest.mark.parametrize("change", ["precision", "machine", "cut"])
def test_rows_of_other_hardware_mode_or_cut_stand_in_a_panel_of_their_own(made, change):
    from dataclasses import replace

    made.add("xmem")
    entry = made.entries()[0]
    machine = replace(entry.cells[0].record.machine, cpu="B Processor")
    other = {"precision": {"precision": "bf16"}, "machine": {"machine": machine}, "cut": {"max_frames": 10}}[change]
    made.add("stcn", **other)
    plot = memory_accuracy(made.entries())
    assert [1, 1] == [len(panel.series) for panel in plot.panels]
    assert 2 == len({panel.title for panel in plot.panels})
    assert any("not to be compared" in line for line in plot.footers)


def test_a_self_check_far_below_is_named_and_not_drawn(made):
    made.add("xmem", jf=84.0)
    made.add("stcn", jf=82.0)
    made.add("echo", title="echo", jf=20.0, ranked=False, weights=Weights(kind="none"))
    plot = memory_accuracy(made.entries())
    assert {"XMEM", "STCN"} == set(drawn(plot))
    assert any("Outside the axes: echo (20 %)." in line for line in plot.footers)


def test_a_self_check_that_costs_many_times_as_much_is_named_and_not_drawn(made):
    made.add("xmem")
    made.add("echo", title="echo", seconds=lambda t: 0 * t + 1.0, ranked=False, weights=Weights(kind="none"))
    plot = pareto(made.entries(), "latency")
    assert ["XMEM"] == list(drawn(plot))
    assert any("Outside the axes: echo (1000 ms)." in line for line in plot.footers)


def test_a_self_check_nearby_is_thin_and_grey(made):
    made.add("xmem", jf=84.0)
    made.add("echo", title="echo", jf=80.0, ranked=False, weights=Weights(kind="none"))
    assert drawn(memory_accuracy(made.entries()))["echo"].style.thin


def test_the_front_goes_through_what_nothing_beats_in_both(made):
    for name, jf, millions in (("a", 70.0, 1), ("b", 69.0, 2), ("c", 80.0, 3), ("d", 79.0, 9)):
        made.add(name, jf=jf, parameters=millions * 1_000_000)
    front = drawn(pareto(made.entries(), "parameters"))[""]
    assert_allclose((front.x, front.y), ((1.0, 3.0), (70.0, 80.0)))


def test_a_self_check_or_an_incomplete_row_is_on_no_front(made):
    for video in ("aa", "bb"):
        made.add("a", video=video, jf=70.0, parameters=3_000_000)
        made.add("b", video=video, jf=75.0, parameters=4_000_000)
    made.add("c", video="aa", jf=90.0, parameters=1_000_000)
    front = drawn(pareto(made.entries(), "parameters"))[""]
    assert (3.0, 4.0) == front.x


def mini(*marks):
    return Weights(kind="mini", sha256="1", marks=marks)


def test_a_small_model_beside_the_controlled_comparison_is_on_no_front(made):
    made.add("a", jf=70.0, parameters=3_000_000, weights=mini())
    made.add("b", jf=75.0, parameters=4_000_000, weights=mini())
    made.add("c", jf=90.0, parameters=1_000_000, weights=mini("distilled"))
    plot = pareto(made.entries(), "parameters")
    assert (3.0, 4.0) == drawn(plot)[""].x
    assert "C (mini, distilled)" in drawn(plot)
    assert "Beside the controlled comparison, not ranked: C (mini, distilled)." in plot.footers


def test_small_models_and_full_networks_have_no_front_between_them(made):
    made.add("a", jf=70.0, parameters=1_000_000, weights=mini())
    made.add("b", jf=75.0, parameters=4_000_000)
    plot = pareto(made.entries(), "parameters")
    assert {"A (mini)", "B"} == set(drawn(plot))
    assert "Bundled small models (mini) and full networks are not ranked together." in plot.footers
    assert not any(line.startswith("Dashed") for line in plot.footers)


def test_prompted_rows_and_others_have_no_front_between_them(made):
    made.add("a", jf=70.0, parameters=1_000_000, prompted=True)
    made.add("b", jf=75.0, parameters=4_000_000)
    assert {"A (prompted)", "B"} == set(drawn(pareto(made.entries(), "parameters")))


def test_a_wide_range_asks_for_a_logarithmic_axis(made):
    made.add("a", parameters=1_000_000)
    made.add("b", parameters=20_000_000)
    assert "log" == pareto(made.entries(), "parameters").panels[0].x.scale


def test_every_axis_of_pareto_is_in_the_records(made):
    made.add("xmem", macs=2 * 10**9, joules=3.0)
    for cost in COSTS:
        plot = pareto(made.entries(), cost)
        assert (f"pareto-{cost}", COSTS[cost].key) == (plot.name, plot.panels[0].x.key)


def test_energy_is_told_for_ten_minutes_and_operations_in_billions(made):
    made.add("xmem", frames=20, macs=2 * 10**9, joules=4.0)  # 0.2 joules a frame
    (energy, operations) = (drawn(pareto(made.entries(), cost))["XMEM"].x[0] for cost in ("energy", "macs"))
    assert (1.0, 2.0) == (pytest.approx(energy), operations)  # 18,000 frames of 0.2 J are 3,600 J
    made.add("stcn", frames=20)
    assert any("Not drawn: STCN (Energy" in note for note in pareto(made.entries(), "energy").footers)


def test_a_cost_that_was_not_measured_is_said_to_be_missing(made):
    made.add("xmem", parameters=None)
    with pytest.raises(NothingToDrawError, match="has a value for: Parameters"):
        pareto(made.entries(), "parameters")


def test_synthetic_videos_cuts_hardware_and_protocol_stand_below(made):
    made.add("xmem", suite=dataclasses.replace(made.suite(title="Tiny (synthetic)"), synthetic=True), max_frames=9)
    small = " ".join(memory_accuracy(made.entries()).footers)
    for words in ("Tiny (synthetic): video aa; cut to the first 9 frames.", "not the figures of a data set"):
        assert words in small
    for words in ("protocol davis2017-semi", "CPU A Processor, 2 of 2 cores; fp32, cpu, 2 threads", "torch 2.6"):
        assert words in small


def test_the_mean_time_of_a_frame_weighs_keyframes_in_and_the_median_does_not(made):
    made.add("inst", frames=30, seconds=lambda t: 0.1 + 0.2 * (t % 3 == 1))
    (by_mean,), (by_median,) = (drawn(pareto(made.entries(), cost)).values() for cost in ("mean-latency", "latency"))
    assert (500 / 3, 100.0) == (pytest.approx(by_mean.x[0]), pytest.approx(by_median.x[0]))


def test_sizes_that_differ_are_told_where_speed_or_memory_is_drawn(made):
    made.add("xmem", title="XMem", settings={"size": 480})
    made.add("mobileinst", title="MobileInst", settings={"size": 360})
    small = " ".join(memory_accuracy(made.entries()).footers)
    assert "Shorter side at which networks see the frames: 360 pixels (MobileInst), 480 pixels (XMem)." in small
