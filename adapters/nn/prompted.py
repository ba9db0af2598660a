"""A video answered frame by frame: objects enter by their masks, label maps with the data set's ids go out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from vosbench.adapters.nn.augmentation import Augmentation, augmentations, scaled
from vosbench.adapters.nn.geometry import (
    Geometry,
    Resize,
    geometry,
    image_to_network,
    masks_to_network,
    one_hot,
    to_frame,
)
from vosbench.adapters.nn.labels import labels_of
from vosbench.adapters.nn.runtime import computing
from vosbench.contract import Runtime, View, core
from vosbench.errors import AdapterError
from vosbench.types import Frame, LabelMap, Prompt


class Inference(Protocol):
    """A family's network and memory on one video; objects have positions 1, 2, ... in the order they enter."""

    def step(self, frame: int, image: Tensor, entering: Tensor | None = None) -> Tensor:
        """Gives back (1 + objects, padded height, padded width), background first, of frame number ``frame``.

        ``image`` is (1, 3, padded height, padded width); ``entering`` (objects, padded height, padded width) of 0
        and 1 holds the masks of the objects that enter now.
        """

    def footprint(self) -> dict[str, int]:
        """Gives back the bytes of each bank."""

    def inspect(self, frame: int, place: Geometry) -> dict[str, dict[str, NDArray[Any]]]:
        """Gives back what each bank keeps, seen from frame number ``frame``."""


@runtime_checkable
class Traces(Protocol):
    """An inference that tells numbers of the frame it answered last."""

    def trace(self) -> dict[str, float]:
        """Gives back numbers by name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sight:
    """One way to see the video, with its geometry and the memory that it fills."""

    augmentation: Augmentation
    place: Geometry
    inference: Inference


class PromptedSession:
    """The contract's session around an `Inference`: ids, prompts, sizes and label maps.

    Frames before the first prompt are answered with background and cost nothing, as in the official loops. Where the
    runtime asks for several scales or mirrored frames there is an inference for each, and their probabilities are
    averaged at the frame's own size.
    """

    def __init__(
        self,
        view: View,
        *,
        inference: Callable[[], Inference],
        runtime: Runtime,
        size: int,
        resize: Resize,
    ) -> None:
        self._view = view
        self._resize = resize
        self._runtime = runtime
        self._device = torch.device(runtime.device)
        self._sights = tuple(
            Sight(
                augmentation=augmentation,
                place=geometry(view.height, view.width, scaled(size, augmentation.scale, view.height, view.width)),
                inference=inference(),
            )
            for augmentation in augmentations(runtime)
        )
        self._ids: list[int] = []
        self._frame = 0

    def step(self, frame: Frame) -> LabelMap:
        """Gives back the label map (height, width) of ``frame``: uint8, or wider where an id needs it."""
        sights = self._open(frame)
        self._frame = frame.index
        given = frame.prompt if frame.prompt is not None and frame.prompt.ids else None
        if not self._ids and given is None:
            return np.zeros((self._view.height, self._view.width), np.uint8)
        with computing(self._runtime):
            entering = self._enter(given, frame) if given is not None else ()
            planes = self._planes(sights[0], frame, entering)
            for sight in sights[1:]:
                planes = planes + self._planes(sight, frame, entering)  # not in place: a memory may hold the first
            return labels_of(planes, self._ids, self._where(frame))

    def finish(self) -> None:
        """Gives no late answer."""

    def close(self) -> None:
        """Give back the memory of this video."""
        self._sights = ()
        self._ids = []

    def footprint(self) -> Mapping[str, int]:
        """Gives back the bytes in use of each bank, by name; of all inferences together where there are several."""
        total: dict[str, int] = {}
        for sight in self._sights:
            for bank, size in sight.inference.footprint().items():
                total[bank] = total.get(bank, 0) + size
        return total

    def trace(self) -> Mapping[str, float]:
        """Gives back the numbers of the last frame, where the inference has some; the first's of several."""
        first = self._sights[0].inference if self._sights else None
        return first.trace() if isinstance(first, Traces) else {}

    def inspect(self) -> Mapping[str, Mapping[str, NDArray[Any]]]:
        """Gives back, per bank and per element, its source ``frame``, ``y`` and ``x`` (pixels of the frame's own
        size), ``age`` in frames and, where it is counted, ``usage``; of the first inference where there are several.
        """
        if not self._sights:
            return {}
        first = self._sights[0]
        return first.inference.inspect(self._frame, first.place)

    def _open(self, frame: Frame) -> tuple[Sight, ...]:
        if not self._sights:
            raise AdapterError("the session is closed", where=self._where(frame), fix="open another for each video")
        return self._sights

    def _planes(self, sight: Sight, frame: Frame, entering: tuple[int, ...]) -> Tensor:
        """Gives back the probabilities (1 + objects, height, width) that one inference has of the frame.

        ``entering`` are the ids of the frame's prompt in the order in which they take positions.
        """
        see, place = sight.augmentation.see, sight.place
        image = image_to_network(see(frame.image), place, mode=self._resize, device=self._device, dtype=torch.float32)
        given = None
        if entering and frame.prompt is not None:
            masks = one_hot(see(frame.prompt.mask), entering)
            given = masks_to_network(masks, place, device=self._device, dtype=torch.float32)
        with core():
            probabilities = sight.inference.step(frame.index, image, given)
        return sight.augmentation.unsee(to_frame(probabilities, place))

    def _enter(self, prompt: Prompt, frame: Frame) -> tuple[int, ...]:
        """Gives back the ids of the prompt's objects in the order in which they take positions."""
        where = self._where(frame)
        require_mask_size(prompt, self._view, where)
        order = entry_order(prompt.ids, self._ids, where)
        self._ids.extend(order)
        return order

    def _where(self, frame: Frame) -> str:
        return f"video {self._view.id}, frame {frame.index} ({frame.name})"


def require_mask_size(prompt: Prompt, view: View, where: str) -> None:
    """Raise `AdapterError` at ``where`` for a prompt whose mask has not the video's size."""
    if prompt.mask.shape != (view.height, view.width):
        raise AdapterError(
            f"the prompt's mask is {prompt.mask.shape}, the video {(view.height, view.width)}",
            where=where,
            fix="give prompts at the frame's own size",
        )


def require_frame_size(frame: Frame, view: View, where: str) -> None:
    """Raise `AdapterError` at ``where`` for a frame of another size: it would be answered at the wrong one."""
    if frame.image.shape[:2] != (view.height, view.width):
        raise AdapterError(
            f"the frame is {frame.image.shape[:2]}, the video {(view.height, view.width)}",
            where=where,
            fix="give all frames of a video at one size",
        )


def entry_order(entering: tuple[int, ...], known: list[int], where: str) -> tuple[int, ...]:
    """Gives back the ids that enter in the order in which the official XMem counts them.

    Its ``MaskMapper`` takes ``list(set(ids) - set(known))``: CPython's order of small sets, ascending for 1, 2, 3
    and by hash otherwise (8 before 3). Raises `AdapterError` for 0, for an id given twice and for one known before.
    """
    again = sorted(set(entering) & set(known))
    if again or 0 in entering or len(set(entering)) != len(entering):
        what = f"object {again[0]} is prompted a second time" if again else f"the prompt's ids are {entering}"
        raise AdapterError(what, where=where, fix="an object enters once, with an id above 0 of its own")
    return tuple(set(entering) - set(known))
