"""TopFormer (Zhang et al., CVPR 2022): a token pyramid and a small transformer over its pooled tokens."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from vosbench.adapters.mobileinst.layers import Block, Blocks, ConvBN, Pyramid, Residual

STEM_CHANNELS = 16
KEY_CHANNELS = 16
VALUE_CHANNELS = 32
BLOCKS = 4
MLP_RATIO = 2
OUTPUTS = (2, 4, 6)
"""The layers, from 0, whose maps go on at strides 4, 8 and 16; that of stride 32 is the last."""

_TABLE = (
    (3, 1, 1),
    (3, 4, 2),
    (3, 3, 1),
    (5, 3, 2),
    (5, 3, 1),
    (3, 3, 2),
    (3, 3, 1),
    (5, 6, 2),
    (5, 6, 1),
    (3, 6, 1),
)
"""Kernel, expansion and stride of each layer (table 1 of the paper); tiny ends one layer before the others."""

CHANNELS = {
    "tiny": (16, 16, 16, 32, 32, 64, 64, 96, 96),
    "small": (16, 24, 24, 48, 48, 96, 96, 128, 128, 128),
    "base": (16, 32, 32, 64, 64, 128, 128, 160, 160, 160),
}
HEADS = {"tiny": 4, "small": 6, "base": 8}


class Attention(nn.Module):
    """Attention over all tokens of a map. The official code keeps a scale of 1 / sqrt(keys) and never uses it."""

    def __init__(self, channels: int, heads: int) -> None:
        super().__init__()
        self._heads = heads
        self.to_q = ConvBN(channels, heads * KEY_CHANNELS)
        self.to_k = ConvBN(channels, heads * KEY_CHANNELS)
        self.to_v = ConvBN(channels, heads * VALUE_CHANNELS)
        self.proj = nn.Sequential(nn.ReLU6(), ConvBN(heads * VALUE_CHANNELS, channels))

    def forward(self, x: Tensor) -> Tensor:
        """Gives back (batch, channels, height, width)."""
        query, key, value = (
            to(x).flatten(2).unflatten(1, (self._heads, -1)) for to in (self.to_q, self.to_k, self.to_v)
        )
        weights = torch.softmax(query.mT @ key, dim=-1)
        read = (weights @ value.mT).mT.flatten(1, 2)
        return self.proj(read.unflatten(2, x.shape[2:]))


class TopFormer(nn.Module):
    """TopFormer without its semantic injection: three raw maps of the token pyramid and the transformer's output.

    ``channels`` are those of the maps at strides 8, 16, 32 and 64. Parameter names are the official ones.
    """

    def __init__(self, size: str) -> None:
        super().__init__()
        widths = CHANNELS[size]
        table = [Residual(k, t, c, s) for (k, t, s), c in zip(_TABLE, widths, strict=False)]
        self.tpm = Pyramid(3, table, stem="stem", stem_channels=STEM_CHANNELS)
        pooled = sum(widths[layer] for layer in OUTPUTS) + widths[-1]
        blocks = [Block(Attention(pooled, HEADS[size]), pooled, MLP_RATIO) for _ in range(BLOCKS)]
        self.trans = Blocks(blocks)
        self.channels = (widths[OUTPUTS[1]], widths[OUTPUTS[2]], widths[-1], pooled)

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Gives back the maps at strides 8, 16, 32 and 64 of ``image`` (batch, 3, height, width), normalised."""
        maps = self.tpm(image)
        x2, x3, x4, x5 = (*(maps[layer] for layer in OUTPUTS), maps[-1])
        target = tuple((side - 1) // 2 + 1 for side in x5.shape[2:])
        tokens = torch.cat([functional.adaptive_avg_pool2d(x, target) for x in (x2, x3, x4, x5)], dim=1)
        return x3, x4, x5, self.trans(tokens)
