"""ResNet trunks to stride 16 (He et al. 2016), with the parameter names of STCN and XMem."""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor, nn
from torch.nn import functional

from vosbench.adapters.nn.convolution import SharedConv2d

Norm = Callable[[int], nn.Module]


class Bottleneck(nn.Module):
    """1 x 1, 3 x 3, 1 x 1 with the stride on the 3 x 3; gives out four times ``channels``."""

    def __init__(self, in_channels: int, channels: int, stride: int, *, norm: Norm = nn.BatchNorm2d) -> None:
        super().__init__()
        out_channels = 4 * channels
        self.conv1 = nn.Conv2d(in_channels, channels, 1, bias=False)
        self.bn1 = norm(channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, stride=stride, padding=1, bias=False)
        self.bn2 = norm(channels)
        self.conv3 = nn.Conv2d(channels, out_channels, 1, bias=False)
        self.bn3 = norm(out_channels)
        self.downsample = _downsample(in_channels, out_channels, stride, bias=False, norm=norm)

    def forward(self, x: Tensor) -> Tensor:
        """Gives back (batch, 4 channels, height / stride, width / stride)."""
        out = functional.relu_(self.bn1(self.conv1(x)))
        out = functional.relu_(self.bn2(self.conv2(out)))
        out = self.bn3(self.conv3(out))
        out += x if self.downsample is None else self.downsample(x)
        return functional.relu_(out)


class BasicBlock(nn.Module):
    """Two 3 x 3 convolutions; ``bias`` as the official code of each family has it."""

    def __init__(
        self, in_channels: int, channels: int, stride: int, *, bias: bool = False, norm: Norm = nn.BatchNorm2d
    ) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(in_channels, channels, 3, stride=stride, padding=1, bias=bias)
        self.bn1 = norm(channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1, bias=bias)
        self.bn2 = norm(channels)
        self.downsample = _downsample(in_channels, channels, stride, bias=bias, norm=norm)

    def forward(self, x: Tensor) -> Tensor:
        """Gives back (batch, channels, height / stride, width / stride)."""
        out = functional.relu_(self.bn1(self.conv1(x)))
        out = self.bn2(self.conv2(out))
        out += x if self.downsample is None else self.downsample(x)
        return functional.relu_(out)


def basic_layer(
    in_channels: int, channels: int, stride: int, *, bias: bool = False, norm: Norm = nn.BatchNorm2d
) -> nn.Sequential:
    """Gives back a layer of ResNet-18: two basic blocks."""
    return nn.Sequential(
        BasicBlock(in_channels, channels, stride, bias=bias, norm=norm),
        BasicBlock(channels, channels, 1, bias=bias, norm=norm),
    )


def bottleneck_layer(
    in_channels: int, channels: int, blocks: int, stride: int, *, norm: Norm = nn.BatchNorm2d
) -> nn.Sequential:
    """Gives back a layer of ResNet-50."""
    rest = [Bottleneck(4 * channels, channels, 1, norm=norm) for _ in range(blocks - 1)]
    return nn.Sequential(Bottleneck(in_channels, channels, stride, norm=norm), *rest)


class ResNet50Trunk(nn.Module):
    """The key encoder of STCN and XMem: ResNet-50 without its last layer."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 64, 7, stride=2, padding=3, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        self.res2 = bottleneck_layer(64, 64, 3, 1)
        self.layer2 = bottleneck_layer(256, 128, 4, 2)
        self.layer3 = bottleneck_layer(512, 256, 6, 2)

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Gives back the features of strides 16, 8, 4 (1024, 512, 256 channels) of (1, 3, height, width)."""
        x = self.bn1(self.conv1(image))
        # The maximum and the ReLU commute; pooling first leaves a quarter to rectify.
        x = functional.relu_(functional.max_pool2d(x, 3, stride=2, padding=1))
        f4 = self.res2(x)
        f8 = self.layer2(f4)
        return self.layer3(f8), f8, f4


class ResNet18MaskTrunk(nn.Module):
    """The trunk of a value encoder: ResNet-18 to stride 16 over the image and mask planes of each object."""

    def __init__(self, mask_channels: int, *, bias: bool) -> None:
        super().__init__()
        self.conv1 = SharedConv2d(mask_channels, 3, 64, shared_first=True, kernel_size=7, stride=2, bias=bias)
        self.bn1 = nn.BatchNorm2d(64)
        self.layer1 = basic_layer(64, 64, 1, bias=bias)
        self.layer2 = basic_layer(64, 128, 2, bias=bias)
        self.layer3 = basic_layer(128, 256, 2, bias=bias)

    def trunk(self, image: Tensor, planes: Tensor) -> Tensor:
        """Gives back (objects, 256, height / 16, width / 16).

        ``image`` is (1, 3, height, width), ``planes`` (objects, mask channels, height, width).
        """
        x = self.bn1(self.conv1(planes, image))
        x = functional.relu_(functional.max_pool2d(x, 3, stride=2, padding=1))
        return self.layer3(self.layer2(self.layer1(x)))


def _downsample(
    in_channels: int, out_channels: int, stride: int, *, bias: bool, norm: Norm = nn.BatchNorm2d
) -> nn.Sequential | None:
    if stride == 1 and in_channels == out_channels:
        return None
    return nn.Sequential(nn.Conv2d(in_channels, out_channels, 1, stride=stride, bias=bias), norm(out_channels))
