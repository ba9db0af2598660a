"""STCN's memory bank: keys of every memory frame once, values per group of objects that entered together."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from vosbench.adapters.nn.geometry import Geometry, cell_centres
from vosbench.adapters.nn.memory_read import Store, read_memory
from vosbench.adapters.nn.tokens import TokenTable, nbytes
from vosbench.adapters.stcn.network import KEY_CHANNELS

SCALE = KEY_CHANNELS**0.5


class Bank(Protocol):
    """What `STCNInference` writes memory frames to and reads them from."""

    @property
    def sizes(self) -> list[int]:
        """The tokens that each object reads, in the order in which the objects entered."""

    def add(self, frame: int, key: Tensor, values: Tensor, *, permanent: bool) -> None:
        """Write one frame: ``key`` (1, 64, h, w), ``values`` (objects, channels, h, w) of all objects so far.

        A frame that is not ``permanent`` is there until the next write only.
        """

    def read(self, key: Tensor, top_k: int) -> Tensor:
        """Gives back (objects, channels, h, w) for the query ``key`` (1, 64, h, w)."""

    def footprint(self) -> dict[str, int]:
        """Gives back bytes."""

    def inspect(self, frame: int, place: Geometry) -> dict[str, dict[str, NDArray[Any]]]:
        """Gives back what the bank keeps, seen from frame number ``frame``."""


class MemoryBank:
    """Every memory frame for ever, and at most one frame that is only there until the next write.

    The official code keeps a bank per object. Objects that entered together have equal banks, and a later object's
    bank holds the last frames of an earlier one's, so keys are kept once and values per group, aligned at the end.
    """

    def __init__(self, *, device: torch.device, dtype: torch.dtype = torch.float32) -> None:
        self._device = device
        self._dtype = dtype
        self._rows = TokenTable(KEY_CHANNELS + 1, device=device, dtype=dtype)
        self._values: list[TokenTable] = []
        self._groups: list[int] = []
        self._frames: list[int] = []
        self._grid = (0, 0)
        self._temporary = False

    @property
    def sizes(self) -> list[int]:
        """The tokens of every object's bank, in the order in which the objects entered."""
        return [len(table) for table, count in zip(self._values, self._groups, strict=True) for _ in range(count)]

    def add(self, frame: int, key: Tensor, values: Tensor, *, permanent: bool) -> None:
        """Write one frame: ``key`` (1, 64, h, w), ``values`` (objects, channels, h, w) of all objects so far.

        Every write first empties the slot of the temporary frame (official ``MemoryBank.add_memory``); objects seen
        for the first time make a new group.
        """
        self._drop_temporary()
        self._grid = (key.shape[2], key.shape[3])
        self._rows.append(memory_rows(key, self._dtype))
        fresh = len(values) - sum(self._groups)
        if fresh:
            self._groups.append(fresh)
            self._values.append(TokenTable(fresh * values.shape[1], device=self._device, dtype=self._dtype))
        for table, group in zip(self._values, values.split(self._groups), strict=True):
            table.append(tokens_of(group))
        self._frames.append(frame)
        self._temporary = not permanent

    def read(self, key: Tensor, top_k: int) -> Tensor:
        """Gives back (objects, channels, h, w) for the query ``key`` (1, 64, h, w)."""
        store = Store(rows=self._rows.pages(), values=[table.pages() for table in self._values])
        readouts = read_memory(query_rows(key, self._dtype), [store], top_k)
        return as_maps(readouts, self._groups, key)

    def footprint(self) -> dict[str, int]:
        """Gives back the bytes in use."""
        return {"bank": nbytes([self._rows, *self._values])}

    def inspect(self, frame: int, place: Geometry) -> dict[str, dict[str, NDArray[Any]]]:
        """Gives back source frame, position and age of every element; STCN counts no usage."""
        height, width = self._grid
        positions = np.tile(np.arange(height * width), len(self._frames))
        frames = np.repeat(np.asarray(self._frames, dtype=np.int64), height * width)
        y, x = cell_centres(positions, max(width, 1), place)
        return {"bank": {"frame": frames, "y": y, "x": x, "age": frame - frames}}

    def _drop_temporary(self) -> None:
        if not self._temporary:
            return
        count = self._grid[0] * self._grid[1]
        for table in (self._rows, *self._values):
            table.drop_last(count)
        self._frames.pop()
        self._temporary = False


def memory_rows(key: Tensor, dtype: torch.dtype) -> Tensor:
    """Gives back (h w, 65) of ``key`` (1, 64, h, w): what a query's row is multiplied with.

    A key m is kept as the row [2 m, -|m|^2] / 8, so that its product with a query [q, 1] is the similarity
    (2 m q - |m|^2) / sqrt(64): the negative squared distance, up to a constant of the query.
    """
    tokens = tokens_of(key).to(dtype)
    squares = (tokens * tokens).sum(1, keepdim=True)
    return torch.cat([2 * tokens, -squares], dim=1) / SCALE


def query_rows(key: Tensor, dtype: torch.dtype) -> Tensor:
    """Gives back (h w, 65) of ``key`` (1, 64, h, w); see `memory_rows`."""
    tokens = tokens_of(key).to(dtype)
    return torch.cat([tokens, tokens.new_ones(len(tokens), 1)], dim=1)


def tokens_of(features: Tensor) -> Tensor:
    """Gives back (h w, objects x channels) of (objects, channels, h, w)."""
    objects, channels, height, width = features.shape
    return features.permute(2, 3, 0, 1).reshape(height * width, objects * channels)


def as_maps(readouts: Sequence[Tensor], groups: Sequence[int], key: Tensor) -> Tensor:
    """Gives back (objects, channels, h, w), channels last, of readouts (h w, objects x channels) of each group.

    ``groups`` are their numbers of objects, ``key`` (1, 64, h, w) is what was read for.
    """
    height, width = key.shape[2:]
    planes = [
        part.view(height, width, count, -1).permute(2, 3, 0, 1) for part, count in zip(readouts, groups, strict=True)
    ]
    return torch.cat(planes).contiguous(memory_format=torch.channels_last)
