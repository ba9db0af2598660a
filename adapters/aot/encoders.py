"""The encoders of AOT, DeAOT and MAVOS: MobileNetV2, ResNet-50, Swin-B and the small models' trunk, to stride 16."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from torch import Tensor, nn
from torch.nn import functional

from vosbench.adapters.aot.widths import SMALL
from vosbench.adapters.nn.frozen_norm import FrozenBatchNorm2d
from vosbench.adapters.nn.mini_trunk import MiniTrunk
from vosbench.adapters.nn.mobilenet import mobilenet_features
from vosbench.adapters.nn.resnet import bottleneck_layer
from vosbench.adapters.nn.swin import SwinTrunk


class EncoderFeatures(NamedTuple):
    """Features of strides 4, 8 and 16, and the map of stride 16 that the transformer starts from."""

    f4: Tensor
    f8: Tensor
    f16: Tensor
    top: Tensor


class MobileNetV2Encoder(nn.Module):
    """MobileNetV2 kept at stride 16, to its 1280 channels."""

    def __init__(self) -> None:
        super().__init__()
        self.features = mobilenet_features(norm=FrozenBatchNorm2d)

    def forward(self, image: Tensor) -> EncoderFeatures:
        """Gives back the features behind blocks 3, 6 and 13, and the last, of (1, 3, height, width)."""
        f4 = self.features[:4](image)
        f8 = self.features[4:7](f4)
        f16 = self.features[7:14](f8)
        return EncoderFeatures(f4, f8, f16, self.features[14:](f16))


class ResNet50Encoder(nn.Module):
    """ResNet-50 without its last layer."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 64, 7, stride=2, padding=3, bias=False)
        self.bn1 = FrozenBatchNorm2d(64)
        self.layer1 = bottleneck_layer(64, 64, 3, 1, norm=FrozenBatchNorm2d)
        self.layer2 = bottleneck_layer(256, 128, 4, 2, norm=FrozenBatchNorm2d)
        self.layer3 = bottleneck_layer(512, 256, 6, 2, norm=FrozenBatchNorm2d)

    def forward(self, image: Tensor) -> EncoderFeatures:
        """Gives back the features of the three layers, the last one twice, of (1, 3, height, width)."""
        x = self.bn1(self.conv1(image))
        # The maximum and the ReLU commute; pooling first leaves a quarter to rectify.
        f4 = self.layer1(functional.relu_(functional.max_pool2d(x, 3, stride=2, padding=1)))
        f8 = self.layer2(f4)
        f16 = self.layer3(f8)
        return EncoderFeatures(f4, f8, f16, f16)


class SwinBEncoder(SwinTrunk):
    """Swin-B without its last stage."""

    def __init__(self) -> None:
        super().__init__(channels=128, depths=(2, 2, 18), heads=(4, 8, 16))

    def forward(self, image: Tensor) -> EncoderFeatures:
        """Gives back the normalised features of the three stages, the last one twice, of (1, 3, height, width)."""
        f4, f8, f16 = super().forward(image)
        return EncoderFeatures(f4, f8, f16, f16)


class MiniEncoder(MiniTrunk):
    """The trunk of the small models."""

    def forward(self, image: Tensor) -> EncoderFeatures:
        """Gives back the features behind blocks 3, 6 and 13, the last one twice, of (1, 3, height, width)."""
        f16, f8, f4 = self.late(self.early(image))
        return EncoderFeatures(f4, f8, f16, f16)


@dataclass(frozen=True, slots=True, kw_only=True)
class Encoder:
    """How an encoder is built, the channels of its features, and how the images for it are aligned.

    With ``align_corners`` sides are 16 n + 1 pixels and maps are interpolated corner to corner, else 16 n pixels.
    """

    build: Callable[[], nn.Module]
    channels: tuple[int, int, int, int]
    align_corners: bool


ENCODERS = {
    "mnv2": Encoder(build=MobileNetV2Encoder, channels=(24, 32, 96, 1280), align_corners=True),
    "r50": Encoder(build=ResNet50Encoder, channels=(256, 512, 1024, 1024), align_corners=True),
    "swinb": Encoder(build=SwinBEncoder, channels=(128, 256, 512, 512), align_corners=False),
    SMALL: Encoder(build=MiniEncoder, channels=(24, 32, 96, 96), align_corners=False),
}
