import dataclasses
import json

import pytest

from vosbench.errors import DataError
from vosbench.published import lint_tables, read_tables

PINNED = [
    ("mean of J and F", "xmem", "3", "STCN [9]"),
    ("claim", "xmem", "6", "Usage-based P = 64"),
    ("claim", "xmem", "S1", "10,000"),
    ("claim", "xmem", "S2", "STCN [9] (re-trained)"),
    ("claim", "mobilevos", "2", "ResNet18†\u2217"),
    ("claim", "mobilevos", "2", "ResNet18†\u2217"),
    ("mean of four", "mobilevos", "3", "BATMAN† [71]"),
    ("mean of four", "mobilevos", "3", "XMem†\u2217 [9]"),
    ("mean of J and F", "mobilevos", "5", "LXE + Llogit + Lrepr"),
    ("claim", "mobilevos", "6", "1.0"),
    ("claim", "sam2-lite", "1", "SAM2 (teacher)"),
    ("claim", "sam2-lite", "1", "SAM2-Lite-Small"),
    ("calculation", "sam2-lite", "1", "line 97"),
    ("calculation", "sam2-lite", "1", "line 97"),
    ("calculation", "sam2-lite", "1", "line 288"),
    ("claim", "sam2-lite", "2", "SAM2-Lite-Tiny"),
    ("claim", "sam2-lite", "2", "SAM2-Lite-Small"),
    ("claim", "sam2-lite", "2", "SAM2-Lite-Tiny"),
    ("calculation", "sam2-lite", "2", "line 313"),
    ("calculation", "sam2-lite", "3", "line 101"),
    ("calculation", "sam2-lite", "3", "line 331"),
    ("calculation", "sam2-lite", "3", "line 324"),
    ("calculation", "sam2-lite", "prose", "line 160"),
    ("calculation", "sam2-lite", "prose", "line 185"),
    ("calculation", "sam2-lite", "prose", "line 231"),
    ("average precision", "mobileinst", "1", "SOLOv2 [43] | MobileNetV2"),
    ("claim", "mobileinst", "4", "ori. | -"),
]
"""What is wrong in the papers themselves: a new finding is an error of ours until the paper was looked at."""


def rules(folder):
    return [(finding.rule, finding.row) for finding in lint_tables(read_tables(folder))]


def test_the_papers_own_errors_are_these_and_no_others(tables):
    found = [(f.rule, f.paper, f.table, f.row) for f in lint_tables(tables)]
    assert PINNED == found


def test_a_slipped_row_says_how_it_is_to_be_read(tables):
    found = [str(f) for f in lint_tables(tables) if f.rule == "mean of four"]
    assert "columns slipped: 85.8 is the mean of [84.8, 89.2, 80.3, 88.8]" in found[1]


def test_the_mean_may_be_off_by_what_rounding_hides_and_no_more(write_table):
    assert [] == rules(write_table('- {printed: a, method: a, values: "80.0 79.0 81.2"}\n'))
    assert [("mean of J and F", "a")] == rules(write_table('- {printed: a, method: a, values: "80.0 79.0 81.3"}\n'))


def test_a_slipped_column_of_any_real_table_is_found(tables):
    checked = 0
    for table in tables:
        metrics = [column.metric for column in table.columns]
        if metrics[:3] != ["J&F", "J", "F"]:
            continue
        for row in table.rows:
            cells = row.values.split()
            if "-" in cells[:3] or cells[0] == cells[1]:
                continue
            slipped = " ".join([cells[1], cells[2], cells[0], *cells[3:]])
            wrong = dataclasses.replace(table, rows=(dataclasses.replace(row, values=slipped),), claims=(), orders=())
            assert "mean of J and F" in [f.rule for f in lint_tables([wrong])], (table.paper, table.table, row.printed)
            checked += 1
    assert checked > 60


def test_a_value_out_of_range_is_found(write_table):
    row = '- {printed: a, method: a, values: "811.0 811.0 811.0"}\n'
    assert [("range", "a")] * 3 == rules(write_table(row))


def test_a_column_of_differences_is_checked(write_table):
    row = '- {printed: a, method: a, values: "80.0 82.0 -2.0 2.0"}\n'
    folder = write_table(row, columns=("J", "F"))
    text = (folder / "table.yaml").read_text(encoding="utf-8")
    change = "{{name: {0}, metric: J&F change from 1x to 3x, difference: [{1}]}}\n"
    columns = "- " + change.format("fine", "J, F") + "- " + change.format("wrong", "J, F") + "rows:\n"
    (folder / "table.yaml").write_text(text.replace("rows:\n", columns), encoding="utf-8")
    assert [("difference", "a")] == rules(folder)


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ("30.0 50.0 51.0 10.0 30.0 40.0", "AP75 51.0 lies above AP50 50.0"),
        ("30.0 50.0 31.0 10.0 51.0 60.0", "AP-medium 51.0 lies above AP50 50.0"),
        ("30.0 50.0 31.0 31.0 32.0 33.0", "AP 30.0 lies outside"),
    ],
)
def test_an_impossible_average_precision_is_found(write_table, values, said):
    columns = ("AP", "AP50", "AP75", "AP-small", "AP-medium", "AP-large")
    (found,) = lint_tables(
        read_tables(write_table(f'- {{printed: a, method: a, values: "{values}"}}\n', columns=columns))
    )
    assert said in found.what


