"""Figures as files: the same bytes again, text as text, data beside, nothing on top of anything."""

from __future__ import annotations

import csv
import io
import itertools
import re

import pytest

from vosbench.cli.plot import KINDS as CHOICES
from vosbench.contract import Weights
from vosbench.errors import StoreError, UsageError
from vosbench.records import Outcome
from vosbench.report import plots_draw
from vosbench.report.plots import KINDS, PlotRequest, build_plot, write_headline, write_plot
from vosbench.report.plots_data import NothingToDrawError, comma_separated
from vosbench.report.plots_draw import WIDTHS, NoGlyphWarning, render

NAMES = ("xmem", "stcn", "mavos", "aot-l", "deaot-l", "mobilevos", "sam2-lite", "mobileinst", "edgetam")


@pytest.fixture
def small(made):
    """A run of two methods, one out of memory, and echo."""
    made.add("xmem", title="XMem", jf=84.0, frames=30)
    made.add("stcn", title="STCN", jf=82.0, frames=30, memory=lambda t: 3 * t)
    made.add("deaot-l", title="DeAOT-L", frames=30, outcome=Outcome(status="oom", frame=12))
    made.add("echo", title="echo", jf=80.0, frames=30, ranked=False, weights=Weights(kind="none"))
    return made


def plot_of(made, kind, **wish):
    return build_plot(made.run, PlotRequest(kind=kind, **wish))


def texts(svg):
    return [text.replace("&amp;", "&") for text in re.findall(r"<text [^>]*>([^<]*)</text>", svg.decode())]


def test_the_command_line_offers_every_kind():
    assert set(CHOICES) == set(KINDS)


def test_a_figure_is_written_in_three_forms_with_its_data(small):
    written = write_plot(plot_of(small, "memory-accuracy"), small.run.path / "figures")
    assert ["memory-accuracy.csv", "memory-accuracy.pdf", "memory-accuracy.png", "memory-accuracy.svg"] == sorted(
        path.name for path in written
    )
    starts = {path.suffix: path.read_bytes()[:5] for path in written}
    assert (b"%PDF-", b"\x89PNG\r", b"<?xml") == (starts[".pdf"], starts[".png"], starts[".svg"])


def test_characters_that_no_font_has_are_told_once(made):
    made.add("xmem", title="\N{CJK UNIFIED IDEOGRAPH-6F22}\N{CJK UNIFIED IDEOGRAPH-5B57}")
    with pytest.warns(NoGlyphWarning, match="no font here has \N{CJK UNIFIED IDEOGRAPH-6F22}") as told:
        render(plot_of(made, "memory-accuracy"), 3.3)
    assert [NoGlyphWarning] == [one.category for one in told]


def test_the_same_figure_is_the_same_bytes(small):
    plot = plot_of(small, "memory-frames")
    assert render(plot, 3.3) == render(plot, 3.3)


def test_no_figure_carries_a_date(small):
    files = render(plot_of(small, "memory-accuracy"), 3.3)
    assert b"<dc:date>" not in files["svg"]
    assert b"CreationDate" not in files["pdf"]


def test_text_stays_text_so_that_papers_can_search_and_edit_it(small):
    files = render(plot_of(small, "memory-frames"), 3.3)
    written = texts(files["svg"])
    for words in ("XMem", "STCN", "Frame", "Memory above the start (MiB)", "Tiny"):
        assert words in written
    assert b"/FontType 42" in files["pdf"] or b"/Type0" in files["pdf"]
    assert b"DejaVu Sans" in files["svg"]


