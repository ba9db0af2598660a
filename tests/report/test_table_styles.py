"""The styles of tables, the choice of columns, and published numbers beside measured ones."""

from __future__ import annotations

import pytest

from vosbench.errors import UsageError
from vosbench.growth import Growth
from vosbench.published import read_published, select_numbers
from vosbench.report.table_footers import Origin
from vosbench.report.table_published import CLOCK, DEVICE, PRECISION, PROTOCOL, differences, matching
from vosbench.report.table_styles import build_tables

ORIGIN = Origin(machine="m", versions="v", date="d")


@pytest.fixture(scope="module")
def numbers():
    return select_numbers(read_published(), methods=["xmem", "stcn", "mobilevos"])


def _column(table, key):
    place = [column.key for column in table.columns].index(key)
    return [line.values[place] for line in table.lines]


def _suite(name, **values):
    return {"suite": name, "suite_title": name.upper(), "base": name.upper(), **values}


def test_methods_by_suites_has_a_line_per_method_and_is_empty_where_it_was_not_run(row):
    rows = [
        row("A", **_suite("s"), identity="a", frames_per_second=1.0),
        row("B", **_suite("s"), identity="b", frames_per_second=2.0),
        row("A", **_suite("t"), identity="a", frames_per_second=3.0),
    ]
    (table,) = build_tables(rows, ORIGIN, style="methods")
    assert ["A", "B"] == [line.label for line in table.lines]
    assert [1.0, 2.0] == [value.number for value in _column(table, "S frames_per_second")]
    assert [3.0, None] == [value.number for value in _column(table, "T frames_per_second")]
    assert ["second", "best"] == [value.mark for value in _column(table, "S frames_per_second")]


def test_rows_of_other_hardware_are_lines_of_their_own(row):
    rows = [row("A", identity="a", fingerprint=name, frames_per_second=1.0) for name in ("one", "other")]
    (table,) = build_tables(rows, ORIGIN, style="methods")
    assert 2 == len(table.lines)


def test_an_ablation_shows_differences_from_the_default_and_none_where_videos_are_missing(row):
    rows = [
        row("M x=1", method="m", changed=("x=1",), scores={"J&F-Mean": 79.0}),
        row("M", method="m", scores={"J&F-Mean": 80.0}),
        row("M@v", method="m@v", scores={"J&F-Mean": 85.0}, videos=1),
    ]
    (table,) = build_tables(rows, ORIGIN, style="ablation")
    assert ["M", "M x=1", "M@v [1 of 2 videos]"] == [line.label for line in table.lines]
    assert [None, -1.0, None] == [value.number for value in _column(table, "J&F-Mean difference")]
    assert any("against M" in footer for footer in table.footers)


def test_short_and_long_needs_two_suites(row):
    with pytest.raises(UsageError, match="a short suite and a long one"):
        build_tables([row("A")], ORIGIN, style="short-long")
    with pytest.raises(UsageError, match="several variants"):
        build_tables([row("A")], ORIGIN, style="ablation")
    with pytest.raises(UsageError, match="leave --by-video out"):
        build_tables([row("A", video="v")], ORIGIN, style="methods")


def test_short_and_long_gives_the_change_and_the_ratio_of_speeds(row):
    short = row("A", **_suite("s"), identity="a", mean_frames=50, frames_per_second=20.0, scores={"J&F-Mean": 80.0})
    long = row("A", **_suite("t"), identity="a", mean_frames=500, frames_per_second=5.0, scores={"J&F-Mean": 78.5})
    (table,) = build_tables([long, short], ORIGIN, style="short-long")
    assert "S and T" == table.title
    assert [-1.5] == [value.number for value in _column(table, "change")]
    assert [0.25] == [value.number for value in _column(table, "fps_ratio")]


