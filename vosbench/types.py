"""The values that travel between data, harness and methods."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

LabelMap: TypeAlias = NDArray[np.unsignedinteger[Any]]
"""(height, width), unsigned: the object id of every pixel, 0 is the background."""

Image: TypeAlias = NDArray[np.uint8]
"""(height, width, 3), uint8, RGB, on the host."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Prompt:
    """The objects that enter at a frame.

    ``ids`` are the data set's own object ids, ascending; ``mask`` holds each of them where it is and 0
    elsewhere: 0 says "not given", not "background". An id of which the mask shows no pixel has an empty mask.
    """

    ids: tuple[int, ...]
    mask: LabelMap


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Frame:
    """One frame of a video as a method gets it; ``index`` counts from 0, ``name`` is the file's stem."""

    index: int
    name: str
    image: Image
    prompt: Prompt | None = None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Instance:
    """One instance on one frame of a VIS answer; ``mask`` is (height, width) bool, ``score`` in [0, 1].

    ``track_id`` is the same on every frame of one track, and stands once on a frame. Where ``finish()`` says nothing of
    a track, its category is the one with the largest sum of scores and its score the mean over the frames it is on.
    """

    track_id: int
    category: int
    score: float
    mask: NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True)
class Track:
    """A track's final category and score, given by ``finish()``; it replaces the per-frame ones.

    One track may stand there more than once, with different categories: each is an answer of its own.
    """

    track_id: int
    category: int
    score: float


Prediction: TypeAlias = LabelMap | tuple[Instance, ...]
"""VOS: a label map at the frame's own size. VIS: the instances of the frame."""
