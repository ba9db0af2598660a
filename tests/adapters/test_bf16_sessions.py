"""Every bundled model answers a video in bfloat16: prompts on two frames, keyframes and memory frames between."""

from __future__ import annotations

import numpy as np
import pytest
from helpers.sessions import prompt, video

from vosbench.contract import Runtime, View
from vosbench.registry import Registry
from vosbench.weights import equip

SHAPE = (64, 96)
PROMPTS = {
    0: prompt(SHAPE, {1: (slice(4, 40), slice(4, 40))}),
    2: prompt(SHAPE, {2: (slice(20, 60), slice(50, 90))}),
}
FRAMES = 5
BUNDLED = ("deaot-l", "mavos", "mobileinst", "mobileinst@image", "mobilevos", "sam2-lite", "stcn", "xmem")

pytestmark = pytest.mark.usefixtures("one_thread")


def test_the_list_names_every_family_with_a_bundled_model():
    cards = [Registry().card(name) for name in Registry().names()]
    assert {card.name for card in cards if card.minis} == {name.partition("@")[0] for name in BUNDLED}


@pytest.mark.parametrize("name", BUNDLED)
def test_a_bundled_model_answers_in_bf16(name: str):
    method, weights = equip(Registry().method(name, {"size": "64"}), "mini", None)
    model = method.card.load(Runtime(precision="bf16"), weights, method.settings)
    session = model.open(View(id="video", height=SHAPE[0], width=SHAPE[1]))
    for frame in video(SHAPE, PROMPTS, FRAMES):
        labels = session.step(frame)
        assert SHAPE == labels.shape
        assert {0, 1, 2} >= set(np.unique(labels))
    session.close()


def test_instances_are_found_in_bf16():
    name = "mobileinst"
    method, weights = equip(Registry().method(name, {"size": "64", "reuse": "2"}), "mini", None)
    names = method.settings.category_names.split(",")
    view = View(id="video", height=SHAPE[0], width=SHAPE[1], task="vis", categories=dict(enumerate(names, start=1)))
    session = method.card.load(Runtime(precision="bf16"), weights, method.settings).open(view)
    for frame in video(SHAPE, {}, FRAMES):
        assert all(SHAPE == instance.mask.shape for instance in session.step(frame))
    assert all(np.isfinite(track.score) for track in session.finish())
