"""Builds a network and gives it the weights that a run asks for."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import torch
from torch import nn

from vosbench.adapters.nn.checkpoint import State, build_on_meta, load_state, read_checkpoint
from vosbench.adapters.nn.random_weights import Adjustment, fill_random
from vosbench.contract import Fixture, Weights
from vosbench.errors import CheckpointError


def build_network(
    build: Callable[[], nn.Module],
    weights: Weights,
    *,
    name: str,
    adjustments: Mapping[str, Sequence[Adjustment]],
    adapt: Callable[[State], State] | None = None,
) -> nn.Module:
    """Gives back the network of ``build`` on the host with ``weights``.

    ``name`` is what messages call it, ``adjustments`` belong to random weights, ``adapt`` makes older checkpoints
    fit. Raises `CheckpointError` for weights that are missing, unreadable or another network's.
    """
    network = build_on_meta(build)
    if weights.kind == "random":
        network.to_empty(device="cpu")
        with torch.no_grad():
            fill_random(network, torch.Generator().manual_seed(weights.seed), adjustments)
        return network
    if weights.path is None:
        raise CheckpointError(
            f"{name} needs weights and none were given",
            fix="name a checkpoint, or random:0 to measure speed and memory only",
        )
    state = read_checkpoint(weights.path)
    load_state(network, state if adapt is None else adapt(state), expected=name, where=str(weights.path))
    return network


def build_from_fixture(build: Callable[[], nn.Module], fixture: Fixture) -> nn.Module:
    """Gives back the network of ``build`` on the host with the weights of a fixture's rule."""
    network = build_on_meta(build)
    state = {
        key: torch.from_numpy(fixture.fill(key, tuple(value.shape)))
        if value.is_floating_point()
        else torch.zeros(value.shape, dtype=value.dtype)
        for key, value in network.state_dict().items()
    }
    load_state(network, state, expected=fixture.network, where=f"fixture {fixture.name}")
    return network
