"""The small STCN: its trunks, and that it is trained as it answers."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from vosbench.adapters.nn.aggregation import aggregate
from vosbench.adapters.nn.frozen_norm import FrozenBatchNorm2d
from vosbench.adapters.nn.mobilenet import mobilenet_features
from vosbench.adapters.nn.preparation import prepare_for_inference
from vosbench.adapters.nn.random_weights import fill_random
from vosbench.adapters.nn.unrolling import aggregated_logits, drawn_memory_frames, object_rows
from vosbench.adapters.nn.widths import MINI
from vosbench.adapters.stcn.inference import STCNInference
from vosbench.adapters.stcn.network import STCNNetwork
from vosbench.adapters.stcn.settings import STCNSettings
from vosbench.adapters.stcn.training import STCNTraining, trainable
from vosbench.errors import CheckpointError, UsageError

HEIGHT, WIDTH = 48, 64


def small_training() -> STCNTraining:
    """Gives back the network with random weights that do not fade on the way."""
    training = STCNTraining()
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


def torchvision_state() -> dict[str, Tensor]:
    """Gives back weights under torchvision's names, not trained."""
    features = mobilenet_features(norm=FrozenBatchNorm2d).state_dict()
    generator = torch.Generator().manual_seed(3)
    state = {f"features.{key}": torch.rand(value.shape, generator=generator) for key, value in features.items()}
    return state | {"classifier.1.weight": torch.zeros(1000, 1280)}


def test_training_answers_as_a_session_does():
    training, objects = small_training(), [2, 1]
    images, masks = clips(3, objects)
    with torch.no_grad():
        unrolled = training.unroll(images, masks, objects, torch.Generator().manual_seed(0))
    trained = torch.softmax(unrolled.logits, dim=2)
    network = STCNNetwork(MINI)
    network.load_state_dict(training.network.state_dict())
    prepare_for_inference(network, device="cpu")
    settings = STCNSettings(trunk="mini", mem_every=1, top_k=10000)
    for clip, count in enumerate(objects):
        inference = STCNInference(network, settings, device=torch.device("cpu"))
        entering = torch.stack([(masks[clip, 0] == number).float() for number in range(1, count + 1)])
        with torch.inference_mode():
            inference.step(0, images[clip, :1], entering)
            for frame in (1, 2):
                expected = inference.step(frame, images[clip, frame : frame + 1])
                torch.testing.assert_close(trained[clip, frame - 1, : 1 + count], expected, atol=1e-4, rtol=0)
    assert trained[1, :, 2].max() < 1e-6, "an object that a clip does not have"
    assert trained[:, :, 1].std() > 0.01, "the answer depends on the place"


def test_the_gradient_reaches_everything_but_the_features_that_the_trunks_share():
    training = small_training()
    images, masks = clips(3, [1, 1])
    unrolled = training.unroll(images, masks, [1, 1], torch.Generator().manual_seed(0))
    (unrolled.logits[:, :, 1].square().mean() + unrolled.representation.square().mean()).backward()
    parameters = dict(training.network.named_parameters())
    shared = {name for name, value in parameters.items() if not value.requires_grad}
    assert shared == {name for name, value in parameters.items() if value.grad is None or not value.grad.any()}
    assert {("key_encoder", "features", part) for part in "012"} == {tuple(name.split(".")[:3]) for name in shared}


def test_the_sizes_are_those_of_the_contract():
    training = small_training()
    images, masks = clips(4, [2, 1])
    unrolled = training.unroll(images, masks, [2, 1], torch.Generator().manual_seed(0))
    assert (2, 3, 3, HEIGHT, WIDTH) == unrolled.logits.shape
    assert (2, 3, 2, 64, HEIGHT // 4, WIDTH // 4) == unrolled.representation.shape
    assert (unrolled.logits[1, :, 2] <= -1e4).all()


def test_backbone_weights_reach_both_trunks_as_convolution_scale_and_bias():
    training, state = STCNTraining(), torchvision_state()
    training.load_backbone(state)
    image = torch.randn(1, 3, 32, 32)
    published = mobilenet_features(norm=FrozenBatchNorm2d)
    published.load_state_dict({key.removeprefix("features."): state[key] for key in state if "classifier" not in key})
    trunk = training.network.key_encoder
    torch.testing.assert_close(trunk.early(image), published[:3](image))
    torch.testing.assert_close(trunk.late(trunk.early(image))[0], published[:14](image), rtol=1e-4, atol=1e-4)
    values = training.network.value_encoder.trunk.features
    assert torch.equal(trunk.features[13].conv[2].weight, values[10].conv[2].weight)
    owned = {id(value) for value in training.trunk_parameters()}
    assert id(values[0].conv[0][0].weight) in owned
    assert id(training.network.value_encoder.trunk.stem.weight) not in owned


@pytest.mark.parametrize(
    "change", [{"features.5.conv.3.bias": None}, {"features.0.0.weight": torch.zeros(32, 4, 3, 3)}]
)
def test_other_backbones_are_refused(change):
    state = {key: value for key, value in (torchvision_state() | change).items() if value is not None}
    with pytest.raises(CheckpointError, match="features"):
        STCNTraining().load_backbone(state)


def test_the_softmax_of_the_aggregated_logits_is_the_soft_aggregation():
    alone = torch.randn(1, 3, 4, 5, generator=torch.Generator().manual_seed(0)) * 4
    alone[0, 0, 0] = torch.tensor([50.0, -50, 0, 16, -16])
    rows = object_rows([3], torch.device("cpu"))
    expected = aggregate(torch.sigmoid(alone[0].double()))
    torch.testing.assert_close(
        torch.softmax(aggregated_logits(alone, rows), 2)[0, 0].double(), expected, atol=1e-6, rtol=0
    )


def test_at_most_three_frames_are_remembered_and_never_the_last():
    generator = torch.Generator().manual_seed(0)
    assert [[0], [0, 1], [0, 1, 2]] == [drawn_memory_frames(frames, generator) for frames in (2, 3, 4)]
    drawn = [drawn_memory_frames(8, generator) for _ in range(200)]
    assert {3} == {len(frames) for frames in drawn}
    assert {1, 2, 3, 4, 5, 6} == {frame for frames in drawn for frame in frames[1:]}


def test_the_published_network_is_not_trained_here():
    with pytest.raises(UsageError, match="trunk=mini"):
        trainable(STCNSettings())


def test_a_teacher_remembers_every_frame():
    """MobileVOS, figure 1: so that whatever its student may look at, it may as well."""
    written: list[int] = []
    training = small_training()
    images, masks = clips(6, [1])
    encode = training.network.value_encoder.encode

    def counted(*given: Tensor) -> Tensor:
        written.append(1)
        return encode(*given)

    training.network.value_encoder.encode = counted
    with torch.no_grad():
        learning = training.unroll(images, masks, [1], torch.Generator().manual_seed(0)).logits
        written_while_learning = len(written)
        training.teach()
        teaching = training.unroll(images, masks, [1], torch.Generator().manual_seed(0)).logits
    assert (3, 5) == (written_while_learning, len(written) - written_while_learning)
    assert not torch.equal(learning, teaching)
