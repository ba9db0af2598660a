import pytest

from vosbench.published.numbers import parse_cell


@pytest.mark.parametrize(
    ("text", "value", "spread", "relation", "decimals"),
    [
        ("89.8±0.2", 89.8, 0.2, "=", 1),
        ("11.1†", 11.1, None, "=", 1),
        ("12625%", 12625, None, "=", 0),
        ("154ms", 154, None, "=", 0),
        ("8.75G", 8.75, None, "=", 2),
        ("<11.9", 11.9, None, "<", 1),
        ("≈8.9", 8.9, None, "≈", 1),
        ("-2.8", -2.8, None, "=", 1),
        ("10,000", 10000, None, "=", 0),
        ("✓", 1.0, None, "=", 1),
        ("✗", 0.0, None, "=", 1),
    ],
)
def test_a_cell_is_read_as_printed(text, value, spread, relation, decimals):
    cell = parse_cell(text)
    assert (value, spread, relation, decimals) == (cell.value, cell.spread, cell.relation, cell.decimals)


def test_a_sign_behind_a_number_is_kept():
    assert "†" == parse_cell("20.2†").signs


@pytest.mark.parametrize("text", ["-", "n/a"])
def test_a_cell_that_says_nothing_is_no_number(text):
    assert parse_cell(text) is None


def test_out_of_memory_is_a_result_without_a_value():
    assert parse_cell("OOM").value is None


@pytest.mark.parametrize("text", ["eight", "8.", "8,5.", "±3", "8 9", ""])
def test_what_is_no_number_is_refused(text):
    with pytest.raises(ValueError, match="is no number"):
        parse_cell(text)
