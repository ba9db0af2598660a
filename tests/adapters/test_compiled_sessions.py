"""With --compile the networks that are handed to the compiler are the ones that answer."""

from __future__ import annotations

from collections import Counter

import pytest
import torch
from helpers.sessions import answers, prompt, video

from vosbench.contract import Runtime, Weights
from vosbench.registry import Registry
from vosbench.weights import equip

SHAPE = (64, 96)
PROMPTS = {0: prompt(SHAPE, {1: (slice(4, 40), slice(4, 40))})}
SMALL = ("deaot-l", "mavos", "mobileinst", "mobilevos", "sam2-lite", "stcn", "xmem")

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """Gives back how often each compiled module was called, by its class; nothing is compiled."""
    counted: Counter[str] = Counter()

    def compiled(function, **_options):
        name = type(function.__self__).__name__
        counted[name] += 0

        def counting(*arguments, **named):
            counted[name] += 1
            return function(*arguments, **named)

        return counting

    monkeypatch.setattr(torch, "compile", compiled)
    return counted


@pytest.mark.parametrize("name", SMALL)
def test_what_a_small_model_compiles_is_called(name: str, calls: Counter[str]):
    method, weights = equip(Registry().method(name, {"size": "64"}), "mini", None)
    model = method.card.load(Runtime(compile=True), weights, method.settings)
    answers(model, video(SHAPE, PROMPTS, 3))
    assert calls
    assert all(calls.values()), calls


@pytest.mark.parametrize("student", ["mnv2", "mnv2-noaspp"])
def test_what_a_student_on_mobilenet_compiles_is_called(student: str, calls: Counter[str]):
    method = Registry().method(f"mobilevos@{student}", {"size": "64"})
    model = method.card.load(Runtime(compile=True), Weights(kind="random", seed=1), method.settings)
    answers(model, video(SHAPE, PROMPTS, 3))
    assert "MiniTrunk" in calls
    assert all(calls.values()), calls
