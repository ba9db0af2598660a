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
"""Masks are filled in frames of up to so many pixels, twice 8K."""

_FARTHEST = 1 << 16
"""Polygons may reach out of the frame, so far: an edge's length is work."""

_LONGEST = 12
"""Characters of one number: more than 60 bits are no length of a run."""


def bounds_of_mask(mask: NDArray[np.bool_]) -> Bounds:
    """Gives back the bounds of a mask (height, width), bool."""
    flat = mask.ravel(order="F").view(np.int8)
    edges: Bounds = np.flatnonzero(flat[1:] != flat[:-1]).astype(np.int64) + 1
    first, last = [0] * bool(flat[:1].any()), [flat.size] * bool(flat[-1:].any())
    return np.concatenate([np.array(first, np.int64), edges, np.array(last, np.int64)])


def mask_of_bounds(bounds: Bounds, height: int, width: int) -> NDArray[np.bool_]:
    """Gives back the mask (height, width), bool, that has these bounds."""
    if height * width > MOST_PIXELS:
        raise ScoreError(f"a mask claims {height} x {width} pixels", fix="the file is broken")
    lengths = np.diff(bounds, prepend=0, append=height * width)
    return np.repeat(np.arange(len(lengths)) % 2 == 1, lengths).reshape(width, height).T


def text_of_mask(mask: NDArray[np.bool_]) -> str | None:
    """Gives back COCO's compressed text of a mask (height, width), None of one without a pixel."""
    bounds = bounds_of_mask(mask)
    return text_of_bounds(bounds, mask.size) if bounds.size else None


def code_of_bounds(bounds: Bounds, height: int, width: int) -> dict[str, Any]:
    """Gives back a mask (height, width) as files of COCO and YouTube-VIS hold it: its size and compressed counts."""
    return {"size": [height, width], "counts": text_of_bounds(bounds, height * width)}


def text_of_bounds(bounds: Bounds, pixels: int) -> str:
    """Gives back COCO's compressed text of a mask of height times width ``pixels``.

    Five bits a character, lowest first, from "0" on, and a sixth that says "more follows"; from the fourth number on
    the difference to the last but one is written (pycocotools, ``rleToString``).
    """
    lengths = np.diff(bounds, prepend=0, append=pixels)
    lengths = lengths[:-1] if lengths[-1] == 0 else lengths  # a mask that reaches the end has no background after it
    values = lengths.copy()
    values[3:] -= lengths[1:-2]
    characters = np.zeros((len(values), _LONGEST), np.uint8)
    waiting = np.ones(len(values), np.bool_)
    for place in range(_LONGEST):
        bits = values & 31
        values >>= 5
        more = waiting & (values != np.where(bits & 16, -1, 0))
        characters[:, place] = np.where(waiting, 48 + bits + 32 * more, 0)
        waiting = more
        if not waiting.any():
            break
    return characters[characters > 0].tobytes().decode("ascii")


def bounds_of_text(text: str, pixels: int) -> Bounds:
    """Gives back the bounds of one mask in COCO's compressed text, of height times width ``pixels``.

    Many are read faster by `vosbench.metrics.rle_texts.bounds_of_texts`.
    """
    codes = np.frombuffer(text.encode("ascii", "replace"), np.uint8).astype(np.int64) - 48
    if not codes.size:
        return bounds_of_lengths([], pixels)
    ends = np.flatnonzero(codes & 32 == 0)
    begins = np.concatenate([[0], ends[:-1] + 1]).astype(np.int64)
    if codes.min() < 0 or codes.max() > 63 or codes[-1] & 32 or (ends - begins).max() >= _LONGEST:
        raise torn(pixels)
    shifts = 5 * (np.arange(len(codes)) - np.repeat(begins, ends - begins + 1))
    values = np.add.reduceat((codes & 31) << shifts, begins)
    values = np.where(codes[ends] & 16, values | (np.int64(-1) << (shifts[ends] + 5)), values)
    if (np.abs(values) > pixels).any():
        raise torn(pixels)
    values[1::2] = np.cumsum(values[1::2])
    values[2::2] = np.cumsum(values[2::2])
    return bounds_of_lengths(values, pixels)


