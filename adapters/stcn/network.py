"""The network of STCN (Cheng, Tai and Tang 2021): a shared key encoder, a value encoder, a decoder."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from vosbench.adapters.nn.aggregation import others
from vosbench.adapters.nn.blocks import FeatureFusionBlock, SharedResBlock, UpsampleBlock, in_turn
from vosbench.adapters.nn.random_weights import Adjustment
from vosbench.adapters.nn.resnet import ResNet18MaskTrunk, ResNet50Trunk

KEY_CHANNELS = 64
VALUE_CHANNELS = 512

ADJUSTMENTS = {
    "key_proj.key_proj.weight": (Adjustment(scale=0.15),),
    "value_encoder.conv1.weight": (Adjustment(scale=0.3, channels=(0, 3)), Adjustment(scale=8, channels=(3, 5))),
    "value_encoder.fuser.block1.conv1.weight": (Adjustment(scale=0.08, channels=(256, 1280)),),
    "value_encoder.fuser.block1.downsample.weight": (Adjustment(scale=0.08, channels=(256, 1280)),),
    "key_comp.weight": (Adjustment(scale=0.08),),
    "decoder.up_16_8.skip_conv.weight": (Adjustment(scale=0.2),),
    "decoder.up_8_4.skip_conv.weight": (Adjustment(scale=0.3),),
    "decoder.pred.weight": (Adjustment(centred=True, scale=0.6),),
    "decoder.pred.bias": (Adjustment(shift=-0.5),),
}
"""Random weights that let the mask weigh more than the image and similarities differ, so that masks are not empty."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ImageFeatures:
    """What one frame is encoded to: key (1, 64) and features at strides 16 (1024 and thinned to 512), 8 and 4."""

    key: Tensor
    f16: Tensor
    f16_thin: Tensor
    f8: Tensor
    f4: Tensor


class KeyProjection(nn.Module):
    """The key of every position, without an activation."""

    def __init__(self) -> None:
        super().__init__()
        self.key_proj = nn.Conv2d(1024, KEY_CHANNELS, 3, padding=1)

    def forward(self, f16: Tensor) -> Tensor:
        """Gives back (1, 64, height / 16, width / 16)."""
        return self.key_proj(f16)


class ValueEncoder(ResNet18MaskTrunk):
    """Encodes an image with the mask of each object and the sum of the others' masks."""

    def __init__(self) -> None:
        super().__init__(mask_channels=2, bias=True)
        self.fuser = FeatureFusionBlock(256, 1024, VALUE_CHANNELS, shared_first=False)

    def forward(self, image: Tensor, f16: Tensor, masks: Tensor) -> Tensor:
        """Gives back (objects, 512, height / 16, width / 16); ``masks`` is (objects, height, width) in [0, 1]."""
        planes = torch.stack([masks, others(masks)], dim=1)
        return self.fuser(self.trunk(image, planes), f16)


class Decoder(nn.Module):
    """From what was read to one logit per object and pixel."""

    def __init__(self) -> None:
        super().__init__()
        self.compress = SharedResBlock(VALUE_CHANNELS, 512, 512, shared_first=False)
        self.up_16_8 = UpsampleBlock(512, 512, 256)
        self.up_8_4 = UpsampleBlock(256, 256, 256)
        self.pred = nn.Conv2d(256, 1, 3, padding=1)
        self.objects_at_once = 0

    def forward(self, readout: Tensor, features: ImageFeatures) -> Tensor:
        """Gives back (objects, height, width) from ``readout`` (objects, 512, height / 16, width / 16)."""
        g16 = self.compress(readout, features.f16_thin)
        skip8, skip4 = self.up_16_8.skip_conv(features.f8), self.up_8_4.skip_conv(features.f4)
        return torch.cat([self._upsample(part, skip8, skip4) for part in in_turn(g16, self.objects_at_once)])

    def _upsample(self, g16: Tensor, skip8: Tensor, skip4: Tensor) -> Tensor:
        g4 = self.up_8_4(skip4, self.up_16_8(skip8, g16))
        logits = self.pred(functional.relu_(g4))
        return functional.interpolate(logits, scale_factor=4, mode="bilinear", align_corners=False)[:, 0]


class STCNNetwork(nn.Module):
    """STCN with the official parameter names (54.4 M parameters)."""

    def __init__(self) -> None:
        super().__init__()
        self.key_encoder = ResNet50Trunk()
        self.value_encoder = ValueEncoder()
        self.key_proj = KeyProjection()
        self.key_comp = nn.Conv2d(1024, 512, 3, padding=1)
        self.decoder = Decoder()

    def encode_key(self, image: Tensor) -> ImageFeatures:
        """Gives back the features of ``image`` (1, 3, height, width), normalised, sides multiples of 16."""
        f16, f8, f4 = self.key_encoder(image)
        return ImageFeatures(key=self.key_proj(f16), f16=f16, f16_thin=self.key_comp(f16), f8=f8, f4=f4)
