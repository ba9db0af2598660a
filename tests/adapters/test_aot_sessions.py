"""AOT-L, DeAOT-L and MAVOS as methods of the contract, with random weights on small videos."""

from __future__ import annotations

import dataclasses
import subprocess
import sys
from typing import Any

import numpy as np
import pytest
import torch
from helpers.sessions import answers, prompt, video

from vosbench.adapters.aot import AOT_L, DEAOT_L
from vosbench.adapters.mavos import CARD as MAVOS
from vosbench.contract import HasNetworks, MethodCard, Model, ReportsBanks, ReportsFootprint, Runtime, View, Weights
from vosbench.errors import AdapterError, CheckpointError, UsageError
from vosbench.registry import Registry
from vosbench.types import Prompt

CARDS = {card.name: card for card in (AOT_L, DEAOT_L, MAVOS)}
BOX = (slice(2, 14), slice(3, 15))

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(scope="module", params=CARDS)
def model(request: pytest.FixtureRequest) -> Model:
    return load(CARDS[request.param])


def load(card: MethodCard, runtime: Runtime | None = None, seed: int = 3, **settings: Any) -> Model:
    chosen = card.settings(**{"long_term_mem_gap": 2} | settings)
    return card.load(runtime or Runtime(), Weights(kind="random", seed=seed), chosen)


def test_importing_the_cards_loads_no_torch():
    code = "import sys, vosbench.adapters.aot, vosbench.adapters.mavos; print('torch' in sys.modules)"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "False" == result.stdout.strip()


@pytest.mark.parametrize("name", CARDS)
def test_every_default_tells_its_source_and_every_variant_names_settings(name: str):
    fields = {field.name: field for field in dataclasses.fields(CARDS[name].settings)}
    assert all(field.metadata["source"] and field.metadata["help"] for field in fields.values())
    for variant in CARDS[name].variants:
        for key, value in variant.settings.items():
            choices = fields[key].metadata["choices"]
            assert not choices or value in choices
    assert {CARDS[name].knob.setting, CARDS[name].interval} <= set(fields)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("mavos@reference+previous", {"memory": "reference+previous"}),
        ("mavos@r50@previous", {"encoder": "r50", "memory": "previous"}),
        ("mavos@cross-attention", {"fusion": "cross-attention"}),
        ("deaot-l@r50@2f", {"encoder": "r50", "memory": "last-n", "memory_frames": 2}),
        ("aot-l@6f", {"encoder": "mnv2", "memory": "last-n", "memory_frames": 6}),
    ],
)
def test_names_choose_settings(text: str, expected: dict[str, Any]):
    settings = dataclasses.asdict(Registry().method(text).settings)
    assert expected == {key: settings[key] for key in expected}


def test_no_card_takes_a_strategy_that_it_has_no_weights_for():
    with pytest.raises(UsageError, match="expected one of all, last-n"):
        Registry().method("deaot-l", {"memory": "mca"})


def test_a_model_shows_its_network_and_its_banks(model: Model):
    session = model.open(View(id="video", height=16, width=16))
    assert isinstance(model, HasNetworks)
    assert isinstance(session, ReportsFootprint)
    assert isinstance(session, ReportsBanks)
    count = sum(parameter.numel() for network in model.networks() for parameter in network.parameters())
    assert count in (8262371, 13167342, 34429833)


@pytest.mark.parametrize("shape", [(33, 47), (64, 17), (1, 1), (7, 40)])
def test_objects_enter_late_empty_and_with_large_ids(model: Model, shape: tuple[int, int]):
    prompts = {
        1: prompt(shape, {3: (slice(0, 9), slice(0, 9)), 8: BOX}),
        3: Prompt(ids=(), mask=np.zeros(shape, np.uint8)),
        4: prompt(shape, {5: None}),
        5: prompt(shape, {300: (slice(0, 9), slice(0, 15))}),
    }
    labels = answers(model, video(shape, prompts, 8))
    assert [shape] * 8 == [label.shape for label in labels]
    assert [np.uint8] * 5 + [np.uint16] * 3 == [label.dtype for label in labels]
    assert 0 == labels[0].max()
    assert {0, 3, 8} >= set(np.unique(labels[4]))
    assert {0, 3, 8, 300} >= set(np.unique(labels[7]))
    assert (labels[5][0:9, 0:15] == 300).all()


@pytest.mark.parametrize(("name", "shape"), [("aot-l", (20, 50)), ("deaot-l", (50, 20)), ("mavos", (3, 5))])
def test_swin_answers_any_size(name: str, shape: tuple[int, int]):
    labels = answers(load(CARDS[name], encoder="swinb"), video(shape, {0: prompt(shape, {1: BOX})}, 4))
    assert [shape] * 4 == [label.shape for label in labels]