def test_the_change_from_1x_is_shown_where_both_lengths_are_complete(row):
    once = row("A", suite_title="L", base="L", identity="a", scores={"J&F-Mean": 80.0})
    thrice = row("A", suite_title="L (3x)", base="L", times=3, identity="a", scores={"J&F-Mean": 81.0})
    _, table = build_tables([once, thrice], ORIGIN)
    assert [1.0] == [value.number for value in _column(table, "change")]
    assert "change 1x to 3x" in [column.title for column in table.columns]


@pytest.mark.parametrize(("verdict", "word"), [("bounded", "yes"), ("growing", "no"), ("too short", "?")])
def test_constant_cost_is_the_measured_verdict(row, verdict, word):
    growth = Growth(frames_100_to_200=None, tail=None, verdict=verdict)
    (table,) = build_tables([row("A", growth=growth)], ORIGIN)
    assert word == _column(table, "constant_cost")[0].text


def test_columns_are_chosen_by_title_or_key_in_the_order_of_the_wish(row):
    rows = [row("A", frames_per_second=1.0, peak_mib=2.0)]
    (table,) = build_tables(rows, ORIGIN, columns=["peak_mib", "FPS"])
    assert ["peak_mib", "frames_per_second"] == [column.key for column in table.columns]
    with pytest.raises(UsageError, match="no table here has a column 'FSP'"):
        build_tables(rows, ORIGIN, columns=["FSP"])


def test_a_published_number_needs_the_same_method_variant_settings_and_suite(row, numbers):
    def found(**values):
        return {number.value for number in matching(row("X", **{"suite": "davis2017", **values}), numbers, "J&F")}

    assert {86.2} == found(method="xmem")
    assert 86.2 not in found(method="xmem@no-sensory")
    assert set() == found(method="xmem", changed=("top_k=20",))
    assert set() == found(method="xmem", suite="mine")


def _marks(number, row, **values):
    return set(differences(number, row("X", **{"device": "NVIDIA V100", "mode": "fp32, cuda", **values})))


def test_marks_tell_what_was_taken_otherwise(row, numbers):
    speed = next(n for n in numbers if n.method == "xmem" and n.value == 22.6 and n.paper == "xmem")
    assert {PRECISION, CLOCK} == _marks(speed, row)
    assert {DEVICE, PRECISION, CLOCK} == _marks(speed, row, device="CPU")
    score = next(n for n in numbers if n.method == "xmem" and n.metric == "J&F" and n.value == 86.2 and n.table == "2")
    same = {"settings": {"size": 480, "mem_every": 5}}
    assert set() == _marks(score, row, **same)
    for other in (
        {"settings": {"size": 600, "mem_every": 5}},
        {"settings": {"size": 480, "mem_every": 10}},
        {"synthetic": True},
        {"cut_frames": 10},
        {"official_videos": 30},
        {"weights": "random weights 0"},
        {"weights": "mini"},
    ):
        assert {PROTOCOL} == _marks(score, row, **(same | other)), other


def test_parameters_of_a_smaller_network_are_marked(row, numbers):
    number = next(n for n in numbers if n.method == "xmem" and n.metric == "parameters")
    assert set() == _marks(number, row, synthetic=True)
    assert {PROTOCOL} == _marks(number, row, weights="mini")


def test_published_numbers_are_never_ranked_and_have_no_number_in_csv_columns_of_ours(row, numbers):
    rows = [row("XMem", suite="davis2017", method="xmem", scores={"J&F-Mean": 10.0}, frames_per_second=1.0)]
    rows.append(row("STCN", suite="davis2017", method="stcn", scores={"J&F-Mean": 20.0}, frames_per_second=2.0))
    (table,) = build_tables(rows, ORIGIN, published=numbers)
    beside = _column(table, "published J&F-Mean")
    assert ["86.2", "85.4"] == [value.text[:4] for value in beside]
    assert {("", None)} == {(value.mark, value.number) for value in beside}
    assert ["second", "best"] == [value.mark for value in _column(table, "J&F-Mean")]
    assert any("never ranked" in footer for footer in table.footers)
