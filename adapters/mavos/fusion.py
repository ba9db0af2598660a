"""Fusing a new memory frame into the one dynamic frame of the long-term memory (MAVOS, section 3.1).

`ModulatedCrossAttention` is the paper's operator (equation 6). `CrossAttention` (equation 2) and `FocalModulation`
(equation 3) are the two that table 6 puts in its place.
"""

from __future__ import annotations

import functools
from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional

from vosbench.adapters.aot.attention import KeyValue, attend
from vosbench.adapters.aot.grid import Grid, batch_to_tokens, to_map
from vosbench.adapters.aot.widths import OFFICIAL, Widths
from vosbench.adapters.nn.swin import Mlp

HEADS = 4
SMALLEST_KERNEL = 3
"""Of the first focal level; every further level's is wider by two (official ``focal_window``, ``focal_factor``)."""


class ModulatedCrossAttention(nn.Module):
    """MCA (equation 6): the weights of cross-attention over the modulator of focal modulation."""

    def __init__(self, channels: int, focal_levels: int) -> None:
        super().__init__()
        self.q = nn.Linear(channels, channels, bias=False)
        self.k = nn.Linear(channels, channels, bias=False)
        self.proj = nn.Linear(channels, channels)
        self.f_context = nn.Linear(channels, channels + focal_levels + 1)
        self.h = nn.Conv2d(channels, channels, 1)
        self.focal_layers = focal_layers(channels, focal_levels)

    def forward(self, latents: Tensor, context: Tensor, grid: Grid) -> Tensor:
        """Gives back (tokens, channels): ``latents`` are the new frame's tokens, ``context`` the dynamic frame's."""
        value = modulator(context, grid, self.f_context, self.focal_layers, self.h)
        # The official code reads the modulator's memory, which lies channel by channel, as if it lay token by token.
        scrambled = value.contiguous(memory_format=torch.contiguous_format).view(context.shape)
        query = self.q(latents) * (latents.shape[-1] // HEADS) ** -0.5
        read = attend(query, [KeyValue(key=self.k(context), value=scrambled)], heads=HEADS)
        return self.proj(read)


class CrossAttention(nn.Module):
    """CA (equation 2): interaction first, aggregation last, with linear values."""

    def __init__(self, channels: int, focal_levels: int) -> None:  # noqa: ARG002 - operators are built alike
        super().__init__()
        self.q = nn.Linear(channels, channels, bias=False)
        self.k = nn.Linear(channels, channels, bias=False)
        self.v = nn.Linear(channels, channels, bias=False)
        self.proj = nn.Linear(channels, channels)

    def forward(self, latents: Tensor, context: Tensor, grid: Grid) -> Tensor:  # noqa: ARG002
        """Gives back (tokens, channels)."""
        query = self.q(latents) * (latents.shape[-1] // HEADS) ** -0.5
        return self.proj(attend(query, [KeyValue(key=self.k(context), value=self.v(context))], heads=HEADS))


class FocalModulation(nn.Module):
    """FM (equation 3): aggregation first, then one product with the query, position by position."""

    def __init__(self, channels: int, focal_levels: int) -> None:
        super().__init__()
        self.q = nn.Linear(channels, channels, bias=False)
        self.proj = nn.Linear(channels, channels)
        self.f_context = nn.Linear(channels, channels + focal_levels + 1)
        self.h = nn.Conv2d(channels, channels, 1)
        self.focal_layers = focal_layers(channels, focal_levels)

    def forward(self, latents: Tensor, context: Tensor, grid: Grid) -> Tensor:
        """Gives back (tokens, channels)."""
        value = modulator(context, grid, self.f_context, self.focal_layers, self.h)
        return self.proj(self.q(latents) * batch_to_tokens(value).view(context.shape))


OPERATORS: dict[str, Callable[[int, int], nn.Module]] = {
    "mca": ModulatedCrossAttention,
    "cross-attention": CrossAttention,
    "focal-modulation": FocalModulation,
}


def focal_layers(channels: int, focal_levels: int) -> nn.ModuleList:
    """Gives back the depthwise convolutions of hierarchical contextualization: 3 x 3, 5 x 5, 7 x 7."""
    sizes = [SMALLEST_KERNEL + 2 * level for level in range(focal_levels)]
    return nn.ModuleList(
        nn.Sequential(nn.Conv2d(channels, channels, size, padding=size // 2, groups=channels, bias=False))
        for size in sizes
    )


def modulator(
    context: Tensor, grid: Grid, f_context: nn.Linear, layers: nn.ModuleList, projection: nn.Conv2d
) -> Tensor:
    """Gives back the modulator (1, channels, height, width) of ``context`` (tokens, channels)."""
    count = len(layers) + 1
    projected = f_context(context)
    first = to_map(projected[..., :-count], grid)
    gates = to_map(projected[..., -count:], grid)
    levels = hierarchical_contexts(first, layers)
    return projection(gated_aggregation([*levels, global_context(levels[-1])], gates))


def hierarchical_contexts(context: Tensor, layers: nn.ModuleList) -> list[Tensor]:
    """Gives back the focal levels Z^1 to Z^L (equation 4): each sees a wider surrounding than the one before."""
    levels = []
    for layer in layers:
        context = functional.gelu(layer(context))
        levels.append(context)
    return levels


def global_context(last_level: Tensor) -> Tensor:
    """Gives back Z^(L+1), (1, channels, 1, 1): the mean of the widest level over all positions."""
    return functional.gelu(last_level.mean((2, 3), keepdim=True))


def gated_aggregation(levels: list[Tensor], gates: Tensor) -> Tensor:
    """Gives back Z^out (equation 5): the levels, each times its own gate of ``gates`` (1, levels, height, width)."""
    total = levels[0] * gates[:, :1]
    for index, level in enumerate(levels[1:], start=1):
        total = total + level * gates[:, index : index + 1]
    return total


class JointModulation(nn.Module):
    """A transformer block around a fusion operator: the new frame goes on, the dynamic one enters by it alone."""

    def __init__(
        self, operator: Callable[[int, int], nn.Module], channels: int, focal_levels: int, wider: int = 4
    ) -> None:
        super().__init__()
        self.norm_l = nn.LayerNorm(channels)
        self.norm_c = nn.LayerNorm(channels)
        self.attn = operator(channels, focal_levels)
        self.norm2 = nn.LayerNorm(channels)
        self.mlp = Mlp(channels, wider * channels)

    def forward(self, new: Tensor, dynamic: Tensor, grid: Grid) -> Tensor:
        """Gives back the next dynamic frame (tokens, channels)."""
        out = new + self.attn(self.norm_l(new), self.norm_c(dynamic), grid)
        return out + self.mlp(self.norm2(out))


class _Slot(nn.Module):
    """Holds a block under the official key ``joint_modulation``."""

    def __init__(self, operator: Callable[[int, int], nn.Module], channels: int, focal_levels: int, wider: int) -> None:
        super().__init__()
        self.joint_modulation = JointModulation(operator, channels, focal_levels, wider)

    def forward(self, new: Tensor, dynamic: Tensor, grid: Grid) -> Tensor:
        return self.joint_modulation(new, dynamic, grid)


class MemoryFusion(nn.ModuleList):
    """For each block of the transformer the fusion of keys (slot 0), visual values (1) and identity values (3).

    Both branches are modulated alike: the visual one by slot 1, the identity one by slot 3.
    """

    def __init__(self, operator: str, focal_levels: int, widths: Widths = OFFICIAL) -> None:
        build = functools.partial(_Slot, OPERATORS[operator], focal_levels=focal_levels, wider=widths.mlp)
        slots = {"0": widths.key, "1": widths.value, "3": widths.value}
        super().__init__(
            nn.ModuleDict({slot: build(channels=channels) for slot, channels in slots.items()})
            for _ in range(widths.blocks)
        )

    def fuse(self, block: int, new: KeyValue, dynamic: KeyValue, grid: Grid) -> KeyValue:
        """Gives back what block number ``block`` keeps of both frames (equation 1)."""
        slots: nn.ModuleDict = self[block]
        new_visual, new_identity = new.value.chunk(2, dim=-1)
        visual, identity = dynamic.value.chunk(2, dim=-1)
        key = slots["0"](new.key, dynamic.key, grid)
        value = [slots["1"](new_visual, visual, grid), slots["3"](new_identity, identity, grid)]
        return KeyValue(key=key.to(new.key.dtype), value=torch.cat(value, dim=-1).to(new.value.dtype))
