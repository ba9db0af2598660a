"""STCN and XMem as methods of the contract, with random weights on small videos."""

from __future__ import annotations

import dataclasses
import subprocess
import sys
from typing import Any

import numpy as np
import pytest
import torch
from helpers.sessions import answers, prompt, video

from vosbench.adapters.stcn import CARD as STCN
from vosbench.adapters.xmem import CARD as XMEM
from vosbench.contract import HasNetworks, MethodCard, Model, ReportsBanks, ReportsFootprint, Runtime, View, Weights
from vosbench.errors import AdapterError, CheckpointError, UsageError
from vosbench.types import Prompt

CARDS = {"stcn": STCN, "xmem": XMEM}

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(scope="module", params=CARDS)
def model(request: pytest.FixtureRequest) -> Model:
    return load(CARDS[request.param])


def load(card: MethodCard, runtime: Runtime | None = None, **settings: Any) -> Model:
    chosen = card.settings(**{"size": -1, "mem_every": 2} | settings)
    return card.load(runtime or Runtime(), Weights(kind="random", seed=3), chosen)


BOX = (slice(2, 14), slice(3, 15))


def test_importing_the_cards_loads_no_torch():
    code = "import sys, vosbench.adapters.stcn, vosbench.adapters.xmem; print('torch' in sys.modules)"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "False" == result.stdout.strip()


@pytest.mark.parametrize("name", CARDS)
def test_every_default_tells_its_source(name: str):
    fields = dataclasses.fields(CARDS[name].settings)
    assert all(field.metadata["source"] and field.metadata["help"] for field in fields)
    assert CARDS[name].knob.setting in {field.name for field in fields}


@pytest.mark.parametrize("name", CARDS)
def test_variants_change_settings_that_exist(name: str):
    names = {field.name for field in dataclasses.fields(CARDS[name].settings)}
    assert all(set(variant.settings) <= names for variant in CARDS[name].variants)


def test_a_model_shows_its_network_and_its_banks(model: Model):
    session = model.open(View(id="video", height=16, width=16))
    assert isinstance(model, HasNetworks)
    assert isinstance(session, ReportsFootprint)
    assert isinstance(session, ReportsBanks)
    count = sum(parameter.numel() for network in model.networks() for parameter in network.parameters())
    assert count in (54434180, 62185224)


@pytest.mark.parametrize("shape", [(16, 16), (33, 47), (17, 64), (1, 1)])
def test_objects_enter_late_empty_and_with_large_ids(model: Model, shape: tuple[int, int]):
    prompts = {
        1: prompt(shape, {3: (slice(0, 9), slice(0, 9)), 8: BOX}),
        3: Prompt(ids=(), mask=np.zeros(shape, np.uint8)),
        4: prompt(shape, {5: None}),
        5: prompt(shape, {300: (slice(4, 9), slice(5, 15))}),
    }
    labels = answers(model, video(shape, prompts, 8))
    assert [shape] * 8 == [label.shape for label in labels]
    assert [np.uint8] * 5 + [np.uint16] * 3 == [label.dtype for label in labels]
    assert 0 == labels[0].max()
    assert {0, 3, 8} >= set(np.unique(labels[2]))
    assert {0, 3, 5, 8, 300} >= set(np.unique(labels[7]))


def test_a_prompted_frame_shows_the_prompt_and_goes_on_with_the_rest(model: Model):
    shape = (48, 64)
    frames = video(shape, {0: prompt(shape, {1: BOX}), 2: prompt(shape, {2: (slice(30, 40), slice(30, 50))})}, 4)
    labels = answers(model, frames)
    expected = np.zeros(shape, bool)
    expected[BOX] = True
    assert np.array_equal(expected, labels[0] == 1)
    assert (labels[2][30:40, 30:50] == 2).all()
    first_only = answers(
        model, [dataclasses.replace(frame, prompt=frame.prompt if i == 0 else None) for i, frame in enumerate(frames)]
    )
    outside = frames[2].prompt.mask == 0
    agreeing = (labels[2] == first_only[2])[outside & (labels[2] != 2)]
    assert agreeing.mean() > 0.95


def test_two_sessions_are_equal_and_a_second_video_starts_fresh(model: Model):
    frames = video((33, 47), {0: prompt((33, 47), {1: BOX, 2: (slice(20, 30), slice(20, 40))})}, 6)
    other = video((16, 32), {0: prompt((16, 32), {1: BOX})}, 3)
    expected = answers(model, frames)
    answers(model, other)
    assert all(np.array_equal(a, b) for a, b in zip(expected, answers(model, frames), strict=True))


