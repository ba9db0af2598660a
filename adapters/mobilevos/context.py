"""Atrous spatial pyramid pooling (Chen et al. 2017, DeepLabv3): what a frame shows far around each position."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

DILATIONS = (6, 12, 18)
"""DeepLabv3, section 4.3, at stride 16."""
CHANNELS = 192
"""Of each branch. MobileVOS does not give it; with this the three counts of its table 4 come out."""


class ASPP(nn.Module):
    """A 1 x 1, three dilated 3 x 3 convolutions and the mean of the whole frame, side by side, brought together.

    MobileVOS puts it "before the decoder" (section 4.2): it stands on the frame's features, once for all objects, since
    its cost in tables 1 and 2 does not grow with them. Norms are frozen from the beginning, which leaves their biases.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.near = nn.Conv2d(channels, CHANNELS, 1)
        self.far = nn.ModuleList(
            nn.Conv2d(channels, CHANNELS, 3, padding=dilation, dilation=dilation) for dilation in DILATIONS
        )
        self.whole = nn.Conv2d(channels, CHANNELS, 1)
        self.project = nn.Conv2d((2 + len(DILATIONS)) * CHANNELS, channels, 1)

    def forward(self, f16: Tensor) -> Tensor:
        """Gives back (batch, channels, height, width) of the same."""
        whole = self.whole(f16.mean((2, 3), keepdim=True)).expand(-1, -1, *f16.shape[2:])
        branches = [self.near(f16), *(branch(f16) for branch in self.far), whole]
        return functional.relu_(self.project(functional.relu_(torch.cat(branches, dim=1))))
