"""The identity bank of the small networks: how an identity fills a patch, described by few patterns."""

from __future__ import annotations

import torch
from torch import Tensor, nn

SIDE = 16


class FactoredBank(nn.Module):
    """AOT's patch-wise identity bank whose kernel is a product of patterns and mixtures.

    The official kernel (channels, identities, 16, 16) learns each identity's every pixel by itself. Here all identities
    share ``patches`` patterns of 16 x 16 pixels, and each mixes them in its own way: what one identity learns of shapes
    all know. Reads as a convolution does: ``weight``, ``bias``, ``stride``, ``padding``.
    """

    def __init__(self, identities: int, channels: int, patches: int) -> None:
        super().__init__()
        self.patterns = nn.Parameter(torch.empty(patches, SIDE * SIDE))
        self.mixtures = nn.Parameter(torch.empty(channels * identities, patches))
        self.bias = nn.Parameter(torch.zeros(channels))
        nn.init.normal_(self.patterns, std=1 / SIDE)
        nn.init.normal_(self.mixtures, std=patches**-0.5)
        self.identities = identities
        self.stride = (SIDE, SIDE)
        self.padding = (0, 0)

    @property
    def weight(self) -> Tensor:
        """The kernel (channels, identities, 16, 16)."""
        return (self.mixtures @ self.patterns).view(-1, self.identities, SIDE, SIDE)
