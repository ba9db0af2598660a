"""The contract's session around an `AOTInference`: ids, prompts, sizes and label maps."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from vosbench.adapters.aot.geometry import AlignedGeometry, image_to_network
from vosbench.adapters.aot.inference import AOTInference
from vosbench.adapters.aot.merging import merged_probabilities
from vosbench.adapters.nn.augmentation import Augmentation, augmentations
from vosbench.adapters.nn.entering import SeenObjects
from vosbench.adapters.nn.labels import id_table, largest_channel
from vosbench.adapters.nn.prompted import require_frame_size
from vosbench.adapters.nn.runtime import computing
from vosbench.contract import Runtime, View, core
from vosbench.errors import AdapterError
from vosbench.types import Frame, LabelMap, Prompt


@dataclass(frozen=True, slots=True, kw_only=True)
class Sight:
    """One way to see the video, with its geometry and the memory that it fills."""

    augmentation: Augmentation
    place: AlignedGeometry
    inference: AOTInference


class AOTSession:
    """One video. Frames before the first object are answered with background and cost nothing.

    An object takes the next number when it enters, the smaller id first; an id without a pixel takes none, since
    nothing could be followed, and is never answered (official ``VOSTest``: ids are counted as label maps show them).
    Where the runtime asks for several scales or mirrored frames, each has engines of its own that remember the labels
    of their own probabilities, and the probabilities are averaged for the answer (the official evaluator's test-time
    augmentation).
    """

    def __init__(
        self,
        view: View,
        *,
        place: Callable[[float], AlignedGeometry],
        inference: Callable[[AlignedGeometry], AOTInference],
        runtime: Runtime,
    ) -> None:
        self._view = view
        self._runtime = runtime
        self._device = torch.device(runtime.device)
        seen = [(augmentation, place(augmentation.scale)) for augmentation in augmentations(runtime)]
        self._sights = tuple(
            Sight(augmentation=augmentation, place=placed, inference=inference(placed)) for augmentation, placed in seen
        )
        self._seen = SeenObjects(view)

    def step(self, frame: Frame) -> LabelMap:
        """Gives back the label map (height, width) of ``frame``: uint8, or wider where an id needs it."""
        sights = self._open(frame)
        require_frame_size(frame, self._view, self._where(frame))
        given = None if frame.prompt is None else self._enter(frame.prompt, frame)
        if not self._seen.ids:
            return np.zeros((self._view.height, self._view.width), np.uint8)
        with computing(self._runtime):
            answers = [self._answer(sight, frame, given) for sight in sights]
            labels = answers[0] if len(sights) == 1 else self._averaged(answers[0], given)
            return id_table(self._seen.ids)[labels.cpu().numpy()]

    def finish(self) -> None:
        """Gives no late answer."""

    def close(self) -> None:
        """Give back the memory of this video."""
        self._sights = ()

    def footprint(self) -> Mapping[str, int]:
        """Gives back the bytes of the long-term and the short-term memory; all sights' together."""
        total: dict[str, int] = {}
        for sight in self._sights:
            for bank, size in sight.inference.footprint().items():
                total[bank] = total.get(bank, 0) + size
        return total

    def inspect(self) -> Mapping[str, Mapping[str, NDArray[Any]]]:
        """Gives back, per memory and per token, its source ``frame``, ``y`` and ``x`` (pixels of the frame's own
        size), ``age`` in frames, and ``engine``, the group of ten objects that it belongs to; of the first sight where
        there are several.
        """
        return self._sights[0].inference.inspect() if self._sights else {}

    def _open(self, frame: Frame) -> tuple[Sight, ...]:
        if not self._sights:
            raise AdapterError("the session is closed", where=self._where(frame), fix="open another for each video")
        return self._sights

    def _answer(self, sight: Sight, frame: Frame, given: NDArray[np.int64] | None) -> Tensor:
        """Gives back the labels (height, width) that one sight's inference has of the frame, mirrored as it sees it."""
        see = sight.augmentation.see
        image = image_to_network(see(frame.image), sight.place, device=self._device)
        entering = None if given is None else torch.from_numpy(see(given)).to(self._device)
        with core():
            labels = sight.inference.step(frame.index, image, entering)
        self._require_finite(sight.inference, frame)
        return labels

    def _averaged(self, first: Tensor, given: NDArray[np.int64] | None) -> Tensor:
        """Gives back the labels of the averaged probabilities; ``first`` are those of the first sight, not mirrored.

        What is given stands as it is. Before anything was predicted it is all there is.
        """
        parts = [
            sight.augmentation.unsee(
                merged_probabilities(sight.inference.logits, sight.place.own, align_corners=sight.place.align_corners)
            )
            for sight in self._sights
            if sight.inference.logits
        ]
        if not parts:
            return first
        labels = largest_channel(sum(parts[1:], start=parts[0]))
        if given is None:
            return labels
        entering = torch.from_numpy(given).to(self._device)
        return torch.where(entering > 0, entering, labels)

    def _enter(self, prompt: Prompt, frame: Frame) -> NDArray[np.int64] | None:
        """Gives back (height, width) with the numbers of the objects that enter; None where none shows a pixel."""
        before = len(self._seen.ids)
        _, masks = self._seen.enter(prompt, self._where(frame))
        given = np.zeros(prompt.mask.shape, np.int64)
        for number, mask in enumerate(masks, start=before + 1):
            given[mask] = number
        return given if given.any() else None

    def _require_finite(self, inference: AOTInference, frame: Frame) -> None:
        """Comparing logits that are not numbers would give a mask that looks right and is not."""
        if not inference.finite:
            raise AdapterError(
                "the network's probabilities are not numbers (NaN or infinite)",
                where=self._where(frame),
                fix="check the weights; with fp16 try bf16 or fp32",
            )

    def _where(self, frame: Frame) -> str:
        return f"video {self._view.id}, frame {frame.index} ({frame.name})"
