"""Model soups: means of weights, and which of them a greedy choice keeps."""

from __future__ import annotations

import pytest
import torch

from vosbench.errors import CheckpointError, UsageError
from vosbench.train.soup import Ingredient, State, greedy_soup, uniform_soup


def ingredient(name: str, value: float, steps: int = 0) -> Ingredient:
    state = {"weight": torch.full((2, 3), value, dtype=torch.float16), "steps": torch.tensor(steps)}
    return Ingredient(name=name, state=state)


def closeness(_names: tuple[str, ...], state: State) -> float:
    """Better the nearer the weights are to 1."""
    return -abs(float(state["weight"][0, 0]) - 1)


def test_a_uniform_soup_is_the_mean_in_the_weights_own_type():
    soup = uniform_soup([ingredient("a", 1.0, 7), ingredient("b", 2.0), ingredient("c", 6.0)])
    torch.testing.assert_close(torch.full((2, 3), 3.0, dtype=torch.float16), soup.state["weight"])
    assert 7 == int(soup.state["steps"])
    assert ("a", "b", "c") == soup.names


def test_a_greedy_soup_starts_with_the_best_and_takes_what_does_not_spoil_it():
    items = [ingredient("worst", 9.0), ingredient("low", 0.5), ingredient("high", 1.25), ingredient("far", 3.0)]
    combinations = []

    def score(names: tuple[str, ...], state: State) -> float:
        combinations.append(names)
        return closeness(names, state)

    soup = greedy_soup(items, score)
    assert ("high", "low") == soup.names
    assert 0.875 == float(soup.state["weight"][1, 2])
    assert -0.125 == soup.score
    singles = [("worst",), ("low",), ("high",), ("far",)]
    assert [*singles, ("high", "low"), ("high", "low", "far"), ("high", "low", "worst")] == combinations


def test_a_greedy_soup_is_never_worse_than_its_best_ingredient():
    random = torch.Generator().manual_seed(0)
    values = torch.randn(20, 6, generator=random, dtype=torch.float64)
    for row in values:
        items = [ingredient(str(i), float(value)) for i, value in enumerate(row)]
        soup = greedy_soup(items, closeness)
        assert soup.score >= max(closeness((), item.state) for item in items)
        assert closeness((), soup.state) == soup.score


def test_equal_ingredients_all_go_in():
    assert ("a", "b") == greedy_soup([ingredient("a", 1.0), ingredient("b", 1.0)], closeness).names


def test_different_networks_do_not_mix():
    other = Ingredient(name="other", state={"weight": torch.zeros(2, 4)})
    with pytest.raises(CheckpointError, match="different networks") as caught:
        uniform_soup([ingredient("a", 1.0), other])
    assert "a and other" == caught.value.where
    with pytest.raises(CheckpointError, match="different networks"):
        greedy_soup([ingredient("a", 1.0), other], closeness)


def test_a_soup_of_nothing_is_refused():
    with pytest.raises(UsageError, match="soup of nothing"):
        greedy_soup([], closeness)
