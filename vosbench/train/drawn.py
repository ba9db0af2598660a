"""Synthetic videos to train on, drawn by the generator of the suites' stand-ins from seeds of their own."""

from __future__ import annotations

import numpy as np

from vosbench.data.synthetic import Absence, Scene, SyntheticVideo
from vosbench.train.library import RealClip

FIRST_SEED = 900_000
"""The stand-ins of the suites draw from seeds 1000 and up; no suite comes near these."""

SHORT_SIDE = 176
LONG_SIDE = 312


def draw_videos(count: int, frames: int, seed: int) -> tuple[RealClip, ...]:
    """Gives back ``count`` synthetic videos of ``frames`` frames, which the training's ``seed`` does not change.

    Each has one to four objects; in half of them one leaves and comes back, in a third something passes before the
    objects, in a half there are copies of them that nobody labels.
    """
    return tuple(_draw(number, frames, seed) for number in range(count))


def _draw(number: int, frames: int, seed: int) -> RealClip:
    video = SyntheticVideo(scene_of(number, frames, seed))
    return RealClip(
        name=video.scene.id,
        source="synthetic",
        images=tuple(video.frame(index) for index in range(frames)),
        masks=tuple(video.labels(index) for index in range(frames)),
    )


def scene_of(number: int, frames: int, seed: int) -> Scene:
    """Gives back the description of video ``number``."""
    random = np.random.default_rng([FIRST_SEED, seed, number])
    objects = int(random.integers(1, 5))
    absences: tuple[Absence, ...] = ()
    if random.random() < 0.5:
        first = int(random.integers(frames // 4, frames // 2 + 1))
        absences = (Absence(object=1, first=first, last=first + int(random.integers(1, max(2, frames // 4)))),)
    return Scene(
        id=f"synthetic-train-{number}",
        seed=FIRST_SEED + 10_000 * seed + number,
        height=SHORT_SIDE,
        width=LONG_SIDE,
        length=frames,
        objects=objects,
        size=float(random.uniform(0.25, 0.5)),
        speed=float(random.uniform(0.8, 2.5)),
        absences=absences,
        occlusion=float(random.uniform(0.2, 0.6)) if random.random() < 0.33 else 0.0,
        distractors=int(random.integers(1, 4)) if random.random() < 0.5 else 0,
    )
