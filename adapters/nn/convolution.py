"""A convolution over features of which one part is the same for every object."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from vosbench.adapters.nn.frozen_norm import FrozenBatchNorm2d
from vosbench.adapters.nn.winograd import take_bias


class SharedConv2d(nn.Conv2d):
    """Convolves the concatenation of features of each object and features that all objects share.

    A convolution is linear in its input channels, so the shared part (the image's) is convolved once and added
    to every object's. ``shared_first`` tells in which order the official code concatenates. Its state has the keys
    and shapes of the one convolution it stands for.
    """

    def __init__(
        self,
        own_channels: int,
        shared_channels: int,
        out_channels: int,
        *,
        shared_first: bool,
        kernel_size: int = 3,
        stride: int = 1,
        bias: bool = True,
    ) -> None:
        super().__init__(
            own_channels + shared_channels,
            out_channels,
            kernel_size,
            stride=stride,
            padding=kernel_size // 2,
            bias=bias,
        )
        self.own_channels = own_channels
        self.shared_channels = shared_channels
        self.shared_first = shared_first

    def split(self) -> None:
        """Become two dense convolutions, ``own`` and ``shared``, for inference.

        The number of parameters stays; the official key ``weight`` is gone, so weights are loaded before.
        """
        own, shared = self._parts()
        self.own = self._part(own, None)
        self.shared = self._part(shared, self.bias)
        del self.weight, self.bias

    def forward(self, own: Tensor, shared: Tensor) -> Tensor:
        """Gives back (objects, out, height, width) from (objects, own, ...) and (1, shared, ...)."""
        if "weight" not in self._parameters:
            out = self.own(own)
            out += self.shared(shared)
            return out
        own_weight, shared_weight = self._parts()
        out = functional.conv2d(own, own_weight, None, self.stride, self.padding)
        out += functional.conv2d(shared, shared_weight, self.bias, self.stride, self.padding)
        return out

    def _parts(self) -> tuple[Tensor, Tensor]:
        if self.shared_first:
            shared, own = self.weight.split([self.shared_channels, self.own_channels], dim=1)
        else:
            own, shared = self.weight.split([self.own_channels, self.shared_channels], dim=1)
        return own, shared

    def _part(self, weight: Tensor, bias: Tensor | None) -> nn.Conv2d:
        with torch.device("meta"):
            part = nn.Conv2d(weight.shape[1], weight.shape[0], self.kernel_size, self.stride, self.padding, bias=False)
        part.weight = nn.Parameter(weight.clone(), requires_grad=False)
        take_bias(part, bias)
        return part


class FoldedNorm(nn.Module):
    """Stands where a batch norm was whose work its convolution now does.

    It keeps the norm's two parameter vectors, unused, so that a folded network counts as many parameters as the
    published one.
    """

    def __init__(self, norm: nn.BatchNorm2d | FrozenBatchNorm2d) -> None:
        super().__init__()
        self.weight = norm.weight
        self.bias = norm.bias

    def forward(self, x: Tensor) -> Tensor:
        """Gives back ``x`` itself."""
        return x


def fold_batch_norms(network: nn.Module) -> None:
    """Multiply every batch norm into the convolution registered right before it, in place.

    Inference only: y = weight * (conv(x) - mean) / sqrt(variance + eps) + bias is itself a convolution.
    """
    for module in list(network.modules()):
        before: nn.Module | None = None
        for name, child in list(module.named_children()):
            if isinstance(child, nn.BatchNorm2d | FrozenBatchNorm2d) and isinstance(before, nn.Conv2d):
                _fold(before, child)
                setattr(module, name, FoldedNorm(child))
            before = child


@torch.no_grad()
def _fold(convolution: nn.Conv2d, norm: nn.BatchNorm2d | FrozenBatchNorm2d) -> None:
    # In double precision, so that folding adds one rounding and not four.
    scale = norm.weight.double() / torch.sqrt(norm.running_var.double() + norm.eps)
    bias = norm.bias.double() - norm.running_mean.double() * scale
    if convolution.bias is not None:
        bias += convolution.bias.double() * scale
    weight = convolution.weight.double() * scale[:, None, None, None]
    dtype = convolution.weight.dtype
    convolution.weight.copy_(weight.to(dtype))
    folded = bias.to(dtype)
    # Where there was no bias it is a buffer: the published network has no such parameter to count.
    had_bias = convolution.bias is not None
    take_bias(convolution, nn.Parameter(folded, requires_grad=False) if had_bias else folded)
