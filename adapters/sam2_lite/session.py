"""The contract's session around `Sam2LiteInference`: ids, prompts, sizes, and the effort of adaptive inference."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from vosbench.adapters.nn.entering import SeenObjects, with_given
from vosbench.adapters.nn.geometry import Geometry, Resize, image_to_network, masks_to_network, to_frame
from vosbench.adapters.nn.labels import labels_of
from vosbench.adapters.nn.prompted import require_frame_size
from vosbench.adapters.nn.runtime import computing
from vosbench.adapters.sam2_lite.controller import Controller, Effort
from vosbench.adapters.sam2_lite.encoder import PATCH
from vosbench.adapters.sam2_lite.inference import Sam2LiteInference
from vosbench.adapters.sam2_lite.network import Sam2LiteNetwork
from vosbench.adapters.sam2_lite.settings import Sam2LiteSettings
from vosbench.contract import Runtime, View, core
from vosbench.errors import AdapterError
from vosbench.types import Frame, LabelMap, Prompt

Clock = Callable[[], float]
"""Seconds since any moment."""


class Sam2LiteSession:
    """One video. Frames before the first object are answered with background, and nothing of them is kept."""

    def __init__(
        self,
        view: View,
        network: Sam2LiteNetwork,
        settings: Sam2LiteSettings,
        runtime: Runtime,
        clock: Clock = time.perf_counter,
    ) -> None:
        self._view = view
        self._runtime = runtime
        self._device = torch.device(runtime.device)
        self._clock = clock
        self._inference: Sam2LiteInference | None = Sam2LiteInference(
            network, settings, device=self._device, seed=runtime.seed
        )
        self._size = settings.size
        self._slots = settings.slots
        self._resize: Resize = "area" if settings.preset == "mini" else "bilinear"
        adaptive = settings.adaptive
        self._controller = Controller(target_ms=settings.target_ms, control=settings.control) if adaptive else None
        self._effort = Effort()
        self._seen = SeenObjects(view)
        self._frame = 0

    def step(self, frame: Frame) -> LabelMap:
        """Gives back the label map (height, width) of ``frame``: uint8, or wider where an id needs it.

        An object's pixels on the frame that prompts it are the given mask. An id that is announced without a pixel is
        never answered.
        """
        began = self._clock()
        inference = self._open(frame)
        self._frame = frame.index
        place = scaled_geometry(self._view.height, self._view.width, self._scale())
        with computing(self._runtime):
            entering = self._enter(frame.prompt, place, frame)
            if not self._seen.ids:
                return np.zeros((self._view.height, self._view.width), np.uint8)
            image = image_to_network(frame.image, place, mode=self._resize, device=self._device, dtype=torch.float32)
            window = self._effort.window if self._controller is not None else None
            with core():
                probabilities = inference.step(frame.index, image, entering, window)
            planes = functional.interpolate(probabilities[None], place.padded, mode="bilinear", align_corners=False)[0]
            labels = labels_of(to_frame(planes, place), self._seen.ids, self._where(frame))
        if frame.prompt is not None:
            labels = with_given(labels, frame.prompt)
        if self._controller is not None:
            self._effort = self._controller.update((self._clock() - began) * 1e3)
        return labels

    def finish(self) -> None:
        """Gives no late answer."""

    def close(self) -> None:
        """Give back the memory of this video."""
        self._inference = None

    def footprint(self) -> Mapping[str, int]:
        """Gives back the bytes of the bank."""
        return {} if self._inference is None else self._inference.footprint()

    def inspect(self) -> Mapping[str, Mapping[str, NDArray[Any]]]:
        """Gives back, per token, its source ``frame``, ``y`` and ``x`` (pixels of the frame's own size), ``age`` in
        frames and, as ``usage``, the gate's score.
        """
        if self._inference is None:
            return {}
        return self._inference.inspect(self._frame, self._view.height, self._view.width)

    def trace(self) -> Mapping[str, float]:
        """Gives back, with adaptive inference, the scale and the window that the next frame will have."""
        if self._controller is None:
            return {}
        return {"scale": self._effort.scale, "window": float(self._effort.window)}

    def _scale(self) -> float:
        """Gives back by how much a frame's sides change."""
        own = self._size / min(self._view.height, self._view.width) if self._size > 0 else 1.0
        return own * self._effort.scale

    def _open(self, frame: Frame) -> Sam2LiteInference:
        if self._inference is None:
            raise AdapterError("the session is closed", where=self._where(frame), fix="open another for each video")
        require_frame_size(frame, self._view, self._where(frame))
        return self._inference

    def _enter(self, prompt: Prompt | None, place: Geometry, frame: Frame) -> Tensor | None:
        """Gives back the masks of the objects that take a slot now; None where none shows a pixel."""
        if prompt is None or not prompt.ids:
            return None
        entering, masks = self._seen.enter(prompt, self._where(frame))
        if len(self._seen.ids) > self._slots:
            raise AdapterError(
                f"{len(self._seen.ids)} objects, and the network has {self._slots} slots for them",
                where=self._where(frame),
                fix="follow fewer objects, or take a method without slots",
            )
        if not entering:
            return None
        return masks_to_network(masks, place, device=self._device, dtype=torch.float32)

    def _where(self, frame: Frame) -> str:
        return f"video {self._view.id}, frame {frame.index} ({frame.name})"


def scaled_geometry(height: int, width: int, scale: float) -> Geometry:
    """Gives back the geometry of frames (height, width) at ``scale``: each side the nearest multiple of 16."""
    network_height, network_width = (max(PATCH, round(side * scale / PATCH) * PATCH) for side in (height, width))
    return Geometry(
        height=height,
        width=width,
        network_height=network_height,
        network_width=network_width,
        padding=(0, 0, 0, 0),
    )
