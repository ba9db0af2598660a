"""Random weights for measuring speed and memory: quick, the same on every device, and well behaved."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

GAIN = 1.4
"""Variance gain of a layer: between 1 (linear) and 2 (rectified), since blocks with skips add their inputs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Adjustment:
    """What is done to one drawn tensor: ``value * scale + shift``, on the input channels ``channels`` or all.

    ``centred`` takes the mean off every output channel's weights first, so that a common level of the inputs, which
    rectified features have, is not seen.
    """

    centred: bool = False
    scale: float = 1.0
    shift: float = 0.0
    channels: tuple[int, int] | None = None


def fill_random(
    network: nn.Module, generator: torch.Generator, adjustments: Mapping[str, Sequence[Adjustment]]
) -> None:
    """Give every weight of ``network``, which lives on the host, a value from ``generator``.

    Matrices and kernels are uniform with variance 1.4 / fan-in, norms start as the identity, biases at zero; then
    the ``adjustments`` of a key apply. The values depend on the generator and the order of keys alone.
    """
    for key, tensor in network.state_dict().items():
        _fill(key.rpartition(".")[2], tensor, generator)
        for adjustment in adjustments.get(key, ()):
            if adjustment.centred:
                tensor.sub_(tensor.flatten(1).mean(1).view(-1, *[1] * (tensor.ndim - 1)))
            columns = slice(None) if adjustment.channels is None else slice(*adjustment.channels)
            part = tensor[:, columns] if tensor.ndim > 1 else tensor
            part.mul_(adjustment.scale).add_(adjustment.shift)


def _fill(last: str, tensor: Tensor, generator: torch.Generator) -> None:
    if not tensor.is_floating_point():
        tensor.zero_()
    elif last == "scale":
        tensor.fill_(1)
    elif tensor.ndim >= 2:
        bound = math.sqrt(3 * GAIN / tensor[0].numel())
        tensor.uniform_(-bound, bound, generator=generator)
    elif last == "running_var" or (last == "weight" and tensor.ndim == 1):
        tensor.fill_(1)
    else:
        tensor.zero_()
