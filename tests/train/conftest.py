"""A training small enough for tests: a network of two convolutions, photos and clips of 32 x 48 pixels."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from vosbench.data.masks import write_mask
from vosbench.train.job import Job
from vosbench.train.recipe import Recipe, load_recipe

ADAPTER = '''\
from dataclasses import dataclass

import torch
from torch import nn

from vosbench.contract import MethodCard, Unrolled, setting


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    width: int = setting(4, source="a test", help="channels")
    poison: int = setting(-1, source="a test", help="the call that answers with no number")
    size: int = setting(32, source="a test", help="shorter side")


class Network(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.trunk = nn.Conv2d(4, width, 3, padding=1)
        self.head = nn.Conv2d(width, 1, 3, padding=1)


class Toy:
    """Each object's logit: two convolutions over the image and the object's first mask."""

    def __init__(self, settings):
        self.network = Network(settings.width)
        self.poison, self.calls = settings.poison, 0

    def load_backbone(self, state):
        pass

    def trunk_parameters(self):
        return self.network.trunk.parameters()

    def unroll(self, images, masks, objects, generator):
        most = max(objects)
        noise = torch.rand(1, generator=generator)
        planes = []
        for number in range(1, most + 1):
            first = (masks[:, :1] == number).float().expand(-1, images.shape[1] - 1, -1, -1).unsqueeze(2)
            given = torch.cat([images[:, 1:], first + 0.01 * noise.to(images.device)], 2).flatten(0, 1)
            plane = self.network.head(torch.relu(self.network.trunk(given))).float()
            planes.append(plane.unflatten(0, (images.shape[0], -1)))
        logits = torch.cat([torch.zeros_like(planes[0]), *planes], 2)
        for clip, count in enumerate(objects):
            logits[clip, :, 1 + count :] = -1e4
        self.calls += 1
        if self.calls == self.poison + 1:
            logits = logits * float("nan")
        return Unrolled(logits=logits)


class Session:
    def step(self, frame):
        self.mask = frame.prompt.mask if frame.prompt is not None else self.mask
        return self.mask

    def finish(self):
        return None

    def close(self):
        pass


class Model:
    def open(self, view):
        return Session()


CARD = MethodCard(
    name="toy",
    summary="a network of two convolutions",
    load=lambda runtime, weights, settings: Model(),
    settings=Settings,
    train=Toy,
)
'''

RECIPE = """\
schema: 1
name: tiny
title: Tiny
method: toy
settings: {width: 4}
seed: 3
backbone: false
data:
  shares: {real: 1, photo: 1, composite: 1, synthetic: 1}
  held_back: {clips: [two], photos: 3}
  synthetic_videos: 1
  synthetic_frames: 6
  several: 0.5
  objects: 2
stages:
  - {steps: 6, batch: 2, frames: 3, size: [32, 48]}
  - {steps: 4, batch: 4, frames: 4, size: [16, 32]}
optimizer: {warm_up: 2}
loss:
  - {part: bootstrapped-cross-entropy}
  - {part: dice, weight: 0.5}
"""


@pytest.fixture(scope="session")
def tiny_data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Gives back a folder of training data: six photos of one source, two clips of five frames."""
    root = tmp_path_factory.mktemp("data") / "train"
    random = np.random.default_rng(0)
    for folder in ("static/images", "static/masks", "clips/JPEGImages/one", "clips/JPEGImages/two"):
        (root / folder).mkdir(parents=True)
    for number in range(6):
        _write(root / "static" / "images" / f"p{number}.png", root / "static" / "masks" / f"p{number}.png", random, 2)
    for clip in ("one", "two"):
        (root / "clips" / "Annotations" / clip).mkdir(parents=True)
        for frame in range(5):
            name = f"{clip}/{frame:05d}.png"
            _write(root / "clips" / "JPEGImages" / name, root / "clips" / "Annotations" / name, random, 1, 2 * frame)
    (root / "static" / "index.json").write_text('[{"name": "p0", "source": "ccp"}]')
    (root / "clips" / "index.json").write_text('[{"video": "one", "source": "davis2016-train, every 2nd frame"}]')
    return root


def _write(image: Path, mask: Path, random: np.random.Generator, objects: int, shift: int = 0) -> None:
    picture = random.integers(0, 255, (32, 48, 3)).astype(np.uint8)
    labels = np.zeros((32, 48), np.uint8)
    for number in range(1, objects + 1):
        labels[8:22, 20 * number - 14 + shift : 20 * number - 2 + shift] = number
    cv2.imwrite(str(image), picture)
    write_mask(mask, labels)


@pytest.fixture
def tiny_recipe(tmp_path: Path) -> Callable[..., Recipe]:
    """Gives back a maker of recipes: the tiny one, its text changed by (old, new) pairs."""

    def make(*changes: tuple[str, str]) -> Recipe:
        text = RECIPE
        for old, new in changes:
            assert old in text
            text = text.replace(old, new)
        path = tmp_path / "tiny.yaml"
        path.write_text(text)
        return load_recipe(str(path))

    return make


@pytest.fixture
def tiny_job(tmp_path: Path, tiny_data: Path, tiny_recipe: Callable[..., Recipe]) -> Callable[..., Job]:
    """Gives back a maker of jobs that train the toy network."""
    adapter = tmp_path / "toy.py"
    adapter.write_text(ADAPTER)

    def make(*changes: tuple[str, str], **fields: object) -> Job:
        job = Job(recipe=tiny_recipe(*changes), data=tiny_data, out=tmp_path / "out", adapters=(adapter,))
        return replace(job, **fields)  # type: ignore[arg-type]

    return make