def test_masks_of_random_weights_are_neither_empty_nor_full(model: Model):
    shape = (96, 160)
    boxes = {1: (slice(10, 60), slice(10, 60)), 2: (slice(40, 90), slice(80, 150))}
    labels = answers(model, video(shape, {0: prompt(shape, boxes)}, 5))
    shares = [(labels[4] == i).mean() for i in (0, 1, 2)]
    assert all(0.005 < share < 0.98 for share in shares)


def test_an_object_enters_once(model: Model):
    shape = (16, 16)
    again = video(shape, {0: prompt(shape, {4: BOX}), 1: prompt(shape, {4: BOX, 5: None})}, 2)
    with pytest.raises(AdapterError, match="object 4 is prompted a second time") as error:
        answers(model, again)
    assert "frame 1" in error.value.where


def test_a_mask_of_another_size_is_refused(model: Model):
    with pytest.raises(AdapterError, match="the prompt's mask is"):
        answers(model, video((16, 16), {0: prompt((8, 8), {1: None})}, 1))


def test_closing_gives_everything_back(model: Model):
    shape = (33, 47)
    session = model.open(View(id="video", height=shape[0], width=shape[1]))
    for frame in video(shape, {0: prompt(shape, {1: BOX})}, 4):
        session.step(frame)
    assert sum(session.footprint().values()) > 0
    assert any(len(bank["frame"]) for bank in session.inspect().values())
    session.close()
    assert {} == session.footprint()
    with pytest.raises(AdapterError, match="closed"):
        session.step(video(shape, {}, 1)[0])


@pytest.mark.parametrize(
    ("name", "settings"),
    [
        ("stcn", {"include_last": True}),
        ("xmem", {"hidden_dim": 0}),
        ("xmem", {"single_object": True}),
        ("xmem", {"enable_long_term": False}),
        ("xmem", {"deep_update_every": 3}),
    ],
)
def test_every_setting_runs(name: str, settings: dict[str, Any]):
    shape = (32, 48)
    labels = answers(
        load(CARDS[name], **settings), video(shape, {0: prompt(shape, {1: BOX}), 2: prompt(shape, {2: BOX})}, 6)
    )
    assert {0, 1, 2} >= set(np.unique(labels[-1]))


def test_a_long_video_with_late_objects_stays_within_its_limits():
    shape = (16, 32)
    model = load(
        XMEM, mem_every=1, max_mid_term_frames=4, min_mid_term_frames=2, num_prototypes=2, max_long_term_elements=6
    )
    session = model.open(View(id="video", height=16, width=32))
    prompts = {0: prompt(shape, {1: BOX}), 3: prompt(shape, {2: None}), 11: prompt(shape, {3: BOX})}
    sizes = []
    for frame in video(shape, prompts, 24):
        session.step(frame)
        sizes.append({name: len(bank["frame"]) for name, bank in session.inspect().items()})
    assert all(size["working"] < 4 * 2 and size["long_term"] <= 6 for size in sizes)
    assert 6 == sizes[-1]["long_term"]


def test_resizing_answers_at_the_frames_own_size(model: Model):
    shape = (24, 40)
    name = "stcn" if "stcn" in type(model).__module__ else "xmem"
    labels = answers(load(CARDS[name], size=48), video(shape, {0: prompt(shape, {1: BOX})}, 2))
    assert [shape, shape] == [label.shape for label in labels]
    assert (labels[0][4:12, 5:13] == 1).all()


@pytest.mark.parametrize("name", CARDS)
def test_bf16_answers_like_fp32(name: str):
    frames = video((32, 48), {0: prompt((32, 48), {1: BOX})}, 2)
    expected = answers(load(CARDS[name]), frames)[1]
    actual = answers(load(CARDS[name], Runtime(precision="bf16")), frames)[1]
    assert (expected == actual).mean() > 0.9


def test_weights_depend_on_the_seed_alone():
    def first(seed: int) -> torch.Tensor:
        model = XMEM.load(Runtime(), Weights(kind="random", seed=seed), XMEM.settings())
        return next(iter(model.networks())).key_proj.key_proj.weight

    assert torch.equal(first(1), first(1))
    assert not torch.equal(first(1), first(2))


def test_missing_weights_and_contradicting_settings_are_refused():
    with pytest.raises(CheckpointError, match="needs weights"):
        STCN.load(Runtime(), Weights(kind="checkpoint"), STCN.settings())
    with pytest.raises(UsageError, match="leaves nothing to consolidate"):
        XMEM.load(Runtime(), Weights(kind="random"), XMEM.settings(min_mid_term_frames=10))
    with pytest.raises(UsageError, match="more than max_long_term_elements=100 allows"):
        XMEM.load(Runtime(), Weights(kind="random"), XMEM.settings(max_long_term_elements=100))
