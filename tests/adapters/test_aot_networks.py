"""The networks of AOT-L, DeAOT-L and MAVOS against their manifests, and their checkpoints."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch

from vosbench.adapters.aot import AOT_L, DEAOT_L
from vosbench.adapters.aot.network import AOTNetwork
from vosbench.adapters.mavos import CARD as MAVOS
from vosbench.adapters.mavos.network import build_network
from vosbench.adapters.nn.checkpoint import build_on_meta
from vosbench.adapters.nn.convolution import fold_batch_norms
from vosbench.adapters.nn.frozen_norm import FrozenBatchNorm2d
from vosbench.adapters.nn.swin import position_index
from vosbench.contract import MethodCard, Runtime, Weights
from vosbench.errors import CheckpointError

PREFIXES = {"mnv2": "", "r50": "r50_", "swinb": "swinb_"}
BUILDERS = {"aotl": partial(AOTNetwork, gated=False), "deaotl": partial(AOTNetwork, gated=True), "mavos": build_network}
NETWORKS = {
    prefix + model: partial(build, encoder) for encoder, prefix in PREFIXES.items() for model, build in BUILDERS.items()
}


@pytest.mark.parametrize("name", NETWORKS)
def test_the_state_has_the_official_keys_shapes_and_order(shared: Path, name: str):
    manifest = json.loads((shared / "parity" / "manifests" / f"{name}.json").read_text())
    network = build_on_meta(NETWORKS[name])
    expected = [(entry["key"], tuple(entry["shape"]), entry["dtype"]) for entry in manifest["state_dict"]]
    state = network.state_dict()
    assert expected == [(key, tuple(value.shape), str(value.dtype)[6:]) for key, value in state.items()]
    parameters = {entry["key"] for entry in manifest["state_dict"] if entry["kind"] == "parameter"}
    assert parameters == {key for key, _ in network.named_parameters()}
    assert manifest["parameters_total"] == sum(parameter.numel() for parameter in network.parameters())


@pytest.mark.parametrize("operator", ["cross-attention", "focal-modulation"])
def test_other_fusions_have_weights_of_their_own(operator: str):
    own = build_on_meta(partial(build_network, "mnv2", fusion=operator)).state_dict().keys()
    official = build_on_meta(partial(build_network, "mnv2")).state_dict().keys()
    assert own != official
    assert {key for key in own ^ official if "long_term_memory_attention" not in key} == set()


@pytest.mark.parametrize("levels", [1, 2, 3])
def test_every_focal_level_widens_the_kernel_and_adds_a_gate(levels: int):
    state = build_on_meta(partial(build_network, "mnv2", focal_levels=levels)).state_dict()
    slot = "long_term_memory_attention.2.0.joint_modulation.attn."
    kernels = [tuple(value.shape) for key, value in state.items() if key.startswith(slot + "focal_layers")]
    assert [(128, 1, size, size) for size in (3, 5, 7)[:levels]] == kernels
    assert (128 + levels + 1,) == tuple(state[slot + "f_context.bias"].shape)


def state_of(build: Any) -> dict[str, torch.Tensor]:
    network = build()
    return {key: torch.zeros_like(value) for key, value in network.state_dict().items()}


def load(card: MethodCard, path: Path, **settings: Any):
    return card.load(Runtime(), Weights(kind="checkpoint", path=path), card.settings(**settings))


def test_what_official_files_wrap_and_carry_along_is_taken_off(tmp_path: Path):
    state = state_of(NETWORKS["aotl"])
    carried = {
        "encoder.features.0.1.num_batches_tracked": torch.tensor(7),
        "encoder.classifier.1.weight": torch.zeros(3),
    }
    wrapped = {"module." + key: value for key, value in (state | carried).items()}
    torch.save({"state_dict": wrapped, "optimizer": {"state": {}}, "scaler": {"scale": 2.0}}, tmp_path / "aotl.pth")
    (network,) = load(AOT_L, tmp_path / "aotl.pth").networks()
    assert 8262371 == sum(parameter.numel() for parameter in network.parameters())


def test_a_checkpoint_without_mca_is_refused_although_the_official_loader_takes_it(tmp_path: Path):
    torch.save(state_of(NETWORKS["deaotl"]), tmp_path / "deaotl.pth")
    with pytest.raises(CheckpointError, match="does not fit mavos@mnv2: 180 missing") as error:
        load(MAVOS, tmp_path / "deaotl.pth")
    assert "DeAOT" in error.value.fix


@pytest.mark.parametrize(("card", "settings"), [(DEAOT_L, {}), (AOT_L, {"encoder": "r50"})], ids=["deaot-l", "r50"])
def test_another_networks_checkpoint_is_refused(tmp_path: Path, card: MethodCard, settings: dict[str, str]):
    torch.save(state_of(NETWORKS["aotl"]), tmp_path / "aotl.pth")
    with pytest.raises(CheckpointError, match=f"does not fit {card.name}@{settings.get('encoder', 'mnv2')}: ") as error:
        load(card, tmp_path / "aotl.pth", **settings)
    assert "AOT" in error.value.fix


def test_an_unknown_key_is_refused(tmp_path: Path):
    torch.save(state_of(NETWORKS["aotl"]) | {"LSTT.layers.3.norm1.weight": torch.zeros(256)}, tmp_path / "more.pth")
    with pytest.raises(CheckpointError, match="1 unknown"):
        load(AOT_L, tmp_path / "more.pth")


def test_frozen_norms_fold_into_their_convolutions():
    generator = torch.Generator().manual_seed(0)
    network = torch.nn.Sequential(torch.nn.Conv2d(3, 5, 3, bias=False), FrozenBatchNorm2d(5)).double()
    for tensor in network.state_dict().values():
        tensor.uniform_(0.5, 1.5, generator=generator)
    image = torch.randn(1, 3, 6, 7, generator=generator, dtype=torch.float64)
    convolved = torch.nn.functional.conv2d(image, network[0].weight)
    mean, deviation = network[1].running_mean, torch.sqrt(network[1].running_var + 1e-5)
    scale = (network[1].weight / deviation)[:, None, None]
    expected = (convolved - mean[:, None, None]) * scale + network[1].bias[:, None, None]
    torch.testing.assert_close(expected, network(image))
    fold_batch_norms(network)
    torch.testing.assert_close(expected, network(image))


def test_swin_windows_count_relative_positions():
    index = position_index()
    y, x = torch.arange(49) // 7, torch.arange(49) % 7
    expected = (y[:, None] - y + 6) * 13 + (x[:, None] - x + 6)
    assert torch.equal(expected, index)
    assert (0, 168) == (int(index.min()), int(index.max()))
