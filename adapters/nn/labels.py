"""From probabilities to the label map that a session answers, with the data set's own ids."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from vosbench.errors import AdapterError
from vosbench.types import LabelMap


def labels_of(planes: Tensor, ids: Sequence[int], where: str) -> LabelMap:
    """Gives back (height, width) from ``planes`` (1 + objects, height, width), probabilities or any multiple of them.

    ``ids`` are those of the objects in channel order. Raises `AdapterError` at ``where`` for probabilities that are
    not numbers: comparing them would give a mask that looks right and is not.
    """
    # The channels are normalised together, so one that is not a number makes the background's one as well.
    if not torch.isfinite(planes[0]).all():
        raise AdapterError(
            "the network's probabilities are not numbers (NaN or infinite)",
            where=where,
            fix="check the weights; with fp16 try bf16 or fp32",
        )
    return id_table(ids)[largest_channel(planes).cpu().numpy()]


def largest_channel(planes: Tensor) -> Tensor:
    """Gives back (height, width), int64, of (channels, height, width): the first channel with the largest value.

    Plane after plane: a CPU's ``argmax`` over the first axis walks across the planes and takes twenty times as long.
    """
    labels = torch.zeros(planes.shape[1:], dtype=torch.int64, device=planes.device)
    best = planes[0]
    for channel, plane in enumerate(planes[1:], start=1):
        labels.masked_fill_(plane > best, channel)
        best = torch.maximum(best, plane)
    return labels


def id_table(ids: Sequence[int]) -> LabelMap:
    """Gives back the id of every channel, 0 first, in the narrowest unsigned type."""
    return np.asarray([0, *ids], dtype=np.min_scalar_type(max(ids, default=0)))
