"""Model soups (Wortsman et al. 2022): weights of several trainings, averaged into one network.

MobileVOS (sections 4.4 and 7.3) mixes checkpoints of different iterations and different omega, all begun from the same
weights, and keeps what does better by the training data: nothing is added to what a frame costs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from vosbench.errors import CheckpointError, UsageError

State = Mapping[str, Tensor]
"""A network's weights by key."""
Score = Callable[[tuple[str, ...], State], float]
"""From the names of ingredients and their mean to a quality, larger is better."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Ingredient:
    """The weights of one checkpoint; ``name`` says of which iteration and which omega."""

    name: str
    state: State


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Soup:
    """Averaged weights, the names of what went in, and their score where they were chosen by one."""

    state: State
    names: tuple[str, ...]
    score: float | None = None


def uniform_soup(ingredients: Sequence[Ingredient]) -> Soup:
    """Gives back the mean of all ingredients. Raises `CheckpointError` for weights of different networks."""
    return Soup(state=average(ingredients), names=tuple(item.name for item in ingredients))


def greedy_soup(ingredients: Sequence[Ingredient], score: Score) -> Soup:
    """Gives back the mean of the ingredients that each made the soup no worse, tried from the best to the worst.

    The greedy recipe of Wortsman et al. 2022 (their recipe 1). ``score`` gives the quality of the weights that the
    named ingredients make, larger is better; it must see training or held-back data only. Of ingredients with equal
    scores the earlier is tried first. Raises `CheckpointError` for weights of different networks.
    """
    _require_alike(ingredients)
    alone = [score((item.name,), item.state) for item in ingredients]
    order = sorted(range(len(ingredients)), key=lambda index: -alone[index])
    chosen, best = [ingredients[order[0]]], alone[order[0]]
    for index in order[1:]:
        larger = [*chosen, ingredients[index]]
        value = score(tuple(item.name for item in larger), average(larger))
        if value >= best:
            chosen, best = larger, value
    return Soup(state=average(chosen), names=tuple(item.name for item in chosen), score=best)


def average(ingredients: Sequence[Ingredient]) -> State:
    """Gives back the mean of the weights by key, in their own types; what counts instead of weighs is the first's."""
    _require_alike(ingredients)
    first = ingredients[0].state
    return {
        key: torch.stack([item.state[key].to(torch.float64) for item in ingredients]).mean(0).to(value.dtype)
        if value.is_floating_point()
        else value
        for key, value in first.items()
    }


def _require_alike(ingredients: Sequence[Ingredient]) -> None:
    if not ingredients:
        raise UsageError("a soup of nothing", fix="name at least one checkpoint")
    first = ingredients[0]
    shapes = {key: tuple(value.shape) for key, value in first.state.items()}
    for item in ingredients[1:]:
        if shapes != {key: tuple(value.shape) for key, value in item.state.items()}:
            raise CheckpointError(
                "these are weights of different networks, which have no mean",
                where=f"{first.name} and {item.name}",
                fix="mix checkpoints of one network",
            )
