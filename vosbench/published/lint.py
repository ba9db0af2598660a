"""Finds what is wrong in the papers' tables themselves, from the numbers alone."""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from vosbench.published.calculations import Places, calculation_trouble
from vosbench.published.claims import claim_trouble
from vosbench.published.numbers import METRICS, PublishedNumber
from vosbench.published.reading import numbers_of, read_papers, read_tables
from vosbench.published.tables import PublishedTable

Rule = Literal[
    "mean of J and F",
    "mean of four",
    "difference",
    "range",
    "order",
    "average precision",
    "claim",
    "calculation",
    "source",
]

_FOUR = ("J-seen", "F-seen", "J-unseen", "F-unseen")
_TINY = 1e-9
"""What binary fractions cost: 0.05 is not exactly half of 0.1."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that cannot be right.

    Attributes:
        rule: The rule that it breaks.
        paper: The paper's key.
        table: The table's number.
        row: The row's label as printed.
        what: What is printed and what it should be.
    """

    rule: Rule
    paper: str
    table: str
    row: str
    what: str

    def __str__(self) -> str:
        return f"{self.paper}, table {self.table}, {self.row}: {self.what} [{self.rule}]"


def lint_tables(tables: Sequence[PublishedTable] | None = None) -> tuple[Finding, ...]:
    """Gives back what is wrong in these tables, all of them by default.

    Rules: J&F is the mean of J and F, G the mean of the four of YouTube-VOS, both within what rounding hides; a column
    of differences is one; no value lies where a slipped column would put it; AP is at most AP50, AP75 likewise, and
    no AP of one object size lies above the AP50 of all but for the large ones; columns rise or fall where the table
    says what is varied; the paper's own sentences agree with its table, and with what numbers of several tables make
    together; every table names its place in the text.
    """
    papers = read_papers()
    chosen = read_tables() if tables is None else tables
    numbers = [numbers_of(table, papers[table.paper]) for table in chosen]
    places = {(one.paper, one.table, one.row, one.column): one for found in numbers for one in found}
    return tuple(
        finding
        for table, found in zip(chosen, numbers, strict=True)
        for finding in (*_table_findings(table, found), *_calculation_findings(table, places))
    )


def _table_findings(table: PublishedTable, numbers: Sequence[PublishedNumber]) -> Iterator[Finding]:
    rows: dict[tuple[str, str, str, str], dict[str, PublishedNumber]] = defaultdict(dict)
    cells: dict[tuple[str, str], PublishedNumber] = {}
    for number in numbers:
        rows[number.row, number.suite, number.variant, number.protocol][number.metric] = number
        cells[number.row, number.column] = number
        yield from _finding(number, "range", _range_trouble(number))
    for row in rows.values():
        one = next(iter(row.values()))
        yield from _finding(one, "mean of J and F", _mean_of_two_trouble(row))
        yield from _finding(one, "mean of four", _mean_of_four_trouble(row))
        yield from _finding(one, "average precision", _precision_trouble(row))
    yield from _difference_findings(table, cells)
    yield from _order_findings(table, cells)
    for claim in table.claims:
        text = claim_trouble(claim, table, cells)
        yield from _finding(cells[claim.of, claim.column], "claim", text)
    if not 0 < table.lines[0] <= table.lines[1]:
        yield Finding(rule="source", paper=table.paper, table=table.table, row="", what=f"lines {table.lines}")


def _calculation_findings(table: PublishedTable, places: Places) -> Iterator[Finding]:
    for calculation in table.calculations:
        text = calculation_trouble(calculation, table.paper, places)
        if text:
            place = f"line {calculation.lines[0]}"
            yield Finding(rule="calculation", paper=table.paper, table=table.table, row=place, what=text)


def _finding(number: PublishedNumber, rule: Rule, what: str) -> Iterator[Finding]:
    if what:
        yield Finding(rule=rule, paper=number.paper, table=number.table, row=number.row, what=what)


