"""MobileVOS's losses as recipes name them, and the recipes of its studies."""

from __future__ import annotations

import dataclasses
import itertools
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import Tensor

from vosbench.contract import Unrolled
from vosbench.errors import UsageError
from vosbench.train.distillation import bootstrapped_poly_cross_entropy
from vosbench.train.job import method_of
from vosbench.train.loss import Loss, PartContext
from vosbench.train.losses import LossInput
from vosbench.train.recipe import RECIPES, LossPlan, Recipe, load_recipe

STUDIES = {path.stem: load_recipe(path.stem) for path in sorted(RECIPES.glob("mobilevos*.yaml"))}


class Network:
    """Answers with noise of a width of its own."""

    network = None

    def __init__(self, channels: int, seed: int) -> None:
        self.channels = channels
        self.seed = seed

    def unroll(self, images: Tensor, masks: Tensor, objects: Any, generator: Any) -> Unrolled:
        batch, frames, _, height, width = images.shape
        random = torch.Generator().manual_seed(self.seed)
        logits = torch.randn(batch, frames - 1, 2, height, width, generator=random)
        shape = (batch, frames - 1, 1, self.channels, height // 4, width // 4)
        return Unrolled(
            logits=logits.requires_grad_(), representation=torch.randn(shape, generator=random).requires_grad_()
        )


def context(**changes: Any) -> PartContext:
    made = PartContext(student=Network(6, 1), teacher=Network(4, 2), where="recipe sample")
    return dataclasses.replace(made, **changes)


def given(found: PartContext, progress: float = 1.0) -> LossInput:
    images, masks = torch.zeros(2, 3, 3, 32, 48), torch.zeros(2, 3, 32, 48, dtype=torch.int64)
    masks[:, :, 8:20, 10:30] = 1
    answers = [
        None if network is None else network.unroll(images, masks, (1, 1), None)
        for network in (found.student, found.teacher)
    ]
    return LossInput(
        answer=answers[0],
        teacher=answers[1],
        masks=masks,
        objects=(1, 1),
        progress=progress,
        generator=torch.Generator().manual_seed(0),
    )


def plan(part: str, **options: Any) -> LossPlan:
    return LossPlan(part=part, options=options)


@pytest.mark.parametrize("recipe", STUDIES.values(), ids=STUDIES.keys())
def test_the_loss_of_every_study_can_be_built_and_gives_gradients(recipe: Recipe):
    found = context(teacher=None) if recipe.teacher is None else context()
    loss = Loss(recipe.loss, found)
    seen = given(found)
    total, parts = loss.of(seen)
    total.backward()
    assert len(recipe.loss) == len(parts)
    expected = sum(part * part_plan.weight for part, part_plan in zip(parts, recipe.loss, strict=True))
    torch.testing.assert_close(expected, total.detach())
    assert seen.answer.logits.grad.abs().sum() > 0
    assert all(parameter.grad.abs().sum() > 0 for parameter in loss.parameters())


def test_only_the_representation_brings_parameters_and_they_begin_alike():
    plans = [plan("bootstrapped-poly-cross-entropy"), plan("logit-distillation"), plan("representation-distillation")]
    assert [] == list(Loss(plans[:2], context()).parameters())
    first, second = (Loss(plans, context()).state_dict() for _ in range(2))
    assert [(4, 6), (4,)] == [tuple(value.shape) for value in first.values()]
    assert all(torch.equal(first[key], second[key]) for key in first)


def test_bootstrapping_follows_the_progress():
    loss = Loss([plan("bootstrapped-poly-cross-entropy", epsilon=2.0, share=0.25)], context())
    for progress, share in ((0.0, 1.0), (0.3, 0.625), (0.9, 0.25)):
        seen = given(context(), progress)
        logits, truth = seen.answer.logits.flatten(0, 1), seen.truth.flatten(0, 1)
        expected = bootstrapped_poly_cross_entropy(logits, truth, share=share, epsilon=2.0)
        torch.testing.assert_close(expected.detach(), loss.of(seen)[0].detach())


@pytest.mark.parametrize("part", ["logit-distillation", "representation-distillation"])
def test_a_distillation_needs_a_teacher(part: str):
    with pytest.raises(UsageError, match="needs a teacher") as caught:
        Loss([plan(part)], context(teacher=None))
    assert "recipe sample" == caught.value.where
    loss = Loss([plan(part)], context())
    with pytest.raises(UsageError, match="no teacher's answer"):
        loss.of(dataclasses.replace(given(context()), teacher=None))


def test_options_that_do_not_exist_or_do_not_fit_are_refused():
    with pytest.raises(UsageError, match="unknown key 'omga'"):
        Loss([plan("representation-distillation", omga=0.5)], context())
    with pytest.raises(UsageError, match="omega is 2"):
        Loss([plan("representation-distillation", omega=2.0)], context())
    with pytest.raises(UsageError, match="the part 'dice': smooth is 'a'"):
        Loss([plan("dice", smooth="a")], context())
    with pytest.raises(UsageError, match="expected one of teacher-student, student-teacher"):
        Loss([plan("logit-distillation", direction="both")], context())


def test_every_study_names_a_student_that_exists():
    students = {name: method_of(recipe, ())[1].student for name, recipe in STUDIES.items()}
    assert {"mnv2"} == {students["mobilevos-mnv2-both"], students["mobilevos-mnv2-no-teacher"]}
    assert {"mnv2-noaspp"} == {student for name, student in students.items() if "-mnv2-" not in name}


def test_the_rows_of_table_5_have_one_budget_and_differ_in_the_loss_alone():
    rows = [load_recipe(f"mobilevos-{name}") for name in ("no-teacher", "logits", "both")]
    said = {"name": "", "title": "", "loss": (), "teacher": None, "marks": ()}
    assert 1 == len({repr(dataclasses.replace(recipe, **said)) for recipe in rows})
    assert [1, 2, 3] == [len(recipe.loss) for recipe in rows]
    assert all(longer.loss[: len(shorter.loss)] == shorter.loss for shorter, longer in itertools.pairwise(rows))


def test_the_bundled_student_is_trained_as_sections_4_2_and_4_3_say():
    mini = load_recipe("mobilevos-mini")
    assert ("stcn-mini", ("distilled",)) == (mini.teacher.recipe, mini.marks)
    assert 5 == mini.stages[-1].frames
    options = {part.part: SimpleNamespace(**part.options) for part in mini.loss}
    assert 0.95 == options["representation-distillation"].omega
    assert [mini.name] == [name for name, recipe in STUDIES.items() if recipe.listed]


@pytest.mark.parametrize(("student", "expected"), [("r18", 0.0), ("mnv2", 0.95), ("mnv2-noaspp", 0.95)])
def test_a_student_names_the_papers_own_omega(student: str, expected: float):
    method, settings = method_of(load_recipe("mobilevos-mini"), ())
    made = method.card.train(dataclasses.replace(settings, student=student))
    parts = [
        Loss([plan("representation-distillation", **options)], context(student=made))
        for options in ({}, {"omega": 0.5})
    ]
    assert [expected, 0.5] == [loss.learning["0"].distillation.settings.omega for loss in parts]
