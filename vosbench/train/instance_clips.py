"""Clips whose objects have categories: synthetic videos, drawn for it, and what a training sees of them.

Nothing in them is an unlabelled copy of an object: a network that finds instances by itself could not tell it apart.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from vosbench.data.synthetic import Absence, Scene, SyntheticVideo
from vosbench.data.synthetic_shapes import family_names
from vosbench.train.clips import HAND_HELD, TrainClip, Wish, picked_frames
from vosbench.train.drawn import scene_of
from vosbench.train.library import RealClip
from vosbench.train.warp import draw_light, flicker, lit, placed, sampled, way

FIRST_SEED = 3_000_000
"""The stand-ins of the suites draw from seeds 1000 and up, other trainings from 900,000 and up."""

HELD_BACK_SEED = 5_000_000

HELD_BACK_VIDEOS = 12
HELD_BACK_FRAMES = 24

EVERY = 3
"""Of a video every third frame is drawn: objects move on by then, and more videos cost as much."""

LATE = 0.3
"""This share of objects enters after the first frame."""

ZOOM = (1.0, 1.3)
FLASH = 0.7

SMALLEST = 12
"""Pixels of a clip's frame below which an instance counts as absent."""


def draw_instance_videos(count: int, frames: int, seed: int, *, first: int = FIRST_SEED) -> tuple[RealClip, ...]:
    """Gives back ``count`` synthetic videos of ``frames`` frames, every third of the scene, with their categories.

    ``seed`` is the training's; ``first`` tells those that are held back from those that are trained on.
    """
    return tuple(_draw(instance_scene(number, frames * EVERY, seed, first=first), EVERY) for number in range(count))


def instance_scene(number: int, frames: int, seed: int, *, first: int = FIRST_SEED) -> Scene:
    """Gives back the description of video ``number``: that of `scene_of` with late objects and without copies."""
    random = np.random.default_rng([first, seed, number])
    scene = scene_of(number, frames, seed)
    objects = int(random.integers(1, 6))
    late = random.random(objects) < LATE
    return replace(
        scene,
        id=f"synthetic-instances-{number}",
        seed=first + 10_000 * seed + number,
        objects=objects,
        distractors=0,
        occlusion=scene.occlusion if random.random() < 0.5 else 0.0,
        entries=tuple(int(random.integers(1, frames)) if enters else 0 for enters in late),
        size=float(random.uniform(0.25, 0.45)),
    )


def held_back_videos(count: int = HELD_BACK_VIDEOS, frames: int = HELD_BACK_FRAMES) -> tuple[RealClip, ...]:
    """Gives back ``count`` synthetic videos as the stand-ins of suites are, from seeds that nothing is trained on.

    Four objects, the later ones enter one after the other, and one is away for a while. They are the same for every
    training.
    """
    return tuple(_draw(held_back_scene(number, frames), 1) for number in range(count))


def held_back_scene(number: int, frames: int) -> Scene:
    """Gives back the description of held-back video ``number``."""
    away = frames // 6
    return Scene(
        id=f"synthetic-held-back-{number}",
        seed=HELD_BACK_SEED + number,
        height=240,
        width=432,
        length=frames,
        objects=4,
        entries=tuple(frames // 8 * entry for entry in range(4)),
        absences=(Absence(object=1, first=frames // 2, last=frames // 2 + away - 1),) if away else (),
    )


def _draw(scene: Scene, every: int) -> RealClip:
    video = SyntheticVideo(scene)
    shown = range(0, scene.length, every)
    return RealClip(
        name=scene.id,
        source="synthetic",
        images=tuple(video.frame(index) for index in shown),
        masks=tuple(video.labels(index) for index in shown),
        categories=tuple(family_names().index(video.category(number)) for number in range(1, scene.objects + 1)),
    )


def instance_clip(random: np.random.Generator, wish: Wish, videos: Sequence[RealClip]) -> TrainClip:
    """Gives back frames of a video, cut out, shaken and lit; all objects keep their numbers, seen or not.

    An object of which a frame shows less than `SMALLEST` pixels is left out of that frame's mask.
    """
    video = videos[int(random.integers(len(videos)))]
    size = {"height": wish.height, "width": wish.width}
    picked = picked_frames(random, len(video.images), wish)
    place = placed(random, video.masks[0].shape, zoom=ZOOM, **size)
    moves = way(random, wish.frames, HAND_HELD, **size)
    light = draw_light(random, FLASH)
    images, masks = [], []
    for index, move in zip(picked, moves, strict=True):
        image, mask = sampled(video.images[index], video.masks[index], move @ place, None, mirrored=True, **size)
        images.append(lit(image, flicker(random, light)))
        areas = np.bincount(mask.reshape(-1), minlength=len(video.categories) + 1)
        masks.append(np.where(areas[mask] < SMALLEST, 0, mask).astype(np.uint8))
    return TrainClip(
        origin=f"instances {video.name} {picked}",
        images=np.stack(images),
        masks=np.stack(masks),
        objects=len(video.categories),
        categories=video.categories,
    )
