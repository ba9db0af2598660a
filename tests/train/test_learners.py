"""A student that answers for more objects than its teacher, as those with identities do while they learn."""

from __future__ import annotations

from contextlib import nullcontext
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import Tensor

from vosbench.contract import Unrolled
from vosbench.errors import UsageError
from vosbench.train.batches import Batch
from vosbench.train.learners import ObjectLearner
from vosbench.train.losses import LossInput


class Network:
    """Answers with noise for a number of objects of its own."""

    network = None

    def __init__(self, objects: int) -> None:
        self.objects = objects

    def unroll(self, images: Tensor, masks: Tensor, objects: Any, generator: torch.Generator) -> Unrolled:
        batch, frames, _, height, width = images.shape
        shape = (batch, frames - 1, 1 + self.objects, height, width)
        return Unrolled(logits=torch.randn(shape, generator=generator).requires_grad_())


def heard(student: int, teacher: int) -> LossInput:
    """Gives back what the loss is given where both answer for so many objects."""
    inputs: list[LossInput] = []

    def of(given: LossInput) -> tuple[Tensor, tuple[Tensor, ...]]:
        inputs.append(given)
        return given.answer.logits.sum(), ()

    learner: Any = ObjectLearner(
        trainable=Network(student),
        teacher=Network(teacher),
        parts=SimpleNamespace(of=of),
    )
    batch = Batch(
        images=torch.zeros(2, 3, 3, 16, 16),
        masks=torch.zeros(2, 3, 16, 16, dtype=torch.int64),
        objects=(1, 2),
        origins=("drawn here",) * 2,
    )
    learner.loss(batch, computing=nullcontext(), seed=4, progress=0.5)
    return inputs[0]


def test_a_teacher_answers_nowhere_for_those_that_only_its_student_answers_for():
    alike, wide = heard(2, 2), heard(5, 2)
    assert alike.teacher is not None
    assert wide.teacher is not None
    assert wide.answer.logits.shape == wide.teacher.logits.shape
    assert torch.equal(wide.teacher.logits[:, :, :3], alike.teacher.logits)
    assert not wide.teacher.logits.softmax(2)[:, :, 3:].any()


def test_a_teacher_that_answers_for_more_than_its_student_is_refused():
    with pytest.raises(UsageError, match="the teacher answers for 5 objects, the student for 2"):
        heard(2, 5)
