"""Passes over the videos of one row: which of them say how much its scores scatter."""

from __future__ import annotations

import numpy as np
import pytest

from vosbench.report.cells import distinct_passes
from vosbench.report.rows import method_rows, read_cells
from vosbench.report.table_footers import Origin
from vosbench.report.table_styles import build_tables
from vosbench.report.text import number

ORIGIN = Origin(machine="m", versions="v", date="d")


@pytest.fixture
def shown(made):
    """Gives back a function that tells the J&F of the run's only row as tables show it, and their footers."""

    def read():
        (table,) = build_tables(method_rows(read_cells(made.run)), ORIGIN)
        return number(table.columns[0], table.lines[0].values[0]), " ".join(table.footers)

    return read


def test_repeats_that_answer_alike_have_no_deviation(made, shown):
    for repeat in range(3):
        for video, jf in (("aa", 80.0), ("bb", 90.0)):
            made.add("xmem", video=video, jf=jf, repeat=repeat, answers=f"of {video}")
    text, footers = shown()
    assert "85.0" == text
    assert "±" not in footers


def test_repeats_that_answer_otherwise_have_one(made, shown):
    for repeat, jf in enumerate((80.0, 82.0)):
        made.add("xmem", jf=jf, repeat=repeat, answers=str(jf))
        made.add("xmem", jf=90.0, video="bb", repeat=repeat, answers="same")
    text, footers = shown()
    assert f"85.5 ± {np.std([85.0, 86.0], ddof=1):.1f}" == text
    assert "over 2 passes" in footers


def test_repeats_that_answer_alike_do_not_shrink_the_deviation_over_offsets(made, shown):
    for repeat in range(4):
        for offset, jf in enumerate((70.0, 74.0)):
            made.add("xmem", jf=jf, repeat=repeat, offset=(offset, 2), answers=str(jf))
    text, footers = shown()
    assert f"72.0 ± {8**0.5:.1f}" == text
    assert "over 2 passes" in footers


def test_offsets_count_though_their_answers_are_alike(made, shown):
    for offset in range(2):
        made.add("xmem", jf=70.0, offset=(offset, 2), answers="same")
    assert "70.0 ± 0.0" == shown()[0]


def test_passes_without_a_digest_are_each_their_own(made):
    for repeat in range(2):
        made.add("xmem", repeat=repeat)
    assert 2 == len(distinct_passes(read_cells(made.run)))
