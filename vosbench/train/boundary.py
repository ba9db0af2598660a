"""Which pixels MobileVOS distils: those at the boundaries of objects (section 3.3), or as many anywhere."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Sample:
    """Pixels drawn from each of several planes.

    ``index`` (planes, pixels) int64 counts a plane's pixels row by row; ``valid`` (planes, pixels) bool is False where
    a plane had fewer, and what ``index`` names there is to be left out.
    """

    index: Tensor
    valid: Tensor


def sobel(planes: Tensor) -> Tensor:
    """Gives back (..., height, width) float32: the magnitude of the Sobel gradient of ``planes`` (..., height, width).

    The frame's own border is no edge: planes go on beyond it as they end there.
    """
    flat = planes.reshape(-1, 1, *planes.shape[-2:]).to(torch.float32)
    smooth, slope = flat.new_tensor([1.0, 2.0, 1.0]), flat.new_tensor([-1.0, 0.0, 1.0])
    kernels = torch.stack([smooth[:, None] * slope, slope[:, None] * smooth])[:, None]
    gradient = functional.conv2d(functional.pad(flat, (1, 1, 1, 1), mode="replicate"), kernels)
    return gradient.square().sum(1).sqrt().reshape(planes.shape)


def boundary(planes: Tensor, width: int) -> Tensor:
    """Gives back (..., height, width) bool: the pixels of ``planes`` (0 or 1) within ``width`` pixels of an edge.

    A Sobel filter on the true masks, as section 3.3 of MobileVOS names it, answers the pixels on either side of an
    edge (``width`` 1). How far "around and near the boundary" goes the paper does not say.
    """
    edges = (sobel(planes) > 0).to(torch.float32)
    if width > 1:
        flat = edges.reshape(-1, 1, *edges.shape[-2:])
        edges = functional.max_pool2d(flat, 2 * width - 1, stride=1, padding=width - 1).reshape(edges.shape)
    return edges > 0


def to_stride(chosen: Tensor, stride: int) -> Tensor:
    """Gives back (..., height / stride, width / stride) bool: the cells of ``chosen`` that hold a chosen pixel."""
    flat = chosen.reshape(-1, 1, *chosen.shape[-2:]).to(torch.float32)
    pooled = functional.max_pool2d(flat, stride)
    return (pooled > 0).reshape(*chosen.shape[:-2], *pooled.shape[-2:])


def anywhere(chosen: Tensor, generator: torch.Generator) -> Tensor:
    """Gives back, for every plane of ``chosen`` (..., height, width), as many pixels drawn from the whole plane.

    The random sampling of figure 5, with the boundary's budget of pixels. ``generator`` is one of the CPU.
    """
    flat = chosen.flatten(-2)
    order = torch.rand(flat.shape, generator=generator).argsort(dim=-1).argsort(dim=-1)
    return (order.to(chosen.device) < flat.sum(-1, keepdim=True)).reshape(chosen.shape)


def draw(chosen: Tensor, most: int | None, generator: torch.Generator) -> Sample:
    """Gives back at most ``most`` (None: all) of the pixels that ``chosen`` (planes, height, width) marks.

    All pixels of a plane are equally likely; correlations cost the square of their number. ``generator`` is one of
    the CPU.
    """
    flat = chosen.flatten(1)
    count = max(1, int(flat.sum(1).max())) if len(flat) else 1
    count = count if most is None else min(count, most)
    rank = torch.rand(flat.shape, generator=generator).to(flat.device).masked_fill_(~flat, -1.0)
    values, index = rank.topk(count, dim=1)
    return Sample(index=index, valid=values >= 0)
