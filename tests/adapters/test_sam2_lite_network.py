"""SAM2-Lite's network: its size, what it reads, and the parts that the specification fixes."""

from __future__ import annotations

import math

import pytest
import torch

from vosbench.adapters.sam2_lite.network import (
    Gate,
    Sam2LiteNetwork,
    patch_coverage,
    patch_entropy,
    with_background,
)
from vosbench.adapters.sam2_lite.reader import BankView, Reader, age_waves

COUNTS = {
    "tiny": (5_579_316, 5.2e6),
    "small": (12_462_132, 12.8e6),
    "base": (39_498_804, 38.4e6),
    "tiny-full": (10_272_372, None),
    "small-full": (26_462_388, None),
    "base-full": (90_692_916, None),
}
"""Parameters by the specification, and the paper's (table 1) where the preset is the one that meets it."""


@pytest.mark.parametrize("preset", COUNTS)
def test_parameters_are_the_specifications_and_near_the_papers(preset):
    expected, published = COUNTS[preset]
    with torch.device("meta"):
        network = Sam2LiteNetwork(preset)
    found = sum(parameter.numel() for parameter in network.parameters())
    assert expected == found
    if published is not None:
        assert abs(found / published - 1) <= 0.08


def test_the_gate_has_not_50_thousand_parameters():
    assert 74_369 == sum(parameter.numel() for parameter in Gate().parameters())


def _reader(seed=0):
    torch.manual_seed(seed)
    return Reader(512, among_queries=False).eval()


def _bank(tokens, weights=None, seed=1):
    generator = torch.Generator().manual_seed(seed)
    keys, values = (torch.randn(1, tokens, 256, generator=generator) for _ in range(2))
    return BankView(keys=keys, values=values, ages=torch.arange(tokens)[None], weights=weights)


def _read(reader, bank):
    generator = torch.Generator().manual_seed(2)
    x, queries = torch.randn(1, 6, 256, generator=generator), torch.randn(1, 2, 256, generator=generator)
    with torch.no_grad():
        return reader(x, x / 4, queries, bank, tell=True)


def test_a_weight_of_zero_is_as_if_the_token_were_not_there():
    reader, whole = _reader(), _bank(5)
    kept = torch.tensor([0, 2, 4])
    cut = BankView(keys=whole.keys[:, kept], values=whole.values[:, kept], ages=whole.ages[:, kept])
    weighed = BankView(keys=whole.keys, values=whole.values, ages=whole.ages, weights=torch.tensor([[1.0, 0, 1, 0, 1]]))
    expected, found = _read(reader, cut), _read(reader, weighed)
    assert torch.allclose(expected.tokens, found.tokens, atol=1e-5)
    assert torch.allclose(expected.queries, found.queries, atol=1e-5)
    assert torch.allclose(torch.zeros(1, 6), found.attention[:, :, 1], atol=1e-12)


def test_attention_sums_to_one_and_the_order_of_tokens_does_not_matter():
    reader, bank = _reader(), _bank(7)
    order = torch.randperm(7, generator=torch.Generator().manual_seed(3))
    turned = BankView(keys=bank.keys[:, order], values=bank.values[:, order], ages=bank.ages[:, order])
    expected, found = _read(reader, bank), _read(reader, turned)
    assert torch.allclose(torch.ones(1, 6), expected.attention.sum(2), atol=1e-5)
    assert torch.allclose(expected.attention[:, :, order], found.attention, atol=1e-5)
    assert torch.allclose(expected.readout, found.readout, atol=1e-5)


def test_the_affinity_prefers_the_nearest_key():
    reader = _reader()
    for layer in reader.layers:
        layer.gain.data.fill_(40.0)
    bank = _bank(4)
    near = BankView(keys=bank.keys, values=bank.values, ages=bank.ages)
    x = bank.keys[:, [2, 0]]
    with torch.no_grad():
        read = reader(x, x, torch.zeros(1, 1, 256), near, tell=True)
    assert [2, 0] == read.attention[0].argmax(1).tolist()


def test_ages_are_waves_of_their_logarithm():
    waves = age_waves(torch.tensor([9.0]))[0]
    angle = math.log(10) * 2**3 / 4
    assert 16 == len(waves)
    assert [math.sin(angle), math.cos(angle)] == pytest.approx([float(waves[3]), float(waves[11])], abs=1e-6)


def test_coverage_keeps_the_shape_inside_a_patch():
    masks = torch.zeros(1, 2, 8, 12)
    masks[0, 1, 5, 6] = 0.75
    coverage = patch_coverage(masks)
    assert (1, 2, 6, 16) == tuple(coverage.shape)
    assert 0.75 == float(coverage[0, 1, 4, 1 * 4 + 2])
    assert 1 == int((coverage > 0).sum())


def test_entropy_is_one_where_nothing_is_known_and_zero_where_all_is():
    probabilities = with_background(torch.zeros(1, 2, 4, 8))
    probabilities[:, :, :, 4:] = torch.tensor([1.0, 0, 0])[None, :, None, None]
    assert torch.allclose(torch.tensor([[1.0, 0.0]]), patch_entropy(probabilities), atol=1e-6)


def test_an_object_that_a_clip_does_not_have_adds_nothing_to_the_values():
    torch.manual_seed(0)
    network = Sam2LiteNetwork("mini").eval()
    with torch.no_grad():
        frame = network.encode(torch.randn(1, 3, 32, 48))
        coverage = patch_coverage(torch.rand(1, 2, 8, 12))
        slots = torch.tensor([[0, 1]])
        alone = network.values(frame, coverage[:, :1], slots[:, :1])
        both = network.values(frame, coverage, slots, present=torch.tensor([[1.0, 0.0]]))
        counted = network.values(frame, coverage, slots)
    assert torch.allclose(alone, both, atol=1e-6)
    assert not torch.allclose(alone, counted, atol=1e-3)


def test_motion_is_zero_at_first_and_for_a_frame_that_repeats_also_on_another_grid():
    torch.manual_seed(0)
    network = Sam2LiteNetwork("mini").eval()
    tokens = torch.ones(1, 6, 256)
    assert torch.equal(torch.zeros(1, 6), network.motion(tokens, (2, 3), None, (0, 0)))
    assert torch.allclose(torch.zeros(1, 6), network.motion(tokens, (2, 3), torch.ones(1, 24, 256), (4, 6)), atol=1e-6)
    assert torch.allclose(torch.ones(1, 6), network.motion(tokens, (2, 3), -tokens, (2, 3)), atol=1e-6)
