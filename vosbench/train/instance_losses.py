"""The parts of a loss over instances that queries find, by the names that recipes use (MobileInst, section 3.6).

The paper names them and follows SparseInst, whose code's forms and constants these are. Every part gives a scalar.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from vosbench.contract import FoundInstances
from vosbench.train.instance_targets import DICE_TINY, InstanceTargets, Matching, passed_matching

FOUND = 0.4
"""Probability from which a pixel counts as found in the IoU that objectness learns (SparseInst, ``get_iou``)."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class InstanceLossInput:
    """What a part of the loss sees: the queries' answer, the truth of all frames in a row, and the pairs of both.

    ``category_map`` (clips x frames, height, width) int64 holds each pixel's category, counted from 1, 0 elsewhere.
    """

    answer: FoundInstances
    targets: InstanceTargets
    matching: Matching
    category_map: Tensor

    @property
    def instances(self) -> int:
        """How many instances were matched, at least 1."""
        return max(1, len(self.matching.frame))

    @property
    def matched_masks(self) -> tuple[Tensor, Tensor]:
        """Logits and truth of the matched queries: (pairs, pixels), fp32."""
        return _paired(self.answer.masks, self.targets.masks, self.matching, self.matching.frame)


InstancePart = Callable[[InstanceLossInput], Tensor]


def class_focal(*, alpha: float = 0.25, gamma: float = 2.0) -> InstancePart:
    """Gives back the focal loss over all queries and categories, the sum divided by the number of instances.

    An unmatched query has no category (Lin et al. 2017, equation 5; SparseInst, ``loss_labels``).
    """

    def part(given: InstanceLossInput) -> Tensor:
        logits = given.answer.classes.flatten(0, 1).float()
        pairs = given.matching
        truth = torch.zeros_like(logits)
        truth[pairs.frame, pairs.query, given.targets.categories[pairs.frame, pairs.instance]] = 1.0
        return focal(logits, truth, alpha=alpha, gamma=gamma).sum() / given.instances

    return part


def focal(logits: Tensor, truth: Tensor, *, alpha: float, gamma: float) -> Tensor:
    """Gives back the focal loss of each logit: alpha_t (1 - p_t)^gamma BCE; ``alpha`` below 0 weighs nothing."""
    cross_entropy = functional.binary_cross_entropy_with_logits(logits, truth, reduction="none")
    probability = logits.sigmoid()
    right = probability * truth + (1.0 - probability) * (1.0 - truth)
    loss = cross_entropy * (1.0 - right) ** gamma
    return loss * (alpha * truth + (1.0 - alpha) * (1.0 - truth)) if alpha >= 0.0 else loss


def mask_dice() -> InstancePart:
    """Gives back 1 - 2 sum(p t) / (sum p^2 + sum t^2 + 1e-4), the mean over the matched queries."""

    def part(given: InstanceLossInput) -> Tensor:
        return _dice(*given.matched_masks)

    return part


def mask_binary_cross_entropy() -> InstancePart:
    """Gives back the binary cross-entropy of the matched queries' masks, the mean over queries and pixels."""

    def part(given: InstanceLossInput) -> Tensor:
        return _cross_entropy(*given.matched_masks)

    return part


def iou_objectness() -> InstancePart:
    """Gives back the BCE of the matched queries' objectness with the IoU that their masks reach, the mean over them."""

    def part(given: InstanceLossInput) -> Tensor:
        pairs = given.matching
        logits = given.answer.objectness.flatten(0, 1)[pairs.frame, pairs.query].float()
        reached = reached_iou(*given.matched_masks)
        return functional.binary_cross_entropy_with_logits(logits, reached, reduction="sum") / given.instances

    return part


@torch.no_grad()
def reached_iou(logits: Tensor, truth: Tensor) -> Tensor:
    """Gives back the IoU (pairs,) of masks (pairs, pixels) at probability 0.4 with their resized truth above 0.5."""
    found, true = logits.sigmoid() > FOUND, truth > 0.5
    both = (found & true).sum(dim=1)
    either = (found | true).sum(dim=1)
    return both / either.clamp(min=1)


def passed_dice() -> InstancePart:
    """Gives back the dice loss of the masks of queries that were passed on to later frames (section 3.5)."""

    def part(given: InstanceLossInput) -> Tensor:
        return _dice(*_passed_masks(given))

    return part


def passed_binary_cross_entropy() -> InstancePart:
    """Gives back the binary cross-entropy of the masks of queries that were passed on to later frames (section 3.5)."""

    def part(given: InstanceLossInput) -> Tensor:
        return _cross_entropy(*_passed_masks(given))

    return part


def _passed_masks(given: InstanceLossInput) -> tuple[Tensor, Tensor]:
    if given.answer.passed is None:
        raise ValueError("no queries were passed on: the bench asks for them where a recipe names such a part")
    frames = given.answer.masks.shape[1]
    pairs = passed_matching(given.matching, given.targets, frames)
    behind = pairs.frame // (frames - 1) * frames + pairs.frame % (frames - 1) + 1
    return _paired(given.answer.passed, given.targets.masks, pairs, behind)


def _paired(masks: Tensor, truth: Tensor, pairs: Matching, target_frame: Tensor) -> tuple[Tensor, Tensor]:
    logits = masks.flatten(0, 1)[pairs.frame, pairs.query].float().flatten(1)
    return logits, truth[target_frame, pairs.instance].flatten(1)


def _dice(logits: Tensor, truth: Tensor) -> Tensor:
    probability = logits.sigmoid()
    squares = probability.square().sum(dim=1) + truth.square().sum(dim=1)
    losses = 1.0 - 2.0 * (probability * truth).sum(dim=1) / (squares + DICE_TINY)
    return losses.sum() / max(1, len(losses))


def _cross_entropy(logits: Tensor, truth: Tensor) -> Tensor:
    total = functional.binary_cross_entropy_with_logits(logits, truth, reduction="sum")
    return total / max(1, truth.numel())
