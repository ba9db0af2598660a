"""XMem's memory as a whole: what is written where, and how it is read (section 3, official ``MemoryManager``)."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from vosbench.adapters.nn.geometry import Geometry
from vosbench.adapters.nn.memory_read import read_memory
from vosbench.adapters.xmem.consolidation import Consolidation, Eviction, consolidate, evict
from vosbench.adapters.xmem.network import ImageFeatures
from vosbench.adapters.xmem.prototypes import selection_rule
from vosbench.adapters.xmem.settings import XMemSettings
from vosbench.adapters.xmem.similarity import memory_rows, query_columns, tokens_of
from vosbench.adapters.xmem.stores import FeatureStore, SensoryMemory, group_planes
from vosbench.adapters.xmem.window import keep_window

Event = Consolidation | Eviction


class Memory:
    """Sensory, working and long-term memory of one video.

    Objects that are first written together form a group. ``seed`` draws random prototypes. ``events`` are what the last
    write did beside writing.
    """

    def __init__(
        self, settings: XMemSettings, *, device: torch.device, dtype: torch.dtype = torch.float32, seed: int = 0
    ) -> None:
        self._settings = settings
        self._select = selection_rule(settings.prototype_selection, torch.Generator().manual_seed(seed))
        self._dtype = dtype
        self.sensory = SensoryMemory(settings.hidden_dim, device=device, dtype=dtype)
        self.working = FeatureStore(with_selection=settings.enable_long_term, device=device, dtype=dtype)
        self.long_term = FeatureStore(with_selection=False, device=device, dtype=dtype)
        self.events: tuple[Event, ...] = ()
        self._groups: list[int] = []
        self._references: list[int] = []
        self._grid = (0, 0)

    def read(self, features: ImageFeatures) -> Tensor:
        """Gives back (objects, channels, h, w), and counts the usage of what was read."""
        queries = query_columns(*(tokens_of(part).to(self._dtype) for part in (features.key, features.selection)))
        counts = self._settings.enable_long_term
        counts_long_term = counts and self._settings.enable_long_term_count_usage
        stores = [self.working.part(len(self._groups), usage=counts)]
        if len(self.long_term):
            stores.insert(0, self.long_term.part(len(self._groups), usage=counts_long_term))
        readouts = read_memory(queries, stores, self._settings.top_k)
        if counts:
            self.working.life += 1
        if counts_long_term:
            self.long_term.life += 1
        height, width = features.key.shape[2:]
        groups = zip(readouts, self._groups, strict=True)
        planes = torch.cat([group_planes(readout, objects, height, width) for readout, objects in groups])
        return planes.contiguous(memory_format=torch.channels_last)

    def write(self, frame: int, features: ImageFeatures, values: Tensor) -> None:
        """Write a memory frame: ``values`` (objects, channels, h, w) of all objects so far; consolidate where full."""
        self._grid = (features.key.shape[2], features.key.shape[3])
        key, shrinkage, selection = (
            tokens_of(part).to(self._dtype) for part in (features.key, features.shrinkage, features.selection)
        )
        cells = len(key)
        self.working.add_columns(
            memory_rows(key, shrinkage), selection, np.full(cells, frame, np.int64), np.arange(cells)
        )
        fresh = len(values) - sum(self._groups)
        if fresh:
            self._groups.append(fresh)
            self._references.append(frame)
        for group, part in enumerate(values.split(self._groups)):
            self.working.add_values(group, tokens_of(part).to(self._dtype))
        self.events = tuple(self._make_room(cells))

    def footprint(self) -> dict[str, int]:
        """Gives back the bytes in use of each memory."""
        return {
            "sensory": self.sensory.nbytes,
            "working": self.working.nbytes,
            "long_term": self.long_term.nbytes,
        }

    def inspect(self, frame: int, place: Geometry) -> dict[str, dict[str, NDArray[Any]]]:
        """Gives back what working and long-term memory keep; a prototype's origin is the candidate it was."""
        width = max(self._grid[1], 1)
        return {
            "working": self.working.inspect(frame, width, place),
            "long_term": self.long_term.inspect(frame, width, place),
        }

    def _make_room(self, cells: int) -> list[Event]:
        settings = self._settings
        if settings.max_memory_frames:
            keep_window(self.working, frames=settings.max_memory_frames, cells=cells, references=self._references)
        if not settings.enable_long_term or len(self.working) < settings.max_mid_term_frames * cells:
            return []
        events: list[Event] = []
        target = max(0, settings.max_long_term_elements - settings.num_prototypes)
        # The official code asks for "at least" and ends with an error where nothing is too much.
        if len(self.long_term) > target:
            events.append(evict(self.long_term, target=target, by_usage=settings.enable_long_term_count_usage))
        events.append(
            consolidate(
                self.working,
                self.long_term,
                first_frame=cells,
                remaining=settings.min_mid_term_frames * cells,
                prototypes=settings.num_prototypes,
                select=self._select,
                potentiation=settings.potentiation,
            )
        )
        return events
