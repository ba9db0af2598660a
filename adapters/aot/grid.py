"""Between a grid of features and the list of its tokens, row by row."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor

Grid = tuple[int, int]
"""Rows and columns of tokens at stride 16."""


def to_tokens(features: Tensor) -> Tensor:
    """Gives back (height * width, channels) of (1, channels, height, width); no copy where channels lie last."""
    return batch_to_tokens(features)[0]


def batch_to_tokens(features: Tensor) -> Tensor:
    """Gives back (batch, height * width, channels) of (batch, channels, height, width)."""
    return features.permute(0, 2, 3, 1).reshape(len(features), -1, features.shape[1])


def to_map(tokens: Tensor, grid: Grid) -> Tensor:
    """Gives back (batch, channels, height, width), channels last, of (batch, height * width, channels).

    Tokens without a batch, (height * width, channels), give a batch of 1. It is a view where they lie together.
    """
    return tokens.reshape(-1, *grid, tokens.shape[-1]).permute(0, 3, 1, 2)


def over_map(tokens: Tensor, grid: Grid, function: Callable[[Tensor], Tensor]) -> Tensor:
    """Gives back what ``function`` makes of the map of ``tokens``, as tokens with a batch where they have one."""
    out = batch_to_tokens(function(to_map(tokens, grid)))
    return out if tokens.ndim == 3 else out[0]


def sine_positions(grid: Grid, channels: int, *, device: torch.device, dtype: torch.dtype) -> Tensor:
    """Gives back (height * width, channels): the position embedding of AOT's self-attention.

    Half of the channels for y, half for x, sine and cosine in turn, over one period of the whole grid and, from
    channel to channel, up to 10000 of its lengths (official ``PositionEmbeddingSine``, normalised). Half precision
    is rounded to at the end: it would not tell the angles.
    """
    half = channels // 2
    exact = torch.promote_types(dtype, torch.float32)
    index = torch.arange(half, device=device, dtype=exact)
    wavelengths = 10000 ** (2 * torch.div(index, 2, rounding_mode="floor") / half)
    axes = []
    for length in grid:
        position = torch.arange(length, device=device, dtype=exact) / (length - 1 + 1e-6) * (2 * math.pi)
        angle = position[:, None] / wavelengths
        axes.append(torch.stack([angle[:, 0::2].sin(), angle[:, 1::2].cos()], dim=2).flatten(1))
    rows, columns = axes
    height, width = grid
    both = [rows[:, None].expand(-1, width, -1), columns[None].expand(height, -1, -1)]
    return torch.cat(both, dim=2).reshape(height * width, channels).to(dtype)
