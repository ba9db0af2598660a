"""AOT's block: self-attention, long- and short-term attention, feed-forward (AOT, section 3.3)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from vosbench.adapters.aot.attention import KeyValue, attend
from vosbench.adapters.aot.grid import Grid, to_map, to_tokens
from vosbench.adapters.aot.window import POSITIONS, attend_window

HEADS = 8


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Memory:
    """What one block may read: the frames of the long-term bank, and one frame of the short-term bank."""

    long_term: Sequence[KeyValue]
    short_term: KeyValue


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class BlockState:
    """What a block knows of the present frame before it reads memory, (tokens, 256) each."""

    stream: Tensor
    key: Tensor
    normed: Tensor


class SelfAttention(nn.Module):
    """Multi-head self-attention."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.linear_Q = nn.Linear(channels, channels)
        self.linear_K = nn.Linear(channels, channels)
        self.linear_V = nn.Linear(channels, channels)
        self.projection = nn.Linear(channels, channels)

    def forward(self, placed: Tensor, value: Tensor) -> Tensor:
        """Gives back (tokens, channels); ``placed`` (with positions) gives queries and keys."""
        page = KeyValue(key=self.linear_K(placed), value=self.linear_V(value))
        return self.projection(attend(scaled(self.linear_Q(placed)), [page], heads=HEADS))


class LongTermAttention(nn.Module):
    """Multi-head attention over memory frames; keys and values were made when they were written."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.projection = nn.Linear(channels, channels)

    def forward(self, query: Tensor, pages: Sequence[KeyValue]) -> Tensor:
        """Gives back (tokens, channels)."""
        return self.projection(attend(scaled(query), pages, heads=HEADS))


class ShortTermAttention(nn.Module):
    """Multi-head attention over a window, with a learned key bias and a learned value for each position."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.relative_emb_v = nn.Parameter(torch.zeros(HEADS, channels // HEADS, POSITIONS))
        self.relative_emb_k = nn.Conv2d(channels, HEADS * POSITIONS, 1, groups=HEADS)
        self.projection = nn.Linear(channels, channels)

    def forward(self, query: Tensor, memory: KeyValue, grid: Grid) -> Tensor:
        """Gives back (tokens, channels)."""
        read = attend_window(scaled(query), memory, self._bias(query), grid, self.relative_emb_v.transpose(1, 2))
        return self.projection(read)

    def _bias(self, query: Tensor) -> Tensor:
        """Gives back (heads, tokens, 225), from the query before it is scaled."""
        weight = self.relative_emb_k.weight.flatten(1).view(HEADS, POSITIONS, -1)
        by_head = query.view(len(query), HEADS, -1).transpose(0, 1)
        return by_head @ weight.transpose(1, 2) + self.relative_emb_k.bias.view(HEADS, 1, POSITIONS)


class FeedForwardActivation(nn.Module):
    """Group norm, GELU and a depthwise 5 x 5 between the two linear layers."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.gn = nn.GroupNorm(32, channels)
        self.conv = nn.Conv2d(channels, channels, 5, padding=2, groups=channels, bias=False)

    def forward(self, tokens: Tensor, grid: Grid) -> Tensor:
        """Gives back (tokens, channels)."""
        return to_tokens(self.conv(functional.gelu(self.gn(to_map(tokens, grid)))))


class AOTBlock(nn.Module):
    """One of AOT-L's three blocks; a memory frame is (K, linear_V(b + identity))."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(channels)
        self.linear_Q = nn.Linear(channels, channels)
        self.linear_V = nn.Linear(channels, channels)
        self.long_term_attn = LongTermAttention(channels)
        self.short_term_attn = ShortTermAttention(channels)
        self.norm2 = nn.LayerNorm(channels)
        self.self_attn = SelfAttention(channels)
        self.norm3 = nn.LayerNorm(channels)
        self.linear1 = nn.Linear(channels, 4 * channels)
        self.activation = FeedForwardActivation(4 * channels)
        self.linear2 = nn.Linear(4 * channels, channels)

    def prepare(self, stream: Tensor, position: Tensor) -> BlockState:
        """Gives back what does not depend on memory: self-attention first, then the query, which is the key too."""
        normed = self.norm1(stream)
        stream = stream + self.self_attn(normed + position, normed)
        normed = self.norm2(stream)
        return BlockState(stream=stream, key=self.linear_Q(normed), normed=normed)

    def remember(self, state: BlockState, identity: Tensor) -> KeyValue:
        """Gives back the memory of this frame, whose objects ``identity`` (tokens, 256) tells."""
        return KeyValue(key=state.key, value=self.linear_V(state.normed + identity))

    def finish(self, state: BlockState, memory: Memory, grid: Grid) -> Tensor:
        """Gives back the stream (tokens, 256) with what was read from memory in it."""
        stream = state.stream + self.long_term_attn(state.key, memory.long_term)
        stream = stream + self.short_term_attn(state.key, memory.short_term, grid)
        return stream + self.linear2(self.activation(self.linear1(self.norm3(stream)), grid))


def scaled(query: Tensor) -> Tensor:
    """Gives back the query over the square root of a head's channels."""
    return query / (query.shape[1] // HEADS) ** 0.5
