"""Loads weights files safely, and says of a wrong one what it is."""

from __future__ import annotations

import pickle
import struct
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import safetensors
import safetensors.torch
import torch
from torch import Tensor, nn

from vosbench.errors import CheckpointError

State = dict[str, Tensor]


@dataclass(frozen=True, slots=True, kw_only=True)
class Signature:
    """A network by the keys that its checkpoints have and do not have."""

    name: str
    present: tuple[str, ...]
    absent: tuple[str, ...] = ()


SIGNATURES = (
    Signature(name="STCN", present=("key_proj.key_proj.weight", "key_comp.weight", "decoder.compress.conv1.weight")),
    Signature(name="Cutie", present=("pixel_encoder.conv1.weight",)),
    Signature(name="XMem", present=("key_proj.d_proj.weight", "decoder.hidden_update.transform.weight")),
    Signature(
        name="XMem without sensory memory",
        present=("key_proj.d_proj.weight", "decoder.fuser.block1.conv1.weight"),
        absent=("decoder.hidden_update.transform.weight",),
    ),
    Signature(
        name="MAVOS",
        present=("LSTT.layers.0.linear_QV.weight", "long_term_memory_attention.0.0.joint_modulation.norm_l.weight"),
    ),
    Signature(name="DeAOT", present=("LSTT.layers.0.linear_QV.weight",)),
    Signature(name="AOT", present=("LSTT.layers.0.linear_Q.weight",)),
    Signature(name="SAM 2", present=("image_encoder.trunk.patch_embed.proj.weight",)),
    Signature(name="an ImageNet ResNet", present=("conv1.weight", "layer4.0.conv1.weight", "fc.weight")),
    Signature(name="an ImageNet MobileNetV2", present=("features.0.0.weight", "classifier.1.weight")),
)

WRAPPERS = ("network", "state_dict", "model")
"""Where training code puts the weights beside its own state: XMem and STCN, AOT, SAM 2."""


def read_checkpoint(path: Path) -> State:
    """Gives back the tensors of a ``.pth`` or ``.safetensors`` file by key, on the host.

    Nothing in the file is executed. What training code wraps around the weights (``{it, network, ...}``,
    ``{state_dict}``, ``module.`` before every key) is taken off. Raises `CheckpointError` for a file that cannot be
    read, that needs more than tensors, or that holds no weights.
    """
    content = _read_safetensors(path) if path.suffix == ".safetensors" else _read_pickle(path)
    for wrapper in WRAPPERS:
        if isinstance(content, Mapping) and isinstance(content.get(wrapper), Mapping):
            content = content[wrapper]
            break
    if not isinstance(content, Mapping) or not any(isinstance(value, Tensor) for value in content.values()):
        raise CheckpointError(
            "the file holds no state dict (a mapping from names to tensors)",
            where=str(path),
            fix="export the network's state_dict()",
        )
    return {str(key).removeprefix("module."): value for key, value in content.items() if isinstance(value, Tensor)}


def load_state(network: nn.Module, state: Mapping[str, Tensor], *, expected: str, where: str) -> None:
    """Give ``network`` its weights; every key must be there in its shape, and no other.

    The network may live on the meta device. ``expected`` names it in the message. Raises `CheckpointError` that
    lists missing keys, unknown keys and other shapes, and says whose checkpoint it looks like.
    """
    wanted = network.state_dict()
    missing = [key for key in wanted if key not in state]
    unknown = [key for key in state if key not in wanted]
    reshaped = [
        f"{key} is {_shape(state[key])}, expected {_shape(wanted[key])}"
        for key in wanted
        if key in state and state[key].shape != wanted[key].shape
    ]
    if missing or unknown or reshaped:
        lines = [
            _listed("missing", missing),
            _listed("unknown", unknown),
            _listed("of another shape", reshaped),
        ]
        found = identify(state)
        raise CheckpointError(
            f"the checkpoint does not fit {expected}: " + "; ".join(line for line in lines if line),
            where=where,
            fix=f"it looks like a checkpoint of {found}" if found else "it looks like no network known here",
        )
    network.load_state_dict({key: _like(value, wanted[key]) for key, value in state.items()}, assign=True)


def identify(state: Mapping[str, Any]) -> str:
    """Gives back the name of the network whose keys ``state`` has, or ''."""
    for signature in SIGNATURES:
        if all(key in state for key in signature.present) and not any(key in state for key in signature.absent):
            return signature.name
    return ""


def with_others_plane(state: State) -> State:
    """Gives back ``state`` with a zero input channel appended to a value encoder that has none for "others".

    Stage-0 checkpoints of STCN and XMem know one object: ``value_encoder.conv1`` takes R, G, B and its mask
    (official ``load_network`` of both).
    """
    key = "value_encoder.conv1.weight"
    if key not in state or state[key].ndim != 4 or state[key].shape[1] != 4:
        return state
    weight = state[key]
    zeros = weight.new_zeros(weight.shape[0], 1, *weight.shape[2:])
    return {**state, key: torch.cat([weight, zeros], dim=1)}


def build_on_meta(build: Callable[[], nn.Module]) -> nn.Module:
    """Gives back a network without memory or initial values, to be given weights."""
    with torch.device("meta"):
        return build()


def _read_safetensors(path: Path) -> Any:
    try:
        return safetensors.torch.load_file(path)
    except (safetensors.SafetensorError, OSError, ValueError) as error:
        raise _unreadable(path, error) from error


def _read_pickle(path: Path) -> Any:
    try:
        with path.open("rb") as stream:
            begins = stream.read(2)
        if begins[:1] != b"\x80" and begins != b"PK":
            raise ValueError("it begins neither like an archive nor like a pickle")
        with warnings.catch_warnings():
            # An unusual pickle protocol is no news: the file is read or refused all the same.
            warnings.simplefilter("ignore", UserWarning)
            return torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise CheckpointError(
            f"the file needs more than weights to be read, and that could run code: {_first_line(error)}",
            where=str(path),
            fix="load it where you trust it and save the network's state_dict() alone, best as .safetensors",
        ) from error
    except (RuntimeError, OSError, EOFError, ValueError, LookupError, TypeError, AttributeError, struct.error) as error:
        raise _unreadable(path, error) from error


def _unreadable(path: Path, error: BaseException) -> CheckpointError:
    return CheckpointError(
        f"the file cannot be read as weights: {_first_line(error)}",
        where=str(path),
        fix="it may be cut off or no checkpoint at all; download it again and compare its size",
    )


def _first_line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]


def _like(value: Tensor, wanted: Tensor) -> Tensor:
    """Gives back ``value`` in single precision where it is a weight: files may store less or more."""
    return value.to(torch.float32) if wanted.is_floating_point() else value


def _shape(tensor: Tensor) -> str:
    return " x ".join(map(str, tensor.shape)) or "a number"


def _listed(what: str, keys: list[str]) -> str:
    if not keys:
        return ""
    shown = ", ".join(keys[:4])
    more = f" and {len(keys) - 4} more" if len(keys) > 4 else ""
    return f"{len(keys)} {what} ({shown}{more})"
