"""XMem over a video, frame by frame (official ``InferenceCore``)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import torch
from numpy.typing import NDArray
from torch import Tensor

from vosbench.adapters.nn.aggregation import aggregate, merge_given
from vosbench.adapters.nn.geometry import Geometry
from vosbench.adapters.nn.insertion import shifted_write
from vosbench.adapters.nn.runtime import full_precision
from vosbench.adapters.xmem.consolidation import Consolidation
from vosbench.adapters.xmem.memory import Memory
from vosbench.adapters.xmem.network import ImageFeatures, XMemNetwork
from vosbench.adapters.xmem.sensory_only import SensoryOnly
from vosbench.adapters.xmem.settings import XMemSettings

Observer = Callable[[str, Tensor], None]


class XMemInference:
    """One video. Its time counts from the first prompted frame; ``seed`` is that of random prototypes."""

    def __init__(
        self,
        network: XMemNetwork,
        settings: XMemSettings,
        *,
        device: torch.device,
        dtype: torch.dtype = torch.float32,
        seed: int = 0,
        observe: Observer | None = None,
    ) -> None:
        self._network = network
        self._settings = settings
        self._device = device
        self._dtype = dtype
        self._observe: Observer = observe or _ignore
        self._first_frame: int | None = None
        self._last_write = 0
        self._last_deep = -settings.deep_update_every
        self.objects = 0
        self.memory = open_memory(settings, device=device, dtype=dtype, seed=seed)

    def step(self, frame: int, image: Tensor, entering: Tensor | None = None, *, last: bool = False) -> Tensor:
        """Gives back (1 + objects, padded height, padded width); see `Inference.step`.

        ``last`` says that no frame follows, so that nothing is remembered; only a replay knows that.
        """
        self.memory.events = ()
        self._first_frame = frame if self._first_frame is None else self._first_frame
        time = frame - self._first_frame
        writes = not last and (entering is not None or time - self._last_write >= self._settings.mem_every)
        deep = not last and self._deep_is_due(time, writes=writes)
        features = self._scaled(self._network.encode_key(image))
        for name in ("key", "shrinkage", "selection", "f16", "f8", "f4"):
            self._observe(name, getattr(features, name))
        probabilities = None
        if self.objects:
            probabilities = self._segment(features, update=not last and not (self._synchronous and deep))
        if entering is not None:
            probabilities = self._enter(probabilities, entering, features)
        if writes or (deep and self._settings.deep_update == "every-frame"):
            self._remember(frame, time, features, probabilities[1:], writes=writes, deep=deep)
        return probabilities

    def footprint(self) -> dict[str, int]:
        """Gives back the bytes of each memory."""
        return self.memory.footprint()

    def inspect(self, frame: int, place: Geometry) -> dict[str, dict[str, NDArray[Any]]]:
        """Gives back what each memory keeps."""
        return self.memory.inspect(frame, place)

    def trace(self) -> dict[str, float]:
        """Gives back how many candidates were consolidated on the last frame, and into how many prototypes."""
        done = [event for event in self.memory.events if isinstance(event, Consolidation)]
        return {
            "consolidated": float(sum(event.candidates for event in done)),
            "prototypes": float(sum(len(event.prototypes) for event in done)),
        }

    @property
    def _synchronous(self) -> bool:
        """True where a deep update takes the place of the frame's own."""
        return self._settings.deep_update_every < 0 and self._settings.deep_update == "memory-frames"

    def _deep_is_due(self, time: int, *, writes: bool) -> bool:
        if self._settings.deep_update != "memory-frames":
            return self._settings.deep_update == "every-frame"
        if self._synchronous:
            return writes
        return time - self._last_deep >= self._settings.deep_update_every

    def _scaled(self, features: ImageFeatures) -> ImageFeatures:
        """The features with the scaling terms that the settings leave on; the others are 1 (table 5)."""
        if not self._settings.shrinkage:
            features = replace(features, shrinkage=torch.ones_like(features.shrinkage))
        if not self._settings.selection:
            features = replace(features, selection=torch.ones_like(features.selection))
        return features

    def _segment(self, features: ImageFeatures, *, update: bool) -> Tensor:
        with full_precision(self._device):
            readout = self.memory.read(features)
        self._observe("readout", readout)
        logits, hidden = self._network.decoder(readout, features, self.memory.sensory.hidden, update=update)
        if update:
            self.memory.sensory.update(hidden)
        with full_precision(self._device):
            return aggregate(torch.sigmoid(logits.to(self._dtype)))

    def _enter(self, predicted: Tensor | None, entering: Tensor, features: ImageFeatures) -> Tensor:
        """Gives back the probabilities with the entering objects in, and makes their sensory memory."""
        self.objects += len(entering)
        self.memory.sensory.add_objects(len(entering), *features.key.shape[2:])
        with full_precision(self._device):
            return aggregate(entering if predicted is None else merge_given(predicted[1:], entering))

    def _remember(
        self,
        frame: int,
        time: int,
        features: ImageFeatures,
        masks: Tensor,
        *,
        writes: bool,
        deep: bool,
    ) -> None:
        values = self._network.value_encoder(features.source, features.f16, masks)
        reinforce = self._network.value_encoder.hidden_reinforce
        if deep:
            if reinforce is not None:
                self.memory.sensory.update(reinforce(values, self.memory.sensory.hidden))
            self._last_deep = time
        if writes:
            with full_precision(self._device):
                self.memory.write(frame, features, values)
            self._last_write = time or shifted_write(0, self._settings.mem_every, self._settings.mem_offset)


def open_memory(settings: XMemSettings, *, device: torch.device, dtype: torch.dtype, seed: int) -> Memory | SensoryOnly:
    """Gives back an empty memory of the kind that the settings ask for."""
    if settings.enable_working:
        return Memory(settings, device=device, dtype=dtype, seed=seed)
    return SensoryOnly(settings.hidden_dim, device=device, dtype=dtype)


def _ignore(_name: str, _value: Tensor) -> None:
    """Observes nothing."""
