"""The trunks of MobileVOS's students: ResNet-18 over images, and MobileNetV2 over masks alone."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor, nn
from torch.nn import functional

from vosbench.adapters.nn.frozen_norm import FrozenBatchNorm2d
from vosbench.adapters.nn.mobilenet import STRIDE_16, mobilenet_features
from vosbench.adapters.nn.resnet import basic_layer
from vosbench.adapters.nn.scaled_convolution import absorb_norms, load_normed
from vosbench.errors import CheckpointError

STEM = "features.0.0.weight"


class ResNet18Trunk(nn.Module):
    """ResNet-18 without its last layer (256, 128, 64 channels at strides 16, 8, 4), its norms frozen (section 4.2)."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 64, 7, stride=2, padding=3, bias=False)
        self.bn1 = FrozenBatchNorm2d(64)
        self.layer1 = basic_layer(64, 64, 1, norm=FrozenBatchNorm2d)
        self.layer2 = basic_layer(64, 128, 2, norm=FrozenBatchNorm2d)
        self.layer3 = basic_layer(128, 256, 2, norm=FrozenBatchNorm2d)
        absorb_norms(self)

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Gives back the features of strides 16, 8, 4 of (batch, 3, height, width)."""
        x = self.bn1(self.conv1(image))
        # The maximum and the ReLU commute; pooling first leaves a quarter to rectify.
        f4 = self.layer1(functional.relu_(functional.max_pool2d(x, 3, stride=2, padding=1)))
        f8 = self.layer2(f4)
        return self.layer3(f8), f8, f4

    def load_imagenet(self, state: Mapping[str, Tensor]) -> None:
        """Take torchvision's ResNet-18 weights; raises `CheckpointError` where there are none."""
        if "layer1.0.conv1.weight" not in state:
            raise CheckpointError(
                "these are no weights of ResNet-18, over which this student's keys begin",
                fix="give one file with torchvision's resnet18 and mobilenet_v2 weights (ImageNet): their names differ",
            )
        load_normed(self, state)


class MaskTrunk(nn.Module):
    """MobileNetV2 to stride 16 (96 channels) over two planes: the mask of an object and the sum of the others'.

    The frame is no input (section 4.2). The counts of table 4 cannot tell whether the others' plane is; STCN has it
    and the rest is unchanged from STCN, so it is here.
    """

    def __init__(self) -> None:
        super().__init__()
        self.features = mobilenet_features(
            norm=FrozenBatchNorm2d, stages=STRIDE_16[:5], in_channels=2, top_channels=None
        )
        absorb_norms(self.features)

    def forward(self, planes: Tensor) -> Tensor:
        """Gives back (objects, 96, height / 16, width / 16) of (objects, 2, height, width) in [0, 1]."""
        return self.features(planes)

    def load_imagenet(self, state: Mapping[str, Tensor]) -> None:
        """Take torchvision's MobileNetV2 weights; raises `CheckpointError` for others.

        The mask begins as a grey image (its kernel is the sum of those of R, G and B), the others' plane at zero.
        """
        grey = {STEM: state[STEM].sum(1, keepdim=True)} if STEM in state else {}
        load_normed(self, {**state, **grey})
