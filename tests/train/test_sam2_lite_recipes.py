"""The recipes of SAM2-Lite: each one's loss is a number whose gradient reaches what the recipe teaches."""

from __future__ import annotations

from contextlib import nullcontext

import pytest
import torch

from vosbench.train.batches import Batch
from vosbench.train.job import method_of
from vosbench.train.learners import ObjectLearner
from vosbench.train.loss import Loss, PartContext
from vosbench.train.recipe import bundled_recipes, load_recipe

RECIPES = [recipe for recipe in bundled_recipes() if recipe.name.startswith("sam2-lite")]
HEIGHT, WIDTH = 32, 48


def made(recipe):
    method, settings = method_of(recipe, ())
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return method.card.train(settings)


def values(recipe):
    """Gives back the student, the loss of a clip of twelve frames and its parts."""
    student = made(recipe)
    teacher = None
    if recipe.teacher is not None:
        teacher = made(load_recipe(recipe.teacher.recipe))
        teacher.network.eval().requires_grad_(requires_grad=False)
    loss = Loss(recipe.loss, PartContext(student=student, teacher=teacher, where=recipe.name))
    images = torch.randn(1, 12, 3, HEIGHT, WIDTH, generator=torch.Generator().manual_seed(0))
    masks = torch.zeros(1, 12, HEIGHT, WIDTH, dtype=torch.int64)
    masks[:, :, 8:24, 8:24] = 1
    batch = Batch(images=images, masks=masks, objects=(1,), origins=("drawn here",))
    learner = ObjectLearner(trainable=student, teacher=teacher, parts=loss)
    return student, *learner.loss(batch, computing=nullcontext(), seed=2, progress=0.5)


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda recipe: recipe.name)
def test_the_loss_teaches_what_the_recipe_says(recipe):
    student, total, parts = values(recipe)
    assert len(recipe.loss) == len(parts)
    assert all(torch.isfinite(part) for part in (total, *parts))
    total.backward()
    taught = {
        name.split(".")[0]
        for name, value in student.network.named_parameters()
        if value.grad is not None and value.grad.any()
    }
    training, how = recipe.settings["training"], recipe.settings.get("gate_training")
    everything = {"key", "value", "coverage", "reader", "head", "encoder"}
    assert taught >= (set() if how == "usage" else everything)
    assert (training == "gate") == ("gate" in taught)


def test_the_rows_of_table_3_differ_in_what_is_matched_alone():
    rows = [recipe for recipe in RECIPES if recipe.teacher is not None]
    assert 6 == len(rows)
    assert 1 == len({repr((row.settings, row.stages, row.optimizer, row.data, row.start)) for row in rows})
    assert 6 == len({tuple(plan.part for plan in row.loss) for row in rows})
    scratch = load_recipe("sam2-lite-from-scratch")
    assert scratch.start is None
    assert scratch.teacher is None
    assert rows[0].stages == scratch.stages
