from __future__ import annotations

import copy

import pytest
import torch
from torch import nn

from vosbench.adapters.nn.blocks import FeatureFusionBlock
from vosbench.adapters.nn.convolution import SharedConv2d
from vosbench.adapters.nn.preparation import prepare_for_inference
from vosbench.adapters.nn.resnet import ResNet18MaskTrunk, ResNet50Trunk


def randomise(network: nn.Module) -> None:
    generator = torch.Generator().manual_seed(0)
    for key, value in network.state_dict().items():
        if value.is_floating_point():
            value.uniform_(0.5 if key.endswith("var") else -0.1, 1 if key.endswith("var") else 0.1, generator=generator)


@pytest.mark.parametrize("shared_first", [True, False])
@pytest.mark.parametrize("split", [True, False])
def test_sharing_equals_the_convolution_of_the_concatenation(shared_first: bool, split: bool):
    convolution = SharedConv2d(3, 5, 4, shared_first=shared_first).double().requires_grad_(False)
    randomise(convolution)
    own, shared = torch.randn(2, 3, 6, 7).double(), torch.randn(1, 5, 6, 7).double()
    copies = shared.expand(2, -1, -1, -1)
    parts = [copies, own] if shared_first else [own, copies]
    expected = nn.functional.conv2d(torch.cat(parts, 1), convolution.weight, convolution.bias, padding=1)
    assert ["weight", "bias"] == list(convolution.state_dict())
    if split:
        convolution.split()
    torch.testing.assert_close(expected, convolution(own, shared))


@pytest.mark.parametrize("bias", [True, False])
def test_preparing_for_inference_changes_rounding_only_and_keeps_the_parameter_count(bias: bool):
    trunk = ResNet18MaskTrunk(2, bias=bias)
    randomise(trunk.requires_grad_(False))
    trunk.eval()
    image, planes = torch.randn(1, 3, 32, 48), torch.rand(2, 2, 32, 48)
    expected = copy.deepcopy(trunk).double().trunk(image.double(), planes.double())
    count = sum(parameter.numel() for parameter in trunk.parameters())
    prepare_for_inference(trunk, device="cpu")
    assert count == sum(parameter.numel() for parameter in trunk.parameters())
    assert not any(isinstance(module, nn.BatchNorm2d) for module in trunk.modules())
    torch.testing.assert_close(expected.float(), trunk.trunk(image, planes), rtol=1e-4, atol=1e-5)


def test_a_folded_key_encoder_equals_its_norms():
    trunk = ResNet50Trunk().requires_grad_(False).double().eval()
    randomise(trunk)
    image = torch.randn(1, 3, 32, 32).double()
    expected = trunk(image)
    prepare_for_inference(trunk, device="cpu", dtype=torch.float64)
    torch.testing.assert_close(expected, trunk(image))


def test_fusing_objects_together_equals_fusing_them_one_by_one():
    block = FeatureFusionBlock(4, 6, 16, shared_first=True).double().requires_grad_(False)
    own, shared = torch.randn(3, 4, 5, 5).double(), torch.randn(1, 6, 5, 5).double()
    one_by_one = torch.cat([block(part, shared) for part in own.split(1)])
    torch.testing.assert_close(one_by_one, block(own, shared))
