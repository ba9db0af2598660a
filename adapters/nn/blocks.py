"""The building blocks of STCN's and XMem's encoders and decoders, with the official parameter names."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

import torch
from torch import Tensor, nn
from torch.nn import functional

from vosbench.adapters.nn.convolution import SharedConv2d


class ResBlock(nn.Module):
    """Two 3 x 3 convolutions with pre-activation and a skip of ``skip_kernel`` where the channels change; no norm."""

    def __init__(self, in_channels: int, out_channels: int, skip_kernel: int = 3) -> None:
        super().__init__()
        self.downsample = None
        if in_channels != out_channels:
            self.downsample = nn.Conv2d(in_channels, out_channels, skip_kernel, padding=skip_kernel // 2)
        self.conv1 = nn.Conv2d(in_channels, out_channels, 3, padding=1)
        self.conv2 = nn.Conv2d(out_channels, out_channels, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        """Gives back (objects, out, height, width)."""
        out = self.conv2(functional.relu_(self.conv1(functional.relu(x))))
        out += x if self.downsample is None else self.downsample(x)
        return out


class SharedResBlock(nn.Module):
    """A `ResBlock` over the concatenation of each object's features and the image's."""

    def __init__(
        self, own_channels: int, shared_channels: int, out_channels: int, *, shared_first: bool, skip_kernel: int = 3
    ) -> None:
        super().__init__()
        self.downsample = SharedConv2d(
            own_channels, shared_channels, out_channels, shared_first=shared_first, kernel_size=skip_kernel
        )
        self.conv1 = SharedConv2d(own_channels, shared_channels, out_channels, shared_first=shared_first)
        self.conv2 = nn.Conv2d(out_channels, out_channels, 3, padding=1)

    def forward(self, own: Tensor, shared: Tensor) -> Tensor:
        """Gives back (objects, out, height, width) from (objects, own, ...) and (1, shared, ...)."""
        out = self.conv2(functional.relu_(self.conv1(functional.relu(own), functional.relu(shared))))
        out += self.downsample(own, shared)
        return out


class ChannelGate(nn.Module):
    """The channel half of CBAM: one gate per channel from its average and its maximum."""

    def __init__(self, channels: int, reduction: int = 16) -> None:
        super().__init__()
        self.mlp = nn.Sequential(
            nn.Flatten(),
            nn.Linear(channels, channels // reduction),
            nn.ReLU(),
            nn.Linear(channels // reduction, channels),
        )

    def forward(self, x: Tensor) -> Tensor:
        """Gives back ``x`` (objects, channels, height, width), gated."""
        gate = self.mlp(x.mean((2, 3))) + self.mlp(x.amax((2, 3)))
        return x * torch.sigmoid(gate)[:, :, None, None]


class _Convolution(nn.Module):
    """Holds a convolution under the official key ``conv``."""

    def __init__(self, in_channels: int, out_channels: int, kernel_size: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(in_channels, out_channels, kernel_size, padding=kernel_size // 2)

    def forward(self, x: Tensor) -> Tensor:
        return self.conv(x)


class SpatialGate(nn.Module):
    """The spatial half of CBAM: one gate per position from the maximum and the mean over channels."""

    def __init__(self) -> None:
        super().__init__()
        self.spatial = _Convolution(2, 1, 7)

    def forward(self, x: Tensor) -> Tensor:
        """Gives back ``x`` (objects, channels, height, width), gated."""
        maps = torch.stack([x.amax(1), x.mean(1)], dim=1)
        return x * torch.sigmoid(self.spatial(maps))


class CBAM(nn.Module):
    """Convolutional block attention: channels first, then positions (Woo et al. 2018)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.ChannelGate = ChannelGate(channels)
        self.SpatialGate = SpatialGate()

    def forward(self, x: Tensor) -> Tensor:
        """Gives back ``x`` (objects, channels, height, width), gated twice."""
        return self.SpatialGate(self.ChannelGate(x))


class FeatureFusionBlock(nn.Module):
    """Fuses each object's features with the image's: residual block, CBAM, residual block."""

    def __init__(self, own_channels: int, shared_channels: int, channels: int, *, shared_first: bool) -> None:
        super().__init__()
        self.block1 = SharedResBlock(own_channels, shared_channels, channels, shared_first=shared_first)
        self.attention = CBAM(channels)
        self.block2 = ResBlock(channels, channels)

    def forward(self, own: Tensor, shared: Tensor) -> Tensor:
        """Gives back (objects, channels, height, width) from (objects, own, ...) and (1, shared, ...)."""
        fused = self.block1(own, shared)
        return self.block2(self.attention(fused).add_(fused))


class UpsampleBlock(nn.Module):
    """Doubles the resolution: bilinear, plus the image's features of that resolution, then a residual block."""

    def __init__(self, skip_channels: int, up_channels: int, out_channels: int, skip_kernel: int = 3) -> None:
        super().__init__()
        self.skip_conv = nn.Conv2d(skip_channels, up_channels, 3, padding=1)
        self.out_conv = ResBlock(up_channels, out_channels, skip_kernel)

    def forward(self, skip: Tensor, up: Tensor) -> Tensor:
        """Gives back (objects, out, 2 height, 2 width) from (objects, up, height, width).

        ``skip`` (1, up, 2 height, 2 width) is what ``skip_conv`` makes of the image's features, once for all objects.
        """
        x = functional.interpolate(up, scale_factor=2, mode="bilinear", align_corners=False)
        x += skip
        return self.out_conv(x)


@runtime_checkable
class TakesObjectsInTurn(Protocol):
    """A module that can pass objects through in parts, which bounds its memory; 0 takes all at once."""

    objects_at_once: int


def in_turn(objects: Tensor, at_once: int) -> Sequence[Tensor]:
    """Gives back ``objects`` (objects, ...) in parts of ``at_once``, or whole where that is 0."""
    return objects.split(at_once or len(objects))
