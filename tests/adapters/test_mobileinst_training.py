"""MobileInst under training: every frame by itself, and queries that are passed on answer later frames."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from vosbench.adapters.mobileinst import load
from vosbench.adapters.mobileinst.mini_backbone import MiniBackbone
from vosbench.adapters.mobileinst.settings import MobileInstSettings
from vosbench.adapters.mobileinst.training import MobileInstTraining
from vosbench.contract import Runtime, View, Weights
from vosbench.errors import UsageError
from vosbench.train.batches import stacked
from vosbench.train.clips import TrainClip
from vosbench.types import Frame

SMALL = {"backbone": "topformer-tiny", "hidden_dim": 16, "num_queries": 5, "categories": 3}


def _made(**settings):
    torch.manual_seed(0)
    made = MobileInstTraining(MobileInstSettings(**{**SMALL, **settings}))
    made.network.eval()
    return made


def _clip(frames=2, height=64, width=128):
    return torch.randn(2, frames, 3, height, width, generator=torch.Generator().manual_seed(1))


def test_shapes_are_those_of_the_contract():
    found = _made().find(_clip(3), passing=True)
    assert (2, 3, 5, 3) == found.classes.shape
    assert (2, 3, 5) == found.objectness.shape
    assert (2, 3, 5, 16, 32) == found.masks.shape
    assert (2, 2, 5, 16, 32) == found.passed.shape
    assert (2, 3, 16, 8, 16) == found.features.shape


@pytest.mark.parametrize("backbone", ["topformer-tiny", "mini"])
def test_training_answers_as_a_session_does(tmp_path, backbone):
    made = _made(backbone=backbone)
    path = tmp_path / "weights.safetensors"
    save_file({name: value.contiguous() for name, value in made.network.state_dict().items()}, path)
    image = np.random.default_rng(0).integers(0, 255, (64, 128, 3), dtype=np.uint8)
    with torch.no_grad():
        found = made.find(stacked([_filmed(image)]).images, passing=False)
    expected = (found.classes[0, 0].sigmoid() * found.objectness[0, 0, :, None].sigmoid()).sqrt().amax(dim=1)
    settings = MobileInstSettings(**{**SMALL, "backbone": backbone, "size": 64, "mask_threshold": 0.0})
    session = load(Runtime(), Weights(kind="mini", path=path), settings).open(
        View(id="v", height=64, width=128, task="vis", categories={1: "a", 2: "b", 3: "c"})
    )
    session.step(Frame(index=0, name="0", image=image))
    scores = {track.track_id: track.score for track in session.finish()}
    torch.testing.assert_close(torch.tensor([scores[query] for query in range(5)]), expected, atol=1e-4, rtol=1e-3)


def _filmed(image):
    masks = np.zeros((1, *image.shape[:2]), np.uint8)
    return TrainClip(origin="test", images=image[None], masks=masks, objects=0)


def test_frames_are_answered_each_by_itself():
    made, clip = _made(), _clip(3)
    whole, one = made.find(clip, passing=False), made.find(clip[:, 2:], passing=False)
    assert whole.passed is None
    torch.testing.assert_close(whole.masks[:, 2:], one.masks, atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(whole.classes[:, 2:], one.classes, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("decoder", ["global-local", "local-local", "global"])
def test_queries_passed_to_an_equal_frame_answer_as_its_own_do(decoder):
    clip = _clip(1).expand(-1, 3, -1, -1, -1)
    found = _made(decoder=decoder).find(clip, passing=True)
    torch.testing.assert_close(found.passed, found.masks[:, 1:], atol=1e-4, rtol=1e-4)


def test_query_i_stays_query_i_when_queries_are_passed_on():
    made, clip = _made(), _clip()
    before = made.find(clip, passing=True)
    order = torch.tensor([3, 0, 4, 1, 2])
    with torch.no_grad():
        for embedding in (made.network.instance_decoder.queries, made.network.instance_decoder.query_positions):
            embedding.weight.copy_(embedding.weight[order].clone())
    after = made.find(clip, passing=True)
    torch.testing.assert_close(after.masks, before.masks[:, :, order], atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(after.passed, before.passed[:, :, order], atol=1e-4, rtol=1e-4)


def test_gradients_of_passed_masks_flow_into_the_first_frame():
    clip = _clip().requires_grad_()
    _made().find(clip, passing=True).passed.sum().backward()
    assert (clip.grad[:, 0] != 0.0).any()
    assert (clip.grad[:, 1] != 0.0).any()


def test_classes_begin_as_rare():
    made = _made()
    torch.testing.assert_close(made.network.heads.classes.bias.sigmoid(), torch.full((3,), 0.01))


def test_sides_that_are_no_multiples_of_64_are_refused():
    with pytest.raises(UsageError, match="96 x 64 pixels do not fit"):
        _made().find(_clip(height=96, width=64), passing=False)


def test_a_backbone_without_mobilenet_takes_no_imagenet_weights_and_learns_slower_all_the_same():
    made = _made()
    with pytest.raises(UsageError, match="takes no weights of MobileNetV2"):
        made.load_backbone({})
    assert {id(p) for p in made.network.backbone.parameters()} == {id(p) for p in made.trunk_parameters()}


def test_the_minis_maps_have_strides_8_to_64_and_its_first_layers_are_frozen():
    made = _made(backbone="mini")
    maps = made.network.backbone(torch.zeros(1, 3, 128, 192))
    assert [(32, 16, 24), (96, 8, 12), (128, 4, 6), (256, 2, 3)] == [tuple(x.shape[1:]) for x in maps]
    assert MiniBackbone.channels == tuple(x.shape[1] for x in maps)
    learning = {id(p) for p in made.trunk_parameters()}
    frozen = {id(p) for p in made.network.backbone.trunk.features[:3].parameters()}
    assert learning
    assert not learning & frozen
