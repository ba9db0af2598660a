"""MobileVOS's memory: a queue of the first frame and the latest ones, written in place."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from vosbench.adapters.nn.geometry import Geometry, cell_centres
from vosbench.adapters.nn.memory_read import Store, read_memory
from vosbench.adapters.stcn.memory import as_maps, memory_rows, query_rows, tokens_of


class FrameQueue:
    """The memory frames of objects that entered together, in memory that is taken once.

    Slot 0 holds the frame they entered on, for ever. The others are a ring: each write takes the slot of the oldest
    frame there, or that of a frame that was to stay until the next write only.
    """

    def __init__(self, length: int, rows: Tensor, values: Tensor, frame: int) -> None:
        self._tokens = len(rows)
        self.rows = rows.new_empty(length * self._tokens, rows.shape[1])
        self.values = values.new_empty(length * self._tokens, values.shape[1])
        self.frames = np.full(length, frame, np.int64)
        self._length = length
        self._filled = 1
        self._slot = 0
        self._temporary = False
        self._put(0, frame, rows, values)

    def write(self, frame: int, rows: Tensor, values: Tensor, *, permanent: bool) -> None:
        """Put a frame's ``rows`` (tokens, 65) and ``values`` (tokens, objects x channels) into the ring."""
        if self._length == 1:
            return
        if not self._temporary:
            self._slot = self._slot % (self._length - 1) + 1
        self._temporary = not permanent
        self._put(self._slot, frame, rows, values)

    @property
    def length(self) -> int:
        """The tokens in use."""
        return self._filled * self._tokens

    def store(self) -> Store:
        """Gives back what is in use, to be read."""
        return Store(rows=[self.rows[: self.length]], values=[[self.values[: self.length]]])

    def sources(self) -> NDArray[np.int64]:
        """Gives back (tokens,) the frame that each token in use is from."""
        return np.repeat(self.frames[: self._filled], self._tokens)

    @property
    def nbytes(self) -> int:
        """The bytes taken, whether in use or not: all of them, from the first frame on."""
        return self.rows.nbytes + self.values.nbytes

    def _put(self, slot: int, frame: int, rows: Tensor, values: Tensor) -> None:
        here = slice(slot * self._tokens, (slot + 1) * self._tokens)
        self.rows[here], self.values[here] = rows, values
        self.frames[slot] = frame
        self._filled = max(self._filled, slot + 1)


class QueueBank:
    """A queue of ``length`` frames for every group of objects that entered together.

    Each object's own first frame stays: an object that enters later has its queue from then on, as STCN has a bank for
    each object. What a frame costs does not depend on how many came before it.
    """

    def __init__(self, length: int, *, dtype: torch.dtype = torch.float32) -> None:
        self._length = length
        self._dtype = dtype
        self._queues: list[FrameQueue] = []
        self._groups: list[int] = []
        self._columns = 1

    @property
    def sizes(self) -> list[int]:
        """The tokens that each object reads, in the order in which the objects entered."""
        return [queue.length for queue, count in zip(self._queues, self._groups, strict=True) for _ in range(count)]

    def add(self, frame: int, key: Tensor, values: Tensor, *, permanent: bool) -> None:
        """Write one frame: ``key`` (1, 64, h, w), ``values`` (objects, channels, h, w) of all objects so far.

        Objects seen for the first time begin a queue of their own with it.
        """
        self._columns = key.shape[3]
        rows = memory_rows(key, self._dtype)
        known, fresh = values.to(self._dtype).split([sum(self._groups), len(values) - sum(self._groups)])
        for queue, group in zip(self._queues, known.split(self._groups) if len(known) else (), strict=True):
            queue.write(frame, rows, tokens_of(group), permanent=permanent)
        if len(fresh):
            self._groups.append(len(fresh))
            self._queues.append(FrameQueue(self._length, rows, tokens_of(fresh), frame))

    def read(self, key: Tensor, top_k: int) -> Tensor:
        """Gives back (objects, channels, h, w) for the query ``key`` (1, 64, h, w)."""
        queries = query_rows(key, self._dtype)
        readouts = [read_memory(queries, [queue.store()], top_k)[0] for queue in self._queues]
        return as_maps(readouts, self._groups, key)

    def footprint(self) -> dict[str, int]:
        """Gives back the bytes of all queues."""
        return {"queue": sum(queue.nbytes for queue in self._queues)}

    def inspect(self, frame: int, place: Geometry) -> dict[str, dict[str, NDArray[Any]]]:
        """Gives back source frame, position and age of every element, and of which ``group`` of objects it is."""
        sources = [queue.sources() for queue in self._queues]
        frames = np.concatenate(sources) if sources else np.empty(0, np.int64)
        group = np.repeat(np.arange(len(sources)), [len(part) for part in sources])
        cells = len(self._queues[0].rows) // self._length if self._queues else 1
        y, x = cell_centres(np.arange(len(frames)) % cells, self._columns, place)
        return {"queue": {"frame": frames, "y": y, "x": x, "age": frame - frames, "group": group}}
