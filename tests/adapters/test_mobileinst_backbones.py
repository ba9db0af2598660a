"""TopFormer and SeaFormer against what the authors' code computes."""

from __future__ import annotations

import json
import zlib
from pathlib import Path

import numpy as np
import pytest
import torch

from vosbench.adapters.mobileinst.network import build_backbone

MODELS = [
    *(f"topformer_{size}" for size in ("tiny", "small", "base")),
    *(f"seaformer_{size}" for size in ("tiny", "small", "base", "large")),
]
FLOOR_MULTIPLE = 20
"""The fixtures' README: compare with 20 times the float32 noise that the reference was measured to have."""


def _manifest(shared: Path, model: str) -> dict:
    return json.loads((shared / f"parity/manifests/{model}.json").read_text())


def _filled(key: str, shape: tuple[int, ...], *, norm: bool, salt: str, gain: float) -> np.ndarray:
    """One tensor by the weight rule of the fixtures' README."""
    normal = np.random.Generator(np.random.PCG64(zlib.crc32((salt + key).encode()))).standard_normal(shape)
    if norm:
        rule = {
            "weight": 1 + 0.1 * normal,
            "bias": 0.1 * normal,
            "running_mean": 0.1 * normal,
            "running_var": 1 + 0.1 * abs(normal),
        }
        return rule[key.rpartition(".")[2]].astype(np.float32)
    scale = gain / np.sqrt(np.prod(shape[1:])) if len(shape) >= 2 else 0.1
    return (scale * normal).astype(np.float32)


def _network(fixture: dict) -> torch.nn.Module:
    network = build_backbone(fixture["model"].replace("_", "-")).eval()
    state = network.state_dict()
    for key, value in state.items():
        if not key.endswith("num_batches_tracked"):
            norm = f"{key.rpartition('.')[0]}.running_mean" in state
            filled = _filled(key, tuple(value.shape), norm=norm, salt=fixture["salt"], gain=fixture["gain"])
            state[key] = torch.from_numpy(filled)
    network.load_state_dict(state)
    return network


@pytest.mark.parametrize("model", MODELS)
def test_state_dict_is_the_official_one(shared, model):
    manifest = _manifest(shared, model)
    network = build_backbone(model.replace("_", "-"))
    expected = {entry["key"]: tuple(entry["shape"]) for entry in manifest["backbone_state_dict"]}
    assert expected == {key: tuple(value.shape) for key, value in network.state_dict().items()}
    assert manifest["params_backbone"] == sum(parameter.numel() for parameter in network.parameters())
    assert [shape[1] for shape in manifest["outputs_320x640"].values()] == list(network.channels)


@pytest.mark.parametrize("model", MODELS)
def test_maps_equal_those_of_the_official_code(shared, model):
    folder = shared / "parity/backbones"
    fixtures = [one for one in json.loads((folder / "index.json").read_text())["fixtures"] if one["model"] == model]
    assert len(fixtures) >= 2
    for fixture in fixtures:
        generator = np.random.Generator(np.random.PCG64(zlib.crc32(f"input:{fixture['input_tag']}".encode())))
        image = generator.standard_normal((1, 3, fixture["height"], fixture["width"])).astype(np.float32)
        with torch.inference_mode():
            maps = _network(fixture)(torch.from_numpy(image))
        stored = np.load(folder / fixture["file"])
        for name, found in zip(("x3", "x4", "x5", "x6"), maps, strict=True):
            record = fixture["outputs"][name]
            assert record["shape"] == list(found.shape)
            difference = np.abs(found.numpy()[:, : stored[name].shape[1]] - stored[name]).max()
            assert difference <= FLOOR_MULTIPLE * record["f32_vs_f64_maxabs"], (fixture["file"], name)


def test_a_wrong_scale_of_attention_would_be_seen(shared, monkeypatch):
    folder = shared / "parity/backbones"
    fixture = json.loads((folder / "index.json").read_text())["fixtures"][0]
    network = _network(fixture)
    generator = np.random.Generator(np.random.PCG64(zlib.crc32(f"input:{fixture['input_tag']}".encode())))
    image = torch.from_numpy(generator.standard_normal((1, 3, fixture["height"], fixture["width"])).astype(np.float32))
    for block in network.trans.transformer_blocks:
        block.attn.to_q.bn.weight.data.mul_(0.25)
        block.attn.to_q.bn.bias.data.mul_(0.25)
    with torch.inference_mode():
        coarse = network(image)[3].numpy()
    record = fixture["outputs"]["x6"]
    difference = np.abs(coarse - np.load(folder / fixture["file"])["x6"]).max()
    assert difference > FLOOR_MULTIPLE * record["f32_vs_f64_maxabs"]
