"""When and with what versions numbers were measured: what tables, figures and the page say."""

from __future__ import annotations

from dataclasses import replace

import pytest
from helpers.run_maker import CPU

from vosbench.report.files import run_tables
from vosbench.report.page import PageRequest, render_page
from vosbench.report.plots_tradeoff import memory_accuracy

OLDER, NEWER = ({"vosbench": number, "torch": "2.6"} for number in ("0.0.7", "0.0.9"))


@pytest.fixture
def twice(made):
    """Gives back a run of two methods, measured on two days with two versions that are not today's."""
    made.add("xmem", started="2026-03-04T23:00:00+00:00", machine=replace(CPU, versions=NEWER))
    made.add("stcn", started="2025-12-31T01:00:00+00:00", machine=replace(CPU, versions=OLDER))
    return made


def test_a_table_says_when_and_with_what_it_was_measured_not_printed(twice):
    words = "Measured 2025-12-31 to 2026-03-04 with vosbench 0.0.7 or 0.0.9, torch 2.6."
    (table,) = run_tables(twice.run)
    assert table.footers[-1].endswith(words)
    assert memory_accuracy(twice.entries()).footers[-1].endswith(words)
    page = render_page(twice.run, PageRequest(kinds=(), overlays=None), twice.run.path / "report.html")
    assert f"<p>{CPU.describe('cpu', 2)}. {words}</p>" in page


def test_one_day_is_said_once_and_a_version_that_no_record_says_is_not(made):
    made.add("xmem", started="2026-03-04T01:00:00+00:00", machine=replace(CPU, versions={"torch": "2.6"}))
    made.add("stcn", started="2026-03-04T23:00:00+00:00", machine=replace(CPU, versions={"torch": "2.6"}))
    (table,) = run_tables(made.run)
    assert table.footers[-1].endswith("threads. Measured 2026-03-04 with torch 2.6.")
