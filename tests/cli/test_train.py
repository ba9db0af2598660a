"""``vosbench train``: lists, trains, exports, and refuses with words."""

from __future__ import annotations

import json


def test_without_a_recipe_the_bundled_ones_are_listed(vosbench):
    said = vosbench("train")
    assert 0 == said.status
    assert "stcn-mini" in said.out
    assert "iterations)" in said.out


def test_a_recipe_that_needs_data_asks_for_it(vosbench):
    said = vosbench("train", "stcn-mini")
    assert 2 == said.status
    assert "no data root is configured" in said.err


def test_an_unknown_key_in_a_recipe_is_refused_with_its_line(vosbench, tmp_path):
    (tmp_path / "mine.yaml").write_text("schema: 1\nnmae: mine\n")
    said = vosbench("train", tmp_path / "mine.yaml")
    assert 2 == said.status
    assert "unknown key 'nmae'" in said.err
    assert "line 2: nmae: mine" in said.err


SYNTHETIC = """\
schema: 1
name: drawn
title: Drawn
method: drawn
backbone: false
data: {shares: {synthetic: 1}, synthetic_videos: 1, synthetic_frames: 4}
stages: [{steps: 3, batch: 1, frames: 2, size: [16, 32]}]
loss: [{part: dice}]
"""

ADAPTER = """\
import torch
from torch import nn

from vosbench.contract import MethodCard, Unrolled


class Trainable:
    def __init__(self, settings):
        self.network = nn.Conv2d(3, 1, 1)

    def load_backbone(self, state):
        raise AssertionError

    def trunk_parameters(self):
        return ()

    def unroll(self, images, masks, objects, generator):
        plane = self.network(images[:, 1:].flatten(0, 1)).unflatten(0, (images.shape[0], -1))
        return Unrolled(logits=torch.cat([torch.zeros_like(plane), plane], 2))


CARD = MethodCard(name="drawn", summary="s", load=lambda runtime, weights, settings: None, train=Trainable)
"""


def test_a_training_ends_with_weights_and_their_card(vosbench, tmp_path):
    (tmp_path / "drawn.yaml").write_text(SYNTHETIC)
    (tmp_path / "drawn.py").write_text(ADAPTER)
    words = ["train", tmp_path / "drawn.yaml", "--adapter", tmp_path / "drawn.py", "--device", "cpu"]
    said = vosbench(*words, "--out", tmp_path / "out")
    assert 0 == said.status, said.err
    assert "[3/3] loss" in said.out
    assert "3 of 3 iterations" in said.out
    card = json.loads((tmp_path / "out" / "export" / "drawn.json").read_text())
    assert not card["non_commercial"]
    again = vosbench(*words, "--out", tmp_path / "out", "--export", tmp_path / "again", "--json")
    assert card["sha256"] == json.loads(again.out)["sha256"]
    assert (tmp_path / "again" / "drawn.safetensors").is_file()