def test_a_prompted_frame_shows_the_prompt_and_goes_on_with_the_rest(model: Model):
    shape = (48, 64)
    frames = video(shape, {0: prompt(shape, {1: BOX}), 2: prompt(shape, {2: (slice(30, 40), slice(30, 50))})}, 4)
    labels = answers(model, frames)
    expected = np.zeros(shape, bool)
    expected[BOX] = True
    assert np.array_equal(expected, labels[0] == 1)
    first_only = [dataclasses.replace(frame, prompt=frame.prompt if i == 0 else None) for i, frame in enumerate(frames)]
    given = frames[2].prompt.mask == 2
    assert np.array_equal(np.where(given, 2, answers(model, first_only)[2]), labels[2])


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
    for first in ({4: BOX}, {4: None}):
        again = video(shape, {0: prompt(shape, first), 1: prompt(shape, {4: BOX, 5: None})}, 2)
        with pytest.raises(AdapterError, match="object 4 is prompted a second time") as error:
            answers(model, again)
        assert "frame 1" in error.value.where


def test_masks_and_frames_of_another_size_are_refused(model: Model):
    with pytest.raises(AdapterError, match="the prompt's mask is"):
        answers(model, video((16, 16), {0: prompt((8, 8), {1: None})}, 1))
    session = model.open(View(id="video", height=16, width=18))
    with pytest.raises(AdapterError, match="the frame is"):
        session.step(video((16, 16), {0: prompt((16, 18), {1: BOX})}, 1)[0])


def test_closing_gives_everything_back(model: Model):
    shape = (33, 47)
    session = model.open(View(id="video", height=shape[0], width=shape[1]))
    for frame in video(shape, {0: prompt(shape, {1: BOX})}, 4):
        session.step(frame)
    assert {"long_term", "short_term"} == set(session.footprint())
    assert all(len(bank["frame"]) for bank in session.inspect().values())
    session.close()
    assert {} == session.footprint()
    with pytest.raises(AdapterError, match="closed"):
        session.step(video(shape, {}, 1)[0])


def test_probabilities_that_are_no_numbers_are_an_error():
    model = load(DEAOT_L)
    (network,) = model.networks()
    network.decoder.conv_out.bias[1] = torch.nan
    with pytest.raises(AdapterError, match="not numbers") as error:
        answers(model, video((33, 47), {0: prompt((33, 47), {1: BOX})}, 2))
    assert "frame 1" in error.value.where


@pytest.mark.parametrize(
    ("name", "settings"),
    [
        ("aot-l", {"memory": "last-n", "memory_frames": 1}),
        ("deaot-l", {"memory": "previous", "short_term_mem_skip": 2}),
        ("mavos", {"memory": "reference+previous"}),
        ("mavos", {"fusion": "cross-attention"}),
        ("mavos", {"fusion": "focal-modulation", "focal_levels": 3}),
        ("mavos", {"focal_levels": 1, "max_long_edge": 33}),
        ("mavos", {"encoder": "r50", "max_short_edge": 17}),
    ],
)
def test_every_setting_runs(name: str, settings: dict[str, Any]):
    shape = (32, 48)
    frames = video(shape, {0: prompt(shape, {1: BOX}), 2: prompt(shape, {2: BOX})}, 7)
    labels = answers(load(CARDS[name], **settings), frames)
    assert {0, 1, 2} >= set(np.unique(labels[-1]))
    assert shape == labels[-1].shape


def test_more_than_ten_objects_are_answered(model: Model):
    shape = (48, 80)
    stripes = {10 * i: (slice(5, 40), slice(6 * i - 5, 6 * i)) for i in range(1, 13)}
    labels = answers(model, video(shape, {0: prompt(shape, stripes)}, 3))
    assert {0, *stripes} == set(np.unique(labels[0]))
    assert {0, *stripes} >= set(np.unique(labels[2]))


@pytest.mark.parametrize("name", CARDS)
def test_bf16_answers_like_fp32(name: str):
    frames = video((32, 48), {0: prompt((32, 48), {1: BOX})}, 4)
    expected = answers(load(CARDS[name]), frames)[3]
    actual = answers(load(CARDS[name], Runtime(precision="bf16")), frames)[3]
    assert (expected == actual).mean() > 0.9


@pytest.mark.parametrize("name", CARDS)
def test_weights_depend_on_the_seed_alone(name: str):
    def first(seed: int) -> torch.Tensor:
        return next(iter(load(CARDS[name], seed=seed).networks())).encoder_projector.weight

    assert torch.equal(first(1), first(1))
    assert not torch.equal(first(1), first(2))


@pytest.mark.parametrize("name", CARDS)
def test_missing_weights_are_refused(name: str):
    with pytest.raises(CheckpointError, match=f"{name}@mnv2 needs weights"):
        CARDS[name].load(Runtime(), Weights(kind="checkpoint"), CARDS[name].settings())
