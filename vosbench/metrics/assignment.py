"""The best one-to-one assignment of predicted to true objects, exactly and always the same."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Places = NDArray[np.int64]

_NONE = -1


@dataclass(slots=True, kw_only=True)
class _Search:
    """The state of one shortest-path search: costs to reach each column, from which row, and what is scanned."""

    costs: Floats
    parents: Places
    rows: NDArray[np.bool_]
    columns: NDArray[np.bool_]
    least: float = 0.0


def best_assignment(gain: Floats) -> tuple[tuple[int, int], ...]:
    """Gives back the pairs (row, column) of the assignment of largest total gain, ascending by row.

    The shortest augmenting path method of Crouse, "On implementing 2D rectangular assignment algorithms" (IEEE
    Transactions on Aerospace and Electronic Systems 52, 2016). Of assignments of equal gain it takes the one that the
    official tools take, whose solver (``scipy.optimize.linear_sum_assignment``) has its own rule of ties: among
    equally near columns a free one first, and otherwise the column met first when counting down, where a scanned
    column's place is taken by the last.

    Args:
        gain: (rows, columns), float64, finite.
    """
    if gain.size == 0:
        return ()
    if gain.shape[0] > gain.shape[1]:
        turned = best_assignment(np.ascontiguousarray(gain.T))
        return tuple(sorted((row, column) for column, row in turned))
    cost = -gain
    row_of = np.full(cost.shape[1], _NONE, np.int64)
    column_of = np.full(cost.shape[0], _NONE, np.int64)
    row_price = np.zeros(cost.shape[0])
    column_price = np.zeros(cost.shape[1])
    for row in range(cost.shape[0]):
        search, sink = _shortest_path(cost, row, row_of, row_price, column_price)
        _update_prices(search, row, column_of, row_price, column_price)
        _augment(search.parents, row, sink, row_of, column_of)
    return tuple((row, int(column)) for row, column in enumerate(column_of))


def _shortest_path(
    cost: Floats, start: int, row_of: Places, row_price: Floats, column_price: Floats
) -> tuple[_Search, int]:
    """Gives back the search from row ``start`` and the free column in which it ends."""
    rows, columns = cost.shape
    search = _Search(
        costs=np.full(columns, np.inf),
        parents=np.full(columns, _NONE, np.int64),
        rows=np.zeros(rows, np.bool_),
        columns=np.zeros(columns, np.bool_),
    )
    remaining = list(range(columns - 1, -1, -1))
    row = start
    while True:
        search.rows[row] = True
        # from left to right, as the solver adds: in another order the last bits differ, and ties with them
        through = search.least + cost[row] - row_price[row] - column_price
        nearest = _nearest(search, through, row, remaining, row_of)
        column = remaining[nearest]
        search.least = float(search.costs[column])
        search.columns[column] = True
        remaining[nearest] = remaining[-1]
        remaining.pop()
        if row_of[column] == _NONE:
            return search, column
        row = int(row_of[column])


def _nearest(search: _Search, through: Floats, row: int, remaining: list[int], row_of: Places) -> int:
    """Relax the remaining columns and give back the place in ``remaining`` of the nearest; ``through`` (columns,) is
    what each costs by way of ``row``.
    """
    lowest = np.inf
    place = _NONE
    for index, column in enumerate(remaining):
        if through[column] < search.costs[column]:
            search.costs[column] = through[column]
            search.parents[column] = row
        here = search.costs[column]
        if here < lowest or (here == lowest and row_of[column] == _NONE):
            lowest = here
            place = index
    return place


def _update_prices(search: _Search, start: int, column_of: Places, row_price: Floats, column_price: Floats) -> None:
    row_price[start] += search.least
    for row in np.flatnonzero(search.rows):
        if row != start:
            row_price[row] += search.least - search.costs[column_of[row]]
    scanned = search.columns
    column_price[scanned] -= search.least - search.costs[scanned]


def _augment(parents: Places, start: int, sink: int, row_of: Places, column_of: Places) -> None:
    column = sink
    while True:
        row = int(parents[column])
        row_of[column] = row
        following = int(column_of[row])
        column_of[row] = column
        if row == start:
            return
        column = following
