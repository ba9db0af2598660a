"""The small model's backbone: the trunk that all small models share and, behind it, a transformer as TopFormer's."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from vosbench.adapters.mobileinst.layers import Block, Blocks, InvertedResidual, Residual
from vosbench.adapters.mobileinst.topformer import Attention
from vosbench.adapters.nn.mini_trunk import MiniTrunk

STRIDE_32_CHANNELS = 128
HEADS = 4
BLOCKS = 2
MLP_RATIO = 2


class MiniBackbone(nn.Module):
    """MobileNetV2 to stride 16, one more block to stride 32, attention among the pooled tokens of all three maps.

    ``channels`` are those of the maps at strides 8, 16, 32 and 64.
    """

    channels = (32, 96, STRIDE_32_CHANNELS, 32 + 96 + STRIDE_32_CHANNELS)

    def __init__(self) -> None:
        super().__init__()
        self.trunk = MiniTrunk()
        self.coarse = InvertedResidual(96, Residual(5, 4, STRIDE_32_CHANNELS, 2))
        width = self.channels[-1]
        self.trans = Blocks([Block(Attention(width, HEADS), width, MLP_RATIO) for _ in range(BLOCKS)])

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Gives back the maps at strides 8, 16, 32 and 64 of ``image`` (batch, 3, height, width), normalised."""
        f16, f8, _ = self.trunk.late(self.trunk.early(image))
        f32 = self.coarse(f16)
        target = tuple((side - 1) // 2 + 1 for side in f32.shape[2:])
        tokens = torch.cat([functional.adaptive_avg_pool2d(x, target) for x in (f8, f16, f32)], dim=1)
        return f8, f16, f32, self.trans(tokens)
