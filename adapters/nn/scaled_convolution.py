"""Convolutions that train under a batch norm that does not: the norm is kept as a scale on the weight and a bias."""

from __future__ import annotations

import itertools
from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional

from vosbench.adapters.nn.frozen_norm import FrozenBatchNorm2d
from vosbench.errors import CheckpointError


class ScaledConv2d(nn.Conv2d):
    """Convolves with ``weight * scale`` and adds ``bias``: weight and bias train, ``scale`` (out, 1, 1, 1) does not.

    A frozen batch norm behind a convolution is just that. One pass over the activations is spared, and an optimiser
    still sees the weight in the size that it was trained in.
    """

    def __init__(self, convolution: nn.Conv2d) -> None:
        super().__init__(
            convolution.in_channels,
            convolution.out_channels,
            convolution.kernel_size,
            stride=convolution.stride,
            padding=convolution.padding,
            dilation=convolution.dilation,
            groups=convolution.groups,
        )
        self.register_buffer("scale", torch.ones(convolution.out_channels, 1, 1, 1))

    def forward(self, x: Tensor) -> Tensor:
        """Gives back (batch, out, height, width)."""
        return self._conv_forward(x, self.weight * self.scale, self.bias)

    def folded(self) -> nn.Conv2d:
        """Gives back the plain convolution that this one is, for inference."""
        kind = PointwiseConv2d if self.kernel_size == (1, 1) and self.stride == (1, 1) else nn.Conv2d
        with torch.device("meta"):
            plain = kind(
                self.in_channels,
                self.out_channels,
                self.kernel_size,
                stride=self.stride,
                padding=self.padding,
                dilation=self.dilation,
                groups=self.groups,
            )
        plain.weight = nn.Parameter((self.weight * self.scale).detach(), requires_grad=False)
        plain.bias = nn.Parameter(self.bias.detach(), requires_grad=False)
        return plain


class PointwiseConv2d(nn.Conv2d):
    """A 1 x 1 convolution as a product over the channels of each position.

    On one CPU thread torch computes it otherwise by a loop that also turns channels first and back.
    """

    def forward(self, x: Tensor) -> Tensor:
        """Gives back (batch, out, height, width), channels last."""
        if x.device.type != "cpu" or x.dtype != torch.float32:
            return super().forward(x)
        tokens = functional.linear(x.permute(0, 2, 3, 1), self.weight.flatten(1), self.bias)
        return tokens.permute(0, 3, 1, 2)


def absorb_norms(network: nn.Module) -> None:
    """Replace every convolution without bias and the frozen norm registered right behind it by a `ScaledConv2d`.

    An identity takes the norm's place, so that the convolutions keep their names. The values are still to be loaded:
    scales are 1.
    """
    for module in list(network.modules()):
        names = [name for name, _ in module.named_children()]
        for name, behind in itertools.pairwise(names):
            convolution, norm = module.get_submodule(name), module.get_submodule(behind)
            if isinstance(norm, FrozenBatchNorm2d) and type(convolution) is nn.Conv2d:
                setattr(module, name, ScaledConv2d(convolution))
                setattr(module, behind, nn.Identity())


def fold_scales(network: nn.Module) -> None:
    """Replace every `ScaledConv2d` inside ``network`` by the plain convolution that it is."""
    for module in list(network.modules()):
        for name, child in list(module.named_children()):
            if isinstance(child, ScaledConv2d):
                setattr(module, name, child.folded())


@torch.no_grad()
def load_normed(network: nn.Module, state: Mapping[str, Tensor], *, eps: float = 1e-5) -> None:
    """Give every `ScaledConv2d` of ``network`` the weights of the convolution and the batch norm of that name.

    ``state`` has the keys of the network before `absorb_norms`: the norm of ``a.0`` is ``a.1``, that of ``conv1``
    ``bn1``. Input channels that the stored kernel does not have begin at zero. Raises `CheckpointError` where one is
    missing or does not fit.
    """
    for name, module in network.named_modules():
        if isinstance(module, ScaledConv2d):
            weight = _tensor(state, f"{name}.weight")
            gain, shift, mean, variance = (
                _tensor(state, f"{_norm_of(name)}.{part}") for part in ("weight", "bias", "running_mean", "running_var")
            )
            scale = gain / torch.sqrt(variance + eps)
            module.scale.copy_(scale[:, None, None, None])
            module.bias.copy_(shift - mean * scale)
            module.weight.copy_(_widened(weight, module.weight, name))


def _norm_of(name: str) -> str:
    """Gives back where torchvision keeps the norm of the convolution ``name``."""
    owner, dot, last = name.rpartition(".")
    return f"{owner}{dot}{int(last) + 1}" if last.isdecimal() else f"{owner}{dot}{last.replace('conv', 'bn')}"


def _tensor(state: Mapping[str, Tensor], key: str) -> Tensor:
    if key not in state:
        raise CheckpointError(
            f"the backbone's weights have no '{key}'", fix="give torchvision's mobilenet_v2 weights (ImageNet)"
        )
    return state[key].float()


def _widened(stored: Tensor, wanted: Tensor, name: str) -> Tensor:
    """Gives back ``stored`` with zeros for the input channels that it lacks."""
    out, channels, *kernel = wanted.shape
    if (stored.shape[0], *stored.shape[2:]) != (out, *kernel) or stored.shape[1] > channels:
        raise CheckpointError(
            f"the backbone's '{name}.weight' is {tuple(stored.shape)}, the trunk's {tuple(wanted.shape)}",
            fix="give torchvision's mobilenet_v2 weights (ImageNet)",
        )
    return functional.pad(stored, (0, 0, 0, 0, 0, channels - stored.shape[1]))