def test_the_whole_text_of_a_small_figure(made):
    made.add("xmem", title="XMem", jf=84.0, memory=lambda t: 0 * t + 24)
    made.add("stcn", title="STCN", jf=82.0, memory=lambda t: 0 * t + 124)
    written = texts(render(plot_of(made, "memory-accuracy"), 3.3)["svg"])
    ticks = ["425", "450", "475", "500", "525", "Peak memory (MiB)", "82", "82.5", "83", "83.5", "84", "J&F (%)"]
    small = (
        "Tiny: video aa. Scores by protocol davis2017-semi. Memory: peak of the process's resident set, libraries "
        "included; growth from the allocator's live bytes. CPU A Processor, 2 of 2 cores; fp32, cpu, 2 threads. "
        "Measured 2026-01-01 with vosbench 0, torch 2.6."
    )
    assert [*ticks, "Tiny"] == written[:13]
    assert ["STCN", "XMem"] == written[-2:]
    assert small == " ".join(written[13:-2])


@pytest.mark.parametrize("width", WIDTHS)
def test_a_figure_is_as_wide_as_a_column(small, width):
    svg = render(plot_of(small, "memory-accuracy"), WIDTHS[width])["svg"].decode()
    assert f'width="{72 * WIDTHS[width]:g}pt"' in svg


def test_out_of_memory_is_a_cross(small):
    page = page_of(plot_of(small, "memory-frames"), 3.3)
    crosses = [line for line in page.axes[0].get_lines() if line.get_marker() == "x"]
    assert [12.0] == [float(line.get_xdata()[0]) for line in crosses]


def page_of(plot, width):
    with plots_draw._settings():
        page = plots_draw._page(plot, width)
        page.canvas.draw()
        return page


def boxes(page):
    every = [*page.texts, *(axes.title for axes in page.axes), *(axes._left_title for axes in page.axes)]
    for axes in page.axes:
        every += [axes.xaxis.label, axes.yaxis.label]
        low, high = axes.get_xlim()
        every += [tick.label1 for tick in axes.xaxis.get_major_ticks() if low <= tick.get_loc() <= high]
    return [(text.get_text(), text.get_window_extent()) for text in every if text.get_text()]


def overlaps(page):
    return [
        (first, second)
        for (first, a), (second, b) in itertools.combinations(boxes(page), 2)
        if min(a.x1, b.x1) - max(a.x0, b.x0) > 1.2 and min(a.y1, b.y1) - max(a.y0, b.y0) > 1.2
    ]


@pytest.mark.parametrize("width", WIDTHS.values())
@pytest.mark.parametrize("kind", ["memory-frames", "memory-accuracy", "fps-frames", "quality-time", "footprint"])
@pytest.mark.parametrize("case", ["near", "long"])
def test_nothing_lies_on_anything_else_and_nothing_is_cut_off(made, width, kind, case):
    for number, name in enumerate(NAMES if case == "near" else NAMES[:5]):
        title = name.upper() if case == "near" else f"{name.upper()}@no-potentiation@every-5th-frame"
        outcome = Outcome(status="oom", frame=12) if number == 4 else None
        made.add(name, title=title, jf=80 + 0.01 * number, frames=30, outcome=outcome,
                 banks={"working": lambda t: t, "long_term": lambda t: 0 * t + 1})  # fmt: skip
    page = page_of(plot_of(made, kind), width)
    assert [] == overlaps(page)
    width_dots, height_dots = page.bbox.width, page.bbox.height
    outside = [
        text
        for text, box in boxes(page)
        if box.x0 < -1 or box.y0 < -1 or box.x1 > width_dots + 1 or box.y1 > height_dots + 1
    ]
    assert [] == outside


def test_the_data_are_all_that_is_drawn_with_every_digit(small):
    rows = list(csv.DictReader(io.StringIO(comma_separated(plot_of(small, "memory-frames")))))
    assert 30 + 30 + 12 + 30 == len(rows)
    last = [row for row in rows if row["series"].startswith("DeAOT-L")][-1]
    assert ("12.0", "oom", "frame", "memory_above_start_mib") == (
        last["x"],
        last["end"],
        last["x_name"],
        last["y_name"],
    )
    assert 9.0 == float([row for row in rows if row["series"] == "STCN"][2]["y"])


