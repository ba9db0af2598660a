"""A video, frame by frame: predict, then either take a reference frame or remember the prediction."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from vosbench.adapters.aot.engine import Engine, Schedule
from vosbench.adapters.aot.geometry import AlignedGeometry, labels_to_network, token_centres
from vosbench.adapters.aot.merging import merged_labels
from vosbench.adapters.aot.network import AOTNetwork, Features
from vosbench.adapters.aot.strategies import MemoryFrame, Strategy


class AOTInference:
    """One video. Objects are numbered 1, 2, ... in the order in which they enter; each ten have an engine, in a small
    network each four.

    ``logits`` are those of the last prediction, by engine; ``features`` those of the present frame, until it is
    remembered.
    """

    def __init__(self, network: AOTNetwork, schedule: Schedule, strategy: Strategy, place: AlignedGeometry) -> None:
        self._network = network
        self._schedule = schedule
        self._strategy = strategy
        self._place = place
        self._frame = 0
        self._positions: Tensor | None = None
        self.engines: list[Engine] = []
        self.features: Features | None = None
        self.logits: list[Tensor] = []

    def step(self, frame: int, image: Tensor, given: Tensor | None = None) -> Tensor:
        """Gives back the labels (height, width), int64, of frame number ``frame``.

        ``image`` is (1, 3, network height, network width); ``given`` (height, width) holds the numbers of the
        objects that enter now, 0 elsewhere; numbers go on where the last ones ended. Given pixels stand as they are.
        """
        labels = self.predict(frame, image)
        if given is None:
            self.update(labels)
            return labels
        merged = given if labels is None else torch.where(given > 0, given, labels)
        self.refer(merged, max(self.objects, int(given.max())))
        return merged

    @property
    def objects(self) -> int:
        """How many objects have entered."""
        return sum(engine.objects for engine in self.engines)

    @property
    def finite(self) -> bool:
        """False where the last prediction holds a logit that is not a number."""
        return all(bool(torch.isfinite(logits).all()) for logits in self.logits)

    def predict(self, frame: int, image: Tensor) -> Tensor | None:
        """Gives back the predicted labels (height, width) of frame number ``frame``; None before any object."""
        self._frame = frame
        self.features = self._network.encode(image)
        if not self.engines:
            self._positions = self._network.positions(self.features)
            return None
        self.logits = [engine.match(self.features, self._positions) for engine in self.engines]
        return merged_labels(self.logits, self._place.own, align_corners=self._place.align_corners)

    def refer(self, labels: Tensor, objects: int) -> None:
        """Take the present frame as a reference with ``labels`` (height, width) of ``objects`` objects.

        The features of the frame serve for that too; the official code encodes it a second time.
        """
        most = self._network.objects
        while len(self.engines) * most < objects:
            self.engines.append(Engine(self._network, self._schedule, self._strategy))
        planes = labels_to_network(labels, self._place)
        for index, engine in enumerate(self.engines):
            count = min(max(objects - index * most, 0), most)
            engine.refer(self._frame, self.features, self._positions, _own_labels(planes, index, most), count)
        self.features = None

    def update(self, labels: Tensor) -> None:
        """Remember the present frame with its predicted ``labels`` (height, width)."""
        planes = labels_to_network(labels, self._place)
        for index, engine in enumerate(self.engines):
            engine.update(self._frame, _own_labels(planes, index, self._network.objects))
        self.features = None

    def footprint(self) -> dict[str, int]:
        """Gives back the bytes of both memories; a frame that both hold counts in both."""
        return {
            "long_term": sum(kept.nbytes for engine in self.engines for kept in engine.long_term),
            "short_term": sum(kept.nbytes for engine in self.engines for kept in engine.short_term),
        }

    def inspect(self) -> dict[str, dict[str, NDArray[Any]]]:
        """Gives back, of both memories and for every token, its source frame, place, age, and engine.

        The source of MAVOS's dynamic frame is the frame fused in last.
        """
        return {
            "long_term": self._elements([engine.long_term for engine in self.engines]),
            "short_term": self._elements([engine.short_term for engine in self.engines]),
        }

    def _elements(self, banks: list[tuple[MemoryFrame, ...]]) -> dict[str, NDArray[Any]]:
        kept = [(engine, memory) for engine, bank in enumerate(banks) for memory in bank]
        tokens, columns = (kept[0][1].tokens, kept[0][1].grid[1]) if kept else (0, 1)
        y, x = token_centres(tokens, columns, self._place)
        frames = np.repeat(np.asarray([memory.frame for _, memory in kept], dtype=np.int64), tokens)
        engines = np.repeat(np.asarray([engine for engine, _ in kept], dtype=np.int64), tokens)
        return {
            "frame": frames,
            "y": np.tile(y, len(kept)),
            "x": np.tile(x, len(kept)),
            "age": self._frame - frames,
            "engine": engines,
        }


def _own_labels(labels: Tensor, engine: int, most: int) -> Tensor:
    """Gives back the labels of one engine's objects, at most ``most``, from 1; the others' are background."""
    own = labels - engine * most
    return torch.where((own >= 1) & (own <= most), own, torch.zeros_like(own))
