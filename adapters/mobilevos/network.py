"""The students of MobileVOS (Miles et al. 2023): STCN made small, its value encoder blind to the frame.

The paper gives the trunks, the changes against STCN and three counts of parameters (table 4: 8.1, 2.5 and 1.9 M), but
no widths, and no code was published. The widths here are those at which all three counts come out with one layout:
STCN's decoder and fusion at 136 channels (ResNet-18) and 72 (MobileNetV2), the frame's features unthinned.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from vosbench.adapters.mobilevos.context import ASPP
from vosbench.adapters.mobilevos.trunks import MaskTrunk, ResNet18Trunk
from vosbench.adapters.nn.aggregation import others
from vosbench.adapters.nn.blocks import FeatureFusionBlock
from vosbench.adapters.nn.mini_trunk import MiniTrunk, encode_image
from vosbench.adapters.nn.random_weights import Adjustment
from vosbench.adapters.nn.widths import Widths
from vosbench.adapters.stcn.network import Decoder, ImageFeatures, KeyProjection

ADJUSTMENTS = {
    "key_proj.key_proj.weight": (Adjustment(scale=0.15),),
    "value_encoder.fuser.block1.conv1.weight": (Adjustment(scale=0.08, channels=(96, 352)),),
    "value_encoder.fuser.block1.downsample.weight": (Adjustment(scale=0.08, channels=(96, 352)),),
    "decoder.up_16_8.skip_conv.weight": (Adjustment(scale=0.2),),
    "decoder.up_8_4.skip_conv.weight": (Adjustment(scale=0.3),),
    "decoder.pred.weight": (Adjustment(centred=True, scale=0.6),),
    "decoder.pred.bias": (Adjustment(shift=-0.5),),
}
"""Random weights that let the mask weigh more than the image and similarities differ, so that masks are not empty."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Student:
    """One of the paper's networks: the trunk of its keys, its channels, and whether it has ASPP."""

    resnet: bool
    widths: Widths
    context: bool


_RESNET = Widths(f16=256, f8=128, f4=64, mask=96, thin=256, value=136, decoder=(136, 68, 68), update=0)
_MOBILENET = Widths(f16=96, f8=32, f4=24, mask=96, thin=96, value=72, decoder=(72, 36, 36), update=0)

STUDENTS = {
    "r18": Student(resnet=True, widths=_RESNET, context=True),
    "mnv2": Student(resnet=False, widths=_MOBILENET, context=True),
    "mnv2-noaspp": Student(resnet=False, widths=_MOBILENET, context=False),
}
"""By the setting ``student``."""


class MaskEncoder(nn.Module):
    """The value encoder: masks alone through a trunk, fused with the features of the frame that they are of."""

    def __init__(self, widths: Widths) -> None:
        super().__init__()
        self.trunk = MaskTrunk()
        self.fuser = FeatureFusionBlock(widths.mask, widths.f16, widths.value, shared_first=False)

    def forward(self, source: Tensor, f16: Tensor, masks: Tensor) -> Tensor:
        """Gives back (objects, value, height / 16, width / 16); ``masks`` is (objects, height, width) in [0, 1]."""
        return self.encode(source, f16, torch.stack([masks, others(masks)], dim=1))

    def encode(self, _source: Tensor, f16: Tensor, planes: Tensor) -> Tensor:
        """Gives back (objects, value, height / 16, width / 16) of objects of one image or of an image for each.

        ``planes`` (objects, 2, height, width) hold the mask of each object and the sum of the others'.
        """
        return self.fuser(self.trunk(planes), f16)


class MobileVOSNetwork(nn.Module):
    """A student, with STCN's names for what it keeps of it."""

    def __init__(self, student: Student) -> None:
        super().__init__()
        widths = student.widths
        self.key_encoder = ResNet18Trunk() if student.resnet else MiniTrunk()
        self.value_encoder = MaskEncoder(widths)
        self.key_proj = KeyProjection(widths.f16)
        self.context = ASPP(widths.f16) if student.context else nn.Identity()
        self.decoder = Decoder(widths)

    def encode_key(self, image: Tensor) -> ImageFeatures:
        """Gives back the features of ``image`` (batch, 3, height, width), normalised, sides multiples of 16."""
        _, (f16, f8, f4) = encode_image(self.key_encoder, image)
        return ImageFeatures(source=f16, key=self.key_proj(f16), f16=f16, f16_thin=self.context(f16), f8=f8, f4=f4)

    def load_backbone(self, state: Mapping[str, Tensor]) -> None:
        """Take ImageNet weights into both trunks; raises `CheckpointError` for weights that do not fit."""
        self.key_encoder.load_imagenet(state)
        self.value_encoder.trunk.load_imagenet(state)

    def trunk_parameters(self) -> Iterable[nn.Parameter]:
        """Yields the parameters that came from ImageNet and are trained."""
        for trunk in (self.key_encoder, self.value_encoder.trunk):
            yield from (parameter for parameter in trunk.parameters() if parameter.requires_grad)
