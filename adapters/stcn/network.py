"""The network of STCN (Cheng, Tai and Tang 2021): a shared key encoder, a value encoder, a decoder."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from vosbench.adapters.nn.aggregation import others
from vosbench.adapters.nn.blocks import FeatureFusionBlock, SharedResBlock, UpsampleBlock, in_turn
from vosbench.adapters.nn.mini_trunk import MiniMaskTrunk, MiniTrunk, encode_image
from vosbench.adapters.nn.random_weights import Adjustment
from vosbench.adapters.nn.resnet import ResNet18MaskTrunk, ResNet50Trunk
from vosbench.adapters.nn.widths import MINI, OFFICIAL, Widths

KEY_CHANNELS = 64

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
    """What one frame is encoded to: key (1, 64) and features at strides 16 (1024 and thinned to 512), 8 and 4.

    ``source`` is what the value encoder begins with: the image itself, or the early features of a small trunk, whose
    other widths are `MINI`'s.
    """

    source: Tensor
    key: Tensor
    f16: Tensor
    f16_thin: Tensor
    f8: Tensor
    f4: Tensor


class KeyProjection(nn.Module):
    """The key of every position, without an activation."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.key_proj = nn.Conv2d(channels, KEY_CHANNELS, 3, padding=1)

    def forward(self, f16: Tensor) -> Tensor:
        """Gives back (1, 64, height / 16, width / 16)."""
        return self.key_proj(f16)


class ValueEncoder(ResNet18MaskTrunk):
    """Encodes an image with the mask of each object and the sum of the others' masks."""

    def __init__(self) -> None:
        super().__init__(mask_channels=2, bias=True)
        self.fuser = FeatureFusionBlock(OFFICIAL.mask, OFFICIAL.f16, OFFICIAL.value, shared_first=False)

    def forward(self, source: Tensor, f16: Tensor, masks: Tensor) -> Tensor:
        """Gives back (objects, 512, height / 16, width / 16); ``masks`` is (objects, height, width) in [0, 1]."""
        planes = torch.stack([masks, others(masks)], dim=1)
        return self.fuser(self.trunk(source, planes), f16)


class MiniValueEncoder(nn.Module):
    """The value encoder of the small model: a second trunk from stride 4 on."""

    def __init__(self) -> None:
        super().__init__()
        self.trunk = MiniMaskTrunk(planes=2)
        self.fuser = SharedResBlock(MINI.mask, MINI.f16, MINI.value, shared_first=False, skip_kernel=MINI.skip_kernel)

    def forward(self, source: Tensor, f16: Tensor, masks: Tensor) -> Tensor:
        """Gives back (objects, 128, height / 16, width / 16); ``masks`` is (objects, height, width) in [0, 1]."""
        return self.encode(source, f16, torch.stack([masks, others(masks)], dim=1))

    def encode(self, source: Tensor, f16: Tensor, planes: Tensor) -> Tensor:
        """Gives back (objects, 128, height / 16, width / 16) of objects of one image or of an image for each.

        ``planes`` (objects, 2, height, width) hold the mask of each object and the sum of the others'.
        """
        return self.fuser(self.trunk(source, planes), f16)


class Decoder(nn.Module):
    """From what was read to one logit per object and pixel."""

    def __init__(self, widths: Widths) -> None:
        super().__init__()
        wide, middle, narrow = widths.decoder
        kernel = widths.skip_kernel
        self.compress = SharedResBlock(widths.value, widths.thin, wide, shared_first=False, skip_kernel=kernel)
        self.up_16_8 = UpsampleBlock(widths.f8, wide, middle, kernel)
        self.up_8_4 = UpsampleBlock(widths.f4, middle, narrow, kernel)
        self.pred = nn.Conv2d(narrow, 1, 3, padding=1)
        self.objects_at_once = 0

    def forward(self, readout: Tensor, features: ImageFeatures) -> Tensor:
        """Gives back (objects, height, width) from ``readout`` (objects, 512, height / 16, width / 16)."""
        g16 = self.compress(readout, features.f16_thin)
        skip8, skip4 = self.skips(features)
        parts = in_turn(g16, self.objects_at_once)
        return torch.cat([self.logits(self.upsample(part, skip8, skip4)) for part in parts])

    def skips(self, features: ImageFeatures) -> tuple[Tensor, Tensor]:
        """Gives back what the image adds at strides 8 and 4, for all its objects."""
        return self.up_16_8.skip_conv(features.f8), self.up_8_4.skip_conv(features.f4)

    def upsample(self, g16: Tensor, skip8: Tensor, skip4: Tensor) -> Tensor:
        """Gives back the rectified features of stride 4 (objects, 256, height / 4, width / 4)."""
        return functional.relu_(self.up_8_4(skip4, self.up_16_8(skip8, g16)))

    def logits(self, g4: Tensor) -> Tensor:
        """Gives back (objects, height, width) from the features of `upsample`."""
        return functional.interpolate(self.pred(g4), scale_factor=4, mode="bilinear", align_corners=False)[:, 0]


class STCNNetwork(nn.Module):
    """STCN with the official parameter names (54.4 M parameters), or small on MobileNetV2 trunks."""

    def __init__(self, widths: Widths = OFFICIAL) -> None:
        super().__init__()
        small = widths == MINI
        self.key_encoder = MiniTrunk() if small else ResNet50Trunk()
        self.value_encoder = MiniValueEncoder() if small else ValueEncoder()
        self.key_proj = KeyProjection(widths.f16)
        self.key_comp = nn.Identity() if small else nn.Conv2d(widths.f16, widths.thin, 3, padding=1)
        self.decoder = Decoder(widths)

    def encode_key(self, image: Tensor) -> ImageFeatures:
        """Gives back the features of ``image`` (1, 3, height, width), normalised, sides multiples of 16."""
        source, (f16, f8, f4) = encode_image(self.key_encoder, image)
        key, thin = self.key_proj(f16), self.key_comp(f16)
        return ImageFeatures(source=source, key=key, f16=f16, f16_thin=thin, f8=f8, f4=f4)
