"""DeAOT's block: gated propagation of a visual and an identity branch (DeAOT, section 4)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from vosbench.adapters.aot.attention import KeyValue, attend
from vosbench.adapters.aot.block import Memory
from vosbench.adapters.aot.grid import Grid, over_map
from vosbench.adapters.aot.widths import Widths
from vosbench.adapters.aot.window import POSITIONS, attend_window


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Branches:
    """The two streams between blocks, (tokens, 256) each; before the first block there is no identity stream.

    In training all of these have the clips of a batch before them.
    """

    visual: Tensor
    identity: Tensor | None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class GatedState:
    """What a block knows of the present frame before it reads memory.

    ``key`` (tokens, 128) is the query too, ``value`` (tokens, 512) visual, ``gate`` (tokens, 1024), ``normed`` the
    normalised identity stream (tokens, 256) where there is one.
    """

    branches: Branches
    key: Tensor
    value: Tensor
    gate: Tensor
    normed: Tensor | None


class DepthwiseConvolution(nn.Module):
    """Depthwise 5 x 5 over the grid, without bias."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels, channels, 5, padding=2, groups=channels, bias=False)

    def forward(self, tokens: Tensor, grid: Grid) -> Tensor:
        """Gives back (tokens, channels)."""
        return over_map(tokens, grid, self.conv)


class LongTermPropagation(nn.Module):
    """Gated propagation from all memory frames: what was read, times the gate, mixed over the grid, projected."""

    def __init__(self, widths: Widths) -> None:
        super().__init__()
        self.dw_conv = DepthwiseConvolution(2 * widths.value)
        self.projection = nn.Linear(2 * widths.value, 2 * widths.channels)

    def forward(self, query: Tensor, pages: Sequence[KeyValue], gate: Tensor, grid: Grid) -> Tensor:
        """Gives back (tokens, 512), both branches."""
        return self.projection(self.dw_conv(attend(scaled(query), pages) * gate, grid))


class ShortTermPropagation(nn.Module):
    """Gated propagation from a window of one frame, with a learned bias for each position of the window."""

    def __init__(self, widths: Widths) -> None:
        super().__init__()
        self.relative_emb_k = nn.Conv2d(widths.key, POSITIONS, 1)
        self.dw_conv = DepthwiseConvolution(2 * widths.value)
        self.projection = nn.Linear(2 * widths.value, 2 * widths.channels)

    def forward(self, query: Tensor, memory: KeyValue, gate: Tensor, grid: Grid) -> Tensor:
        """Gives back (tokens, 512), both branches."""
        # The bias comes from the query before it is scaled.
        bias = functional.linear(query, self.relative_emb_k.weight.flatten(1), self.relative_emb_k.bias)
        read = attend_window(scaled(query), memory, bias[None], grid)
        return self.projection(self.dw_conv(read * gate, grid))


class SelfPropagation(nn.Module):
    """Gated propagation inside the frame: both branches give query, key, values and gate."""

    def __init__(self, widths: Widths) -> None:
        super().__init__()
        self.linear_QK = nn.Linear(2 * widths.channels, widths.key)
        self.linear_V1 = nn.Linear(widths.channels, widths.value)
        self.linear_V2 = nn.Linear(widths.channels, widths.value)
        self.linear_U1 = nn.Linear(widths.channels, widths.value)
        self.linear_U2 = nn.Linear(widths.channels, widths.value)
        self.dw_conv = DepthwiseConvolution(2 * widths.value)
        self.projection = nn.Linear(2 * widths.value, 2 * widths.channels)

    def forward(self, visual: Tensor, identity: Tensor, grid: Grid) -> Tensor:
        """Gives back (tokens, 512), both branches."""
        key = self.linear_QK(torch.cat([visual, identity], dim=-1))
        value = functional.silu(torch.cat([self.linear_V1(visual), self.linear_V2(identity)], dim=-1))
        gate = functional.silu(torch.cat([self.linear_U1(visual), self.linear_U2(identity)], dim=-1))
        read = attend(scaled(key), [KeyValue(key=key, value=value)])
        return self.projection(self.dw_conv(read * gate, grid))


class GatedBlock(nn.Module):
    """One of DeAOT's blocks, three in DeAOT-L; a memory frame is (K, [V, ID_V]), and only ID_V sees the given masks.

    A memory's value holds the visual values first, then the identity ones.
    """

    def __init__(self, widths: Widths, *, first: bool) -> None:
        super().__init__()
        channels, value = widths.channels, widths.value
        self.first = first
        self.widths = widths
        self.norm1 = nn.LayerNorm(channels)
        self.linear_QV = nn.Linear(channels, widths.key + value)
        self.linear_U = nn.Linear(channels, value)
        if first:
            self.linear_ID_V = nn.Linear(channels, value)
        else:
            self.id_norm1 = nn.LayerNorm(channels)
            self.linear_ID_V = nn.Linear(2 * channels, value)
            self.linear_ID_U = nn.Linear(channels, value)
        self.long_term_attn = LongTermPropagation(widths)
        self.short_term_attn = ShortTermPropagation(widths)
        self.norm2 = nn.LayerNorm(channels)
        self.id_norm2 = nn.LayerNorm(channels)
        self.self_attn = SelfPropagation(widths)

    def prepare(self, branches: Branches) -> GatedState:
        """Gives back what does not depend on memory."""
        visual = self.norm1(branches.visual)
        parts = [self.widths.key, self.widths.value]
        key_weight, value_weight = self.linear_QV.weight.split(parts)
        key_bias, value_bias = self.linear_QV.bias.split(parts)
        # Two products, so that a kept key does not keep the values' storage with it.
        key = functional.linear(visual, key_weight, key_bias)
        value = functional.silu(functional.linear(visual, value_weight, value_bias))
        gate = functional.silu(self.linear_U(visual))
        normed = None
        if self.first:
            gate = torch.cat([gate, torch.ones_like(gate)], dim=-1)
        else:
            normed = self.id_norm1(branches.identity)
            gate = torch.cat([gate, functional.silu(self.linear_ID_U(normed))], dim=-1)
        return GatedState(branches=branches, key=key, value=value, gate=gate, normed=normed)

    def remember(self, state: GatedState, identity: Tensor) -> KeyValue:
        """Gives back the memory of this frame, whose objects ``identity`` (tokens, 256) tells."""
        told = identity if state.normed is None else torch.cat([state.normed, identity.to(state.normed.dtype)], dim=-1)
        identity_value = functional.silu(self.linear_ID_V(told))
        return KeyValue(key=state.key, value=torch.cat([state.value, identity_value], dim=-1))

    def finish(self, state: GatedState, memory: Memory, grid: Grid) -> Branches:
        """Gives back both streams with what was read from memory in them, after self-propagation."""
        read = self.long_term_attn(state.key, memory.long_term, state.gate, grid)
        read = read + self.short_term_attn(state.key, memory.short_term, state.gate, grid)
        visual_read, identity_read = read.chunk(2, dim=-1)
        visual = state.branches.visual + visual_read
        identity = identity_read if state.branches.identity is None else state.branches.identity + identity_read
        visual_own, identity_own = self.self_attn(self.norm2(visual), self.id_norm2(identity), grid).chunk(2, dim=-1)
        return Branches(visual=visual + visual_own, identity=identity + identity_own)


def scaled(query: Tensor) -> Tensor:
    """Gives back the query over the square root of its channels."""
    return query / query.shape[-1] ** 0.5