def bounds_of_lengths(lengths: Sequence[int] | Bounds, pixels: int) -> Bounds:
    """Gives back the bounds of an uncompressed code: the lengths of background and mask in turn."""
    runs = np.asarray(lengths, np.int64)
    if runs.ndim != 1 or (runs < 0).any() or (runs > pixels).any() or int(runs.sum()) != pixels:
        raise torn(pixels)
    bounds: Bounds = np.cumsum(runs)
    return bounds[: len(bounds) // 2 * 2]


def bounds_of_polygons(polygons: Sequence[Sequence[float]], height: int, width: int) -> Bounds:
    """Gives back the bounds of the union of polygons, each ``x0, y0, x1, y1, ...`` in pixels.

    The outline is walked on a grid five times as fine and a pixel changes sides where a column's centre is crossed,
    which is the rule of COCO's ``rleFrPoly``: other rules of filling differ from it along the edge.
    """
    if height * width > MOST_PIXELS:
        raise ScoreError(f"{height} x {width} pixels are too many for polygons", fix="write run-length codes")
    found = [np.empty(0, np.int64)]
    for polygon in polygons:
        if len(polygon) < 6 or len(polygon) % 2:
            raise ScoreError(f"a polygon has {len(polygon)} numbers", fix="give x and y of three corners or more")
        corners = np.asarray(polygon, np.float64).reshape(-1, 2)
        if not (np.abs(corners) <= _FARTHEST).all():  # NaN as well
            raise ScoreError("a corner of a polygon lies far outside its frame", fix="give x and y in pixels")
        found.append(_filled(corners, height, width))
    return found[1] if len(found) == 2 else _united(found)


def area(bounds: Bounds) -> int:
    """Gives back the number of pixels of a mask."""
    return int((bounds[1::2] - bounds[::2]).sum())


def torn(pixels: int) -> ScoreError:
    """Gives back the error that says that a mask's code is broken."""
    return ScoreError(
        f"the run lengths of a mask do not add up to its {pixels} pixels",
        fix="write masks with pycocotools.mask.encode, from an array in Fortran order",
    )


def _united(parts: Sequence[Bounds]) -> Bounds:
    """Gives back the bounds of what any of several masks holds."""
    places = np.concatenate(parts)
    steps = np.concatenate([np.resize([1, -1], len(part)) for part in parts])
    order = np.lexsort((-steps, places))  # where one ends and another begins nothing is between
    depth = np.cumsum(steps[order])
    edges: Bounds = places[order][(depth == 0) | ((depth == 1) & (steps[order] == 1))]
    return edges


def _filled(corners: NDArray[np.float64], height: int, width: int) -> Bounds:
    """Gives back the bounds of what lies inside one polygon of ``corners`` (n, 2), x and y."""
    path = _outline(np.trunc(_POLYGON_SCALE * corners + 0.5).astype(np.int64))
    before, after = path[:-1], path[1:]
    crosses = before[:, 0] != after[:, 0]
    lower = np.minimum(before, after)[crosses]
    right = after[crosses, 0] > before[crosses, 0]
    column = (np.where(right, after[crosses, 0] - 1, after[crosses, 0]) + 0.5) / _POLYGON_SCALE - 0.5
    row = np.ceil(np.clip((lower[:, 1] + 0.5) / _POLYGON_SCALE - 0.5, 0, height))
    kept = (np.floor(column) == column) & (column >= 0) & (column <= width - 1)
    places, flips = np.unique((column[kept] * height + row[kept]).astype(np.int64), return_counts=True)
    bounds: Bounds = places[(flips % 2 == 1) & (places < height * width)]
    return np.append(bounds, height * width) if len(bounds) % 2 else bounds


def _outline(corners: NDArray[np.int64]) -> NDArray[np.int64]:
    """Gives back the grid points (m, 2) of the edges one after the other, both ends of each.

    An edge without length has none. Along its longer side (of equal ones x) an edge moves by one, and it is always
    rounded from its lower end on.
    """
    ends = np.roll(corners, -1, axis=0)
    sides = np.abs(ends - corners)
    edges = np.arange(len(corners))
    long = np.argmax(sides, axis=1)
    extent = sides[edges, long]
    backward = corners[edges, long] > ends[edges, long]
    low, high = (np.where(backward[:, None], *pair) for pair in ((ends, corners), (corners, ends)))
    slope = (high - low)[edges, 1 - long] / np.maximum(extent, 1)
    counts = np.where(extent > 0, extent + 1, 0)
    edge = np.repeat(edges, counts)
    step = np.arange(len(edge)) - np.repeat(np.cumsum(counts) - counts, counts)
    step = np.where(backward[edge], extent[edge] - step, step)
    along = low[edge, long[edge]] + step
    across = np.trunc(low[edge, 1 - long[edge]] + slope[edge] * step + 0.5).astype(np.int64)
    wide = long[edge] == 0
    return np.stack([np.where(wide, along, across), np.where(wide, across, along)], axis=1)
