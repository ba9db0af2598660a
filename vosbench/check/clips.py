"""Small synthetic clips that behaviour checks show to a method: each asks one question."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from vosbench.contract import View
from vosbench.data.synthetic import Absence, Scene, SyntheticVideo
from vosbench.types import Frame, LabelMap, Prompt

HEIGHT, WIDTH = 96, 128
"""Clips are this small so that a network on a CPU answers a check in seconds."""

NETWORK_SIZE = 64
"""What the setting ``size`` is set to for the checks, for methods that have it: a short side of four strides."""

LENGTH = 12
"""Frames of a clip: enough for two memory writes at the usual interval of 5."""

FIRST, SECOND = 5, 200
"""The ids of the objects. They are neither 1 and 2 nor next to each other, so an inner numbering shows."""

LATE = 6
"""The frame at which a late object enters; not one at which a memory is due."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Clip:
    """A video in memory: what a session is opened with, and its frames."""

    view: View
    frames: tuple[Frame, ...]

    def known(self, index: int) -> set[int]:
        """Gives back the ids that were announced up to frame ``index``."""
        return {number for frame in self.frames[: index + 1] if frame.prompt for number in frame.prompt.ids}

    def ends_at(self, count: int) -> Clip:
        """Gives back the clip cut to ``count`` frames."""
        return replace(self, frames=self.frames[:count])


def plain_clip(seed: int = 1, *, length: int = LENGTH, height: int = HEIGHT, width: int = WIDTH) -> Clip:
    """Gives back a clip of two objects that are there from the first frame on."""
    video = _video(seed, length=length, height=height, width=width)
    return _clip("plain", video, {0: _prompt(video.labels(0), {1: FIRST, 2: SECOND})})


def late_clip(seed: int = 2, *, prompted: bool = True) -> Clip:
    """Gives back a clip whose second object enters at frame `LATE`; without ``prompted`` nobody announces it."""
    video = _video(seed, length=LENGTH, entries=(0, LATE))
    prompts = {0: _prompt(video.labels(0), {1: FIRST})}
    if prompted:
        prompts[LATE] = _prompt(video.labels(LATE), {2: SECOND})
    return _clip("late object", video, prompts)


def leaving_clip(seed: int = 3) -> Clip:
    """Gives back a clip whose only object is away for four frames and comes back."""
    video = _video(seed, length=LENGTH, objects=1, absences=(Absence(object=1, first=4, last=7),), speed=4.0)
    return _clip("object that leaves", video, {0: _prompt(video.labels(0), {1: FIRST})})


def unprompted_clip(seed: int = 4) -> Clip:
    """Gives back a clip with a prompt of no object at frame 0, of one at frame 2 and of none again at frame 4."""
    video = _video(seed, length=6, objects=1)
    none = Prompt(ids=(), mask=np.zeros((HEIGHT, WIDTH), np.uint8))
    return _clip("empty prompt", video, {0: none, 2: _prompt(video.labels(2), {1: FIRST}), 4: none})


def unseen_clip(seed: int = 5) -> Clip:
    """Gives back a clip that announces an object without a single pixel beside one that is seen."""
    video = _video(seed, length=6, objects=1)
    seen = _prompt(video.labels(0), {1: FIRST})
    return _clip("id without pixels", video, {0: Prompt(ids=(FIRST, SECOND), mask=seen.mask)})


def pixel_clip(seed: int = 6) -> Clip:
    """Gives back a clip whose prompt is a single pixel."""
    video = _video(seed, length=6, objects=1)
    mask = np.zeros((HEIGHT, WIDTH), np.uint8)
    mask[HEIGHT // 2, WIDTH // 3] = FIRST
    return _clip("one-pixel object", video, {0: Prompt(ids=(FIRST,), mask=mask)})


def _video(
    seed: int,
    *,
    length: int,
    height: int = HEIGHT,
    width: int = WIDTH,
    objects: int = 2,
    entries: tuple[int, ...] = (),
    absences: tuple[Absence, ...] = (),
    speed: float = 1.0,
) -> SyntheticVideo:
    """Gives back a synthetic video of large objects: on so few pixels the usual ones would be a stride or two wide."""
    return SyntheticVideo(
        Scene(
            id="check",
            seed=seed,
            height=height,
            width=width,
            length=length,
            objects=objects,
            size=0.5,
            entries=entries,
            absences=absences,
            speed=speed,
        )
    )


def _prompt(labels: LabelMap, ids: Mapping[int, int]) -> Prompt:
    """Gives back the prompt of the objects in ``ids`` (number in the synthetic video: id of the data set)."""
    mask = np.zeros(labels.shape, np.uint8)
    for number, identity in ids.items():
        mask[labels == number] = identity
    return Prompt(ids=tuple(sorted(ids.values())), mask=mask)


def _clip(name: str, video: SyntheticVideo, prompts: Mapping[int, Prompt]) -> Clip:
    scene = video.scene
    frames = tuple(
        Frame(index=index, name=f"{index:05d}", image=video.frame(index), prompt=prompts.get(index))
        for index in range(scene.length)
    )
    return Clip(view=View(id=f"check: {name}", height=scene.height, width=scene.width, fps=scene.fps), frames=frames)
