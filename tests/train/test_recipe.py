"""Recipes: every key is known, every bundled one can be trained, and mistakes are answered with their line."""

from __future__ import annotations

import pytest

from vosbench.errors import UsageError
from vosbench.train.job import method_of
from vosbench.train.loss import INSTANCE_PARTS, PARTS
from vosbench.train.recipe import bundled_recipes, load_recipe

RECIPES = bundled_recipes()


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda recipe: recipe.name)
def test_a_bundled_recipe_names_a_method_that_can_be_trained_with_its_settings(recipe):
    method, settings = method_of(recipe, ())
    assert recipe.method.split("@")[0] == method.card.name
    assert recipe.settings == {name: getattr(settings, name) for name in recipe.settings}
    assert all(hasattr(settings, name) for name in recipe.choose)
    parts = PARTS if method.card.train_instances is None else INSTANCE_PARTS
    assert {plan.part for plan in recipe.loss} <= parts.keys()


def test_the_minis_of_the_controlled_table_differ_in_method_and_loss_only():
    begun = [recipe for recipe in RECIPES if recipe.listed and recipe.start is not None]
    gated = [recipe for recipe in begun if load_recipe(recipe.start.recipe).start is not None]
    assert {"gate"} == {recipe.settings["training"] for recipe in gated}, "a gate is all that may be taught beside"
    assert all(recipe.data == load_recipe(recipe.start.recipe).data for recipe in gated)
    minis = [recipe for recipe in begun if not recipe.marks]
    begins = [load_recipe(recipe.start.recipe) for recipe in minis]
    assert len(minis) >= 4
    for group in (minis, begins):
        alike = {repr((item.data, item.stages, item.optimizer, item.seed, item.hardware.precision)) for item in group}
        assert 1 == len(alike)
    assert all(recipe.start is None and recipe.backbone for recipe in begins)


def test_no_validation_video_is_trained_on():
    for recipe in RECIPES:
        named = (*recipe.data.held_back.clips, *recipe.data.held_back.exclude)
        assert not {"blackswan", "dog", "drift-straight", "horsejump-high", "libby"} & {
            n.split("-", 1)[1] for n in named
        }


def test_an_unknown_key_is_quoted_with_its_line(tiny_recipe):
    with pytest.raises(UsageError, match="unknown key 'warmup'; did you mean 'warm_up'") as caught:
        tiny_recipe(("{warm_up: 2}", "{warmup: 2}"))
    assert "line 18: optimizer: {warmup: 2}" in caught.value.where


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("{real: 1, photo: 1, composite: 1, synthetic: 1}", "{real: 0}", "no source of clips"),
        ("size: [32, 48]", "size: [30, 48]", "no multiple of 16"),
        ("batch: 2, frames: 3", "batch: 2, frames: 1", "two frames at least"),
        ("loss:\n", "hardware: {processes: 3}\nloss:\n", "does not divide among 3 processes"),
        ("synthetic_videos: 1", "synthetic_videos: 0", "there are no synthetic videos"),
        ("{warm_up: 2}", "{rate: 0}", "rate is 0.0"),
        ("name: tiny", "name: ../tiny", "cannot name a folder"),
        ("frames: 3, size: [32, 48]", "frames: 3, size: [32, 48], gap: [3, 2]", "gap"),
    ],
)
def test_what_cannot_be_is_refused(tiny_recipe, old, new, message):
    with pytest.raises(UsageError, match=message):
        tiny_recipe((old, new))


def test_an_unknown_recipe_is_answered_with_the_nearest():
    with pytest.raises(UsageError, match="no recipe 'stcn-mimi'") as caught:
        load_recipe("stcn-mimi")
    assert "stcn-mini" in caught.value.fix


def test_stages_follow_each_other(tiny_recipe):
    recipe = tiny_recipe()
    assert 10 == recipe.steps
    assert [3, 3, 4, 4] == [recipe.stage_at(step).frames for step in (0, 5, 6, 9)]


def test_settings_that_the_method_does_not_know_are_refused(tiny_job):
    job = tiny_job(("{width: 4}", "{widht: 4}"))
    with pytest.raises(UsageError, match="unknown key 'widht'; did you mean 'width'"):
        method_of(job.recipe, job.adapters)


def test_a_method_without_a_network_to_train_is_refused(tiny_recipe):
    with pytest.raises(UsageError, match="'echo' has no network to train"):
        method_of(tiny_recipe(("method: toy", "method: echo")), ())
