"""Layers that TopFormer and SeaFormer share, with the official parameter names."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from torch import Tensor, nn


@dataclass(frozen=True, slots=True)
class Residual:
    """One row of the papers' block tables: kernel, expansion, output channels, stride."""

    kernel: int
    expansion: int
    channels: int
    stride: int


class ConvBN(nn.Module):
    """A convolution without bias and its batch norm, under the names ``c`` and ``bn``."""

    def __init__(
        self, in_channels: int, out_channels: int, kernel_size: int = 1, *, stride: int = 1, groups: int = 1
    ) -> None:
        super().__init__()
        self.c = nn.Conv2d(
            in_channels,
            out_channels,
            kernel_size,
            stride=stride,
            padding=kernel_size // 2,
            groups=groups,
            bias=False,
        )
        self.bn = nn.BatchNorm2d(out_channels)

    def forward(self, x: Tensor) -> Tensor:
        """Gives back (batch, out, height / stride, width / stride)."""
        return self.bn(self.c(x))


class InvertedResidual(nn.Module):
    """1 x 1 expansion (none at expansion 1), depthwise convolution, linear 1 x 1; a skip where the shape stays."""

    def __init__(self, in_channels: int, block: Residual) -> None:
        super().__init__()
        hidden = round(in_channels * block.expansion)
        expand = [] if block.expansion == 1 else [ConvBN(in_channels, hidden), nn.ReLU(inplace=True)]
        self.conv = nn.Sequential(
            *expand,
            ConvBN(hidden, hidden, block.kernel, stride=block.stride, groups=hidden),
            nn.ReLU(inplace=True),
            ConvBN(hidden, block.channels),
        )
        self.skips = block.stride == 1 and in_channels == block.channels

    def forward(self, x: Tensor) -> Tensor:
        """Gives back (batch, out, height / stride, width / stride)."""
        return x + self.conv(x) if self.skips else self.conv(x)


class ConvolutionalMLP(nn.Module):
    """1 x 1 widening, depthwise 3 x 3 with bias and without norm, ReLU6, 1 x 1 back."""

    def __init__(self, channels: int, hidden: int) -> None:
        super().__init__()
        self.fc1 = ConvBN(channels, hidden)
        self.dwconv = nn.Conv2d(hidden, hidden, 3, padding=1, groups=hidden)
        self.act = nn.ReLU6(inplace=True)
        self.fc2 = ConvBN(hidden, channels)

    def forward(self, x: Tensor) -> Tensor:
        """Gives back (batch, channels, height, width)."""
        return self.fc2(self.act(self.dwconv(self.fc1(x))))


class Block(nn.Module):
    """x + attention, then x + MLP, without a norm before either.

    Dropping paths (stochastic depth, linearly up to 0.1 in the official training) is left to the training bench.
    """

    def __init__(self, attention: nn.Module, channels: int, mlp_ratio: int) -> None:
        super().__init__()
        self.attn = attention
        self.mlp = ConvolutionalMLP(channels, mlp_ratio * channels)

    def forward(self, x: Tensor) -> Tensor:
        """Gives back (batch, channels, height, width)."""
        x = x + self.attn(x)
        return x + self.mlp(x)


class Blocks(nn.Module):
    """Transformer blocks in a row, under the name ``transformer_blocks``."""

    def __init__(self, blocks: Sequence[Block]) -> None:
        super().__init__()
        self.transformer_blocks = nn.ModuleList(blocks)

    def forward(self, x: Tensor) -> Tensor:
        """Gives back (batch, channels, height, width)."""
        for block in self.transformer_blocks:
            x = block(x)
        return x


class Pyramid(nn.Module):
    """Inverted residuals under the names ``layer1``, ``layer2``, ...; ``stem`` names the first convolution, if any.

    The official modules count their layers from 1.
    """

    def __init__(self, in_channels: int, blocks: Sequence[Residual], *, stem: str = "", stem_channels: int = 0) -> None:
        super().__init__()
        self._stem = stem
        self.layers = len(blocks)
        if stem:
            convolution = ConvBN(in_channels, stem_channels, 3, stride=2)
            setattr(self, stem, nn.Sequential(convolution, nn.ReLU(inplace=True)))
            in_channels = stem_channels
        for number, block in enumerate(blocks, 1):
            setattr(self, f"layer{number}", InvertedResidual(in_channels, block))
            in_channels = block.channels

    def forward(self, x: Tensor) -> list[Tensor]:
        """Gives back the output of every layer, in order."""
        if self._stem:
            x = getattr(self, self._stem)(x)
        outputs = []
        for number in range(1, self.layers + 1):
            x = getattr(self, f"layer{number}")(x)
            outputs.append(x)
        return outputs
