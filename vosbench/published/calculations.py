"""Checks what numbers of a paper make together against what the paper says."""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping
from types import MappingProxyType

from vosbench.errors import DataError
from vosbench.published.numbers import PublishedNumber, parse_cell
from vosbench.published.tables import Calculation

Places = Mapping[tuple[str, str, str, str], PublishedNumber]
"""Numbers by paper, table, row and column."""

_Range = tuple[float, float]

_OPERATIONS: Mapping[type[ast.operator], Callable[[float, float], float]] = MappingProxyType(
    {
        ast.Add: lambda a, b: a + b,
        ast.Sub: lambda a, b: a - b,
        ast.Mult: lambda a, b: a * b,
        ast.Div: lambda a, b: a / b,
    }
)

_TINY = 1e-9


def calculation_trouble(calculation: Calculation, paper: str, places: Places) -> str:
    """Gives back why what the paper says cannot be true, empty where it can.

    Every number is known to half of its last digit only, so it is wrong where no true values can make it right.
    Raises `DataError` for an expression that is none.
    """
    known: dict[str, _Range] = {}
    for name, place in calculation.numbers.items():
        number = places.get((paper, *place))
        if number is None or number.value is None:
            return _wrong(calculation, f"there is no number in table {', '.join(place)}")
        known[name] = (number.value - number.half_digit, number.value + number.half_digit)
    stated = parse_cell(calculation.stated)
    if stated is None or stated.value is None:
        return _wrong(calculation, "it states no number")
    half = 0.5 * 10.0**-stated.decimals
    low, high = _value(_parsed(calculation), known, calculation)
    fine = {
        "equal": low <= stated.value + half + _TINY and high >= stated.value - half - _TINY,
        "at most": low <= stated.value + _TINY,
        "at least": high >= stated.value - _TINY,
    }[calculation.relationship]
    return "" if fine else _wrong(calculation, f"{calculation.what} is {(low + high) / 2:.4g}")


def _parsed(calculation: Calculation) -> ast.expr:
    try:
        return ast.parse(calculation.makes, mode="eval").body
    except SyntaxError as error:
        raise _unread(calculation) from error


def _value(node: ast.expr, known: Mapping[str, _Range], calculation: Calculation) -> _Range:
    """The smallest and the largest value of an expression; dividing by what may be zero is no expression."""
    if isinstance(node, ast.Constant) and isinstance(node.value, int | float):
        return (float(node.value), float(node.value))
    if isinstance(node, ast.Name) and node.id in known:
        return known[node.id]
    if isinstance(node, ast.BinOp) and type(node.op) in _OPERATIONS:
        left, right = (_value(side, known, calculation) for side in (node.left, node.right))
        if isinstance(node.op, ast.Div) and right[0] <= 0 <= right[1]:
            raise _unread(calculation)
        ends = [_OPERATIONS[type(node.op)](a, b) for a in left for b in right]
        return (min(ends), max(ends))
    raise _unread(calculation)


def _unread(calculation: Calculation) -> DataError:
    return DataError(
        f"'{calculation.makes}' is no calculation",
        where=f"results/published, '{calculation.says}'",
        fix="write numbers, + - * / and brackets, and the names below 'numbers'",
    )


def _wrong(calculation: Calculation, why: str) -> str:
    stated = f"{calculation.relationship} {calculation.stated}"
    return f'the paper says "{calculation.says}" ({stated}), but {why}'
