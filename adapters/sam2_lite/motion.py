"""The motion of each patch (equation 8's m) without a network for optical flow."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

PATCH = 16
REACH = 3
"""Pixels of a quarter-size frame that block matching looks to each side."""
QUANTILE = 0.95
PERSISTENCE = 0.9


class FrameMotion:
    """Motion from the frames themselves, in [0, 1]; ``kind`` is ``frames`` or ``blocks``.

    ``frames`` is the mean difference to the frame before over the patch, divided by a running 95th percentile;
    ``blocks`` the displacement that matches the patch best on quarter-size grey frames, a true magnitude.
    """

    def __init__(self, kind: str) -> None:
        self._kind = kind
        self._before: Tensor | None = None
        self._usual = 0.0

    def __call__(self, image: Tensor) -> Tensor:
        """Gives back (1, positions) of ``image`` (1, 3, height, width), normalised; 0 on the first frame."""
        grey = image.mean(1, keepdim=True)
        before, self._before = self._before, grey
        grid = tuple(side // PATCH for side in grey.shape[2:])
        if before is None:
            return grey.new_zeros(1, grid[0] * grid[1])
        if before.shape != grey.shape:
            before = functional.interpolate(before, grey.shape[2:], mode="bilinear", align_corners=False)
        return self._difference(grey, before) if self._kind == "frames" else _displacement(grey, before)

    def _difference(self, grey: Tensor, before: Tensor) -> Tensor:
        change = functional.avg_pool2d((grey - before).abs(), PATCH).flatten(1)
        high = float(change.float().quantile(QUANTILE))
        self._usual = high if not self._usual else PERSISTENCE * self._usual + (1 - PERSISTENCE) * high
        return (change / max(self._usual, 1e-6)).clamp(max=1)


def _displacement(grey: Tensor, before: Tensor) -> Tensor:
    """Gives back (1, positions): the length of the best displacement over the longest one looked at."""
    now, past = (functional.avg_pool2d(x, 4) for x in (grey, before))
    side = 2 * REACH + 1
    shifted = functional.unfold(functional.pad(past, (REACH,) * 4, mode="replicate"), side)
    shifted = shifted.unflatten(2, now.shape[2:])
    costs = functional.avg_pool2d((shifted - now).abs(), PATCH // 4).flatten(2)
    offsets = torch.arange(-REACH, REACH + 1, device=grey.device, dtype=grey.dtype)
    lengths = torch.cartesian_prod(offsets, offsets).square().sum(1).sqrt()
    # Of equal costs the shortest displacement: flat patches do not move.
    order = lengths.argsort(stable=True)
    best = order[costs[:, order].argmin(1)]
    return lengths[best] / lengths.max()
