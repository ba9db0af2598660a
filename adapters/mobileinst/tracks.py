"""MobileInst's memory: the kernels of the last keyframe, one track each, and what was believed of them so far.

Kernel association (section 3.4): the kernels of two consecutive keyframes belong together by cosine similarity, one to
one, so that a video has as many tracks as there are queries, and exchanging queries between keyframes changes nothing.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment
from torch import Tensor
from torch.nn import functional

from vosbench.adapters.nn.runtime import full_precision


class Tracks:
    """N tracks: kernels (N, channels), summed scores (N, categories) and the number of keyframes."""

    def __init__(self, *, association: str, kernel_memory: float) -> None:
        self._association = association
        self._kernel_memory = kernel_memory
        self._compared: Tensor | None = None
        self._scores: Tensor | None = None
        self.kernels: Tensor | None = None
        self._now: Tensor | None = None
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
        self.keyframes += 1
        return order.cpu().numpy()

    def means(self) -> Tensor:
        """Gives back (N, categories): each track's mean score over the keyframes so far."""
        if self._scores is None:
            raise ValueError("no keyframe was seen yet")
        return self._scores / self.keyframes

    def score_now(self, track: int, category: int) -> float:
        """Gives back what the last keyframe scores a track as ``category``."""
        if self._now is None:
            raise ValueError("no keyframe was seen yet")
        return float(self._now[track, category])

    def best(self, count: int) -> list[tuple[int, int, float]]:
        """Gives back (track, category index, score) of the ``count`` best tracks, ties to the lower number."""
        scores, categories = self.means().max(dim=1)
        order = torch.sort(scores, descending=True, stable=True).indices[:count].tolist()
        return [(track, int(categories[track]), float(scores[track])) for track in order]

    def footprint(self) -> dict[str, int]:
        """Gives back the bytes of kernels and scores: constant from the first keyframe on."""
        held = {id(kept): kept.nbytes for kept in (self.kernels, self._compared) if kept is not None}
        scores = sum(kept.nbytes for kept in (self._scores, self._now) if kept is not None)
        return {"kernels": sum(held.values()), "scores": scores}

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