def _range_trouble(number: PublishedNumber) -> str:
    metric = METRICS[number.metric]
    if number.value is None or metric.low <= number.value <= metric.high:
        return ""
    return f"{number.column} is {number.value} {number.unit}, expected {metric.low:g} to {metric.high:g}"


def _mean_of_two_trouble(row: dict[str, PublishedNumber]) -> str:
    whole = row.get("J&F") or row.get("G")
    if whole is None or not {"J", "F"} <= row.keys():
        return ""
    mean = (_value(row["J"]) + _value(row["F"])) / 2
    slack = whole.half_digit + (row["J"].half_digit + row["F"].half_digit) / 2
    if abs(_value(whole) - mean) <= slack + _TINY:
        return ""
    return f"J&F {_value(whole)}, but J {_value(row['J'])} and F {_value(row['F'])} have the mean {_short(mean)}"


def _mean_of_four_trouble(row: dict[str, PublishedNumber]) -> str:
    if not {"G", *_FOUR} <= row.keys():
        return ""
    printed = [row[name] for name in ("G", *_FOUR)]
    values = [_value(number) for number in printed]
    slack = printed[0].half_digit + sum(number.half_digit for number in printed[1:]) / 4 + _TINY
    if abs(values[0] - sum(values[1:]) / 4) <= slack:
        return ""
    text = f"G {values[0]}, but the four others {values[1:]} have the mean {_short(sum(values[1:]) / 4)}"
    fits = [i for i in range(1, 5) if abs(values[i] - (sum(values) - values[i]) / 4) <= slack]
    if fits:
        others = [value for i, value in enumerate(values) if i != fits[0]]
        text += f"; columns slipped: {values[fits[0]]} is the mean of {others}"
    return text


def _precision_trouble(row: dict[str, PublishedNumber]) -> str:
    top = row.get("AP50")
    if top is None:
        return ""
    above = [
        name for name in ("AP", "AP75", "AP-small", "AP-medium") if name in row and _value(row[name]) > _value(top)
    ]
    text = "".join(f"{name} {_value(row[name])} lies above AP50 {_value(top)}; " for name in above)
    sizes = [_value(row[name]) for name in ("AP-small", "AP-medium", "AP-large") if name in row]
    if sizes and not min(sizes) <= _value(row["AP"]) <= max(sizes):
        text += f"AP {_value(row['AP'])} lies outside those of the three sizes; "
    return text.removesuffix("; ")


def _difference_findings(table: PublishedTable, cells: dict[tuple[str, str], PublishedNumber]) -> Iterator[Finding]:
    for column in table.columns:
        for row in table.rows:
            if column.difference is None or (row.printed, column.name) not in cells:
                continue
            shown, first, second = (cells[row.printed, name] for name in (column.name, *column.difference))
            expected = _value(first) - _value(second)
            slack = shown.half_digit + first.half_digit + second.half_digit
            if abs(_value(shown) - expected) > slack + _TINY:
                yield from _finding(
                    shown,
                    "difference",
                    f"{_value(shown)} where {_value(first)} - {_value(second)} = {_short(expected)}",
                )


def _order_findings(table: PublishedTable, cells: dict[tuple[str, str], PublishedNumber]) -> Iterator[Finding]:
    for order in table.orders:
        names = order.rows or tuple(row.printed for row in table.rows)
        series = [cells[name, order.column] for name in names if (name, order.column) in cells]
        for before, after in itertools.pairwise(series):
            step = _value(after) - _value(before)
            if (step < 0 and order.goes == "up") or (step > 0 and order.goes == "down"):
                what = f"{order.column} {_value(after)} after {_value(before)}: should go {order.goes}"
                yield from _finding(after, "order", what)


def _value(number: PublishedNumber) -> float:
    """The value; the rules are for numbers only, and a method that ran out of memory counts as none."""
    return number.value if number.value is not None else 0.0


def _short(value: float) -> str:
    return f"{value:.4f}".rstrip("0").rstrip(".")
