"""The contract's session around an `AOTInference`: ids, prompts, sizes and label maps."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from vosbench.adapters.aot.geometry import AlignedGeometry, image_to_network
from vosbench.adapters.aot.inference import AOTInference
from vosbench.adapters.nn.labels import id_table
from vosbench.adapters.nn.prompted import entry_order
from vosbench.adapters.nn.runtime import computing
from vosbench.contract import Runtime, View, core
from vosbench.errors import AdapterError
from vosbench.types import Frame, LabelMap, Prompt


class AOTSession:
    """One video. Frames before the first object are answered with background and cost nothing.

    An object takes the next number when it enters, the smaller id first; an id without a pixel takes none, since
    nothing could be followed, and is never answered (official ``VOSTest``: ids are counted as label maps show them).
    """

    def __init__(
        self,
        view: View,
        *,
        place: AlignedGeometry,
        inference: Callable[[], AOTInference],
        runtime: Runtime,
    ) -> None:
        self._view = view
        self._place = place
        self._runtime = runtime
        self._device = torch.device(runtime.device)
        self._inference: AOTInference | None = inference()
        self._announced: list[int] = []
        self._ids: list[int] = []

    def step(self, frame: Frame) -> LabelMap:
        """Gives back the label map (height, width) of ``frame``: uint8, or wider where an id needs it."""
        inference = self._open(frame)
        self._require_size(frame)
        given = None if frame.prompt is None else self._enter(frame.prompt, frame)
        if not self._ids:
            return np.zeros((self._view.height, self._view.width), np.uint8)
        with computing(self._runtime):
            image = image_to_network(frame.image, self._place, device=self._device)
            entering = None if given is None else torch.from_numpy(given).to(self._device)
            with core():
                labels = inference.step(frame.index, image, entering)
            self._require_finite(inference, frame)
            return id_table(self._ids)[labels.cpu().numpy()]

    def finish(self) -> None:
        """Gives no late answer."""

    def close(self) -> None:
        """Give back the memory of this video."""
        self._inference = None
        self._announced, self._ids = [], []

    def footprint(self) -> Mapping[str, int]:
        """Gives back the bytes of the long-term and the short-term memory."""
        return {} if self._inference is None else self._inference.footprint()

    def inspect(self) -> Mapping[str, Mapping[str, NDArray[Any]]]:
        """Gives back, per memory and per token, its source ``frame``, ``y`` and ``x`` (pixels of the frame's own
        size), ``age`` in frames, and ``engine``, the group of ten objects that it belongs to.
        """
        return {} if self._inference is None else self._inference.inspect()

    def _open(self, frame: Frame) -> AOTInference:
        if self._inference is None:
            raise AdapterError("the session is closed", where=self._where(frame), fix="open another for each video")
        return self._inference

    def _enter(self, prompt: Prompt, frame: Frame) -> NDArray[np.int64] | None:
        """Gives back (height, width) with the numbers of the objects that enter; None where none shows a pixel."""
        where = self._where(frame)
        if prompt.mask.shape != (self._view.height, self._view.width):
            raise AdapterError(
                f"the prompt's mask is {prompt.mask.shape}, the video {(self._view.height, self._view.width)}",
                where=where,
                fix="give prompts at the frame's own size",
            )
        announced = sorted(entry_order(prompt.ids, self._announced, where))
        self._announced.extend(announced)
        given = np.zeros(prompt.mask.shape, np.int64)
        for object_id in announced:
            pixels = prompt.mask == object_id
            if pixels.any():
                self._ids.append(object_id)
                given[pixels] = len(self._ids)
        return given if given.any() else None

    def _require_size(self, frame: Frame) -> None:
        """A frame of another size would be resized to the video's, and answered at the wrong one."""
        if frame.image.shape[:2] != self._place.own:
            raise AdapterError(
                f"the frame is {frame.image.shape[:2]}, the video {self._place.own}",
                where=self._where(frame),
                fix="give all frames of a video at one size",
            )

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
