"""Soft aggregation of objects that were segmented one by one, and the merging of given masks."""

from __future__ import annotations

import torch
from torch import Tensor

SMALLEST = 1e-7
"""The clamp of STCN's and XMem's aggregation (official code, ``aggregate``)."""


def aggregate(objects: Tensor) -> Tensor:
    """Gives back (1 + objects, height, width), background first, summing to 1 over the channels.

    ``objects`` (objects, height, width) in [0, 1] are independent probabilities; the background's is the product
    of their complements. The odds of the clamped probabilities, normalised: the softmax of their log-odds.
    """
    background = torch.prod(1 - objects, dim=0, keepdim=True)
    probabilities = torch.cat([background, objects]).clamp_(SMALLEST, 1 - SMALLEST)
    odds = probabilities.div_(1 - probabilities)
    return odds.div_(odds.sum(0, keepdim=True))


def merge_given(known: Tensor, given: Tensor) -> Tensor:
    """Gives back (known + given, height, width): every known object gives way to the given masks.

    ``known`` are predicted probabilities without background, ``given`` the masks (0 or 1) of the objects that
    enter; not yet aggregated (official XMem ``InferenceCore.step``, official STCN yv ``interact``).
    """
    free = (given.sum(0) <= 0.5).to(known.dtype)
    return torch.cat([known * free, given])


def others(masks: Tensor) -> Tensor:
    """Gives back, for each of (objects, height, width), the sum of all the other objects' masks."""
    if len(masks) == 1:
        return torch.zeros_like(masks)
    return masks.sum(0, keepdim=True) - masks
