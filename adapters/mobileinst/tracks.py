"""MobileInst's memory: the kernels of the last keyframe, one track each, and what was believed of them so far.

Kernel association (section 3.4): the kernels of two consecutive keyframes belong together by cosine similarity, one to
one, so that a video has as many tracks as there are queries, and exchanging queries between keyframes changes nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment
from torch import Tensor
from torch.nn import functional

from vosbench.adapters.nn.runtime import full_precision


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What is believed of a track.

    ``category`` counts the head's classes that are asked for, ``score`` is its mean over the keyframes so far and
    ``now`` its score on the last one.
    """

    track: int
    category: int
    score: float
    now: float


class Tracks:
    """N tracks: kernels (N, channels), summed scores (N, categories) and the number of keyframes."""

    def __init__(self, *, association: str, kernel_memory: float) -> None:
        self._association = association
        self._kernel_memory = kernel_memory
        self._compared: Tensor | None = None
        self._scores: Tensor | None = None
        self.kernels: Tensor | None = None
        self._now: Tensor | None = None
        self._ranking: list[Standing] | None = None
        self.keyframes = 0

    def update(self, kernels: Tensor, scores: Tensor) -> NDArray[np.int64]:
        """Take a keyframe's ``kernels`` (N, channels) and ``scores`` (N, categories) in [0, 1].

        Gives back, per track, the query that continues it. Track i is query i of the first keyframe.
        """
        order = self._associate(kernels)
        kernels, scores = kernels[order], scores[order]
        if self._compared is None or self._scores is None:
            self._compared, self._scores = kernels, scores.clone()
        else:
            self._compared = torch.lerp(kernels, self._compared, self._kernel_memory)
            self._scores += scores
        self.kernels, self._now = kernels, scores
        self._ranking = None
        self.keyframes += 1
        return order.cpu().numpy()

    def means(self) -> Tensor:
        """Gives back (N, categories): each track's mean score over the keyframes so far."""
        if self._scores is None:
            raise ValueError("no keyframe was seen yet")
        return self._scores / self.keyframes

    def best(self, count: int) -> list[Standing]:
        """Gives back the ``count`` best tracks, ties to the lower number.

        They are read from the device once for each keyframe.
        """
        if self._ranking is None:
            self._ranking = self._ranked()
        return self._ranking[:count]

    def footprint(self) -> dict[str, int]:
        """Gives back the bytes of kernels and scores: constant from the first keyframe on."""
        held = {id(kept): kept.nbytes for kept in (self.kernels, self._compared) if kept is not None}
        scores = sum(kept.nbytes for kept in (self._scores, self._now) if kept is not None)
        return {"kernels": sum(held.values()), "scores": scores}

    def _ranked(self) -> list[Standing]:
        means = self.means()
        if self._now is None:
            raise ValueError("no keyframe was seen yet")
        scores, categories = means.max(dim=1)
        order = torch.sort(scores, descending=True, stable=True).indices
        now = self._now.gather(1, categories[:, None])[:, 0]
        # Whole numbers are exact in double precision, and so are single-precision scores.
        rows = torch.stack([part.double() for part in (order, categories[order], scores[order], now[order])], dim=1)
        return [
            Standing(track=int(track), category=int(category), score=score, now=at_last)
            for track, category, score, at_last in rows.tolist()
        ]

    def _associate(self, kernels: Tensor) -> Tensor:
        if self._compared is None:
            return torch.arange(len(kernels), device=kernels.device)
        with full_precision(kernels.device):
            before, now = (functional.normalize(x.float(), dim=1) for x in (self._compared, kernels))
            similarity = (before @ now.T).cpu().numpy()
        columns = _greedy(similarity) if self._association == "greedy" else linear_sum_assignment(1 - similarity)[1]
        return torch.from_numpy(np.asarray(columns)).to(kernels.device)


def _greedy(similarity: NDArray[np.float32]) -> NDArray[np.int64]:
    """Gives back each row's column when the best pair is taken, then the best of what is left, and so on."""
    left = similarity.astype(np.float64)
    columns = np.empty(len(left), np.int64)
    for _ in range(len(left)):
        row, column = np.unravel_index(np.argmax(left), left.shape)
        columns[row] = column
        left[row], left[:, column] = -np.inf, -np.inf
    return columns
