"""The small XMem: that it is trained as it answers, with and without its parts."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from vosbench.adapters.nn.preparation import prepare_for_inference
from vosbench.adapters.nn.random_weights import fill_random
from vosbench.adapters.nn.widths import MINI
from vosbench.adapters.xmem.inference import XMemInference
from vosbench.adapters.xmem.network import XMemNetwork
from vosbench.adapters.xmem.settings import XMemSettings
from vosbench.adapters.xmem.training import XMemTraining, trainable
from vosbench.errors import UsageError

HEIGHT, WIDTH = 48, 64


def small_training(settings: XMemSettings, deep: float) -> XMemTraining:
    """Gives back the network with random weights that do not fade on the way."""
    training = XMemTraining(settings, deep_update_probability=deep)
    with torch.no_grad():
        fill_random(training.network, torch.Generator().manual_seed(1), {})
    return training


def clips(frames: int, objects: list[int]) -> tuple[Tensor, Tensor]:
    """Gives back noise, and on every frame the same stripes as objects."""
    generator = torch.Generator().manual_seed(2)
    images = torch.randn(len(objects), frames, 3, HEIGHT, WIDTH, generator=generator)
    masks = torch.zeros(len(objects), frames, HEIGHT, WIDTH, dtype=torch.int64)
    for clip, count in enumerate(objects):
        for number in range(1, count + 1):
            masks[clip, :, 8 * number : 8 * number + 8, 8:40] = number
    return images, masks


@pytest.mark.parametrize(
    "change",
    [
        {"deep_update_every": 1},
        {"deep_update": "never"},
        {"hidden_dim": 0},
        {"deep_update_every": 1, "single_object": True, "shrinkage": False},
    ],
)
def test_training_answers_as_a_session_does(change):
    settings = XMemSettings(**{"trunk": "mini", "hidden_dim": 16, "mem_every": 1, "top_k": 10000} | change)
    training = small_training(settings, deep=0.0 if settings.deep_update == "never" else 1.0)
    objects = [2, 1]
    images, masks = clips(3, objects)
    with torch.no_grad():
        if settings.deep_update == "never":
            training.network.value_encoder.hidden_reinforce = None
        unrolled = training.unroll(images, masks, objects, torch.Generator().manual_seed(0))
    trained = torch.softmax(unrolled.logits, dim=2)
    network = XMemNetwork(MINI, hidden_dim=settings.hidden_dim, single_object=settings.single_object)
    network.load_state_dict(training.network.state_dict(), strict=settings.deep_update != "never")
    prepare_for_inference(network, device="cpu")
    for clip, count in enumerate(objects):
        inference = XMemInference(network, settings, device=torch.device("cpu"))
        entering = torch.stack([(masks[clip, 0] == number).float() for number in range(1, count + 1)])
        with torch.inference_mode():
            inference.step(0, images[clip, :1], entering)
            for frame in (1, 2):
                expected = inference.step(frame, images[clip, frame : frame + 1])
                torch.testing.assert_close(trained[clip, frame - 1, : 1 + count], expected, atol=1e-4, rtol=0)
    assert trained[:, :, 1].std() > 0.01, "the answer depends on the place"


def test_the_gradient_runs_through_the_sensory_memory_of_the_whole_clip():
    settings = XMemSettings(trunk="mini", hidden_dim=16)
    training = small_training(settings, deep=1.0)
    images, masks = clips(4, [2, 1])
    unrolled = training.unroll(images, masks, [2, 1], torch.Generator().manual_seed(0))
    assert (2, 3, 3, HEIGHT, WIDTH) == unrolled.logits.shape
    unrolled.logits[:, -1, 1].square().mean().backward()
    without = {name for name, value in training.network.named_parameters() if value.grad is None}
    assert without == {name for name, value in training.network.named_parameters() if not value.requires_grad}
    assert training.network.value_encoder.hidden_reinforce.transform.weight.grad.any()


def test_a_deep_update_comes_by_chance():
    settings = XMemSettings(trunk="mini", hidden_dim=16)
    images, masks = clips(4, [1])
    answers = []
    for deep in (0.0, 0.2, 1.0):
        training = small_training(settings, deep)
        with torch.no_grad():
            answers.append(training.unroll(images, masks, [1], torch.Generator().manual_seed(5)).logits)
    assert not torch.equal(answers[0], answers[2])
    assert torch.equal(answers[1], answers[0]) != torch.equal(answers[1], answers[2])


def test_the_published_network_is_not_trained_here():
    with pytest.raises(UsageError, match="trunk=mini"):
        trainable(XMemSettings())
