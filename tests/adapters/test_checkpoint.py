from __future__ import annotations

import pickle
from pathlib import Path

import pytest
import safetensors.torch
import torch
from torch import nn

from vosbench.adapters.nn.checkpoint import (
    build_on_meta,
    identify,
    load_state,
    read_checkpoint,
    with_others_plane,
)
from vosbench.errors import CheckpointError


def small() -> nn.Module:
    return nn.Sequential(nn.Conv2d(2, 3, 1), nn.BatchNorm2d(3))


def load_into(state: dict[str, torch.Tensor]) -> nn.Module:
    network = build_on_meta(small)
    load_state(network, state, expected="small", where="here")
    return network


@pytest.mark.parametrize(
    "wrap",
    [
        lambda state: state,
        lambda state: {"it": 7, "network": state, "optimizer": {}, "scheduler": {}},
        lambda state: {"state_dict": {f"module.{key}": value for key, value in state.items()}},
        lambda state: {"model": state},
    ],
)
def test_weights_are_found_inside_what_training_saved(tmp_path: Path, wrap):
    expected = small().state_dict()
    torch.save(wrap(expected), tmp_path / "a.pth")
    actual = load_into(read_checkpoint(tmp_path / "a.pth")).state_dict()
    assert list(expected) == list(actual)
    assert all(torch.equal(expected[key], actual[key]) for key in expected)


def test_half_precision_safetensors_load_as_single(tmp_path: Path):
    state = {key: value.half() if value.is_floating_point() else value for key, value in small().state_dict().items()}
    safetensors.torch.save_file(state, tmp_path / "a.safetensors")
    network = load_into(read_checkpoint(tmp_path / "a.safetensors"))
    assert torch.float32 == network[0].weight.dtype
    assert torch.equal(state["0.weight"].float(), network[0].weight)
    assert torch.int64 == network[1].num_batches_tracked.dtype


class Harmful:
    def __reduce__(self):
        return (print, ("this must not run",))


def test_a_file_that_would_run_code_is_refused_with_the_reason(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    torch.save({"network": small().state_dict(), "args": Harmful()}, tmp_path / "a.pth")
    with pytest.raises(CheckpointError, match="could run code"):
        read_checkpoint(tmp_path / "a.pth")
    assert "must not run" not in capsys.readouterr().out


@pytest.mark.parametrize("name", ["a.pth", "a.safetensors"])
def test_a_torn_file_is_named(tmp_path: Path, name: str):
    whole = tmp_path / f"whole{name}"
    if name.endswith("pth"):
        torch.save(small().state_dict(), whole)
    else:
        safetensors.torch.save_file(small().state_dict(), whole)
    content = whole.read_bytes()
    for cut in (0, 5, len(content) // 2, len(content) - 3):
        (tmp_path / name).write_bytes(content[:cut])
        with pytest.raises(CheckpointError) as error:
            read_checkpoint(tmp_path / name)
        assert name in error.value.where


def test_text_and_other_pickles_are_no_weights(tmp_path: Path):
    (tmp_path / "a.pth").write_text("<html>not found</html>")
    (tmp_path / "b.pth").write_bytes(pickle.dumps([1, 2]))
    torch.save([torch.zeros(2)], tmp_path / "c.pth")
    for name in ("a.pth", "b.pth", "c.pth", "missing.pth"):
        with pytest.raises(CheckpointError):
            read_checkpoint(tmp_path / name)


def test_a_wrong_checkpoint_is_told_key_by_key_and_recognised():
    state = small().state_dict()
    state["0.weight"] = torch.zeros(3, 5, 1, 1)
    del state["1.bias"]
    state |= {"key_proj.key_proj.weight": torch.zeros(1), "key_comp.weight": torch.zeros(1)}
    state["decoder.compress.conv1.weight"] = torch.zeros(1)
    with pytest.raises(CheckpointError) as error:
        load_into(state)
    message = str(error.value)
    assert "1 missing (1.bias)" in message
    assert "3 unknown" in message
    assert "0.weight is 3 x 5 x 1 x 1, expected 3 x 2 x 1 x 1" in message
    assert "it looks like a checkpoint of STCN" in message


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        (("key_proj.d_proj.weight", "decoder.hidden_update.transform.weight"), "XMem"),
        (("key_proj.d_proj.weight", "decoder.fuser.block1.conv1.weight"), "XMem without sensory memory"),
        (("LSTT.layers.0.linear_QV.weight",), "DeAOT"),
        (("LSTT.layers.0.linear_Q.weight",), "AOT"),
        (("conv1.weight", "layer4.0.conv1.weight", "fc.weight"), "an ImageNet ResNet"),
        (("something",), ""),
    ],
)
def test_networks_are_known_by_their_keys(keys: tuple[str, ...], expected: str):
    assert expected == identify(dict.fromkeys(keys))


def test_a_single_object_file_gets_a_plane_of_zeros_for_the_others():
    key = "value_encoder.conv1.weight"
    state = with_others_plane({key: torch.ones(64, 4, 7, 7)})
    assert (64, 5, 7, 7) == tuple(state[key].shape)
    assert (0, 64 * 4 * 49) == (state[key][:, 4].abs().sum(), state[key].sum())
    assert (64, 5, 7, 7) == tuple(with_others_plane(state)[key].shape)
