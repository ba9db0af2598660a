"""The parts of a loss that MobileVOS brings, as recipes name them."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from vosbench.contract import HasOmega
from vosbench.errors import UsageError
from vosbench.plain import from_plain
from vosbench.train.distillation import (
    Distillation,
    DistillationSettings,
    bootstrapped_poly_cross_entropy,
    representation_channels,
)
from vosbench.train.loss import PartContext
from vosbench.train.losses import LossInput, LossPart, bootstrapped_share


def bootstrapped_poly(*, epsilon: float = 1.0, warm: float = 0.1, until: float = 0.5, share: float = 0.15) -> LossPart:
    """Gives back poly cross-entropy on the hardest pixels of each frame (equation 10's first term)."""

    def part(given: LossInput) -> Tensor:
        kept = bootstrapped_share(given.progress, warm=warm, until=until, share=share)
        logits, truth = given.answer.logits.flatten(0, 1), given.truth.flatten(0, 1)
        return bootstrapped_poly_cross_entropy(logits, truth, share=kept, epsilon=epsilon)

    return part


def logit_distillation(context: PartContext, **options: Any) -> LossPart:
    """Gives back the softened divergence from the teacher (equation 9); the options are `DistillationSettings`.

    Raises `UsageError` where the recipe names no teacher.
    """
    return _taught(context, {**options, "logits": True, "representation": False})


def representation_distillation(context: PartContext, **options: Any) -> LossPart:
    """Gives back what the correlations of boundary pixels lack (equations 2 and 6); the options are
    `DistillationSettings`. With omega 0 it is contrast alone, and the teacher is asked in vain.

    Raises `UsageError` where the recipe names no teacher.
    """
    return _taught(context, {**options, "logits": False, "representation": True})


def _taught(context: PartContext, options: dict[str, Any]) -> LossPart:
    if context.teacher is None:
        raise UsageError("a distillation needs a teacher", where=context.where, fix="add teacher: to the recipe")
    own: dict[str, Any] = {"omega": context.student.omega} if isinstance(context.student, HasOmega) else {}
    return _Taught(from_plain(DistillationSettings, {**own, **options}), context)


class _Taught(nn.Module):
    """One of equation 10's terms; it learns with the student where it embeds its representation."""

    def __init__(self, settings: DistillationSettings, context: PartContext) -> None:
        super().__init__()
        teacher = context.teacher
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            channels = [
                representation_channels(network) if settings.representation and network is not None else 1
                for network in (context.student, teacher)
            ]
            self.distillation = Distillation(settings, student_channels=channels[0], teacher_channels=channels[1])

    def forward(self, given: LossInput) -> Tensor:
        """Gives back the sum of the terms."""
        if given.teacher is None:
            raise UsageError("a distillation got no teacher's answer", fix="add teacher: to the recipe")
        terms = self.distillation(given.answer, given.teacher, given.masks, given.objects, given.generator)
        return torch.as_tensor(terms.total(torch.zeros((), device=given.masks.device)))
