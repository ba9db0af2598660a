"""Masks as runs, in the notations of COCO and YouTube-VIS.

A mask is read down its columns, left to right. Its *bounds* are the places in that order at which it begins and ends
again: int64, even in number, so that pixels ``bounds[0]`` up to, not including, ``bounds[1]`` belong to it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vosbench.errors import ScoreError

Bounds = NDArray[np.int64]

_POLYGON_SCALE = 5

MOST_PIXELS = 1 << 26
"""Polygons are filled in frames of up to so many pixels, twice 8K."""

_FARTHEST = 1 << 16
"""Polygons may reach out of the frame, so far: an edge's length is work."""


def bounds_of_texts(texts: Sequence[str], pixels: Sequence[int]) -> tuple[Bounds, Bounds, Bounds]:
    """Gives back the bounds of masks in COCO's compressed text, all in a row, where each begins, and the areas.

    Args:
        texts: n codes, as pycocotools writes them; an empty one is a mask of no pixels.
        pixels: Height times width of each; its run lengths must add up to it.

    Returns:
        (bounds,), (n + 1,) and (n,), int64.
    """
    from vosbench.metrics.vis_kernel import decode_masks

    text = np.frombuffer(bytearray("".join(texts), "ascii", "replace"), np.uint8)
    ends = np.cumsum([0, *map(len, texts)], dtype=np.int64)
    bounds = np.empty(len(text), np.int64)
    starts = np.zeros(len(texts) + 1, np.int64)
    areas = np.zeros(len(texts), np.int64)
    torn = decode_masks(text, ends, np.array(pixels, np.int64), bounds, starts, areas)
    if torn >= 0:
        raise _torn(pixels[torn])
    return bounds[: starts[-1]].copy(), starts, areas


def bounds_of_lengths(lengths: Sequence[int], pixels: int) -> Bounds:
    """Gives back the bounds of an uncompressed code: the lengths of background and mask in turn."""
    runs = np.asarray(lengths, np.int64)
    if runs.ndim != 1 or (runs < 0).any() or (runs > pixels).any() or int(runs.sum()) != pixels:
        raise _torn(pixels)
    bounds: Bounds = np.cumsum(runs)
    return bounds[: len(bounds) // 2 * 2]


def bounds_of_polygons(polygons: Sequence[Sequence[float]], height: int, width: int) -> Bounds:
    """Gives back the bounds of the union of polygons, each ``x0, y0, x1, y1, ...`` in pixels.

    The outline is walked on a grid five times as fine and a pixel changes sides where a column's centre is crossed,
    which is the rule of COCO's ``rleFrPoly``: other rules of filling differ from it along the edge.
    """
    if height * width > MOST_PIXELS:
        raise ScoreError(f"{height} x {width} pixels are too many for polygons", fix="write run-length codes")
    inside = np.zeros(height * width, np.bool_)
    for polygon in polygons:
        if len(polygon) < 6 or len(polygon) % 2:
            raise ScoreError(f"a polygon has {len(polygon)} numbers", fix="give x and y of three corners or more")
        corners = np.asarray(polygon, np.float64).reshape(-1, 2)
        if not (np.abs(corners) <= _FARTHEST).all():  # NaN as well
            raise ScoreError("a corner of a polygon lies far outside its frame", fix="give x and y in pixels")
        inside |= _filled(corners, height, width)
    return np.flatnonzero(np.diff(inside, prepend=False, append=False)).astype(np.int64)


def area(bounds: Bounds) -> int:
    """Gives back the number of pixels of a mask."""
    return int((bounds[1::2] - bounds[::2]).sum())


def _torn(pixels: int) -> ScoreError:
    return ScoreError(
        f"the run lengths of a mask do not add up to its {pixels} pixels",
        fix="write masks with pycocotools.mask.encode, from an array in Fortran order",
    )


def _filled(corners: NDArray[np.float64], height: int, width: int) -> NDArray[np.bool_]:
    """Gives back the pixels inside one polygon, (height * width,), down the columns."""
    fine = np.trunc(_POLYGON_SCALE * corners + 0.5).astype(np.int64)
    path = np.concatenate([_line(*edge) for edge in zip(fine, np.roll(fine, -1, axis=0), strict=True)])
    before, after = path[:-1], path[1:]
    crosses = before[:, 0] != after[:, 0]
    lower = np.minimum(before, after)[crosses]
    right = after[crosses, 0] > before[crosses, 0]
    column = (np.where(right, after[crosses, 0] - 1, after[crosses, 0]) + 0.5) / _POLYGON_SCALE - 0.5
    row = np.ceil(np.clip((lower[:, 1] + 0.5) / _POLYGON_SCALE - 0.5, 0, height))
    kept = (np.floor(column) == column) & (column >= 0) & (column <= width - 1)
    places = (column[kept] * height + row[kept]).astype(np.int64)
    flips = np.bincount(places, minlength=height * width + 1)[:-1]
    inside: NDArray[np.bool_] = np.cumsum(flips) % 2 == 1
    return inside


def _line(begin: NDArray[Any], end: NDArray[Any]) -> NDArray[np.int64]:
    """Gives back the grid points (n, 2) of an edge, both ends included, none where it has no length."""
    long = int(np.argmax(np.abs(end - begin)))  # of equal extents the first, x
    extent = abs(int(end[long] - begin[long]))
    points = np.empty((extent + 1 if extent else 0, 2), np.int64)
    if extent == 0:
        return points
    backward = begin[long] > end[long]
    low, high = (end, begin) if backward else (begin, end)
    steps = np.arange(extent + 1)[:: -1 if backward else 1]
    slope = float(high[1 - long] - low[1 - long]) / extent
    points[:, long] = steps + low[long]
    points[:, 1 - long] = np.trunc(low[1 - long] + slope * steps + 0.5).astype(np.int64)
    return points
