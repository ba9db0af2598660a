"""Small videos for methods that follow objects, and their answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from vosbench.contract import Model, View
from vosbench.types import Frame, LabelMap, Prompt

Box = tuple[slice, slice]


def prompt(shape: tuple[int, int], boxes: Mapping[int, Box | None]) -> Prompt:
    """Gives back a prompt for the ids of ``boxes``, each in its box; None for one without a pixel."""
    mask = np.zeros(shape, np.uint16)
    for object_id, box in boxes.items():
        if box is not None:
            mask[box] = object_id
    return Prompt(ids=tuple(sorted(boxes)), mask=mask)


def video(shape: tuple[int, int], prompts: Mapping[int, Prompt], frames: int) -> list[Frame]:
    """Gives back frames of noise that drifts, with the prompts of ``prompts`` by frame."""
    texture = np.random.default_rng(0).integers(0, 256, (shape[0] + frames, shape[1] + 2 * frames, 3), dtype=np.uint8)
    images = [np.ascontiguousarray(texture[i : i + shape[0], 2 * i : 2 * i + shape[1]]) for i in range(frames)]
    return [Frame(index=i, name=f"{i:05}", image=image, prompt=prompts.get(i)) for i, image in enumerate(images)]


def answers(model: Model, frames: Sequence[Frame]) -> list[LabelMap]:
    """Gives back the label maps of one session over ``frames``."""
    height, width = frames[0].image.shape[:2]
    session = model.open(View(id="video", height=height, width=width))
    labels = [session.step(frame) for frame in frames]
    session.close()
    return labels
