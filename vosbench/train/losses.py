"""The parts of a loss that look at masks, by the names that recipes use.

Every part gives a scalar, the mean over the clips, frames and objects that there are. An object that a clip does not
have, a channel at -1e4 or less, counts nowhere.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from vosbench.contract import Unrolled


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LossInput:
    """What a part of the loss sees.

    ``masks`` (batch, frames, height, width) int64 are the true ones, ``objects`` their number by clip; ``progress`` is
    the share of the whole training done, in [0, 1]; ``generator`` (on the CPU) is what a part draws from; ``teacher``
    is another network's answer to the same clips, without gradient, where the recipe names one.
    """

    answer: Unrolled
    masks: Tensor
    objects: Sequence[int]
    progress: float
    generator: torch.Generator
    teacher: Unrolled | None = None

    @property
    def truth(self) -> Tensor:
        """The masks of the frames answered: (batch, frames - 1, height, width)."""
        return self.masks[:, 1:]


LossPart = Callable[[LossInput], Tensor]

TINY = 1e-6
"""What no denominator falls below: an object that a clip does not have is neither in truth nor answer."""


def bootstrapped_share(progress: float, *, warm: float = 0.1, until: float = 0.5, share: float = 0.15) -> float:
    """Gives back the share of pixels that count: all up to ``warm``, then falling evenly to ``share`` at ``until``.

    As the official code of STCN and XMem (``start_warm``, ``end_warm``), which goes from all pixels to the hardest 15 %
    between two iterations; here they are shares of the training.
    """
    if progress <= warm:
        return 1.0
    if progress >= until:
        return share
    return 1.0 - (1.0 - share) * (progress - warm) / (until - warm)


def bootstrapped_cross_entropy(*, warm: float = 0.1, until: float = 0.5, share: float = 0.15) -> LossPart:
    """Gives back cross-entropy over background and objects on the hardest pixels of each frame."""

    def part(given: LossInput) -> Tensor:
        pixels = _cross_entropy(given).flatten(2)
        kept = bootstrapped_share(given.progress, warm=warm, until=until, share=share)
        if kept < 1.0:
            pixels = pixels.topk(max(1, int(kept * pixels.shape[2])), dim=2, sorted=False).values
        return pixels.mean()

    return part


def dice(*, smooth: float = 1.0) -> LossPart:
    """Gives back 1 - (2 sum(p g) + s) / (sum p + sum g + s), the mean over objects (Milletari et al. 2016; XMem)."""

    def part(given: LossInput) -> Tensor:
        probability, truth = objects_of(given)
        both = (probability * truth).sum(dim=(3, 4))
        sums = probability.sum(dim=(3, 4)) + truth.sum(dim=(3, 4))
        return mean_over_objects(1.0 - (2.0 * both + smooth) / (sums + smooth).clamp(min=TINY), given.objects)

    return part


def soft_jaccard(*, smooth: float = 1.0) -> LossPart:
    """Gives back 1 - (sum(p g) + s) / (sum p + sum g - sum(p g) + s), the mean over objects (AOT, section 5; MAVOS)."""

    def part(given: LossInput) -> Tensor:
        probability, truth = objects_of(given)
        both = (probability * truth).sum(dim=(3, 4))
        sums = probability.sum(dim=(3, 4)) + truth.sum(dim=(3, 4))
        return mean_over_objects(1.0 - (both + smooth) / (sums - both + smooth).clamp(min=TINY), given.objects)

    return part


def binary_cross_entropy() -> LossPart:
    """Gives back the binary cross-entropy of each object's probability, the mean over objects and pixels (MAVOS)."""

    def part(given: LossInput) -> Tensor:
        probability, truth = objects_of(given)
        probability = probability.clamp(1e-6, 1.0 - 1e-6)
        pixels = -(truth * probability.log() + (1.0 - truth) * (1.0 - probability).log())
        return mean_over_objects(pixels.mean(dim=(3, 4)), given.objects)

    return part


def _cross_entropy(given: LossInput) -> Tensor:
    """Gives back (batch, frames - 1, height, width) in fp32."""
    logits = given.answer.logits.float()
    flat = functional.cross_entropy(logits.flatten(0, 1), given.truth.flatten(0, 1), reduction="none")
    return flat.view(given.truth.shape)


def objects_of(given: LossInput) -> tuple[Tensor, Tensor]:
    """Gives back probability and truth of each object: (batch, frames - 1, objects, height, width) in fp32."""
    probability = given.answer.logits.float().softmax(dim=2)[:, :, 1:]
    numbers = torch.arange(1, probability.shape[2] + 1, device=probability.device).view(1, 1, -1, 1, 1)
    return probability, (given.truth.unsqueeze(2) == numbers).float()


def mean_over_objects(values: Tensor, objects: Sequence[int]) -> Tensor:
    """Gives back the mean of (batch, frames - 1, objects) over the objects that each clip has."""
    counts = torch.tensor(list(objects), device=values.device)
    there = torch.arange(values.shape[2], device=values.device)[None] < counts[:, None]
    weights = there[:, None].expand_as(values).to(values.dtype)
    return (values * weights).sum() / weights.sum().clamp(min=1.0)
