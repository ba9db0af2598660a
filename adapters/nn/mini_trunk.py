"""The trunk that the small models share: MobileNetV2 to stride 16 (24, 32 and 96 channels at strides 4, 8 and 16).

What an image is encoded to first, the features of stride 4 in front of block 3, is the same for the trunk of the keys
and the trunk of the values. It is computed once for a frame and keeps its ImageNet weights, so that no gradient runs
through the largest maps; the mask of an object is added to it there.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from torch import Tensor, nn
from torch.nn import functional

from vosbench.adapters.nn.frozen_norm import FrozenBatchNorm2d
from vosbench.adapters.nn.mobilenet import STRIDE_16, mobilenet_features
from vosbench.adapters.nn.scaled_convolution import absorb_norms, load_normed

SHARED = 3
"""MobileNetV2's features 0 to 2 are frozen and shared."""
EARLY_CHANNELS = 24
"""Of the features that the trunks share, at stride 4."""
STEM_CHANNELS = 16
"""Of the mask's own features at stride 2."""


def trunk_features() -> nn.Sequential:
    """Gives back MobileNetV2's features 0 to 13 with torchvision's names, each norm a scale of its convolution."""
    features = mobilenet_features(norm=FrozenBatchNorm2d, stages=STRIDE_16[:5], top_channels=None)
    absorb_norms(features)
    return features


class MiniTrunk(nn.Module):
    """The trunk over images; features 0 to 2 have no gradient."""

    def __init__(self) -> None:
        super().__init__()
        self.features = trunk_features()
        self.features[:SHARED].requires_grad_(requires_grad=False)

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Gives back `early` of ``image`` (batch, 3, height, width), normalised, and the three maps of `late`."""
        early = self.early(image)
        return early, *self.late(early)

    def early(self, image: Tensor) -> Tensor:
        """Gives back (batch, 24, height / 4, width / 4) of ``image`` (batch, 3, height, width), normalised."""
        return self.features[:SHARED](image)

    def late(self, early: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Gives back the features of strides 16, 8, 4 (96, 32, 24 channels) from those of `early`."""
        f4 = self.features[SHARED:4](early)
        f8 = self.features[4:7](f4)
        return self.features[7:](f8), f8, f4

    def load_imagenet(self, state: Mapping[str, Tensor]) -> None:
        """Take torchvision's MobileNetV2 weights; raises `CheckpointError` for weights that do not fit."""
        load_normed(self, state)


class MiniMaskTrunk(nn.Module):
    """The trunk over an image's early features and the planes of each object's masks: MobileNetV2's features 3 to 13.

    Two convolutions bring the planes to stride 4, where they are added to the image's features.
    """

    def __init__(self, planes: int) -> None:
        super().__init__()
        self.stem = nn.Conv2d(planes, STEM_CHANNELS, 3, stride=2, padding=1)
        self.stem_out = nn.Conv2d(STEM_CHANNELS, EARLY_CHANNELS, 3, stride=2, padding=1)
        self.features = trunk_features()[SHARED:]

    def forward(self, early: Tensor, planes: Tensor) -> Tensor:
        """Gives back (objects, 96, height / 16, width / 16).

        ``early`` (objects or 1, 24, height / 4, width / 4) is of `MiniTrunk.early`, ``planes`` (objects, planes,
        height, width) in [0, 1].
        """
        mask = self.stem_out(functional.relu_(self.stem(planes)))
        return self.features(early + mask)

    def load_imagenet(self, state: Mapping[str, Tensor]) -> None:
        """Take torchvision's MobileNetV2 weights; the mask's convolutions stay. Raises `CheckpointError`."""
        load_normed(self, state)


def encode_image(trunk: nn.Module, image: Tensor) -> tuple[Tensor, tuple[Tensor, Tensor, Tensor]]:
    """Gives back what a value encoder begins with, and the features of strides 16, 8 and 4.

    ``trunk`` is a `MiniTrunk`, whose early features the value encoder shares, or a published one, which begins anew
    with the image.
    """
    if isinstance(trunk, MiniTrunk):
        early, f16, f8, f4 = trunk(image)  # by its call: what is compiled is that
        return early, (f16, f8, f4)
    return image, trunk(image)


Trunk = MiniTrunk | MiniMaskTrunk


def trunks_of(network: nn.Module) -> list[Trunk]:
    """Gives back every such trunk of ``network``."""
    return [module for module in network.modules() if isinstance(module, Trunk)]


def load_backbone(network: nn.Module, state: Mapping[str, Tensor]) -> None:
    """Give every trunk of ``network`` torchvision's MobileNetV2 weights; raises `CheckpointError` for others."""
    for trunk in trunks_of(network):
        trunk.load_imagenet(state)


def trunk_parameters(network: nn.Module) -> Iterable[nn.Parameter]:
    """Yields the parameters of ``network`` that came from the backbone and are trained."""
    for trunk in trunks_of(network):
        yield from (parameter for parameter in trunk.features.parameters() if parameter.requires_grad)
