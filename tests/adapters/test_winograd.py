from __future__ import annotations

import pytest
import torch
from torch import nn

from vosbench.adapters.nn import winograd
from vosbench.adapters.nn.preparation import prepare_for_inference
from vosbench.adapters.nn.winograd import WinogradConv2d, suits


@pytest.mark.parametrize("shape", [(2, 3, 1, 1), (1, 3, 2, 5), (3, 2, 7, 6), (1, 4, 9, 33), (1, 2, 64, 3)])
@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("blocks", [1, 7, 256])
def test_it_is_the_convolution(
    monkeypatch: pytest.MonkeyPatch, shape: tuple[int, int, int, int], bias: bool, blocks: int
):
    monkeypatch.setattr(winograd, "STRIP_BLOCKS", blocks)
    convolution = nn.Conv2d(shape[1], 5, 3, padding=1, bias=bias).double().requires_grad_(False)
    x = torch.randn(shape, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    actual = WinogradConv2d(convolution)(x)
    torch.testing.assert_close(convolution(x), actual)
    assert actual.is_contiguous(memory_format=torch.channels_last)


def test_in_single_precision_it_is_as_close_to_the_exact_result_as_the_direct_convolution():
    convolution = nn.Conv2d(256, 128, 3, padding=1).requires_grad_(False)
    x = torch.randn(1, 256, 10, 12, generator=torch.Generator().manual_seed(0))
    exact = nn.functional.conv2d(x.double(), convolution.weight.double(), convolution.bias.double(), padding=1)
    error = (WinogradConv2d(convolution)(x) - exact).abs().max()
    assert error < 2 * (convolution(x) - exact).abs().max() + 1e-6


def test_its_weight_counts_but_holds_nothing():
    replaced = WinogradConv2d(nn.Conv2d(128, 256, 3, padding=1))
    assert 128 * 256 * 9 + 256 == sum(parameter.numel() for parameter in replaced.parameters())
    assert 4 == replaced.weight.untyped_storage().nbytes()
    assert bool(replaced.weight.isnan().all())


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, True),
        ({"stride": 2}, False),
        ({"dilation": 2, "padding": 2}, False),
        ({"groups": 2}, False),
        ({"padding": 0}, False),
        ({"out_channels": 1}, False),
        ({"kernel_size": 1, "padding": 0}, False),
    ],
)
def test_only_wide_plain_convolutions_are_replaced(changes: dict[str, int], expected: bool):
    arguments = {"in_channels": 128, "out_channels": 128, "kernel_size": 3, "padding": 1} | changes
    assert expected == suits(nn.Conv2d(**arguments, device="meta"))


@pytest.mark.parametrize(("precision", "expected"), [("fp32", True), ("bf16", False)])
def test_half_precision_keeps_the_direct_convolution(precision: str, expected: bool):
    network = nn.Sequential(nn.Sequential(nn.Conv2d(128, 128, 3, padding=1)))
    prepare_for_inference(network, device="cpu", precision=precision)
    assert expected == isinstance(network[0][0], WinogradConv2d)
