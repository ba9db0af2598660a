"""MobileInst's semantic-enhanced mask decoder (section 3.2 of the paper): three strides become one map of features."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional


class SemanticEnhancer(nn.Module):
    """x * gate(X6) + content(X6): the coarsest map says what the finer ones should look at.

    The paper draws it and gives no formula; this form meets its FLOPs (table 5, with and without SE).
    """

    def __init__(self, semantic_channels: int, channels: int) -> None:
        super().__init__()
        self.gate = nn.Conv2d(semantic_channels, channels, 1)
        self.content = nn.Conv2d(semantic_channels, channels, 1)

    def forward(self, x: Tensor, semantics: Tensor) -> Tensor:
        """Gives back (batch, channels, height, width), the size of ``x``."""
        return x * up(functional.hardsigmoid(self.gate(semantics)), x) + up(self.content(semantics), x)


class MaskDecoder(nn.Module):
    """Laterals, enhancers, a way down and a way up of sums, one fusion: the mask features at stride 8.

    ``enhanced`` False leaves the semantic enhancers out (table 5, "w/o SE").
    """

    def __init__(self, in_channels: Sequence[int], semantic_channels: int, channels: int, *, enhanced: bool) -> None:
        super().__init__()
        self.laterals = nn.ModuleList(nn.Conv2d(width, channels, 1) for width in in_channels)
        self.enhancers = nn.ModuleList(SemanticEnhancer(semantic_channels, channels) for _ in in_channels if enhanced)
        self.downwards = nn.ModuleList(_convolution(channels) for _ in in_channels)
        self.upwards = nn.ModuleList(_convolution(channels) for _ in in_channels)
        self.fusion = nn.Conv2d(len(in_channels) * channels, channels, 1)
        self.output = nn.Conv2d(channels, channels, 3, padding=1)

    def forward(self, maps: Sequence[Tensor], semantics: Tensor) -> Tensor:
        """Gives back X_mask (batch, channels, height / 8, width / 8), of both signs.

        ``maps`` are those at strides 8, 16 and 32, ``semantics`` that at stride 64.
        """
        levels = [lateral(x) for lateral, x in zip(self.laterals, maps, strict=True)]
        if len(self.enhancers):
            levels = [enhance(x, semantics) for enhance, x in zip(self.enhancers, levels, strict=True)]
        for finer in reversed(range(len(levels) - 1)):
            levels[finer] = levels[finer] + up(levels[finer + 1], levels[finer])
        levels = [convolve(x) for convolve, x in zip(self.downwards, levels, strict=True)]
        for coarser in range(1, len(levels)):
            pooled = functional.adaptive_avg_pool2d(levels[coarser - 1], levels[coarser].shape[2:])
            levels[coarser] = levels[coarser] + pooled
        levels = [convolve(x) for convolve, x in zip(self.upwards, levels, strict=True)]
        joined = torch.cat([levels[0], *(up(x, levels[0]) for x in levels[1:])], dim=1)
        return self.output(functional.relu(self.fusion(joined)))


def up(x: Tensor, partner: Tensor) -> Tensor:
    """Gives back ``x`` at the size of ``partner``, bilinearly."""
    return functional.interpolate(x, partner.shape[2:], mode="bilinear", align_corners=False)


def _convolution(channels: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(channels, channels, 3, padding=1, bias=False), nn.BatchNorm2d(channels), nn.ReLU(inplace=True)
    )
