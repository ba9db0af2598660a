"""Makes a network whose weights are loaded ready for inference."""

from __future__ import annotations

import torch
from torch import nn

from vosbench.adapters.nn.blocks import TakesObjectsInTurn
from vosbench.adapters.nn.convolution import SharedConv2d, fold_batch_norms
from vosbench.adapters.nn.scaled_convolution import fold_scales
from vosbench.adapters.nn.winograd import WinogradConv2d, suits


def prepare_for_inference(
    network: nn.Module,
    *,
    device: str,
    precision: str = "fp32",
    dtype: torch.dtype = torch.float32,
    direct: tuple[str, ...] = (),
) -> None:
    """Fold, split and move a network whose weights are loaded; the numbers stay up to rounding.

    Activations and weights are laid out channels last, so that a grid of features is also a list of tokens. On a
    CPU objects are decoded in turn, which costs no time there and bounds the memory; in single precision wide
    3 x 3 convolutions become Winograd's, but those of the children named ``direct``: a transformed kernel is 16 / 9
    as large, and modules that run seldom are not worth it.
    """
    network.eval().requires_grad_(requires_grad=False)
    fold_batch_norms(network)
    fold_scales(network)
    for module in list(network.modules()):
        if isinstance(module, SharedConv2d):
            module.split()
    network.to(device=device, dtype=dtype, memory_format=torch.channels_last)
    if torch.device(device).type != "cpu":
        return
    for module in network.modules():
        if isinstance(module, TakesObjectsInTurn):
            module.objects_at_once = 1
    if dtype == torch.float32 and precision in ("fp32", "tf32"):
        for name, child in network.named_children():
            if name not in direct:
                use_winograd(child)


def use_winograd(network: nn.Module) -> None:
    """Replace every convolution inside ``network`` that `winograd.suits`."""
    for module in list(network.modules()):
        for name, child in list(module.named_children()):
            if type(child) is nn.Conv2d and suits(child):
                setattr(module, name, WinogradConv2d(child))
