"""A training of MobileInst: the loss falls, a seed decides everything, a checkpoint goes on, and wrong recipes end."""

from __future__ import annotations

import dataclasses
import json

import numpy as np
import pytest

from vosbench.errors import UsageError
from vosbench.train import export as exports
from vosbench.train import loop
from vosbench.train.curve import read_curve, scores_of
from vosbench.train.export import export
from vosbench.train.instance_clips import held_back_videos
from vosbench.train.job import Job
from vosbench.train.loop import Unwatched, train
from vosbench.train.recipe import load_recipe

RECIPE = """\
schema: 1
name: tiny-instances
title: Tiny
method: mobileinst
settings: {backbone: topformer-tiny, hidden_dim: 16, num_queries: 6, categories: 8}
seed: 2
backbone: false
data:
  shares: {synthetic: 1}
  synthetic_videos: 1
  synthetic_frames: 3
stages:
  - {steps: 4, batch: 2, frames: 2, size: [64, 64], gap: [1, 1]}
optimizer: {warm_up: 2, rate: 0.002, trunk_rate: 0.002}
loss:
  - {part: class-focal, weight: 2.0}
  - {part: mask-dice, weight: 2.0}
  - {part: mask-binary-cross-entropy, weight: 2.0}
  - {part: iou-objectness}
  - {part: passed-dice, weight: 2.0}
  - {part: passed-binary-cross-entropy, weight: 2.0}
choose: {size: [64, 128]}
"""


@pytest.fixture
def job(tmp_path, monkeypatch):
    """Gives back a maker of jobs: the recipe changed by (old, new) pairs; one short video is held back."""
    for module in (loop, exports):
        monkeypatch.setattr(module, "held_back_videos", lambda: held_back_videos(1, 3))

    def make(*changes, **fields):
        text = RECIPE
        for old, new in changes:
            assert old in text
            text = text.replace(old, new)
        (tmp_path / "tiny.yaml").write_text(text)
        made = Job(recipe=load_recipe(str(tmp_path / "tiny.yaml")), data=tmp_path, out=tmp_path / "out")
        return dataclasses.replace(made, **fields)

    return make


def test_the_loss_falls_and_passing_is_learned_too(job):
    made = job(("steps: 4, batch: 2", "steps: 40, batch: 2"))
    train(made, Unwatched(), resume=False)
    losses = [loss for _, loss in read_curve(made.out)]
    assert np.mean(losses[:5]) > 1.25 * np.mean(losses[-5:])


def test_a_seed_gives_the_same_losses_and_a_resumed_training_goes_on_with_them(job, tmp_path):
    class Stop(Unwatched):
        def stepped(self, point):
            if point.step == 2:
                raise KeyboardInterrupt

    often = ("choose:", "hardware: {checkpoint_seconds: 1.0e-9}\nchoose:")
    whole, cut = job(often, out=tmp_path / "whole"), job(often, out=tmp_path / "cut")
    train(whole, Unwatched(), resume=False)
    with pytest.raises(KeyboardInterrupt):
        train(cut, Stop(), resume=False)
    assert 2 == len(read_curve(cut.out))
    train(cut, Unwatched(), resume=True)
    assert 4 == len(read_curve(whole.out))
    assert read_curve(whole.out) == read_curve(cut.out)


def test_what_is_held_back_is_scored_by_ap_and_the_card_says_so(job, tmp_path):
    made = job()
    train(made, Unwatched(), resume=False)
    header = (made.out / "curve.csv").read_text().splitlines()[0]
    assert header.endswith("held_back_ap,held_back_ap50")
    assert 3 == scores_of(made.out)[-1][0]
    export(made, tmp_path / "export")
    card = json.loads((tmp_path / "export" / "tiny-instances.json").read_text())
    assert [{"size": 64}, {"size": 128}] == sorted((trial["settings"] for trial in card["trials"]), key=str)[::-1]
    assert {"step", "ap", "ap50"} == card["held_back"][-1].keys()
    assert "synthetic-held-back-0" == card["held_back_clips"][0]
    assert {"synthetic"} == {entry["source"] for entry in card["data"]}


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ([("{synthetic: 1}", "{synthetic: 1, photo: 1}")], "clips of the source 'photo' have no categories"),
        ([("seed: 2\n", "seed: 2\nteacher: {recipe: stcn-mini}\n")], "has no teacher"),
        ([("size: [64, 64]", "size: [64, 48]")], "64 x 48 pixels do not fit"),
        ([("part: class-focal", "part: dice")], "there is no part of a loss 'dice'"),
    ],
)
def test_a_recipe_that_cannot_be_learned_from_is_refused(job, changes, what):
    with pytest.raises(UsageError, match=what):
        train(job(*changes), Unwatched(), resume=False)
