"""STCN over a video, frame by frame: the official yv rule, of which the davis rule is the case of one prompt."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from numpy.typing import NDArray
from torch import Tensor

from vosbench.adapters.nn.aggregation import aggregate, merge_given
from vosbench.adapters.nn.geometry import Geometry
from vosbench.adapters.nn.insertion import shifted_write
from vosbench.adapters.nn.runtime import full_precision
from vosbench.adapters.stcn.memory import Bank, MemoryBank
from vosbench.adapters.stcn.network import STCNNetwork
from vosbench.adapters.stcn.settings import STCNSettings

Observer = Callable[[str, Tensor], None]


class STCNInference:
    """One video. A memory frame is every ``mem_every``-th one since the last memory frame, and every prompted one.

    ``unseen`` counts objects that the caller knows to enter later: the official code learns all ids in advance and
    aggregates a prompted frame over all of them. A run does not know, and has 0. ``bank`` is the memory; STCN's own
    where none is given.
    """

    def __init__(
        self,
        network: STCNNetwork,
        settings: STCNSettings,
        *,
        device: torch.device,
        dtype: torch.dtype = torch.float32,
        unseen: int = 0,
        observe: Observer | None = None,
        bank: Bank | None = None,
    ) -> None:
        self._network = network
        self._settings = settings
        self._device = device
        self._dtype = dtype
        self._unseen = unseen
        self._observe: Observer = observe or _ignore
        self._last_write = 0
        self._begun = False
        self.objects = 0
        self.bank: Bank = MemoryBank(device=device, dtype=dtype) if bank is None else bank

    def step(self, frame: int, image: Tensor, entering: Tensor | None = None, *, last: bool = False) -> Tensor:
        """Gives back (1 + objects, padded height, padded width); see `Inference.step`.

        ``last`` says that no frame follows, so that nothing is written; only a replay knows that.
        """
        features = self._network.encode_key(image)
        for name in ("key", "f16_thin", "f16", "f8", "f4"):
            self._observe(name, getattr(features, name))
        probabilities = self._segment(features) if self.objects else None
        if entering is not None:
            probabilities = self._enter(probabilities, entering)
        due = entering is not None or frame - self._last_write >= self._settings.mem_every
        if (due or self._settings.include_last) and not last:
            masks = probabilities[1 : 1 + self.objects]
            values = self._network.value_encoder(features.source, features.f16, masks.to(image.dtype))
            with full_precision(self._device):
                self.bank.add(frame, features.key, values, permanent=due)
            if due:
                self._last_write = self._written(frame)
        return probabilities

    def footprint(self) -> dict[str, int]:
        """Gives back the bytes of the bank."""
        return self.bank.footprint()

    def inspect(self, frame: int, place: Geometry) -> dict[str, dict[str, NDArray[Any]]]:
        """Gives back what the bank keeps."""
        return self.bank.inspect(frame, place)

    def _written(self, frame: int) -> int:
        first = not self._begun
        self._begun = True
        return shifted_write(frame, self._settings.mem_every, self._settings.mem_offset) if first else frame

    def _segment(self, features: Any) -> Tensor:
        with full_precision(self._device):
            readout = self.bank.read(features.key, self._settings.top_k)
        self._observe("readout", readout)
        logits = self._network.decoder(readout, features)
        with full_precision(self._device):
            return aggregate(torch.sigmoid(logits.to(self._dtype)))

    def _enter(self, predicted: Tensor | None, entering: Tensor) -> Tensor:
        """Gives back the probabilities with the entering objects in; those not seen yet count as certainly absent."""
        self.objects += len(entering)
        self._unseen = max(0, self._unseen - len(entering))
        known = entering.new_zeros(0, *entering.shape[1:]) if predicted is None else predicted[1:]
        merged = merge_given(known, entering)
        absent = merged.new_zeros(self._unseen, *merged.shape[1:])
        with full_precision(self._device):
            return aggregate(torch.cat([merged, absent]))


def _ignore(_name: str, _value: Tensor) -> None:
    """Observes nothing."""
