"""MobileNetV2 (Sandler et al. 2018) to stride 16, with torchvision's parameter names."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from torch import Tensor, nn

Norm = Callable[[int], nn.Module]

STEM_CHANNELS = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """Blocks of one width: the first has the stride and ``first_dilation``, the others ``dilation``."""

    expansion: int
    channels: int
    blocks: int
    stride: int
    first_dilation: int = 1
    dilation: int = 1


STRIDE_16 = (
    Stage(expansion=1, channels=16, blocks=1, stride=1),
    Stage(expansion=6, channels=24, blocks=2, stride=2),
    Stage(expansion=6, channels=32, blocks=3, stride=2),
    Stage(expansion=6, channels=64, blocks=4, stride=2),
    Stage(expansion=6, channels=96, blocks=3, stride=1),
    Stage(expansion=6, channels=160, blocks=3, stride=1, dilation=2),
    Stage(expansion=6, channels=320, blocks=1, stride=1, first_dilation=2),
)
"""Table 2 of the paper, kept at stride 16: what would halve the grid once more dilates the blocks behind it instead."""


class InvertedResidual(nn.Module):
    """1 x 1 expansion, depthwise 3 x 3, linear 1 x 1; a skip where the shape stays."""

    def __init__(
        self, in_channels: int, out_channels: int, *, expansion: int, stride: int, dilation: int, norm: Norm
    ) -> None:
        super().__init__()
        hidden = in_channels * expansion
        expand = [] if expansion == 1 else [convolution_norm_relu6(in_channels, hidden, norm=norm, kernel_size=1)]
        self.conv = nn.Sequential(
            *expand,
            convolution_norm_relu6(hidden, hidden, norm=norm, stride=stride, dilation=dilation, groups=hidden),
            nn.Conv2d(hidden, out_channels, 1, bias=False),
            norm(out_channels),
        )
        self.skips = stride == 1 and in_channels == out_channels

    def forward(self, x: Tensor) -> Tensor:
        """Gives back (batch, out, height / stride, width / stride)."""
        out = self.conv(x)
        return out.add_(x) if self.skips else out


def convolution_norm_relu6(
    in_channels: int,
    out_channels: int,
    *,
    norm: Norm,
    kernel_size: int = 3,
    stride: int = 1,
    dilation: int = 1,
    groups: int = 1,
) -> nn.Sequential:
    """Gives back a convolution without bias, its norm, and the rectifier clamped at 6."""
    padding = kernel_size // 2 * dilation
    return nn.Sequential(
        nn.Conv2d(
            in_channels,
            out_channels,
            kernel_size,
            stride=stride,
            padding=padding,
            dilation=dilation,
            groups=groups,
            bias=False,
        ),
        norm(out_channels),
        nn.ReLU6(inplace=True),
    )


def mobilenet_features(
    *, norm: Norm, stages: Sequence[Stage] = STRIDE_16, in_channels: int = 3, top_channels: int | None = 1280
) -> nn.Sequential:
    """Gives back MobileNetV2's ``features``: the stem, the blocks, and the 1 x 1 to ``top_channels`` where not None."""
    layers: list[nn.Module] = [convolution_norm_relu6(in_channels, STEM_CHANNELS, norm=norm, stride=2)]
    width = STEM_CHANNELS
    for stage in stages:
        for block in range(stage.blocks):
            layers.append(
                InvertedResidual(
                    width,
                    stage.channels,
                    expansion=stage.expansion,
                    stride=1 if block else stage.stride,
                    dilation=stage.dilation if block else stage.first_dilation,
                    norm=norm,
                )
            )
            width = stage.channels
    if top_channels is not None:
        layers.append(convolution_norm_relu6(width, top_channels, norm=norm, kernel_size=1))
    return nn.Sequential(*layers)