def test_a_method_looks_the_same_whatever_else_a_figure_shows(small):
    every = plot_of(small, "memory-frames").panels[0].series
    (alone,) = plot_of(small, "memory-frames", methods=("stcn",)).panels[0].series
    assert alone.style == next(series.style for series in every if series.label == "STCN")


def test_the_name_says_what_was_chosen(small):
    plot = plot_of(small, "memory-frames", suites=("tiny",), methods=("xmem", "deaot-l"), video="aa")
    assert "memory-frames-tiny-xmem-deaot-l-aa" == plot.name


@pytest.mark.parametrize(
    ("wish", "words"),
    [
        ({"suites": ("tinny",)}, "no suite 'tinny'"),
        ({"methods": ("stnc",)}, "no method 'stnc'"),
        ({"video": "ab"}, "no video 'ab'"),
        ({"cost": "colour"}, "not known"),
    ],
)
def test_a_name_that_the_run_does_not_hold_is_an_error_with_the_nearest(small, wish, words):
    with pytest.raises(UsageError, match=words) as told:
        plot_of(small, "pareto", **wish)
    assert told.value.fix


def test_only_pareto_has_a_choice_of_axes(small):
    with pytest.raises(UsageError, match="are given"):
        plot_of(small, "memory-frames", cost="latency")


def test_an_empty_run_has_no_figure(made):
    made.run.path.mkdir()
    with pytest.raises(StoreError, match="no cell of this run is finished"):
        plot_of(made, "memory-frames")


def test_what_cannot_be_drawn_names_the_kind_and_the_run(small):
    with pytest.raises(NothingToDrawError, match="no figure ladder: this run has no ladder suite") as told:
        plot_of(small, "ladder")
    assert str(small.run.path) == told.value.where


def test_a_ladder_is_not_averaged_in_other_figures(small):
    suite = small.suite("ladder-objects", "Ladder of objects", vary="objects")
    small.add("xmem", suite=suite, video="objects-00001")
    assert ["Tiny"] == [panel.title for panel in plot_of(small, "memory-frames").panels]
    assert ["Ladder of objects"] == [p.title for p in plot_of(small, "memory-frames", video="objects-00001").panels]
    with pytest.raises(NothingToDrawError, match="no sample to average over"):
        plot_of(small, "memory-frames", suites=("ladder-objects",))


def test_a_run_ends_with_its_headline_figure(small):
    assert {"memory-accuracy"} == {path.stem for path in write_headline(small.run)}


@pytest.mark.parametrize("weights", [Weights(kind="random"), Weights(kind="none")])
def test_a_run_with_nothing_to_rank_ends_without_a_figure(made, weights):
    made.add("a", weights=weights, ranked=weights.kind != "none")
    assert [] == write_headline(made.run)
    assert not (made.run.path / "figures").exists()


def test_a_run_of_ladders_only_ends_without_a_figure(made):
    made.add("a", suite=made.suite("ladder-objects", vary="objects"), video="objects-00001")
    assert [] == write_headline(made.run)


def test_ticks_that_would_run_into_each_other_keep_their_marks_and_lose_their_figures():
    """Of 50, 100, 200 and 210 frames the third has no figure."""
    from matplotlib.figure import Figure

    from vosbench.report.plots_axes import draw_panel
    from vosbench.report.plots_data import Axis, Panel, Series
    from vosbench.report.plots_styles import assign_styles

    ticks = (50.0, 100.0, 200.0, 210.0)
    style = assign_styles(["m"])["m"]
    series = Series(label="m", form="curve", style=style, x=ticks, y=(1.0, 2.0, 3.0, 4.0))
    axes = Figure(figsize=(2, 2)).add_axes((0.1, 0.1, 0.8, 0.8))
    draw_panel(
        axes, Panel(title="", x=Axis(key="x", title="", ticks=ticks), y=Axis(key="y", title=""), series=(series,))
    )
    assert list(ticks) == axes.get_xticks().tolist()
    assert ["50", "100", "", "210"] == [label.get_text() for label in axes.get_xticklabels()]
