"""Holds every published number against the text of its paper, at the lines that it names."""

import re

import pytest

from vosbench.published import read_errata
from vosbench.published.reading import read_papers

TOKEN = re.compile(r"(?<![\w.@\-])[<≈]?-?\d[\d,]*(?:\.\d+)?(?:±\d+(?:\.\d+)?)?|(?<!\S)-(?!\S)|OOM|n/a")
COLUMN_BY_COLUMN = {("mavos", "6")}
"""Tables that the text gives column by column, as the errata say: there each cell is looked for by itself."""


def readings(errata, table):
    """What a cell's text reads as where the flattened text reads it wrongly: the errata, the table's own first."""
    wrong = [e for e in errata if e.paper == table.paper and e.means and e.table in ("", table.table)]
    return {e.means: e.found for e in sorted(wrong, key=lambda e: e.table)}


def expected_tokens(row, swapped):
    cells = [re.sub("[†‡\u2217]|%|ms|G", "", cell) for cell in row.values.split()]
    while cells[-1] == "-":
        cells.pop()
    return [swapped.get(cell, cell) for cell in cells]


def text_tokens(lines, swapped):
    text = "\n".join(lines).replace("\u2013", "-").replace(" ±", "±")
    for means in "<≈":
        text = text.replace(swapped.get(means, means), means)
    return TOKEN.findall(text)


def place(tokens, cells, start=0):
    """Where the cells follow each other in the text, None where they do not."""
    return next((i for i in range(start, len(tokens)) if tokens[i : i + len(cells)] == cells), None)


@pytest.fixture(scope="module")
def papers(shared):
    return {
        key: (shared / "papers" / paper.text).read_text(encoding="utf-8").split("\n")
        for key, paper in read_papers().items()
    }


def test_every_row_of_every_table_stands_in_the_text_cell_by_cell_and_in_its_order(tables, papers):
    missing, checked, errata = [], 0, read_errata()
    for table in (table for table in tables if table.source == "table"):
        swapped = readings(errata, table)
        tokens = text_tokens(papers[table.paper][table.lines[0] - 1 : table.lines[1]], swapped)
        last = -1
        for row in table.rows:
            cells = expected_tokens(row, swapped)
            checked += len(cells)
            if (table.paper, table.table) in COLUMN_BY_COLUMN:
                found = last if set(cells) <= set(tokens) else None
            else:
                found = place(tokens, cells, last + 1)
            if found is None:
                missing.append(f"{table.paper}-{table.table} {row.printed}: {cells}")
            last = last if found is None else found
    assert [] == missing
    assert checked > 1400


def test_every_label_stands_in_the_text_in_the_order_of_the_rows(tables, papers):
    missing = []
    for table in (table for table in tables if table.source == "table"):
        text = "\n".join(papers[table.paper][table.lines[0] - 1 : table.lines[1]]).replace("AOT-I-2F", "AOT-L-2F")
        last = text.find("Training data G") if table.table in ("S8", "S9") else 0
        for row in table.rows:
            found = re.match(r"[A-Za-z][\w+-]*", row.printed)
            position = text.find(found[0], last) if found else last
            if position < 0:
                missing.append(f"{table.paper}-{table.table} {row.printed}")
            last = max(last, position)
    assert [] == missing


def test_every_number_of_the_prose_stands_at_its_lines(numbers, papers):
    prose = [number for number in numbers if number.source == "prose"]
    for number in prose:
        text = "\n".join(papers[number.paper][number.lines[0] - 1 : number.lines[1]])
        printed = f"{number.value:.{number.decimals}f}"
        assert re.search(rf"(?<![\d.]){re.escape(printed)}(?!\d)", text), (number.paper, number.row, printed)
    assert len(prose) > 15


def test_a_wrong_digit_would_be_found(papers):
    tokens = text_tokens(papers["xmem"][553:570], {})
    assert place(tokens, ["53.5", "50.9", "56.1", "58.9"]) is not None
    assert place(tokens, ["53.5", "50.9", "56.1", "58.8"]) is None
    assert place(tokens, ["50.9", "53.5", "56.1", "58.9"]) is None
