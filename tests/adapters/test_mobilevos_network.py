"""MobileVOS's students: the paper's counts of parameters, what the value encoder sees, ImageNet weights."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from vosbench.adapters.mobilevos.context import ASPP
from vosbench.adapters.mobilevos.network import STUDENTS, MobileVOSNetwork
from vosbench.adapters.nn.checkpoint import build_on_meta
from vosbench.errors import CheckpointError

PUBLISHED = {"r18": 8.1e6, "mnv2": 2.5e6, "mnv2-noaspp": 1.9e6}
"""Table 4."""


@pytest.mark.parametrize("name", PUBLISHED)
def test_parameters_are_as_many_as_published(name: str):
    network = build_on_meta(lambda: MobileVOSNetwork(STUDENTS[name]))
    count = sum(parameter.numel() for parameter in network.parameters())
    assert pytest.approx(PUBLISHED[name], rel=0.03) == count
    assert f"{PUBLISHED[name] / 1e6:.1f}" == f"{count / 1e6:.1f}"


def test_the_value_encoder_does_not_see_the_frame():
    network = small()
    f16, masks = torch.randn(1, 96, 2, 3), torch.rand(2, 32, 48)
    with torch.no_grad():
        expected = network.value_encoder(torch.zeros(1, 3, 32, 48), f16, masks)
        assert torch.equal(expected, network.value_encoder(torch.ones(1, 3, 32, 48), f16, masks))
        assert not torch.equal(expected, network.value_encoder(torch.zeros(1, 3, 32, 48), f16, masks.flip(1)))


def test_aspp_changes_what_the_decoder_gets_and_neither_key_nor_value():
    with torch.no_grad():
        network, image = small("mnv2"), torch.randn(1, 3, 32, 48)
        features = network.encode_key(image)
        before = features.key.clone(), features.f16.clone()
        for parameter in network.context.parameters():
            parameter.add_(0.5)
        again = network.encode_key(image)
    assert torch.equal(before[0], again.key)
    assert torch.equal(before[1], again.f16)
    assert not torch.equal(features.f16_thin, again.f16_thin)
    without = small().encode_key(image)
    assert torch.equal(without.f16, without.f16_thin)


def test_aspp_sees_the_whole_frame_from_everywhere():
    torch.manual_seed(0)
    aspp = ASPP(4)
    f16 = torch.randn(1, 4, 40, 40, requires_grad=True)
    aspp(f16)[0, :, 20, 20].sum().backward()
    reached = f16.grad[0].abs().sum(0)
    assert (reached > 0).all()
    grid = torch.tensor([2, 8, 14, 20, 26, 32, 38])
    strong = reached > 3 * reached.median()
    assert set(strong.nonzero().flatten().tolist()) == set(grid.tolist())


def small(name: str = "mnv2-noaspp") -> MobileVOSNetwork:
    torch.manual_seed(0)
    return MobileVOSNetwork(STUDENTS[name])


def torchvision_state(network: MobileVOSNetwork) -> dict[str, Tensor]:
    """Weights under torchvision's names for every trunk of ``network``, the norms not yet absorbed."""
    random = torch.Generator().manual_seed(1)
    state: dict[str, Tensor] = {}
    for trunk in (network.key_encoder, network.value_encoder.trunk):
        for key, value in trunk.state_dict().items():
            name, _, part = key.rpartition(".")
            if part != "weight":
                continue
            shape = (32, 3, 3, 3) if name == "features.0.0" else tuple(value.shape)
            state[key] = torch.randn(shape, generator=random)
            owner, dot, last = name.rpartition(".")
            norm = f"{owner}{dot}{int(last) + 1 if last.isdecimal() else last.replace('conv', 'bn')}"
            for statistic in ("weight", "bias", "running_mean", "running_var"):
                state[f"{norm}.{statistic}"] = torch.rand(shape[0], generator=random) + 0.5
    return state


@pytest.mark.parametrize("name", STUDENTS)
def test_imagenet_weights_reach_both_trunks(name: str):
    network = small(name)
    state = torchvision_state(network)
    network.load_backbone(state)
    grey = network.value_encoder.trunk.features[0][0].weight
    torch.testing.assert_close(state["features.0.0.weight"].sum(1), grey[:, 0])
    assert 0 == grey[:, 1].abs().max()
    first = network.key_encoder.conv1 if name == "r18" else network.key_encoder.features[0][0]
    key, norm = ("conv1", "bn1") if name == "r18" else ("features.0.0", "features.0.1")
    image = torch.randn(1, 3, 16, 16)
    expected = torch.nn.functional.conv2d(image, state[f"{key}.weight"], stride=2, padding=first.padding)
    statistics = (state[f"{norm}.{part}"] for part in ("running_mean", "running_var", "weight", "bias"))
    expected = torch.nn.functional.batch_norm(expected, *statistics)
    torch.testing.assert_close(expected, first(image), rtol=1e-4, atol=1e-4)


def test_weights_of_another_backbone_are_refused():
    state = torchvision_state(small())
    with pytest.raises(CheckpointError, match="no weights of ResNet-18") as caught:
        small("r18").load_backbone(state)
    assert "resnet18 and mobilenet_v2" in caught.value.fix
    with pytest.raises(CheckpointError, match="have no 'features"):
        small().load_backbone({key: value for key, value in state.items() if not key.startswith("features.9")})


def test_trunk_parameters_are_those_of_imagenet_that_train():
    network = small()
    found = {id(parameter) for parameter in network.trunk_parameters()}
    names = {name for name, parameter in network.named_parameters() if id(parameter) in found}
    assert {"key_encoder", "value_encoder"} == {name.split(".")[0] for name in names}
    assert "value_encoder.trunk.features.0.0.weight" in names
    assert "key_encoder.features.0.0.weight" not in names
    assert not any("fuser" in name for name in names)
