"""Simulated INT8: linear layers and convolutions see the numbers that eight bits would leave them.

Weights are rounded per output channel around zero, what enters a layer by one range per layer that follows the
smallest and largest values seen in training. Gradients go straight through the rounding. Everything is still computed
in floating point: accuracy is that of INT8, speed and memory are not, and nothing here says anything about them.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional

from vosbench.adapters.nn.scaled_convolution import ScaledConv2d

PERSISTENCE = 0.99
"""Of the range from one batch to the next; the first batch sets it."""
SMALLEST_SCALE = 1e-8


class Int8Input(nn.Module):
    """Rounds what enters a layer to 256 steps between ``limits``, which follow the values in training.

    ``limits`` (2) are the smallest and largest value; both 0 before anything was seen.
    """

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("limits", torch.zeros(2))

    def forward(self, x: Tensor) -> Tensor:
        """Gives back ``x``, rounded, in single precision."""
        x = x.float()
        if self.training:
            self._see(x.detach())
        low, high = self.limits.clamp(max=0)[0], self.limits.clamp(min=0)[1]
        scale = ((high - low) / 255).clamp(min=SMALLEST_SCALE)
        zero = torch.round(-low / scale).clamp(0, 255).to(torch.int32)
        return torch.fake_quantize_per_tensor_affine(x, scale, zero, 0, 255)

    @torch.no_grad()
    def _see(self, x: Tensor) -> None:
        seen = torch.stack([x.amin(), x.amax()])
        if bool((self.limits == 0).all()):
            self.limits.copy_(seen)
        else:
            self.limits.lerp_(seen, 1 - PERSISTENCE)


def rounded_weight(weight: Tensor) -> Tensor:
    """Gives back ``weight`` (out, ...) with 255 steps per output channel, symmetric around zero."""
    scale = (weight.detach().flatten(1).abs().amax(1).float() / 127).clamp(min=SMALLEST_SCALE)
    zero = torch.zeros_like(scale, dtype=torch.int32)
    return torch.fake_quantize_per_channel_affine(weight.float(), scale, zero, 0, -127, 127)


class Int8Linear(nn.Linear):
    """A linear layer on eight-bit numbers."""

    def __init__(self, layer: nn.Linear) -> None:
        with torch.device("meta"):
            super().__init__(layer.in_features, layer.out_features, bias=layer.bias is not None)
        self.weight, self.bias = layer.weight, layer.bias
        self.int8_input = Int8Input()

    def forward(self, x: Tensor) -> Tensor:
        """Gives back (..., out)."""
        with torch.autocast(x.device.type, enabled=False):
            return functional.linear(self.int8_input(x), rounded_weight(self.weight), self.bias)


class Int8Conv2d(nn.Conv2d):
    """A convolution on eight-bit numbers."""

    def __init__(self, layer: nn.Conv2d) -> None:
        with torch.device("meta"):
            super().__init__(*_shape_of(layer), **_options_of(layer))
        self.weight, self.bias = layer.weight, layer.bias
        self.int8_input = Int8Input()

    def forward(self, x: Tensor) -> Tensor:
        """Gives back (batch, out, height, width)."""
        with torch.autocast(x.device.type, enabled=False):
            return self._conv_forward(self.int8_input(x), rounded_weight(self.weight), self.bias)


class Int8ScaledConv2d(ScaledConv2d):
    """A convolution under a norm that does not train, on eight-bit numbers: weight times scale is rounded."""

    def __init__(self, layer: ScaledConv2d) -> None:
        super().__init__(layer)
        self.weight, self.bias, self.scale = layer.weight, layer.bias, layer.scale
        self.int8_input = Int8Input()

    def forward(self, x: Tensor) -> Tensor:
        """Gives back (batch, out, height, width)."""
        with torch.autocast(x.device.type, enabled=False):
            return self._conv_forward(self.int8_input(x), rounded_weight(self.weight * self.scale), self.bias)

    def folded(self) -> nn.Conv2d:
        """Gives back the convolution without a scale, on the same eight-bit numbers."""
        plain = Int8Conv2d(super().folded())
        plain.int8_input = self.int8_input
        return plain


def simulate_int8(network: nn.Module, leave: Callable[[str, nn.Module], bool]) -> None:
    """Replace every linear layer and convolution inside ``network``; their weights keep their names.

    ``leave`` says, by name and module, what stays as it is with everything inside.
    """
    _replace(network, "", leave)


def _replace(module: nn.Module, prefix: str, leave: Callable[[str, nn.Module], bool]) -> None:
    for name, child in list(module.named_children()):
        path = f"{prefix}{name}"
        if leave(path, child):
            continue
        if isinstance(child, ScaledConv2d):
            setattr(module, name, Int8ScaledConv2d(child))
        elif isinstance(child, nn.Conv2d):
            setattr(module, name, Int8Conv2d(child))
        elif isinstance(child, nn.Linear):
            setattr(module, name, Int8Linear(child))
        else:
            _replace(child, f"{path}.", leave)


def _shape_of(layer: nn.Conv2d) -> tuple[int, int, tuple[int, ...]]:
    return layer.in_channels, layer.out_channels, layer.kernel_size


def _options_of(layer: nn.Conv2d) -> dict[str, object]:
    return {
        "stride": layer.stride,
        "padding": layer.padding,
        "dilation": layer.dilation,
        "groups": layer.groups,
        "bias": layer.bias is not None,
    }
