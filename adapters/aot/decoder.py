"""The feature pyramid from the transformer's output to logits at stride 4 (official ``FPNSegmentationHead``)."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn
from torch.nn import functional

from vosbench.adapters.aot.widths import OFFICIAL, Widths


class ConvolutionNorm(nn.Module):
    """A convolution and a group norm of 8 groups."""

    def __init__(self, in_channels: int, out_channels: int, kernel_size: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(in_channels, out_channels, kernel_size, padding=kernel_size // 2)
        self.gn = nn.GroupNorm(8, out_channels)

    def forward(self, x: Tensor) -> Tensor:
        """Gives back (1, out, height, width)."""
        return self.gn(self.conv(x))


class PyramidDecoder(nn.Module):
    """From stride 16 to stride 4, with the encoder's features of each resolution added on the way."""

    def __init__(
        self, in_channels: int, shortcuts: tuple[int, int, int], *, align_corners: bool, widths: Widths = OFFICIAL
    ) -> None:
        super().__init__()
        wide, middle, narrow = widths.decoder
        self.align_corners = align_corners
        self.conv_in = ConvolutionNorm(in_channels, wide, 1)
        self.conv_16x = ConvolutionNorm(wide, wide, 3)
        self.conv_8x = ConvolutionNorm(wide, middle, 3)
        self.conv_4x = ConvolutionNorm(middle, narrow, 3)
        self.adapter_16x = nn.Conv2d(shortcuts[2], wide, 1)
        self.adapter_8x = nn.Conv2d(shortcuts[1], wide, 1)
        self.adapter_4x = nn.Conv2d(shortcuts[0], middle, 1)
        self.conv_out = nn.Conv2d(narrow, widths.identities, 1)

    def forward(self, x: Tensor, shortcuts: Sequence[Tensor], channels: int) -> Tensor:
        """Gives back the logits (1, channels, height / 4, width / 4) of the first ``channels`` identities.

        ``shortcuts`` are the encoder's features of strides 4, 8 and 16.
        """
        f4, f8, f16 = shortcuts
        x = functional.relu_(self.conv_in(x))
        x = functional.relu_(self.conv_16x(self.adapter_16x(f16) + x))
        x = functional.relu_(self.conv_8x(self.adapter_8x(f8) + self._up(x, f8)))
        x = functional.relu_(self.conv_4x(self.adapter_4x(f4) + self._up(x, f4)))
        # Identities that nobody has are not computed; the official code shuts them off afterwards.
        return functional.conv2d(x, self.conv_out.weight[:channels], self.conv_out.bias[:channels])

    def _up(self, x: Tensor, like: Tensor) -> Tensor:
        return functional.interpolate(x, like.shape[2:], mode="bilinear", align_corners=self.align_corners)
