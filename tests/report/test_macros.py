"""A LaTeX macro for each number: valid, stable, unique."""

from __future__ import annotations

import re

import pytest

from vosbench.report.macros import macro_file, macro_name, table_macros
from vosbench.report.measures import Measures
from vosbench.report.table_footers import Origin
from vosbench.report.table_styles import build_tables

ORIGIN = Origin(machine="m", versions="v", date="d")


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        (("davis2016 val", "XMem", "J&F-Mean"), "vosDavisTwoZeroOneSixValXMemJAndFMean"),
        (("Long-time Video (3x)", "XMem@no-long-term top_k=20", "frames_per_second"),
         "vosLongTimeVideoThreexXMemAtNoLongTermTopKIsTwoZeroFramesPerSecond"),
        (("a", "größe", "p"), "vosAGroUTwoTwoThreeeP"),
    ],
)  # fmt: skip
def test_names_are_letters_only(parts, expected):
    assert expected == macro_name(*parts)
    assert re.fullmatch(r"[A-Za-z]+", macro_name(*parts))


def _macros(*rows):
    return table_macros(build_tables(rows, ORIGIN))


def test_every_number_has_a_macro_and_what_was_not_measured_has_none(row):
    macros = {one.name: one.text for one in _macros(row("A_b", scores={"J-Mean": 81.25}, peak_mib=100.4))}
    assert {"vosSValABJMean": "81.2", "vosSValABPeakMib": "100"} == macros


def test_names_stay_when_rows_are_added(row):
    first = {one.name for one in _macros(row("a", peak_mib=1.0))}
    more = {one.name for one in _macros(row("a", peak_mib=1.0), row("b", peak_mib=2.0))}
    assert first < more


def test_rows_of_one_label_are_told_apart_whatever_their_order(row):
    rows = [row("a", peak_mib=1.0, key="one"), row("a", peak_mib=2.0, key="two", mode="fp16")]
    macros = {one.name: one.text for one in _macros(*rows)}
    assert 2 == len(macros)
    assert all(re.fullmatch(r"vosSValAPeakMibX[a-p]{10}", name) for name in macros)
    assert macros == {one.name: one.text for one in _macros(*reversed(rows))}


def test_the_file_defines_each_once_below_where_it_is_from(row):
    text = macro_file(_macros(row("XMem", scores={"J&F-Mean": 89.8}, deviations={"J&F-Mean": 0.2})))
    assert "% S val | XMem | J&F-Mean\n\\newcommand{\\vosSValXMemJAndFMean}{89.8 $\\pm$ 0.2}\n" in text


def test_out_of_memory_is_a_text(row):
    (macro,) = (one for one in _macros(row("a", oom=True, videos=0)) if one.name.endswith("FramesPerSecond"))
    assert "OOM" == macro.text


def test_a_number_that_misses_videos_says_so_in_its_name_and_beside_it(row):
    told = row("XMem", scores={"J&F-Mean": 94.2}, videos=2, planned=3, trouble=("cc: out of memory at frame 9",))
    text = macro_file(_macros(told))
    note = "% 2 of 3 videos; (a) cc: out of memory at frame 9\n"
    assert f"% S val | XMem | J&F-Mean\n{note}\\newcommand{{\\vosSValXMemJAndFMeanSoFar}}{{94.2}}\n" in text
    assert "JAndFMean}" not in text


def test_what_must_be_said_of_a_value_stands_above_its_macro(row):
    macros = _macros(row("XMem", frames_per_second=3.0, measures=Measures(disturbed="1 of 2 were disturbed")))
    assert ["1 of 2 were disturbed"] == [one.note for one in macros]
