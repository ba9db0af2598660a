"""MobileVOS's students in training: the same answers as in a run, and gradients where they belong."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import Tensor

from vosbench.adapters.mobilevos.model import schedule
from vosbench.adapters.mobilevos.network import ADJUSTMENTS, MobileVOSNetwork
from vosbench.adapters.mobilevos.queue import QueueBank
from vosbench.adapters.mobilevos.settings import MobileVOSSettings
from vosbench.adapters.mobilevos.training import MobileVOSTraining, trainable
from vosbench.adapters.nn.random_weights import fill_random
from vosbench.adapters.stcn.inference import STCNInference
from vosbench.contract import Unrolled

FRAMES, HEIGHT, WIDTH = 4, 32, 48
OBJECTS = (2, 1)


def generator() -> torch.Generator:
    return torch.Generator().manual_seed(0)


def training(**settings: object) -> MobileVOSTraining:
    made = trainable(MobileVOSSettings(**settings))
    with torch.no_grad():
        fill_random(made.network, generator(), ADJUSTMENTS)
    return made


def clips() -> tuple[Tensor, Tensor]:
    images = torch.randn(2, FRAMES, 3, HEIGHT, WIDTH, generator=generator())
    masks = torch.zeros(2, FRAMES, HEIGHT, WIDTH, dtype=torch.int64)
    masks[:, :, 4:20, 4:24] = 1
    masks[0, :, 10:30, 20:40] = 2
    return images, masks


def unrolled(made: MobileVOSTraining) -> Unrolled:
    images, masks = clips()
    return made.unroll(images, masks, OBJECTS, generator())


def in_a_run(network: MobileVOSNetwork, settings: MobileVOSSettings, clip: int) -> list[Tensor]:
    """Gives back the probabilities of each frame of a clip behind the first, as a session computes them."""
    images, masks = clips()
    bank = QueueBank(settings.queue_length)
    inference = STCNInference(network, schedule(settings), device=torch.device("cpu"), bank=bank)
    given = torch.stack([(masks[clip, 0] == i).float() for i in range(1, OBJECTS[clip] + 1)])
    with torch.no_grad():
        return [
            inference.step(frame, images[clip, frame][None], given if frame == 0 else None) for frame in range(FRAMES)
        ][1:]


@pytest.mark.parametrize(("student", "length"), [("mnv2-noaspp", 1), ("mnv2-noaspp", 2), ("mnv2", 3), ("r18", 2)])
def test_training_answers_as_a_run_does(student: str, length: int):
    made = training(student=student, queue_length=length)
    with torch.no_grad():
        logits = unrolled(made).logits
    settings = MobileVOSSettings(student=student, queue_length=length, top_k=100000)
    for clip, objects in enumerate(OBJECTS):
        expected = in_a_run(copy.deepcopy(made.network).eval(), settings, clip)
        for frame, probabilities in enumerate(expected):
            actual = torch.softmax(logits[clip, frame], 0)
            torch.testing.assert_close(probabilities, actual[: 1 + objects], rtol=0, atol=1e-4)
            assert 0 == actual[1 + objects :].sum()


def test_answers_differ_with_what_the_queue_holds():
    first, two = (unrolled(training(queue_length=length)).logits.detach() for length in (1, 2))
    torch.testing.assert_close(first[:, 0], two[:, 0])
    assert (first[:, 2, :2] - two[:, 2, :2]).abs().max() > 1e-3


def test_later_masks_are_not_looked_at():
    made = training()
    images, masks = clips()
    expected = made.unroll(images, masks, OBJECTS, generator()).logits
    masks[:, 1:] = 0
    assert torch.equal(expected, made.unroll(images, masks, OBJECTS, generator()).logits)


def test_gradients_reach_all_that_trains_and_not_the_frozen_beginning():
    made = training(student="mnv2")
    images, masks = clips()
    found = made.unroll(images, masks, OBJECTS, generator())
    loss = torch.nn.functional.cross_entropy(found.logits.flatten(0, 1), masks[:, 1:].flatten(0, 1))
    (loss + found.representation.square().mean()).backward()
    still = {name for name, value in made.network.named_parameters() if value.requires_grad and value.grad is None}
    assert set() == still
    frozen = {name for name, value in made.network.named_parameters() if not value.requires_grad}
    assert all(name.startswith(tuple(f"key_encoder.features.{i}." for i in range(3))) for name in frozen)
    assert frozen
    assert made.network.value_encoder.trunk.features[0][0].weight.grad.abs().sum() > 0


def test_the_representation_is_what_the_last_convolution_sees():
    made = training()
    found = unrolled(made)
    assert (2, FRAMES - 1, 2, 36, HEIGHT // 4, WIDTH // 4) == found.representation.shape
    for clip, objects in enumerate(OBJECTS):
        alone = made.network.decoder.logits(found.representation[clip, 2, :objects])
        torch.testing.assert_close(alone, found.logits[clip, 2, 1 : 1 + objects], atol=1e-4, rtol=0)
    assert 0 == found.representation[1, :, 1].abs().max()


def test_the_state_fits_a_run(tmp_path):
    safetensors = pytest.importorskip("safetensors.torch")
    from vosbench.adapters.mobilevos import CARD
    from vosbench.contract import Runtime, Weights

    made = training()
    halved = {key: value.half().contiguous() for key, value in made.network.state_dict().items()}
    safetensors.save_file(halved, tmp_path / "student.safetensors")
    weights = Weights(kind="mini", path=tmp_path / "student.safetensors")
    model = CARD.load(Runtime(), weights, MobileVOSSettings(size=-1))
    (network,) = model.networks()
    with torch.inference_mode():
        key = network.encode_key(clips()[0][0, :1]).key
        expected = made.network.encode_key(clips()[0][0, :1]).key
    torch.testing.assert_close(expected, key, atol=0.05, rtol=0.05)
