from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from vosbench.adapters.nn.checkpoint import build_on_meta
from vosbench.adapters.stcn.network import STCNNetwork
from vosbench.adapters.xmem.network import XMemNetwork

NETWORKS = {
    "stcn": STCNNetwork,
    "xmem": XMemNetwork,
    "xmem_no_sensory": lambda: XMemNetwork(hidden_dim=0),
    "xmem_single_object": lambda: XMemNetwork(single_object=True),
}


@pytest.mark.parametrize("name", NETWORKS)
def test_the_state_has_the_official_keys_shapes_and_order(shared: Path, name: str):
    manifest = json.loads((shared / "parity" / "manifests" / f"{name}.json").read_text())
    network = build_on_meta(NETWORKS[name])
    expected = [(entry["key"], tuple(entry["shape"])) for entry in manifest["state_dict"]]
    assert expected == [(key, tuple(value.shape)) for key, value in network.state_dict().items()]
    assert manifest["parameters_total"] == sum(parameter.numel() for parameter in network.parameters())


@pytest.mark.parametrize("name", NETWORKS)
def test_parameters_and_buffers_are_what_they_are_officially(shared: Path, name: str):
    manifest = json.loads((shared / "parity" / "manifests" / f"{name}.json").read_text())
    parameters = {entry["key"] for entry in manifest["state_dict"] if entry["kind"] == "parameter"}
    assert parameters == {key for key, _ in build_on_meta(NETWORKS[name]).named_parameters()}


def test_fewer_channels_are_single_object_only():
    assert (64, 4, 7, 7) == tuple(build_on_meta(NETWORKS["xmem_single_object"]).value_encoder.conv1.weight.shape)
    assert torch.device("meta") == build_on_meta(NETWORKS["stcn"]).decoder.pred.weight.device
