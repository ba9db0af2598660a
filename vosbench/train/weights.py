"""Weights as they are bundled: safetensors in half precision, and where they are found again."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor

from vosbench.errors import CheckpointError, UsageError
from vosbench.registry import Registry
from vosbench.store.atomic import write_whole
from vosbench.train.recipe import load_recipe

EXPORT = "export"
"""The folder of a training that holds its weights and their card."""


def halved(state: Mapping[str, Tensor], where: str) -> dict[str, Tensor]:
    """Gives back the weights in half precision; whole numbers stay as they are.

    Raises `CheckpointError` for a weight that half precision does not hold.
    """
    out = {}
    for name, value in state.items():
        small = value.detach().cpu().contiguous()
        if small.is_floating_point():
            small = small.half()
            if not torch.isfinite(small).all():
                raise CheckpointError(
                    f"the weight {name} is beyond half precision",
                    where=where,
                    fix="train with a smaller learning rate, or with weight decay",
                )
        out[name] = small
    return out


def write_weights(path: Path, state: Mapping[str, Tensor]) -> None:
    """Write weights in half precision, whole or not at all."""
    write_whole(path, save(halved(state, str(path)), metadata={"format": "pt"}))


def read_weights(path: Path) -> dict[str, Tensor]:
    """Gives back weights in single precision.

    Raises `CheckpointError` for what is no safetensors file.
    """
    try:
        state = load(path.read_bytes())
    except (OSError, SafetensorError) as error:
        raise CheckpointError(f"the weights cannot be read: {error}", where=str(path)) from error
    return {name: value.float() if value.is_floating_point() else value for name, value in state.items()}


def find_export(recipe: str, out: Path, adapters: tuple[Path, ...] = ()) -> Path:
    """Gives back the weights that a recipe's training gave: beside this training's folder, else those bundled.

    Raises `UsageError` where that recipe was not trained yet.
    """
    beside = out.parent / recipe / EXPORT / f"{recipe}.safetensors"
    if beside.is_file():
        return beside
    card = Registry(adapters).card(load_recipe(recipe).method.split("@")[0])
    for mini in card.minis:
        folder = Path(importlib.import_module(card.load.__module__).__file__ or "").parent / "weights"
        if mini.name == recipe and (folder / mini.file).is_file():
            return folder / mini.file
    raise UsageError(
        f"this recipe begins with the weights of '{recipe}', which are not there",
        where=f"looked for {beside} and among the minis of '{card.name}'",
        fix=f"run `vosbench train {recipe} --out {out.parent / recipe}` first",
    )
