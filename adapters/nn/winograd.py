"""3 x 3 convolutions on a CPU with 16 multiplications where there were 36 (Lavin and Gray 2016, F(2 x 2, 3 x 3)).

Every 2 x 2 block of outputs comes from a 4 x 4 block of inputs: both are transformed by additions alone, and between
the transforms stand 16 matrix products over the channels. The sums are shorter than a direct convolution's, so in
single precision the result lies closer to the exact one. Worth it from about 128 channels; libraries for GPUs choose
such algorithms themselves.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

SMALLEST_CHANNELS = 128
"""Channels in and out from which the products outweigh the transforms."""
STRIP_BLOCKS = 512
"""Blocks of outputs transformed at a time, so that what lies between the transforms stays in cache."""


def suits(convolution: nn.Conv2d) -> bool:
    """Tell whether `WinogradConv2d` can stand for ``convolution`` and is worth it."""
    return (
        convolution.kernel_size == (3, 3)
        and convolution.padding == (1, 1)
        and convolution.stride == (1, 1)
        and convolution.dilation == (1, 1)
        and convolution.groups == 1
        and min(convolution.in_channels, convolution.out_channels) >= SMALLEST_CHANNELS
    )


def transform_kernel(weight: Tensor) -> Tensor:
    """Gives back (16, in, out) from a kernel g (out, in, 3, 3): G g G^T."""
    planes = weight.detach().permute(2, 3, 1, 0).contiguous()
    vertical = planes.new_empty(4, *planes.shape[1:])
    _kernel_transform(planes.unbind(0), vertical.unbind(0))
    transformed = planes.new_empty(4, 4, *planes.shape[2:])
    _kernel_transform(vertical.unbind(1), transformed.unbind(1))
    return transformed.flatten(0, 1)


def convolve(x: Tensor, kernel: Tensor, bias: Tensor | None) -> Tensor:
    """Gives back (batch, out, height, width), channels last, from ``x`` (batch, in, height, width) padded by 1.

    ``kernel`` is that of `transform_kernel`, ``bias`` (out) or None.
    """
    batch, channels, height, width = x.shape
    down, across = (height + 1) // 2, (width + 1) // 2
    out = x.new_empty(batch, 2 * down, 2 * across, kernel.shape[2])
    step = max(1, min(down, STRIP_BLOCKS // across))
    space = _Workspace(x, step, across, channels, kernel.shape[2])
    for image, target in zip(x.permute(0, 2, 3, 1), out, strict=True):
        for begin in range(0, down, step):
            end = min(begin + step, down)
            strip = space.padded_strip(image, 2 * begin, 2 * end)
            products = space.products(space.input_blocks(strip), kernel)
            if bias is not None:
                # This product counts once in each of a block's four outputs.
                products[1, 1] += bias
            space.output_blocks(products, target[2 * begin : 2 * end])
    return out[:, :height, :width].permute(0, 3, 1, 2).contiguous(memory_format=torch.channels_last)


class _Workspace:
    """What lies between the transforms of one strip, in memory that the next strip uses again."""

    def __init__(self, like: Tensor, down: int, across: int, channels: int, out_channels: int) -> None:
        self._across = across
        self._strip = like.new_empty((2 * down + 2) * (2 * across + 2) * channels)
        self._vertical = like.new_empty(4 * down * (2 * across + 2) * channels)
        self._blocks = like.new_empty(16 * down * across * channels)
        self._products = like.new_empty(16 * down * across * out_channels)
        self._halves = like.new_empty(2 * 4 * down * across * out_channels)
        self._sums = like.new_empty(down * across * out_channels)

    def padded_strip(self, image: Tensor, begin: int, end: int) -> Tensor:
        """Gives back rows ``begin - 1`` to ``end`` of ``image`` (height, width, channels) with zeros around it."""
        height, width, channels = image.shape
        strip = _part(self._strip, end - begin + 2, 2 * self._across + 2, channels)
        above, below = max(begin - 1, 0), min(end + 1, height)
        first = above - (begin - 1)
        last = first + below - above
        strip[first:last, 1 : width + 1] = image[above:below]
        strip[:first] = 0
        strip[last:] = 0
        strip[:, 0] = 0
        strip[:, width + 1 :] = 0
        return strip

    def input_blocks(self, strip: Tensor) -> Tensor:
        """Gives back (16, block rows x block columns, channels): B^T d B of every 4 x 4 block d."""
        rows, columns, channels = strip.shape
        down, across = rows // 2 - 1, columns // 2 - 1
        vertical = _part(self._vertical, 4, down, columns, channels)
        _input_transform([strip[i : i + 2 * down : 2] for i in range(4)], vertical.unbind(0))
        blocks = _part(self._blocks, 4, 4, down, across, channels)
        _input_transform([vertical[:, :, i : i + 2 * across : 2] for i in range(4)], blocks.unbind(1))
        return blocks.view(16, down * across, channels)

    def products(self, blocks: Tensor, kernel: Tensor) -> Tensor:
        """Gives back (4, 4, block rows, block columns, out), the products over the channels."""
        products = _part(self._products, 16, blocks.shape[1], kernel.shape[2])
        torch.bmm(blocks, kernel, out=products)
        return products.view(4, 4, -1, self._across, kernel.shape[2])

    def output_blocks(self, products: Tensor, target: Tensor) -> None:
        """Write A^T m A of every block m into ``target`` (rows, columns, channels); ``products`` are used up.

        A^T: (m0 + m1 + m2, m1 - m2 - m3).
        """
        halves = _part(self._halves, 2, *products.shape[1:])
        torch.add(products[1], products[2], out=halves[0]).add_(products[0])
        torch.sub(products[1], products[2], out=halves[1]).sub_(products[3])
        sums = _part(self._sums, *products.shape[2:])
        for row, line in enumerate(halves):
            torch.add(line[1], line[2], out=sums)
            torch.add(sums, line[0], out=target[row::2, 0::2])
            torch.sub(line[1], line[2], out=sums)
            torch.sub(sums, line[3], out=target[row::2, 1::2])


def _kernel_transform(lines: tuple[Tensor, ...], out: tuple[Tensor, ...]) -> None:
    """G: (g0, (g0 + g1 + g2) / 2, (g0 - g1 + g2) / 2, g2)."""
    torch.add(lines[0], lines[2], out=out[3])
    torch.add(out[3], lines[1], out=out[1]).mul_(0.5)
    torch.sub(out[3], lines[1], out=out[2]).mul_(0.5)
    out[0].copy_(lines[0])
    out[3].copy_(lines[2])


def _input_transform(lines: list[Tensor], out: tuple[Tensor, ...]) -> None:
    """B^T: (d0 - d2, d1 + d2, d2 - d1, d1 - d3)."""
    torch.sub(lines[0], lines[2], out=out[0])
    torch.add(lines[1], lines[2], out=out[1])
    torch.sub(lines[2], lines[1], out=out[2])
    torch.sub(lines[1], lines[3], out=out[3])


def _part(buffer: Tensor, *shape: int) -> Tensor:
    """Gives back the beginning of a flat ``buffer`` in ``shape``."""
    return buffer[: math.prod(shape)].view(shape)


class WinogradConv2d(nn.Conv2d):
    """A convolution whose kernel is kept transformed, for inference in single precision on a CPU.

    Its ``weight`` keeps the published shape, so that parameters count as published, but neither memory nor values.
    """

    def __init__(self, convolution: nn.Conv2d) -> None:
        with torch.device("meta"):
            super().__init__(convolution.in_channels, convolution.out_channels, 3, padding=1)
        self.weight = without_values(convolution.weight)
        take_bias(self, convolution.bias)
        self.register_buffer("kernel", transform_kernel(convolution.weight), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        """Gives back (batch, out, height, width)."""
        return convolve(x, self.kernel, self.bias)


def without_values(weight: Tensor) -> nn.Parameter:
    """Gives back a parameter of the shape of ``weight`` that takes no memory and is not a number anywhere."""
    nothing = torch.full((), torch.nan, dtype=weight.dtype)
    return nn.Parameter(nothing.expand(weight.shape), requires_grad=False)


def take_bias(convolution: nn.Conv2d, bias: Tensor | None) -> None:
    """Give ``convolution`` another bias, which may be a parameter or, where it must not count as one, a buffer."""
    del convolution.bias
    if bias is None or isinstance(bias, nn.Parameter):
        convolution.register_parameter("bias", bias)
    else:
        convolution.register_buffer("bias", bias, persistent=False)
