"""MobileInst's dual transformer instance decoder (section 3.2, equation 1): queries read a global and a local map."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

HEADS = 8
TEMPERATURE = 10000


class Attention(nn.Module):
    """Multi-head attention; the residual and the norm are the caller's."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.query = nn.Linear(channels, channels)
        self.key = nn.Linear(channels, channels)
        self.value = nn.Linear(channels, channels)
        self.output = nn.Linear(channels, channels)
        self._scale = (channels // HEADS) ** -0.5

    def forward(self, query: Tensor, key: Tensor, value: Tensor) -> Tensor:
        """Gives back (batch, queries, channels); ``key`` and ``value`` are (batch, tokens, channels)."""
        queries, keys, values = (
            project(x).unflatten(2, (HEADS, -1)).transpose(1, 2)
            for project, x in ((self.query, query), (self.key, key), (self.value, value))
        )
        weights = torch.softmax(queries @ keys.mT * self._scale, dim=-1)
        return self.output((weights @ values).transpose(1, 2).flatten(2))


class DecoderHalf(nn.Module):
    """Q = Q + Cross(Q, X, X); Q = Q + Self(Q), each followed by a norm; no feed-forward network (section 3.2)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.cross_attention = Attention(channels)
        self.cross_norm = nn.LayerNorm(channels)
        self.self_attention = Attention(channels)
        self.self_norm = nn.LayerNorm(channels)

    def forward(self, queries: Tensor, query_positions: Tensor, tokens: Tensor, positions: Tensor) -> Tensor:
        """Gives back the queries (batch, N, channels).

        ``tokens`` (batch, tokens, channels) are a map's, ``positions`` (tokens, channels) their embedding, which is
        added to the keys; the queries' own is added to query and, among queries, key.
        """
        read = self.cross_attention(queries + query_positions, tokens + positions, tokens)
        queries = self.cross_norm(queries + read)
        placed = queries + query_positions
        return self.self_norm(queries + self.self_attention(placed, placed, queries))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Decoded:
    """The queries (batch, N, channels) after the last half, and after the first: those that are passed on in time."""

    queries: Tensor
    passing: Tensor


class InstanceDecoder(nn.Module):
    """One or two halves, each of which reads the ``global`` map or the ``local`` one (table 3)."""

    def __init__(self, queries: int, channels: int, reads: Sequence[str]) -> None:
        super().__init__()
        self.reads = tuple(reads)
        self.queries = nn.Embedding(queries, channels)
        self.query_positions = nn.Embedding(queries, channels)
        self.halves = nn.ModuleList(DecoderHalf(channels) for _ in reads)

    def forward(self, global_map: Tensor | None, local_map: Tensor) -> Decoded:
        """Gives back the decoded queries; the maps are (batch, channels, height / 64, width / 64) or finer.

        ``global_map`` may be None where no half reads it.
        """
        queries = self.queries.weight.expand(len(local_map), -1, -1)
        states = []
        for number in range(len(self.halves)):
            queries = self._half(number, queries, global_map, local_map)
            states.append(queries)
        return Decoded(queries=states[-1], passing=states[0])

    def pass_on(self, passing: Tensor, global_map: Tensor | None, local_map: Tensor) -> Tensor:
        """Gives back the queries of a later frame from the passing queries of an earlier one (section 3.5)."""
        for number in range(1, len(self.halves)):
            passing = self._half(number, passing, global_map, local_map)
        return passing

    def _half(self, number: int, queries: Tensor, global_map: Tensor | None, local_map: Tensor) -> Tensor:
        read = global_map if self.reads[number] == "global" else local_map
        tokens = read.flatten(2).mT
        positions = sine_positions(read)
        return self.halves[number](queries, self.query_positions.weight, tokens, positions)


def sine_positions(features: Tensor) -> Tensor:
    """Gives back (height * width, channels): DETR's sine embedding, y before x, positions 1 to n over n.

    Half of the channels for each axis, sine and cosine in turn, over one period of the map and, from channel to
    channel, up to 10000 of its lengths.
    """
    channels, height, width = features.shape[1:]
    half = channels // 2
    index = torch.arange(half, device=features.device)
    wavelengths = TEMPERATURE ** (2 * (index // 2) / half)
    rows, columns = (_waves(length, wavelengths) for length in (height, width))
    both = [rows[:, None].expand(-1, width, -1), columns[None].expand(height, -1, -1)]
    return torch.cat(both, dim=2).reshape(height * width, channels).to(features.dtype)


def _waves(length: int, wavelengths: Tensor) -> Tensor:
    position = torch.arange(1, length + 1, device=wavelengths.device) / length * (2 * math.pi)
    angle = position[:, None] / wavelengths
    return torch.stack([angle[:, 0::2].sin(), angle[:, 1::2].cos()], dim=2).flatten(1)
