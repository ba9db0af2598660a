"""Soups of exported weights: chosen on the held-back clips, written with a card that names all that was tried."""

from __future__ import annotations

import json

import pytest
import torch
from safetensors.torch import load_file, save_file

from vosbench.errors import CheckpointError, UsageError
from vosbench.train.mixing import mix

MOVES = """\
from dataclasses import dataclass

import numpy as np
import safetensors.torch

from vosbench.contract import MethodCard, setting


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    width: int = setting(4, source="a test", help="channels")
    size: int = setting(32, source="a test", help="shorter side")


class Model:
    def __init__(self, speed):
        self.speed = speed

    def open(self, view):
        return Session(self.speed)


class Session:
    def __init__(self, speed):
        self.speed = speed

    def step(self, frame):
        self.mask = self.mask if frame.prompt is None else frame.prompt.mask
        return np.roll(self.mask, round(self.speed * frame.index), axis=1)

    def finish(self):
        return None

    def close(self):
        pass


def load(runtime, weights, settings):
    return Model(float(safetensors.torch.load_file(weights.path)["speed"]))


CARD = MethodCard(name="toy", summary="moves masks", load=load, settings=Settings, train=lambda settings: None)
"""
"""Its one weight is how many pixels an object moves in a frame: 2 in the clips."""


@pytest.fixture
def moving_job(tiny_job, tmp_path):
    job = tiny_job(("loss:\n", "choose: {size: [32]}\nloss:\n"))
    job.adapters[0].write_text(MOVES)
    return job


def file(folder, speed, **more):
    path = folder / f"{speed}.safetensors"
    save_file({"speed": torch.tensor(speed)} | more, path)
    return path


def test_a_greedy_soup_keeps_what_answers_the_held_back_clips_no_worse(moving_job, tmp_path):
    files = [file(tmp_path, speed) for speed in (0.0, 3.0, 1.0, 9.0)]
    told = []
    card = mix(moving_job, files, tmp_path / "soup", rule="greedy", tell=told.append)
    assert {"1.0", "3.0"} == {name.rpartition("/")[2].removesuffix(".safetensors") for name in card.ingredients}
    assert 1.0 == card.jf
    assert 2.0 == float(load_file(tmp_path / "soup" / card.file)["speed"])
    assert 7 == len(card.tried)
    assert list(card.tried) == told
    kept = json.loads((tmp_path / "soup" / "tiny-soup.json").read_text())
    assert ["two"] == kept["held_back_clips"]
    assert {str(path) for path in files} == set(kept["files"])
    assert {"width": 4, "size": 32} == kept["settings"]


def test_a_uniform_soup_takes_all(moving_job, tmp_path):
    files = [file(tmp_path, speed) for speed in (0.0, 3.0, 3.0 + 6.0)]
    card = mix(moving_job, files, tmp_path, rule="uniform")
    assert 3 == len(card.ingredients)
    assert 4.0 == float(load_file(tmp_path / card.file)["speed"])
    assert (1, card.jf) == (len(card.tried), card.tried[0].jf)


def test_weights_of_two_networks_make_no_soup(moving_job, tmp_path):
    files = [file(tmp_path, 1.0), file(tmp_path, 2.0, extra=torch.zeros(3))]
    with pytest.raises(CheckpointError, match="different networks"):
        mix(moving_job, files, tmp_path, rule="greedy")


def test_a_recipe_that_holds_nothing_back_makes_no_soup(tiny_job, tmp_path):
    job = tiny_job(("{clips: [two], photos: 3}", "{}"))
    with pytest.raises(UsageError, match="holds none back"):
        mix(job, [file(tmp_path, 1.0)], tmp_path, rule="greedy")
