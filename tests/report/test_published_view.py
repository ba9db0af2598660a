import dataclasses

import pytest

from vosbench.published import find_conflicts, read_published, select_numbers
from vosbench.report.published import NEVER_RANKED, conflict_view, csv_view, markdown_view, published_views, shown


@pytest.fixture(scope="module")
def numbers():
    return read_published()


def cell(view, line, head):
    return view.lines[line][view.head.index(head)]


def test_a_row_of_a_paper_is_one_line_with_its_paper_table_and_hardware(numbers):
    (view,) = published_views(select_numbers(numbers, suites=["davis2017"], methods=["sam2"]))
    assert "davis2017, as published" == view.title
    assert 1 == len(view.lines)
    found = [cell(view, 0, head) for head in ("J&F", "params M", "FPS", "Wh/10 min", "paper", "table", "hardware")]
    assert ["86.5", "615.0", "4.8", "35.6", "SAM2-Lite", "1", "NVIDIA V100"] == found


def test_what_the_paper_does_not_name_is_said(numbers):
    (view,) = published_views(select_numbers(numbers, suites=["davis2016"], methods=["rde-vos"]))
    assert {"not named"} == {cell(view, i, "hardware") for i in range(len(view.lines))}


def test_reservations_and_prose_are_footnotes(numbers):
    sam2, _ = (
        published_views(select_numbers(numbers, suites=[suite], methods=[method]))[0]
        for suite, method in (("davis2017", "sam2"), ("lvos-v1", "deaot-l"))
    )
    assert "(a) unverified by its authors' release" in sam2.footers
    assert cell(sam2, 0, "method").endswith(" (a)")
    (prose,) = published_views(select_numbers(numbers, suites=["lvos-v1"], methods=["deaot-l"]))
    assert "(a) from the paper's running text" in prose.footers


def test_conditions_apart_are_lines_apart_and_out_of_memory_is_said(numbers):
    (view,) = published_views(select_numbers(numbers, suites=["throughput"], methods=["stm"]))
    found = [(cell(view, i, "FPS"), cell(view, i, "hardware"), cell(view, i, "protocol")[-16:]) for i in range(4)]
    assert ("8.9", "NVIDIA A40", "50 random frames") == found[0]
    assert ("OOM", "NVIDIA GTX 1080 Ti", "00 random frames") == found[3]
    assert ["38.9", "-", "-", "-"] == [cell(view, i, "params M") for i in range(4)]


def test_published_numbers_are_never_ranked(numbers):
    for view in published_views(numbers):
        assert NEVER_RANKED == view.footers[-1]
        assert "**" not in markdown_view(view)


def test_every_number_is_shown_once(numbers):
    views = published_views(numbers)
    kept = ["paper", "table", "hardware", "precision", "clock", "protocol", "method"]
    values = [
        text
        for view in views
        for line in view.lines
        for head, text in zip(view.head, line, strict=True)
        if head not in kept and text != "-"
    ]
    without_suite = sum(not number.suite for number in numbers)
    assert len(numbers) <= len(values) <= len(numbers) + 2 * without_suite


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({}, "26.9"),
        ({"relation": "<", "value": 25.0}, "<25.0"),
        ({"spread": 0.2}, "26.9 ± 0.2"),
        ({"value": None, "oom": True}, "OOM"),
        ({"value": 37.0, "decimals": 0}, "37"),
        ({"metric": "constant_cost", "value": 1.0}, "yes"),
        ({"metric": "peak_memory", "value": 3.3, "unit": "GB"}, "3.3 GB"),
    ],
)
def test_a_number_is_shown_as_printed(numbers, changes, text):
    stcn = next(n for n in numbers if n.method == "stcn" and n.metric == "frames_per_second" and n.value == 26.9)
    assert text == shown(dataclasses.replace(stcn, **changes))


def test_a_contradiction_names_every_voice_once(numbers):
    view = conflict_view(find_conflicts(select_numbers(numbers, methods=["xmem"])))
    lines = {(line[0], line[1], line[2]): line[4] for line in view.lines}
    assert "62.2 (MobileVOS 4); 81.3 (SAM2-Lite 1)" == lines["xmem", "", "params M"]
    speed = lines["xmem", "davis2017", "FPS"]
    assert "8.4 (SAM2-Lite 1: NVIDIA V100)" in speed
    assert "22.6 (MobileVOS 2: not named, XMem 2, 4, 8: NVIDIA V100)" in speed


def test_markdown_and_csv_hold_the_same_cells(numbers):
    (view,) = published_views(select_numbers(numbers, suites=["lvos-v1"], methods=["mavos"]))
    rows = [line for line in markdown_view(view).splitlines() if line.startswith("| mavos")]
    assert len(view.lines) == len(rows)
    assert len(view.lines) + 1 == len(csv_view(view).splitlines())
