"""Region similarity J and boundary accuracy F of one frame, from integer counts.

J and F are those of Perazzi et al., "A Benchmark Dataset and Evaluation Methodology for Video Object Segmentation"
(CVPR 2016), section 5.1, as the tool davis2017-evaluation computes them (``davis2017/metrics.py``), bit for bit. Counts
come first and ratios last, so that every protocol shares the counts and decides late.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vosbench.errors import ScoreError
from vosbench.types import LabelMap

BOUNDARY_TOLERANCE = 0.008
"""The radius within which boundaries match, as a share of the frame's diagonal (davis2017-evaluation's default)."""

_IDS_PER_PASS = 255

Floats = NDArray[np.float64]
Counts = NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FrameCounts:
    """What one frame contributes to each of n pairs of a predicted and a true object; int64 arrays of length n.

    ``intersection`` and ``union`` count pixels; ``predicted_boundary`` and ``true_boundary`` count boundary pixels,
    ``matched_prediction`` and ``matched_truth`` those of them that lie within the radius of the other boundary.
    """

    intersection: Counts
    union: Counts
    predicted_boundary: Counts
    true_boundary: Counts
    matched_prediction: Counts
    matched_truth: Counts


def boundary_radius(height: int, width: int) -> int:
    """Gives back the matching radius in pixels: ``ceil(0.008 * diagonal)``, in doubles as the official tool does."""
    return math.ceil(BOUNDARY_TOLERANCE * float(np.linalg.norm((height, width))))


def count_frame(
    prediction: LabelMap, truth: LabelMap, ids: Sequence[int], void: NDArray[np.bool_] | None = None
) -> FrameCounts:
    """Gives back the counts of the objects ``ids``, each predicted object against the true object of its id.

    Args:
        prediction: (height, width), unsigned or bool.
        truth: (height, width), unsigned or bool.
        ids: n positive object ids without repetition; other labels count as background.
        void: (height, width), bool: pixels that are background in both maps before anything is counted. Their
            edges are boundaries, as in the official tool.
    """
    prediction, truth = _checked(prediction, truth, void)
    _check_ids(ids)
    parts = [_count(prediction, truth, part, part, _diagonal(len(part))) for part in _passes(ids)]
    return FrameCounts(
        intersection=_joined(parts, 0),
        union=_joined(parts, 1),
        predicted_boundary=_joined(parts, 2),
        true_boundary=_joined(parts, 3),
        matched_prediction=_joined(parts, 4),
        matched_truth=_joined(parts, 5),
    )


def count_all_pairs(
    prediction: LabelMap,
    truth: LabelMap,
    predicted_ids: Sequence[int],
    true_ids: Sequence[int],
    void: NDArray[np.bool_] | None = None,
) -> FrameCounts:
    """Gives back the counts of every predicted object against every true one, as when objects must be matched.

    Arguments as in `count_frame`, at most 255 ids on either side. Pair ``p * len(true_ids) + t`` is predicted
    object p against true object t.
    """
    prediction, truth = _checked(prediction, truth, void)
    for side in (predicted_ids, true_ids):
        _check_ids(side)
        if len(side) > _IDS_PER_PASS:
            raise ScoreError(f"{len(side)} objects are too many to be matched", fix=f"match up to {_IDS_PER_PASS}")
    grid = np.indices((len(predicted_ids), len(true_ids)), dtype=np.int64).reshape(2, -1).T + 1
    counts = _count(prediction, truth, predicted_ids, true_ids, np.ascontiguousarray(grid))
    return FrameCounts(
        intersection=counts[0],
        union=counts[1],
        predicted_boundary=counts[2],
        true_boundary=counts[3],
        matched_prediction=counts[4],
        matched_truth=counts[5],
    )


def jaccard(counts: FrameCounts) -> Floats:
    """Gives back J of each pair, float64 in [0, 1]: intersection over union, 1 where both masks are empty."""
    empty = counts.union == 0
    ratio: Floats = np.where(empty, 1, counts.intersection) / np.where(empty, 1, counts.union)
    return ratio


def boundary_f(counts: FrameCounts) -> Floats:
    """Gives back F of each pair, float64 in [0, 1]: the harmonic mean of boundary precision and recall.

    Where one side alone has no boundary, precision and recall are 1 and 0 or 0 and 1, so F is 0; where neither
    has one (both empty, or a mask that fills the frame), F is 1. ``2 * P * R / (P + R)`` is evaluated from left to
    right as in the official tool.
    """
    neither = (counts.predicted_boundary == 0) & (counts.true_boundary == 0)
    precision = counts.matched_prediction / np.maximum(counts.predicted_boundary, 1)
    recall = counts.matched_truth / np.maximum(counts.true_boundary, 1)
    total = precision + recall
    measure: Floats = 2 * precision * recall / np.where(total == 0, 1, total)
    measure[neither] = 1
    return measure


def check_maps(prediction: LabelMap, truth: LabelMap) -> None:
    """Refuse what is no pair of label maps (height, width), unsigned or bool, of one size."""
    for name, labels in (("the prediction", prediction), ("the truth", truth)):
        if labels.ndim != 2 or labels.size == 0 or labels.dtype.kind not in "ub":
            raise ScoreError(
                f"{name} is no label map: {labels.dtype} of shape {labels.shape}",
                fix="give a non-empty (height, width) array of unsigned integers",
            )
    if prediction.shape != truth.shape:
        raise ScoreError(
            f"the prediction is {_size(prediction)} pixels (height x width), the truth is {_size(truth)}",
            fix="write predictions at the truth's own size: no official tool resizes them",
        )


def _check_ids(ids: Sequence[int]) -> None:
    if len(set(ids)) < len(ids) or any(number < 1 for number in ids):
        raise ScoreError(f"object ids must be positive and each named once, these are {tuple(ids)}")


def _checked(
    prediction: LabelMap, truth: LabelMap, void: NDArray[np.bool_] | None
) -> tuple[NDArray[Any], NDArray[Any]]:
    check_maps(prediction, truth)
    if void is None:
        return prediction, truth
    if void.shape != truth.shape:
        raise ScoreError(f"the void map is {_size(void)} pixels, the truth is {_size(truth)}")
    return _cleared(prediction, void), _cleared(truth, void)


def _cleared(labels: NDArray[Any], void: NDArray[np.bool_]) -> NDArray[Any]:
    return np.where(void, labels.dtype.type(0), labels)


def _size(labels: NDArray[Any]) -> str:
    return " x ".join(str(side) for side in labels.shape)


def _passes(ids: Sequence[int]) -> Iterator[Sequence[int]]:
    """Gives back ``ids`` in pieces that a byte can number; one empty piece where there are none."""
    for begin in range(0, max(len(ids), 1), _IDS_PER_PASS):
        yield ids[begin : begin + _IDS_PER_PASS]


def _joined(parts: Sequence[Counts], row: int) -> Counts:
    return np.concatenate([part[row] for part in parts])


def _diagonal(objects: int) -> Counts:
    """Gives back the pairs (1, 1), (2, 2), ...: (objects, 2)."""
    numbers = np.arange(1, objects + 1, dtype=np.int64)
    return np.stack([numbers, numbers], axis=1)


def _count(
    prediction: NDArray[Any],
    truth: NDArray[Any],
    predicted_ids: Sequence[int],
    true_ids: Sequence[int],
    pairs: Counts,
) -> Counts:
    """Gives back the (6, pairs) counts that `vosbench.metrics.kernel.count_pairs` writes."""
    from vosbench.metrics.kernel import count_pairs

    height, width = truth.shape
    predicted_bytes, predicted_slots = _numbered(prediction, predicted_ids)
    true_bytes, true_slots = _numbered(truth, true_ids)
    marks = np.zeros((height, (width + 7) // 8 * 8), np.uint8)
    counts = np.zeros((6, len(pairs)), np.int64)
    count_pairs(
        predicted_bytes,
        true_bytes,
        predicted_slots,
        true_slots,
        pairs,
        _half_widths(boundary_radius(height, width)),
        np.zeros((len(predicted_ids) + 1, len(true_ids) + 1), np.int64),
        marks,
        marks.view(np.uint64),
        counts,
    )
    return counts


def _half_widths(radius: int) -> Counts:
    """Gives back the half width of the disk ``dx^2 + dy^2 <= radius^2`` for dy = 0 .. radius."""
    return np.array([math.isqrt(radius * radius - dy * dy) for dy in range(radius + 1)], np.int64)


def _numbered(labels: NDArray[Any], ids: Sequence[int]) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Gives back ``labels`` as row-major bytes and the table (256,) that turns a byte into its place in ``ids``."""
    numbers = np.arange(1, len(ids) + 1, dtype=np.uint8)
    wanted = np.asarray(ids, np.int64)
    if labels.dtype.itemsize == 1:
        within = wanted < 256
        table = np.zeros(256, np.uint8)
        table[wanted[within]] = numbers[within]
        return np.require(labels.view(np.uint8), requirements=["C", "W"]), table
    return _places(labels, wanted, numbers), np.arange(256, dtype=np.uint8) * (np.arange(256) <= len(ids))


def _places(labels: NDArray[Any], wanted: Counts, numbers: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Gives back the place in ``wanted``, from 1, of every label, 0 for others: (height, width), uint8."""
    if len(wanted) == 0:
        return np.zeros(labels.shape, np.uint8)
    order = np.argsort(wanted)
    sorted_ids = wanted[order]
    nearest = np.minimum(np.searchsorted(sorted_ids, labels), len(wanted) - 1)
    places: NDArray[np.uint8] = np.where(sorted_ids[nearest] == labels, numbers[order][nearest], 0).astype(np.uint8)
    return places
