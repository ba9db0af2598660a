"""Probabilities averaged over enlarged and mirrored frames."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch

from vosbench.adapters.aot import AOT_L
from vosbench.adapters.aot.geometry import aligned_geometry
from vosbench.adapters.nn.augmentation import Augmentation, augmentations, scaled
from vosbench.adapters.nn.prompted import PromptedSession
from vosbench.contract import Runtime, View, Weights
from vosbench.types import Frame, Prompt

SHAPE = (32, 48)
VIEW = View(id="clip", height=32, width=48)


def _video(frames, *, mirrored=False):
    """Moving noise; object 7 enters at frame 0 and object 3 at frame 2."""
    texture = np.random.default_rng(0).integers(0, 256, (32, 48 + 4 * frames, 3), dtype=np.uint8)
    made = []
    for index in range(frames):
        image, mask = texture[:, 4 * index : 4 * index + 48], np.zeros(SHAPE, np.uint8)
        if index in (0, 2):
            mask[2 + 8 * index : 14 + 6 * index, 3:20] = 7 if index == 0 else 3
        prompt = Prompt(ids=(7,) if index == 0 else (3,), mask=mask) if index in (0, 2) else None
        if mirrored:
            image = image[:, ::-1]
            prompt = dataclasses.replace(prompt, mask=mask[:, ::-1].copy()) if prompt else None
        made.append(Frame(index=index, name=f"{index:05d}", image=np.ascontiguousarray(image), prompt=prompt))
    return made


class Reddish:
    """Believes in each object as much as the frame is red there and was where the object entered."""

    def __init__(self):
        self.masks = []
        self.sizes = []

    def step(self, _frame, image, entering=None):
        self.sizes.append(tuple(image.shape[2:]))
        if entering is not None:
            self.masks += list(entering)
        red = torch.sigmoid(image[0, 0] + 0.3 * torch.arange(image.shape[3]) / image.shape[3])
        planes = torch.stack([red * (0.2 + mask) for mask in self.masks])
        return torch.cat([0.5 * torch.ones_like(planes[:1]), planes])

    def footprint(self):
        return {"masks": sum(mask.nbytes for mask in self.masks)}

    def inspect(self, _frame, _place):
        return {}


def _prompted(runtime, size=-1):
    inferences = []

    def make():
        inferences.append(Reddish())
        return inferences[-1]

    return PromptedSession(VIEW, inference=make, runtime=runtime, size=size, resize="bilinear"), inferences


def test_each_scale_comes_plain_and_then_mirrored():
    expected = [(1.0, False), (1.5, False), (1.0, True), (1.5, True)]
    found = augmentations(Runtime(scales=(1.0, 1.5), flip=True))
    assert expected == [(one.scale, one.flip) for one in found]
    assert (Augmentation(),) == augmentations(Runtime())


@pytest.mark.parametrize(
    ("size", "scale", "expected"), [(-1, 1.0, -1), (480, 1.0, 480), (480, 1.25, 600), (-1, 0.5, 16), (100, 1.15, 115)]
)
def test_a_scale_enlarges_the_size_that_was_asked_for_or_the_frames_own(size, scale, expected):
    assert expected == scaled(size, scale, *SHAPE)


def test_every_augmentation_has_a_memory_of_its_own_at_its_own_size():
    session, inferences = _prompted(Runtime(scales=(1.0, 2.0), flip=True))
    for frame in _video(3):
        session.step(frame)
    assert [(32, 48), (64, 96), (32, 48), (64, 96)] == [inference.sizes[-1] for inference in inferences]
    assert session.footprint()["masks"] == sum(inference.footprint()["masks"] for inference in inferences)


def test_the_answer_is_that_of_the_mean_probabilities():
    frame = _video(1)[0]
    alone = [_prompted(Runtime(scales=(scale,))) for scale in (1.0, 2.0)]
    planes = []
    for session, inferences in alone:
        step = inferences[0].step
        inferences[0].step = lambda *given, step=step: planes.append(step(*given)) or planes[-1]
        session.step(frame)
    large = torch.nn.functional.interpolate(planes[1][None], SHAPE, mode="bilinear", align_corners=False)[0]
    expected = torch.tensor([0, 7])[((planes[0] + large) / 2).argmax(0)].numpy()
    together, _ = _prompted(Runtime(scales=(1.0, 2.0)))
    answer = together.step(frame)
    assert np.array_equal(expected, answer)
    assert not np.array_equal(answer, _prompted(Runtime())[0].step(frame))


@pytest.mark.parametrize("kind", ["prompted", "aot"])
def test_with_mirrored_frames_the_mirrored_video_has_the_mirrored_answers(kind):
    runtime = Runtime(flip=True)
    if kind == "aot":
        settings = AOT_L.settings(long_term_mem_gap=2)
        model = AOT_L.load(runtime, Weights(kind="random", seed=3), settings)
        sessions = [model.open(VIEW), model.open(VIEW)]
    else:
        sessions = [_prompted(runtime)[0], _prompted(runtime)[0]]
    plain = [sessions[0].step(frame) for frame in _video(5)]
    mirrored = [sessions[1].step(frame) for frame in _video(5, mirrored=True)]
    assert all(np.array_equal(a, b[:, ::-1]) for a, b in zip(plain, mirrored, strict=True))
    assert {0, 3, 7} == {int(i) for answer in plain for i in np.unique(answer)}


def test_given_pixels_stand_as_they_are_in_averaged_answers():
    model = AOT_L.load(Runtime(flip=True, scales=(1.0, 1.5)), Weights(kind="random", seed=3), AOT_L.settings())
    session = model.open(VIEW)
    frames = _video(3)
    answers = [session.step(frame) for frame in frames]
    assert np.array_equal(frames[0].prompt.mask, answers[0])
    assert (answers[2][frames[2].prompt.mask == 3] == 3).all()
    session.close()
    assert {} == session.footprint()


def test_aots_augmentation_comes_after_the_limits_and_a_size_goes_before_them():
    limits = {"max_short_edge": -1, "max_long_edge": 1040, "align_corners": True}
    assert (481, 849) == aligned_geometry(480, 854, **limits).network
    assert (625, 1105) == aligned_geometry(480, 854, **limits, enlarged=1.3).network
    assert (721, 1281) == aligned_geometry(480, 854, **limits, size=720).network
    assert (241, 433) == aligned_geometry(480, 854, **limits, size=240).network
