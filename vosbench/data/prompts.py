"""Prompts: which objects a method is given at a frame, however the data set stores them."""

from __future__ import annotations

import numpy as np

from vosbench.data.masks import read_mask
from vosbench.data.video import Video, read_truth
from vosbench.errors import DataError
from vosbench.rle import area, mask_of_bounds
from vosbench.types import LabelMap, Prompt


def prompt_at(video: Video, index: int, known: frozenset[int]) -> Prompt | None:
    """Gives back the objects that enter at a frame, or None; ``known`` are those that entered before.

    Of masks that overlap, which label maps cannot hold, the smaller one lies in front, so that none is covered by a
    larger one. An object that others cover altogether enters all the same, without a pixel: later it would be given
    with truth that the official protocol does not give. A video whose ``task`` is "vis" has no prompts.
    """
    if video.task == "vis":
        return None
    if video.noise is not None:
        objects = tuple(range(1, video.noise.objects + 1))
        return Prompt(ids=objects, mask=video.noise.mask()) if index == 0 else None
    if video.instances is not None:
        return _entering_instances(video, index)
    if video.layout.prompt == "first-frame" and index > 0:
        return None
    mask, present = _folder_labels(video, index) if video.folders else _truth(video, index)
    if mask is None:
        return None
    ids = tuple(i for i in present if i != 0 and i != video.layout.void and i not in known)
    if not ids and index > 0:
        return None
    return Prompt(ids=ids, mask=np.where(np.isin(mask, ids), mask, 0).astype(mask.dtype))


def _truth(video: Video, index: int) -> tuple[LabelMap | None, list[int]]:
    """Gives back a frame's mask, None where it has none, and the values in it."""
    name = video.names[index]
    if name not in video.masks:
        return None, []
    mask = read_truth(video, name)
    return mask, np.flatnonzero(np.bincount(mask.ravel())).tolist()


def _folder_labels(video: Video, index: int) -> tuple[LabelMap | None, list[int]]:
    """Gives back the masks of a frame in one, None where it has none, and the objects that have a pixel of their own
    mask, ascending.
    """
    name = video.names[index]
    masks = {}
    for number, paths in video.folders.items():
        if name in paths:
            masks[number] = read_mask(paths[name]) > 0
            if masks[number].shape != (video.height, video.width):
                raise DataError(
                    f"the mask has shape {masks[number].shape}, the frame {(video.height, video.width)}",
                    where=video.where(index, paths[name]),
                    fix="masks have their frame's own size; export this one again",
                )
    labels = _empty(video, max(masks, default=0))
    for number in sorted(masks, key=lambda number: -int(masks[number].sum())):
        labels[masks[number]] = number
    return (labels if masks else None), sorted(number for number in masks if masks[number].any())


def _entering_instances(video: Video, index: int) -> Prompt | None:
    entrances = video.instances.entrances if video.instances is not None else ()
    entering = [entrance for entrance in entrances if entrance.frame == index]
    if not entering:
        return None
    labels = _empty(video, max(entrance.id for entrance in entering))
    for entrance in sorted(entering, key=lambda entrance: -area(entrance.bounds)):
        labels[mask_of_bounds(entrance.bounds, video.height, video.width)] = entrance.id
    return Prompt(ids=tuple(entrance.id for entrance in entering), mask=labels)


def _empty(video: Video, largest: int) -> LabelMap:
    return np.zeros((video.height, video.width), np.uint8 if largest < 256 else np.uint16)
