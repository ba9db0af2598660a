"""Tables on terminals of any width, and in a pipe."""

from __future__ import annotations

import io
import re

import pytest
from rich.console import Console
from rich.text import Text

from vosbench.cli.grid import print_grid
from vosbench.cli.published import print_views
from vosbench.published import read_published, select_numbers
from vosbench.report.published import published_views

HEAD = ["method", "J&F", "J-Recall", "median ms", "MiB/frame", "constant", "compression %", "params M"]
ROWS = [
    ["STCN (mini)", "94.9 ± 0.1", "100.0", "65.5", "0.068 (a)", "no", "-", "2.2"],
    ["MobileVOS (mini, distilled) [1 of 3 videos]", "80.2", "92.6", "60.3", "0.000 (b)", "yes", "6457", "1.9"],
]


def _lines(width, *, terminal=True, head=HEAD, rows=ROWS):
    stream = io.StringIO()
    out = Console(file=stream, width=width, force_terminal=terminal, color_system=None)
    print_grid(out, "Tiny", head, [[*map(Text, row)] for row in rows], justify="right")
    return [line.rstrip() for line in stream.getvalue().splitlines()]


@pytest.mark.parametrize("width", [20, 40, 60, 80, 100, 120])
def test_a_number_is_whole_at_every_width(width):
    text = "\n".join(_lines(width))
    for row in ROWS:
        for number in row[1:]:
            assert re.search(rf"(?<!\S){re.escape(number)}(?!\S)", text), number


@pytest.mark.parametrize("width", [40, 60, 80, 100])
def test_what_does_not_fit_goes_into_parts_that_name_the_methods_again(width):
    lines = _lines(width)
    assert max(map(len, lines)) <= width
    parts = sum("method" in line for line in lines)
    assert parts > 1
    assert parts == sum("STCN (mini)" in line for line in lines)


def test_a_table_that_fits_is_one_part_with_its_headings_in_one_line():
    lines = _lines(160)
    assert ["Tiny", "  ".join(["method" + 37 * " ", " " * 7 + "J&F", *HEAD[2:]])] == lines[:2]
    assert 2 + len(ROWS) == len(lines)


def test_nothing_is_cut_in_a_pipe():
    long = [[word * 30 for word in row] for row in ROWS]
    lines = _lines(160, terminal=False, rows=long)
    assert 2 + len(ROWS) == len(lines)
    for row, line in zip(long, lines[2:], strict=True):
        assert all(word in line for word in row)


def test_a_wide_table_of_published_numbers_is_whole_in_a_pipe(capsys):
    (view,) = published_views(select_numbers(read_published(), suites=["davis2017"], methods=[]))
    print_views([view])
    lines = capsys.readouterr().out.splitlines()
    for cells, line in zip([view.head, *view.lines], lines[2:], strict=False):
        assert [*filter(None, cells)] == re.split(r"  +", line.strip())
