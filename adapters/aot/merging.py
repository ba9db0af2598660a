"""From the logits of all engines to the labels of all objects."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional

from vosbench.adapters.nn.labels import largest_channel

SMALLEST = 1e-5
"""The clamp of the official ``soft_logit_aggregation``."""


def merged_labels(logits: Sequence[Tensor], size: tuple[int, int], *, align_corners: bool) -> Tensor:
    """Gives back (height, width), int64: the likeliest object of every pixel, 0 where it is none.

    ``logits`` are each engine's (1 + objects, height / 4, width / 4). The softmax does not change which is largest.
    """
    merge = _upsampled_alone if len(logits) == 1 else _merged
    return largest_channel(merge(logits, size, align_corners=align_corners))


def merged_probabilities(logits: Sequence[Tensor], size: tuple[int, int], *, align_corners: bool) -> Tensor:
    """Gives back (1 + objects, height, width), background first.

    Several engines: their log-odds in one softmax, in which the channels of the last engine that nobody has take part
    with the smallest probability there is.
    """
    if len(logits) == 1:
        return torch.softmax(_upsampled(logits[0], size, align_corners=align_corners), dim=0)
    probabilities = _merged(logits, size, align_corners=align_corners)
    odds = probabilities / (1 - probabilities)
    # Every engine but the last is full.
    unused = (len(logits[0]) - 1) * len(logits) - (len(probabilities) - 1)
    return odds / (odds.sum(0, keepdim=True) + unused * SMALLEST / (1 - SMALLEST))


def _merged(logits: Sequence[Tensor], size: tuple[int, int], *, align_corners: bool) -> Tensor:
    """Gives back (1 + objects, height, width) in [1e-5, 1 - 1e-5]: the background of all engines, then all objects."""
    engines = [torch.softmax(_upsampled(part, size, align_corners=align_corners), dim=0) for part in logits]
    background = torch.stack([engine[0] for engine in engines]).prod(0, keepdim=True)
    return torch.cat([background, *(engine[1:] for engine in engines)]).clamp_(SMALLEST, 1 - SMALLEST)


def _upsampled_alone(logits: Sequence[Tensor], size: tuple[int, int], *, align_corners: bool) -> Tensor:
    return _upsampled(logits[0], size, align_corners=align_corners)


def _upsampled(logits: Tensor, size: tuple[int, int], *, align_corners: bool) -> Tensor:
    planes = logits.to(torch.promote_types(logits.dtype, torch.float32)).contiguous()[None]
    return functional.interpolate(planes, size, mode="bilinear", align_corners=align_corners)[0]
