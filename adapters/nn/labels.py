"""From probabilities to the label map that a session answers, with the data set's own ids."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from vosbench.adapters.nn.geometry import Geometry, to_frame
from vosbench.errors import AdapterError
from vosbench.types import LabelMap


def label_map(probabilities: Tensor, place: Geometry, ids: Sequence[int], where: str) -> LabelMap:
    """Gives back (height, width), uint8 or as wide as the largest id needs: the likeliest channel's id.

    ``probabilities`` is (1 + objects, padded height, padded width), background first; ``ids`` are those of the
    objects in channel order. Raises `AdapterError` at ``where`` for probabilities that are not numbers: comparing
    them would give a mask that looks right and is not.
    """
    planes = to_frame(probabilities, place)
    # The channels are normalised together, so one that is not a number makes the background's one as well.
    if not torch.isfinite(planes[0]).all():
        raise AdapterError(
            "the network's probabilities are not numbers (NaN or infinite)",
            where=where,
            fix="check the weights; with fp16 try bf16 or fp32",
        )
    channels = planes.argmax(0).cpu().numpy()
    return id_table(ids)[channels]


def id_table(ids: Sequence[int]) -> LabelMap:
    """Gives back the id of every channel, 0 first, in the narrowest unsigned type."""
    return np.asarray([0, *ids], dtype=np.min_scalar_type(max(ids, default=0)))
