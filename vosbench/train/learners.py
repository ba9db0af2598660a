"""What a training teaches: to follow the objects of a first mask, or to find instances. The loop asks one of both."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from vosbench.contract import FollowsProgress, Trainable, TrainableInstances, Unrolled
from vosbench.errors import UsageError
from vosbench.train.batches import Batch
from vosbench.train.instance_losses import InstanceLossInput
from vosbench.train.instance_targets import category_map, instance_targets, match
from vosbench.train.loss import Loss
from vosbench.train.losses import LossInput

Values = tuple[Tensor, tuple[Tensor, ...]]
"""A loss, and its parts before they are weighed, without gradient."""

NOBODY = -1e4
"""A teacher's logit of what its student answers beyond the objects: it is nowhere."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ObjectLearner:
    """Follows the objects that a clip's first mask gives; ``teacher`` answers the same clips without gradient."""

    trainable: Trainable
    teacher: Trainable | None
    parts: Loss

    @property
    def network(self) -> Any:
        """What is saved: a torch module."""
        return self.trainable.network

    def trunk_parameters(self) -> Iterable[Any]:
        """Gives back the parameters that learn slower than the rest."""
        return self.trainable.trunk_parameters()

    def loss(self, batch: Batch, *, computing: AbstractContextManager[object], seed: int, progress: float) -> Values:
        """Gives back the loss of a batch. The networks run inside ``computing``; ``progress`` is in [0, 1]."""
        teacher: Unrolled | None = None
        if isinstance(self.trainable, FollowsProgress):
            self.trainable.follow(progress)
        with computing:
            if self.teacher is not None:
                with torch.no_grad():
                    teacher = _unrolled(self.teacher, batch, seed)
            answer = _unrolled(self.trainable, batch, seed)
        return self.parts.of(
            LossInput(
                answer=answer,
                masks=batch.masks,
                objects=batch.objects,
                progress=progress,
                generator=torch.Generator().manual_seed(seed + 1),
                teacher=None if teacher is None else _as_wide(teacher, answer),
            )
        )


def _unrolled(trainable: Trainable, batch: Batch, seed: int) -> Unrolled:
    return trainable.unroll(batch.images, batch.masks, batch.objects, torch.Generator().manual_seed(seed))


def _as_wide(teacher: Unrolled, student: Unrolled) -> Unrolled:
    """Gives back the teacher's answer with as many channels as a student's that answers for nobody as well."""
    missing = student.logits.shape[2] - teacher.logits.shape[2]
    if missing < 0:
        raise UsageError(
            f"the teacher answers for {teacher.logits.shape[2] - 1} objects, the student for "
            f"{student.logits.shape[2] - 1}",
            fix="take a teacher that answers for the objects of a clip alone",
        )
    wide = functional.pad(teacher.logits, (0, 0, 0, 0, 0, missing), value=NOBODY)
    return replace(teacher, logits=wide)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class InstanceLearner:
    """Finds instances: its queries are matched with the truth of every frame anew."""

    trainable: TrainableInstances
    parts: Loss

    @property
    def network(self) -> Any:
        """What is saved: a torch module."""
        return self.trainable.network

    def trunk_parameters(self) -> Iterable[Any]:
        """Gives back the parameters that learn slower than the rest."""
        return self.trainable.trunk_parameters()

    def loss(
        self,
        batch: Batch,
        *,
        computing: AbstractContextManager[object],
        seed: int,  # noqa: ARG002 - nothing is left to chance here
        progress: float,  # noqa: ARG002 - no part changes on the way
    ) -> Values:
        """Gives back the loss of a batch, as `ObjectLearner.loss` does.

        Queries are passed on in time where a part of the loss asks for it.
        """
        passing = any(name.startswith("passed-") for name in self.parts.names())
        with computing:
            answer = self.trainable.find(batch.images, passing=passing)
        targets = instance_targets(batch.masks, batch.categories, tuple(answer.masks.shape[-2:]))
        return self.parts.of(
            InstanceLossInput(
                answer=answer,
                targets=targets,
                matching=match(answer, targets),
                category_map=category_map(batch.masks, batch.categories),
            )
        )


Learner = ObjectLearner | InstanceLearner
