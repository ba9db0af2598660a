"""Convolutions under a frozen norm: trained as scale and bias, folded for inference."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from vosbench.adapters.nn.frozen_norm import FrozenBatchNorm2d
from vosbench.adapters.nn.scaled_convolution import (
    PointwiseConv2d,
    ScaledConv2d,
    absorb_norms,
    fold_scales,
    load_normed,
)

SHAPES = [{"kernel_size": 1}, {"kernel_size": 3, "stride": 2, "padding": 1}, {"kernel_size": 3, "groups": 4}]


def normed(**shape: int) -> nn.Sequential:
    """Gives back a convolution and a norm that changes something."""
    generator = torch.Generator().manual_seed(0)
    network = nn.Sequential(nn.Conv2d(4, 8, bias=False, **shape), FrozenBatchNorm2d(8))
    network.load_state_dict(
        {key: torch.rand(value.shape, generator=generator) for key, value in network.state_dict().items()}
    )
    return network


def absorbed(network: nn.Sequential, **shape: int) -> nn.Sequential:
    """Gives back the same as convolution with scale and bias."""
    made = nn.Sequential(nn.Conv2d(4, 8, bias=False, **shape), FrozenBatchNorm2d(8))
    absorb_norms(made)
    load_normed(made, network.state_dict())
    return made


@pytest.mark.parametrize("shape", SHAPES)
def test_scale_and_bias_stand_for_the_norm(shape: dict[str, int]):
    network = normed(**shape)
    made = absorbed(network, **shape)
    x = torch.randn(2, 4, 5, 6, generator=torch.Generator().manual_seed(1))
    torch.testing.assert_close(made(x), network(x))
    assert ["0.weight", "0.bias"] == [name for name, _ in made.named_parameters()]
    assert {"0.weight", "0.bias", "0.scale"} == set(made.state_dict())
    assert torch.equal(made[0].weight, network[0].weight), "the weight keeps the size that it was trained in"


@pytest.mark.parametrize("shape", SHAPES)
def test_a_folded_convolution_gives_the_same(shape: dict[str, int]):
    made = absorbed(normed(**shape), **shape)
    x = torch.randn(2, 4, 5, 6, generator=torch.Generator().manual_seed(1))
    expected = made(x)
    fold_scales(made)
    assert not any(isinstance(module, ScaledConv2d) for module in made.modules())
    assert (shape["kernel_size"] == 1) == isinstance(made[0], PointwiseConv2d)
    torch.testing.assert_close(made(x), expected)
    torch.testing.assert_close(made.double()(x.double()).float(), expected)


def test_the_scale_is_fixed_and_the_weight_is_not():
    made = absorbed(normed(kernel_size=1), kernel_size=1)
    made(torch.ones(1, 4, 2, 2)).sum().backward()
    assert made[0].weight.grad.any()
    assert made[0].scale.grad is None


def test_input_channels_that_the_stored_kernel_lacks_begin_at_zero():
    made = nn.Sequential(nn.Conv2d(6, 8, 1, bias=False), FrozenBatchNorm2d(8))
    absorb_norms(made)
    stored = normed(kernel_size=1)
    load_normed(made, stored.state_dict())
    assert torch.equal(stored[0].weight, made[0].weight[:, :4])
    assert not made[0].weight[:, 4:].any()


def test_a_network_may_be_made_without_memory():
    with torch.device("meta"):
        made = nn.Sequential(nn.Conv2d(4, 8, 1, bias=False), FrozenBatchNorm2d(8))
        absorb_norms(made)
    assert all(value.is_meta for value in made.state_dict().values())
