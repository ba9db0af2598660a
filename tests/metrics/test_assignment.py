"""The best assignment."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from vosbench.metrics.assignment import best_assignment


def _total(gain, pairs):
    return sum(gain[pair] for pair in pairs)


def _best_total(gain):
    if gain.shape[0] > gain.shape[1]:
        gain = gain.T
    rows = range(gain.shape[0])
    return max(
        _total(gain, zip(rows, columns, strict=True))
        for columns in itertools.permutations(range(gain.shape[1]), len(rows))
    )


@pytest.mark.parametrize("shape", [(1, 1), (3, 3), (2, 5), (5, 2), (4, 6), (6, 6), (1, 6)])
@pytest.mark.parametrize("levels", [2, 4, 1000])
def test_no_other_assignment_gains_more(shape, levels):
    generator = np.random.default_rng(levels)
    for _ in range(25):
        gain = generator.integers(0, levels, shape) / 8
        pairs = best_assignment(gain)
        assert min(shape) == len(pairs) == len({row for row, _ in pairs}) == len({column for _, column in pairs})
        assert _best_total(gain) == _total(gain, pairs)
        assert sorted(pairs) == list(pairs)


def test_equal_gains_keep_the_order():
    assert ((0, 0), (1, 1), (2, 2)) == best_assignment(np.ones((3, 3)))
    assert ((0, 0), (1, 1)) == best_assignment(np.zeros((4, 2)))


@pytest.mark.parametrize("shape", [(0, 3), (3, 0), (0, 0)])
def test_nothing_is_assigned_to_nothing(shape):
    assert () == best_assignment(np.zeros(shape))


def test_a_greedy_choice_is_given_up_for_a_better_total():
    assert ((0, 1), (1, 0)) == best_assignment(np.array([[0.9, 0.8], [0.8, 0.1]]))


@pytest.mark.parametrize(
    ("gain", "columns"),
    [
        ([[0.3, 0.5, 0.25, 0.3], [0.5, 1, 0, 1], [0.3, 0.5, 0, 0.3]], [0, 3, 1]),
        ([[0.3, 0.5], [0.3, 0.5]], [0, 1]),
        ([[0.1, 0.3], [0.3, 0.5]], [1, 0]),
        ([[0.1, 1 / 3], [0.1, 1 / 3]], [0, 1]),
        ([[1 / 3, 0.1], [1 / 3, 0.1]], [1, 0]),
        ([[0.5, 0.3], [0.5, 0.3]], [1, 0]),
    ],
)
def test_gains_that_are_equal_but_for_rounding_are_assigned_as_by_scipy(gain, columns):
    """The answers of scipy.optimize.linear_sum_assignment (1.17.1) on the negated gains."""
    assert columns == [column for _, column in best_assignment(np.array(gain))]
