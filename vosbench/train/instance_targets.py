"""What the queries of a network shall answer: the instances of each frame, and which query is to be which of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from scipy.optimize import linear_sum_assignment
from torch import Tensor
from torch.nn import functional

from vosbench.contract import FoundInstances

MASK_POWER = 0.8
CLASS_POWER = 0.2
"""Exponents of dice and class probability in the score that matching maximises (SparseInst, ``SparseInstMatcher``)."""

DICE_TINY = 1e-4
"""What is added to the dice coefficient's denominator (SparseInst, ``dice_score``)."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class InstanceTargets:
    """The truth of F frames, those of all clips in a row, at the size of the queries' masks.

    ``masks`` (F, most instances, height / s, width / s) in [0, 1]: true masks resized bilinearly; ``categories`` (F,
    most instances) int64; ``present`` (F, most instances) bool. An instance keeps its place in all frames of its clip;
    it is present where its resized mask is not empty.
    """

    masks: Tensor
    categories: Tensor
    present: Tensor


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Matching:
    """Pairs of one query and one instance: ``frame``, ``query`` and ``instance``, each (pairs,) int64."""

    frame: Tensor
    query: Tensor
    instance: Tensor


def instance_targets(masks: Tensor, categories: Sequence[Sequence[int]], size: tuple[int, int]) -> InstanceTargets:
    """Gives back the targets of clips.

    ``masks`` (batch, frames, height, width) int64 hold 1 to n in clip b, n the number of ``categories[b]``, from 0;
    ``size`` (height, width) is that of the targets.
    """
    clips, frames = masks.shape[:2]
    most = max(1, *(len(kinds) for kinds in categories))
    numbers = torch.arange(1, most + 1, device=masks.device)
    planes = (masks.flatten(0, 1)[:, None] == numbers[:, None, None]).float()
    small = functional.interpolate(planes, size, mode="bilinear", align_corners=False)
    padded = torch.tensor([[*kinds, *[0] * (most - len(kinds))] for kinds in categories], device=masks.device)
    return InstanceTargets(
        masks=small,
        categories=padded.long()[:, None].expand(clips, frames, most).flatten(0, 1),
        present=small.flatten(2).amax(dim=2) > 0.0,
    )


def category_map(masks: Tensor, categories: Sequence[Sequence[int]]) -> Tensor:
    """Gives back (batch x frames, height, width) int64: each pixel's category, counted from 1, 0 for the background.

    ``masks`` and ``categories`` are those of `instance_targets`.
    """
    most = max(1, *(len(kinds) for kinds in categories))
    rows = [[0, *(kind + 1 for kind in kinds), *[0] * (most - len(kinds))] for kinds in categories]
    table = torch.tensor(rows, device=masks.device)
    return torch.stack([row[mask] for row, mask in zip(table, masks, strict=True)]).flatten(0, 1)


def dice_coefficients(probabilities: Tensor, masks: Tensor) -> Tensor:
    """Gives back (..., N, M): 2 sum(p t) / (sum p^2 + sum t^2 + 1e-4) of every query with every instance, in [0, 1].

    ``probabilities`` (..., N, pixels), ``masks`` (..., M, pixels).
    """
    both = probabilities @ masks.mT
    squares = probabilities.square().sum(-1)[..., :, None] + masks.square().sum(-1)[..., None, :]
    return 2.0 * both / (squares + DICE_TINY)


@torch.no_grad()
def match(found: FoundInstances, targets: InstanceTargets) -> Matching:
    """Gives back the pairs that maximise the sum of dice^0.8 p(class)^0.2, frame by frame, one to one.

    An instance that is absent takes no query; where there are more instances than queries the best pairs are kept.
    """
    probabilities = found.masks.flatten(0, 1).flatten(2).float().sigmoid()
    classes = found.classes.flatten(0, 1).float().sigmoid()
    kinds = targets.categories[:, None].expand(-1, classes.shape[1], -1)
    scores = dice_coefficients(probabilities, targets.masks.flatten(2)).clamp(min=0.0) ** MASK_POWER
    scores = (scores * classes.gather(2, kinds) ** CLASS_POWER).cpu().numpy()
    present = targets.present.cpu().numpy()
    rows: list[tuple[int, int, int]] = []
    for frame, here in enumerate(present):
        instances = here.nonzero()[0]
        for query, place in zip(*linear_sum_assignment(scores[frame][:, instances], maximize=True), strict=True):
            rows.append((frame, int(query), int(instances[place])))
    table = torch.tensor(rows, dtype=torch.int64, device=found.masks.device).reshape(-1, 3)
    return Matching(frame=table[:, 0], query=table[:, 1], instance=table[:, 2])


def passed_matching(matching: Matching, targets: InstanceTargets, frames: int) -> Matching:
    """Gives back the pairs of the frames behind the first of each clip of ``frames``: query i keeps its instance.

    The instance is the one that query i was matched to at the first frame; where it is absent there is no pair
    (MobileInst, section 3.5: the passed query's mask "shares the same mask targets"). The frames of the answer count
    (clip, later frame) in a row, as those of `FoundInstances.passed` do.
    """
    first = matching.frame % frames == 0
    clip, query, instance = (x[first] for x in (matching.frame // frames, matching.query, matching.instance))
    later = torch.arange(1, frames, device=clip.device)
    clip, query, instance = (x[:, None].expand(-1, frames - 1) for x in (clip, query, instance))
    kept = targets.present[clip * frames + later, instance]
    behind = clip * (frames - 1) + later - 1
    return Matching(frame=behind[kept], query=query[kept], instance=instance[kept])
