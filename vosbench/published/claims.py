"""Checks a paper's own sentences against its table."""

from __future__ import annotations

from collections.abc import Mapping

from vosbench.published.numbers import METRICS, PublishedNumber, parse_cell
from vosbench.published.tables import Claim, PublishedTable

Cells = Mapping[tuple[str, str], PublishedNumber]


def claim_trouble(claim: Claim, table: PublishedTable, cells: Cells) -> str:
    """Gives back why the claim cannot be true of the table, empty where it can.

    Every number is known to half of its last digit only, so a claim is wrong where no true values can make it right.
    """
    number = cells.get((claim.of, claim.column))
    if number is None or number.value is None:
        return _wrong(claim, "there is no such number")
    low, high = _between(number)
    if claim.relationship == "best":
        return _best_trouble(claim, table, cells)
    stated = parse_cell(claim.stated)
    if stated is None or stated.value is None:
        return _wrong(claim, "it states no number")
    if claim.relationship in ("below", "at most", "at least"):
        fine = {
            "below": number.value < stated.value,
            "at most": low <= stated.value,
            "at least": high >= stated.value,
        }[claim.relationship]
        return "" if fine else _wrong(claim, f"{number.column} is {number.value:g}")
    other = cells.get((claim.to or claim.of, claim.to_column or claim.column))
    if other is None or other.value is None:
        return _wrong(claim, "there is nothing to compare with")
    lowest, highest = _range(claim, (low, high), _between(other))
    half = 0.5 * 10.0**-stated.decimals
    if lowest - half - 1e-9 <= stated.value <= highest + half + 1e-9:
        return ""
    exact = _relate(claim, number.value, other.value)
    return _wrong(claim, f"{number.value:g} and {other.value:g} make {exact:.4g}")


def _between(number: PublishedNumber) -> tuple[float, float]:
    value = number.value if number.value is not None else 0.0
    return (value - number.half_digit, value + number.half_digit)


def _relate(claim: Claim, of: float, to: float) -> float:
    if claim.relationship == "difference":
        return of - to
    return of / to if claim.relationship == "ratio" else 100 * (1 - of / to)


def _range(claim: Claim, of: tuple[float, float], to: tuple[float, float]) -> tuple[float, float]:
    values = [_relate(claim, a, b) for a in of for b in to]
    return (min(values), max(values))


def _best_trouble(claim: Claim, table: PublishedTable, cells: Cells) -> str:
    column = [cells[row.printed, claim.column] for row in table.rows if (row.printed, claim.column) in cells]
    values = [(number.value, number.row) for number in column if number.value is not None]
    lower = METRICS[column[0].metric].better == "lower"
    best, row = min(values) if lower else max(values)
    return "" if cells[claim.of, claim.column].value == best else _wrong(claim, f"the best is {best:g}, of '{row}'")


def _wrong(claim: Claim, why: str) -> str:
    stated = f" ({claim.relationship} {claim.stated})" if claim.stated else ""
    return f'the paper says "{claim.says}"{stated}, but {why}'