def test_a_column_that_should_rise_is_checked(write_table):
    rows = "".join(
        f'- {{printed: {name}, method: a, values: "{j} {j} {j}"}}\n' for name, j in zip("abc", (1, 3, 2), strict=True)
    )
    assert [("order", "c")] == rules(write_table(rows, more="orders: [{column: J, goes: up}]\n"))
    assert [] == rules(write_table(rows, more="orders: [{column: J, goes: up, rows: [a, b]}]\n"))


@pytest.mark.parametrize(
    ("claim", "holds"),
    [
        ("of: a, to: b, column: J, relationship: difference, stated: '10.0'", True),
        ("of: a, to: b, column: J, relationship: difference, stated: '10.1'", True),
        ("of: a, to: b, column: J, relationship: difference, stated: '10.3'", False),
        ("of: a, to: b, column: J, relationship: ratio, stated: '1.5'", True),
        ("of: a, to: b, column: J, relationship: ratio, stated: '1.7'", False),
        ("of: b, to: a, column: J, relationship: percent less, stated: '33'", True),
        ("of: b, to: a, column: J, relationship: percent less, stated: '40'", False),
        ("of: a, column: J, relationship: best", True),
        ("of: b, column: J, relationship: best", False),
        ("of: b, column: J, relationship: below, stated: '20.0'", False),
        ("of: b, column: J, relationship: at most, stated: '20.0'", True),
        ("of: b, column: J, relationship: at least, stated: '20.2'", False),
    ],
)
def test_a_sentence_is_held_against_its_table(write_table, claim, holds):
    rows = '- {printed: a, method: a, values: "30.0 30.0 30.0"}\n- {printed: b, method: b, values: "20.0 20.0 20.0"}\n'
    found = rules(write_table(rows, more=f"claims: [{{says: so, {claim}}}]\n"))
    assert holds == (found == [])


CALCULATION = """\
calculations:
- says: so
  lines: [1, 1]
  makes: {makes}
  numbers: {{a: ["{table}", a, J], b: ["{table}", b, J]}}
  relationship: {relationship}
  stated: "{stated}"
  what: the result
"""


@pytest.fixture
def calculate(write_table):
    """Gives back a function: the findings about what the cells a (30.0) and b (20.0) make."""

    def call(makes, relationship="equal", stated="0", table=None):
        rows = '- {printed: a, method: a, values: "30.0"}\n- {printed: b, method: b, values: "20.0"}\n'
        name = read_tables(write_table(rows, columns=("J",)))[0].table
        more = CALCULATION.format(makes=makes, relationship=relationship, stated=stated, table=table or name)
        return lint_tables(read_tables(write_table(rows, columns=("J",), more=more)))

    return call


@pytest.mark.parametrize(
    ("makes", "relationship", "stated", "holds"),
    [
        ("a + b", "equal", "50.0", True),
        ("a + b", "equal", "50.2", False),
        ("a - b", "equal", "10", True),
        ("a / b", "equal", "1.5", True),
        ("a / b", "equal", "1.6", False),
        ("2 * (a - b) + 1", "equal", "21.0", True),
        ("2 * (a - b) + 1", "equal", "21.3", False),
        ("b / 3", "at least", "6.7", False),
        ("b / 3", "at least", "6.6", True),
        ("a", "at most", "30.0", True),
        ("a", "at most", "29.9", False),
    ],
)
def test_what_numbers_make_is_held_against_what_is_said(calculate, makes, relationship, stated, holds):
    """Each cell is known to half of its last digit, and so is what is stated, and no better."""
    assert holds == (calculate(makes, relationship, stated) == ())


def test_a_calculation_without_its_number_is_found(calculate):
    (found,) = calculate("a", table="9")
    assert ("calculation", "line 1") == (found.rule, found.row)
    assert "no number in table 9, a, J" in found.what


@pytest.mark.parametrize("makes", ["a ** b", "c + 1", "a +", "abs(a)", "a / (b - b)", "'x'"])
def test_what_is_no_calculation_is_refused(calculate, makes):
    with pytest.raises(DataError, match="is no calculation"):
        calculate(json.dumps(makes))


def test_what_the_text_says_of_sam2_lite_agrees_with_its_tables_where_it_does(tables):
    """Five of its calculations hold: the lint does not merely find all of them wrong."""
    stated = [one.stated for table in tables if table.paper == "sam2-lite" for one in table.calculations]
    wrong = [f for f in lint_tables(tables) if f.paper == "sam2-lite" and f.rule == "calculation"]
    assert (15, 10) == (len(stated), len(wrong))
