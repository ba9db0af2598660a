"""Simulated INT8: how far numbers are rounded, which layers are, and that gradients pass."""

from __future__ import annotations

import torch
from torch import nn

from vosbench.adapters.nn.int8 import Int8Conv2d, Int8Input, Int8Linear, rounded_weight, simulate_int8
from vosbench.adapters.nn.scaled_convolution import ScaledConv2d, fold_scales
from vosbench.adapters.sam2_lite.network import Sam2LiteNetwork, make_network
from vosbench.adapters.sam2_lite.reader import Attention


def random(*shape: int) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(0))


def test_weights_have_255_steps_per_output_channel():
    weight = random(3, 4, 2, 2) * torch.tensor([1.0, 10.0, 0.0])[:, None, None, None]
    rounded = rounded_weight(weight)
    for channel in (0, 1):
        step = weight[channel].abs().max() / 127
        steps = rounded[channel] / step
        torch.testing.assert_close(steps.round(), steps, atol=1e-3, rtol=0)
        assert (rounded[channel] - weight[channel]).abs().max() <= step / 2 * 1.001
    assert 0 == rounded[2].abs().max()


def test_inputs_have_256_steps_of_one_range_that_training_follows():
    layer = Int8Input()
    layer(torch.tensor([-1.0, 0.5, 3.0]))
    torch.testing.assert_close(torch.tensor([-1.0, 3.0]), layer.limits)
    layer(torch.tensor([-2.0, 4.0]))
    torch.testing.assert_close(torch.tensor([-1.01, 3.01]), layer.limits)
    layer.eval()
    x = torch.linspace(-3, 5, 1000)
    rounded = layer(x)
    assert len(rounded.unique()) <= 256
    inside = (x > -1.0) & (x < 3.0)
    assert (rounded - x)[inside].abs().max() <= 4.02 / 255 / 2 * 1.001
    assert rounded.max() <= 3.03
    torch.testing.assert_close(torch.tensor([-1.01, 3.01]), layer.limits)


def test_zero_stays_zero_where_all_numbers_are_positive():
    layer = Int8Input()
    layer(torch.tensor([1.0, 2.0]))
    assert 0 == layer.eval()(torch.zeros(3)).abs().max()


def test_gradients_go_straight_through():
    layer = Int8Linear(nn.Linear(4, 2))
    x = random(5, 4).requires_grad_()
    layer(x).sum().backward()
    torch.testing.assert_close(rounded_weight(layer.weight.detach()).sum(0).expand(5, 4), x.grad)
    assert layer.weight.grad.abs().min() > 0


def test_a_scaled_convolution_folds_into_one_on_the_same_numbers():
    scaled = ScaledConv2d(nn.Conv2d(3, 4, 3, stride=2, padding=1, bias=False))
    scaled.scale.copy_(torch.tensor([0.5, 1.0, 2.0, 3.0])[:, None, None, None])
    network = nn.Sequential(scaled)
    simulate_int8(network, lambda name, module: False)
    x = random(1, 3, 8, 8)
    network(x)
    network.eval()
    expected = network(x).detach()
    fold_scales(network)
    assert Int8Conv2d is type(network[0])
    torch.testing.assert_close(expected, network(x))


def test_attention_and_the_keys_stay_as_they_are_and_names_do_too():
    with torch.device("meta"):
        plain, rounded = Sam2LiteNetwork("mini"), make_network("mini", int8=True)
    names = {name for name in rounded.state_dict() if "int8_input" not in name}
    assert plain.state_dict().keys() == names
    whole = [part for module in rounded.modules() if isinstance(module, Attention) for part in module.modules()]
    assert not any(isinstance(part, Int8Linear) for part in whole)
    assert nn.Linear is type(rounded.key)
    assert Int8Linear is type(rounded.value)
    assert Int8Conv2d is type(rounded.head.out)
    others = [
        name
        for name, module in rounded.named_modules()
        if type(module) in (nn.Linear, nn.Conv2d, ScaledConv2d) and module not in whole
    ]
    assert ["key"] == others


def test_rounding_changes_an_answer_a_little():
    torch.manual_seed(0)
    plain = Sam2LiteNetwork("mini")
    rounded = make_network("mini", int8=True)
    rounded.load_state_dict(plain.state_dict(), strict=False)
    image = random(1, 3, 32, 48)
    with torch.no_grad():
        rounded.encode(image)
        expected, actual = plain.eval().encode(image).tokens, rounded.eval().encode(image).tokens
    error = (expected - actual).square().mean().sqrt() / expected.std()
    assert 0.0005 < float(error) < 0.3
