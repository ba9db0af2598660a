"""Checkpoints of a training: whole or not there, and refused where they belong to another one."""

from __future__ import annotations

import io
import pickle
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from vosbench.errors import CheckpointError, StoreError, UsageError
from vosbench.store.atomic import DiskFullError, write_whole
from vosbench.train.recipe import Recipe

SCHEMA = 1
FILE = "checkpoint.pt"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Checkpoint:
    """A training after ``step`` iterations and ``seconds`` of them, with all that the next iteration depends on.

    ``key`` is the recipe's. ``optimizer`` and ``scaler`` are the state dicts of PyTorch's objects; ``updates`` counts
    those of the average; ``loss`` holds the weights of parts of the loss that learn, which are not exported;
    ``facts`` are those of `facts_of`.
    """

    key: str
    step: int
    seconds: float
    network: Mapping[str, Tensor]
    average: Mapping[str, Tensor]
    updates: int
    optimizer: Mapping[str, Any]
    scaler: Mapping[str, Any]
    loss: Mapping[str, Tensor] = field(default_factory=dict)
    facts: Mapping[str, str] = field(default_factory=dict)


def save_checkpoint(folder: Path, checkpoint: Checkpoint) -> None:
    """Write the checkpoint under its name when it is whole: a kill at any moment leaves the one before.

    Raises `StoreError` where it cannot be written; the checkpoint before is then still there.
    """
    stream = io.BytesIO()
    fields = {name: getattr(checkpoint, name) for name in Checkpoint.__slots__}
    torch.save({"schema": SCHEMA, **fields}, stream)
    try:
        write_whole(folder / FILE, stream.getvalue())
    except DiskFullError as error:
        raise DiskFullError(
            f"the disk is full: the checkpoint of iteration {checkpoint.step} was not written",
            where=str(folder / FILE),
            fix="free some space and go on with --resume: the checkpoint before it is whole",
        ) from error


def read_checkpoint(folder: Path) -> Checkpoint | None:
    """Gives back the folder's checkpoint, on the CPU, or None where there is none.

    Raises `CheckpointError` for a file that is no checkpoint of ours.
    """
    path = folder / FILE
    if not path.is_file():
        return None
    try:
        found = torch.load(path, map_location="cpu", weights_only=True)
        if found.pop("schema") != SCHEMA:
            raise KeyError("schema")
        return Checkpoint(**found)
    except (OSError, RuntimeError, pickle.UnpicklingError, EOFError, AttributeError, KeyError, TypeError) as error:
        raise CheckpointError(
            f"this is no checkpoint of a training: {error}", where=str(path), fix="remove it, or name another --out"
        ) from error


def check_belongs(checkpoint: Checkpoint, recipe: Recipe, folder: Path) -> None:
    """Raises `UsageError` for a checkpoint of another recipe: going on would mix two trainings."""
    if checkpoint.key != recipe.key():
        raise UsageError(
            f"the checkpoint was made by another recipe than '{recipe.name}' is now",
            where=str(folder / FILE),
            fix="give the recipe back its values, or train into another folder with --out",
        )


def load_network(network: nn.Module, state: Mapping[str, Tensor], where: str) -> None:
    """Put ``state`` into a network.

    Raises `CheckpointError` that names the first keys or shapes that do not fit: weights of another architecture.
    """
    mine = network.state_dict()
    missing, surplus = sorted(mine.keys() - state.keys()), sorted(state.keys() - mine.keys())
    shapes = [name for name in mine.keys() & state.keys() if mine[name].shape != state[name].shape]
    for what, names in (("lack", missing), ("have beside", surplus), ("have in another shape", sorted(shapes))):
        if names:
            raise CheckpointError(
                f"these weights {what} {len(names)} tensors of the network, the first is {names[0]}",
                where=where,
                fix="they belong to another architecture: check recipe, method and settings",
            )
    network.load_state_dict(state)


def make_folder(folder: Path) -> None:
    """Make the training's folder. Raises `StoreError` where that cannot be."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StoreError(
            f"the folder cannot be made: {error.strerror}", where=str(folder), fix="choose another with --out"
        ) from error
