"""The small DeAOT and MAVOS: that they are trained as they answer, whatever identities the objects take."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from vosbench.adapters.aot import AOT_L, DEAOT_L
from vosbench.adapters.aot.engine import Schedule
from vosbench.adapters.aot.geometry import aligned_geometry
from vosbench.adapters.aot.inference import AOTInference
from vosbench.adapters.aot.merging import merged_probabilities
from vosbench.adapters.aot.settings import AOTSettings
from vosbench.adapters.aot.strategies import keep_all
from vosbench.adapters.aot.training import AOTTraining, drawn_identities, seldom_enough
from vosbench.adapters.aot.training import trainable as trainable_deaot
from vosbench.adapters.mavos import CARD as MAVOS
from vosbench.adapters.mavos.network import dynamic_frame
from vosbench.adapters.mavos.settings import MAVOSSettings
from vosbench.adapters.mavos.training import trainable as trainable_mavos
from vosbench.adapters.nn.random_weights import fill_random
from vosbench.contract import Runtime, View, Weights
from vosbench.errors import UsageError
from vosbench.types import Frame, Prompt

HEIGHT, WIDTH = 48, 64
SETTINGS = {"deaot-l": AOTSettings(encoder="mini"), "mavos": MAVOSSettings(encoder="mini")}
TRAINABLE = {"deaot-l": trainable_deaot, "mavos": trainable_mavos}


def training_of(method: str) -> AOTTraining:
    """Gives back the network with random weights, the same for every identity, that do not fade on the way."""
    training = TRAINABLE[method](SETTINGS[method])
    with torch.no_grad():
        fill_random(training.network, torch.Generator().manual_seed(1), {})
        training.network.LSTT.decoder_norms[0].gn.weight.mul_(3)
    return training


def clips(frames: int, objects: list[int]) -> tuple[Tensor, Tensor]:
    """Gives back noise, and on every frame the same stripes as objects."""
    generator = torch.Generator().manual_seed(2)
    images = torch.randn(len(objects), frames, 3, HEIGHT, WIDTH, generator=generator)
    masks = torch.zeros(len(objects), frames, HEIGHT, WIDTH, dtype=torch.int64)
    for clip, count in enumerate(objects):
        for number in range(1, count + 1):
            masks[clip, :, 10 * number : 10 * number + 10, 8:40] = number
    return images, masks


def in_order(monkeypatch: pytest.MonkeyPatch) -> None:
    """Object k takes identity k, as in a session."""
    monkeypatch.setattr(
        "vosbench.adapters.aot.training.drawn_identities",
        lambda clips, identities, _generator: torch.arange(identities + 1).expand(clips, -1),
    )


@pytest.mark.parametrize("method", TRAINABLE)
def test_training_answers_as_a_session_does(method: str, monkeypatch: pytest.MonkeyPatch):
    in_order(monkeypatch)
    training, objects = training_of(method), [2, 1]
    training.network.eval()
    images, masks = clips(6, objects)
    with torch.no_grad():
        unrolled = training.unroll(images, masks, objects, torch.Generator().manual_seed(0))
    trained = torch.softmax(unrolled.logits, dim=2)
    network = training.network
    strategy = keep_all if method == "deaot-l" else dynamic_frame(network)
    place = aligned_geometry(HEIGHT, WIDTH, max_short_edge=-1, max_long_edge=-1, align_corners=False)
    for clip, count in enumerate(objects):
        inference = AOTInference(network, Schedule(gap=2, skip=1), strategy, place)
        with torch.inference_mode():
            inference.step(0, images[clip, :1], masks[clip, 0])
            for frame in range(1, 6):
                inference.step(frame, images[clip, frame : frame + 1])
                expected = merged_probabilities(inference.logits, (HEIGHT, WIDTH), align_corners=False)
                torch.testing.assert_close(trained[clip, frame - 1, : 1 + count], expected, atol=1e-4, rtol=0)
    assert trained[1, :, 2].max() < 1e-6, "an object that a clip does not have"
    assert len(trained[0].argmax(1).unique()) == 3, "all objects are answered somewhere"


@pytest.mark.parametrize("method", TRAINABLE)
def test_the_gradient_reaches_everything_but_the_first_features(method: str):
    training = training_of(method)
    images, masks = clips(6, [2, 4])
    unrolled = training.unroll(images, masks, [2, 4], torch.Generator().manual_seed(0))
    assert (2, 5, 5, HEIGHT, WIDTH) == unrolled.logits.shape
    unrolled.logits[:, :, 1].square().mean().backward()
    without = {name for name, value in training.network.named_parameters() if value.grad is None}
    assert without == {name for name, value in training.network.named_parameters() if not value.requires_grad}
    assert {"0", "1", "2"} == {name.split(".")[2] for name in without}


def test_objects_take_identities_by_chance_and_no_two_the_same():
    generator = torch.Generator().manual_seed(0)
    drawn = torch.cat([drawn_identities(2, 4, generator) for _ in range(100)])
    assert (200, 5) == drawn.shape
    assert not drawn[:, 0].any(), "the background is always the background"
    assert {1, 2, 3, 4} == set(drawn[:, 1].tolist())
    assert all(len(set(row.tolist())) == 5 for row in drawn)


def test_identities_that_nobody_took_are_wrong_while_it_learns_and_shut_off_afterwards():
    training = training_of("deaot-l")
    images, masks = clips(3, [1])
    learning = training.unroll(images, masks, [1], torch.Generator().manual_seed(0)).logits
    training.network.eval()
    answer = training.unroll(images, masks, [1], torch.Generator().manual_seed(0)).logits
    assert (learning[:, :, 2:] > -1e3).all(), "a part of the loss sees them"
    assert (answer[:, :, 2:] <= -1e4).all()
    torch.testing.assert_close(learning[:, :, :2], answer[:, :, :2])


def test_an_answer_moves_with_the_identities_and_stays_its_objects(monkeypatch: pytest.MonkeyPatch):
    training = training_of("deaot-l")
    images, masks = clips(3, [2])
    bank, out = training.network.patch_wise_id_bank, training.network.decoder.conv_out
    with torch.no_grad():  # identities that differ in nothing cannot change an answer
        kernel = bank.mixtures.view(-1, bank.identities, bank.mixtures.shape[1])
        kernel[:, 1:] = kernel[:, 1:2]
        out.weight[1:], out.bias[1:] = out.weight[1], out.bias[1]
        drawn = training.unroll(images, masks, [2], torch.Generator().manual_seed(3)).logits
        in_order(monkeypatch)
        ordered = training.unroll(images, masks, [2], torch.Generator()).logits
    torch.testing.assert_close(drawn, ordered)


def test_deaot_reads_at_most_three_frames_of_a_training_clip():
    assert [2, 2, 2, 3, 4] == [seldom_enough(frames) for frames in (3, 5, 7, 8, 13)]
    for frames in range(3, 20):
        gap = seldom_enough(frames)
        assert len([0, *range(gap, frames - 1, gap)]) <= 3


def test_more_objects_than_identities_are_refused():
    images, masks = clips(3, [1])
    with pytest.raises(UsageError, match="5 objects, this network tells 4 apart"):
        training_of("deaot-l").unroll(images, masks, [5], torch.Generator())


@pytest.mark.parametrize("train", [TRAINABLE["deaot-l"], TRAINABLE["mavos"]])
def test_published_networks_are_not_trained_here(train):
    with pytest.raises(UsageError, match="encoder=mini"):
        train(AOTSettings() if train is trainable_deaot else MAVOSSettings())


def test_aot_has_no_small_network():
    with pytest.raises(UsageError, match="no small network of aot-l"):
        AOT_L.load(Runtime(), Weights(kind="random"), AOTSettings(encoder="mini"))


@pytest.mark.parametrize(
    ("card", "variant"), [(DEAOT_L, ""), (DEAOT_L, "2f"), (MAVOS, ""), (MAVOS, "reference"), (MAVOS, "previous")]
)
def test_six_objects_run_in_two_engines_with_every_memory(card, variant: str):
    changes = next((dict(found.settings) for found in card.variants if found.name == variant), {})
    settings = card.settings(encoder="mini", size=64, long_term_mem_gap=1, **changes)
    session = card.load(Runtime(), Weights(kind="random"), settings).open(View(id="v", height=96, width=128))
    generator = np.random.default_rng(0)
    mask = np.zeros((96, 128), np.uint8)
    for number in range(6):
        mask[10:80, 20 * number : 20 * number + 15] = number + 1
    for index in range(4):
        image = generator.integers(0, 256, (96, 128, 3), dtype=np.uint8)
        prompt = Prompt(ids=(1, 2, 3, 4, 5, 6), mask=mask) if index == 0 else None
        labels = session.step(Frame(index=index, name=str(index), image=image, prompt=prompt))
        assert (96, 128) == labels.shape
        assert set(np.unique(labels)) <= set(range(7))
    assert {0, 1} == set(session.inspect()["long_term"]["engine"].tolist())
    session.close()
