"""The Long Short-Term Transformer: three blocks, each with a memory of its own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from vosbench.adapters.aot.attention import KeyValue
from vosbench.adapters.aot.block import AOTBlock, Memory
from vosbench.adapters.aot.gated_block import Branches, GatedBlock
from vosbench.adapters.aot.grid import Grid, sine_positions, to_map
from vosbench.adapters.aot.widths import OFFICIAL, Widths

BLOCKS, CHANNELS = OFFICIAL.blocks, OFFICIAL.channels
"""Of AOT-L."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Propagation:
    """What one pass of a frame through the blocks leaves.

    ``decoder_input`` (1, 1024 or 512, height, width); ``output`` (1, 256 or 512, height, width), its part of the last
    block; ``states`` by block, from which the frame's memory is made; ``memory`` by block, where the pass made it.
    """

    decoder_input: Tensor
    output: Tensor
    states: Sequence[Any]
    memory: Sequence[KeyValue] | None


class Transformer(nn.Module):
    """AOT's: position embedding, a norm behind each block, the encoder's map and all three outputs to the decoder."""

    decoder_channels = (1 + BLOCKS) * CHANNELS

    def __init__(self) -> None:
        super().__init__()
        # No pass uses it; official checkpoints hold it.
        self.mask_token = nn.Parameter(torch.zeros(1, 1, CHANNELS))
        self.layers = nn.ModuleList(AOTBlock(CHANNELS) for _ in range(BLOCKS))
        self.decoder_norms = nn.ModuleList(nn.LayerNorm(CHANNELS) for _ in range(BLOCKS))

    def positions(self, grid: Grid, like: Tensor) -> Tensor:
        """Gives back (tokens, 256)."""
        return sine_positions(grid, CHANNELS, device=like.device, dtype=like.dtype)

    def forward(
        self,
        top: Tensor,
        grid: Grid,
        positions: Tensor | None,
        *,
        memories: Sequence[Memory] | None,
        identity: Tensor | None,
    ) -> Propagation:
        """Gives back the pass of ``top`` (tokens, 256); see `propagate`."""
        stream, outputs, states, made = top, [], [], []
        for block, norm, memory in zip(self.layers, self.decoder_norms, memories or [None] * BLOCKS, strict=True):
            state = block.prepare(stream, positions)
            read = own_memory(block, state, identity, made) if memory is None else memory
            stream = block.finish(state, read, grid)
            outputs.append(norm(stream))
            states.append(state)
        decoder_input = torch.cat([top, *outputs], dim=1)
        return Propagation(
            decoder_input=to_map(decoder_input, grid),
            output=to_map(outputs[-1], grid),
            states=states,
            memory=made or None,
        )


class BranchNorm(nn.Module):
    """Normalises the visual and the identity half, each over all its channels and positions."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.gn = nn.GroupNorm(2, channels)

    def forward(self, features: Tensor) -> Tensor:
        """Gives back (1, channels, height, width)."""
        return self.gn(features)


class GatedTransformer(nn.Module):
    """DeAOT's: no positions, two branches, one norm behind the last block, whose output alone is decoded."""

    def __init__(self, widths: Widths = OFFICIAL) -> None:
        super().__init__()
        self.decoder_channels = 2 * widths.channels
        self.layers = nn.ModuleList(GatedBlock(widths, first=index == 0) for index in range(widths.blocks))
        self.decoder_norms = nn.ModuleList([BranchNorm(2 * widths.channels)])

    def positions(self, grid: Grid, like: Tensor) -> None:
        """Gives none: the official code computes them and does not use them."""

    def forward(
        self,
        top: Tensor,
        grid: Grid,
        positions: Tensor | None,  # noqa: ARG002 - the two transformers are called alike
        *,
        memories: Sequence[Memory] | None,
        identity: Tensor | None,
    ) -> Propagation:
        """Gives back the pass of ``top`` (tokens, 256); see `propagate`."""
        branches, states, made = Branches(visual=top, identity=None), [], []
        for block, memory in zip(self.layers, memories or [None] * len(self.layers), strict=True):
            state = block.prepare(branches)
            read = own_memory(block, state, identity, made) if memory is None else memory
            branches = block.finish(state, read, grid)
            states.append(state)
        both = to_map(torch.cat([branches.visual, branches.identity], dim=-1), grid)
        output = self.decoder_norms[0](both)
        return Propagation(decoder_input=output, output=output, states=states, memory=made or None)


def own_memory(block: AOTBlock | GatedBlock, state: Any, identity: Tensor, made: list[KeyValue]) -> Memory:
    """Gives back what a reference frame reads in ``block``: nothing but itself; it is added to ``made``."""
    made.append(block.remember(state, identity))
    return Memory(long_term=made[-1:], short_term=made[-1])
