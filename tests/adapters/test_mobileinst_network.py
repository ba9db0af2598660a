"""MobileInst's network against the paper's tables, and what its queries read."""

from __future__ import annotations

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from vosbench.adapters.mobileinst.instance_decoder import sine_positions
from vosbench.adapters.mobileinst.network import Architecture, MobileInstNetwork, mask_logits

TABLE_TOLERANCE = 0.02
"""GFLOPs: the paper rounds to 0.01, and counting batch norms or not is worth 0.004."""

ROWS = {
    "table 5: ours": (8.75, Architecture(enhanced=False)),
    "table 5: ours w/ SE": (8.79, Architecture()),
    "table 6: 200 queries": (8.97, Architecture(enhanced=False, queries=200)),
    "table 6: 50 queries": (8.65, Architecture(enhanced=False, queries=50)),
    "table 6: 20 queries": (8.59, Architecture(enhanced=False, queries=20)),
    "table 3: global": (8.69, Architecture(enhanced=False, decoder="global")),
    "table 3: local": (8.68, Architecture(enhanced=False, decoder="local")),
    "table 3: global x 2": (8.75, Architecture(enhanced=False, decoder="global-global")),
    "table 3: local x 2": (8.74, Architecture(enhanced=False, decoder="local-local")),
    "table 4: original size": (9.32, Architecture(enhanced=False, pool="none")),
    "table 4: 4 x 4 max": (8.77, Architecture(enhanced=False, pool="max4")),
    "table 4: 8 x 8 average": (8.75, Architecture(enhanced=False, pool="avg8")),
}


class Fvcore(TorchDispatchMode):
    """Counts as fvcore does: multiply-accumulates, and some units per element of norms and resizes."""

    def __init__(self) -> None:
        super().__init__()
        self.total = 0

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        out = function(*args, **(kwargs or {}))
        name = function._schema.name.removeprefix("aten::")
        if name == "convolution":
            self.total += out.numel() * args[1][0].numel()
        elif name in ("mm", "bmm"):
            self.total += out.numel() * args[0].shape[-1]
        elif name == "addmm":
            self.total += out.numel() * args[1].shape[-1]
        elif "batch_norm" in name:
            self.total += 2 * out[0].numel()
        elif name == "native_layer_norm":
            self.total += 5 * out[0].numel()
        elif name.startswith("upsample_bilinear2d"):
            self.total += 4 * out.numel()
        elif name == "_adaptive_avg_pool2d":
            self.total += args[0].numel()
        return out


@pytest.mark.parametrize("row", ROWS)
def test_flops_are_those_of_the_papers_tables(row):
    expected, architecture = ROWS[row]
    with torch.device("meta"):
        network = MobileInstNetwork(architecture).eval()
        image = torch.zeros(1, 3, 320, 640)
    with torch.no_grad(), Fvcore() as counted:
        maps = network.encode(image)
        mask_logits(network.decode(maps)[1].kernels, maps.masks)
    assert expected == pytest.approx(counted.total / 1e9, abs=TABLE_TOLERANCE)


@pytest.mark.parametrize(
    ("architecture", "expected"),
    [
        (Architecture(), 10_985_393),
        (Architecture(enhanced=False), 10_394_033),
        (Architecture(backbone="seaformer-base"), 14_566_769),
    ],
)
def test_parameters_are_those_of_the_specification(architecture, expected):
    with torch.device("meta"):
        network = MobileInstNetwork(architecture)
    assert expected == sum(parameter.numel() for parameter in network.parameters())


def test_positions_are_detrs_by_hand():
    found = sine_positions(torch.zeros(1, 8, 2, 3))
    y, x = torch.tensor(2 * torch.pi * 2 / 2), torch.tensor(2 * torch.pi * 1 / 3)
    slow = 10000 ** (2 / 4)
    by_hand = [
        y.sin(),
        y.cos(),
        (y / slow).sin(),
        (y / slow).cos(),
        x.sin(),
        x.cos(),
        (x / slow).sin(),
        (x / slow).cos(),
    ]
    assert torch.allclose(torch.stack(by_hand), found[3], atol=1e-6)


def test_passing_queries_go_through_the_last_half_only():
    torch.manual_seed(0)
    network = MobileInstNetwork(Architecture(backbone="topformer-tiny", queries=5, categories=3)).eval()
    with torch.no_grad():
        maps = network.encode(torch.randn(1, 3, 64, 128))
        decoded, said = network.decode(maps)
        passed = network.instance_decoder.pass_on(decoded.passing, maps.global_map, maps.local_map)
    assert torch.allclose(decoded.queries, passed, atol=1e-6)
    assert not torch.allclose(decoded.queries, decoded.passing, atol=1e-2)
    assert (1, 5, 3) == tuple(said.classes.shape)
    assert (1, 5, 16, 32) == tuple(mask_logits(said.kernels, maps.masks).shape)


def test_every_class_begins_as_rare():
    network = MobileInstNetwork(Architecture(backbone="topformer-tiny", queries=5, categories=3))
    network.initialise()
    assert torch.allclose(torch.full((3,), 0.01), network.heads.classes.bias.sigmoid())
