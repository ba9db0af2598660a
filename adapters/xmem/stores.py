"""XMem's two feature memories: what a column is, and what is kept of it."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from vosbench.adapters.nn.geometry import Geometry, cell_centres
from vosbench.adapters.nn.memory_read import Store
from vosbench.adapters.nn.tokens import TokenTable, nbytes
from vosbench.adapters.xmem.similarity import KEY_CHANNELS, ROW_CHANNELS

BORN = 1e-7
"""The life of a new column, so that its usage is 0 and not 0 / 0 (official ``KeyValueMemoryStore``)."""


class FeatureStore:
    """Columns in the order of writing: a similarity row, counters and an origin each, values per object group.

    A group's values belong to the last columns (a group that came late has no values for earlier ones); group 0 has
    them for all. ``selection`` is there where columns may become prototypes.
    """

    def __init__(self, *, with_selection: bool, device: torch.device, dtype: torch.dtype) -> None:
        self._device = device
        self._dtype = dtype
        self.rows = TokenTable(ROW_CHANNELS, device=device, dtype=dtype)
        self.selection = TokenTable(KEY_CHANNELS, device=device, dtype=dtype) if with_selection else None
        self.values: list[TokenTable] = []
        self.use = torch.zeros(0, device=device, dtype=dtype)
        self.life = torch.zeros(0, device=device, dtype=dtype)
        self.frames: NDArray[np.int64] = np.zeros(0, np.int64)
        self.positions: NDArray[np.int64] = np.zeros(0, np.int64)

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def value_sizes(self) -> list[int]:
        """The columns with values of each group."""
        return [len(table) for table in self.values]

    @property
    def usage(self) -> Tensor:
        """(columns): the affinity that a column got per frame of its life."""
        return self.use / self.life

    @property
    def nbytes(self) -> int:
        """The bytes in use of everything that is kept per column."""
        tables = [self.rows, *self.values, *([] if self.selection is None else [self.selection])]
        counters = self.use.nbytes + self.life.nbytes + self.frames.nbytes + self.positions.nbytes
        return nbytes(tables) + counters

    def add_columns(
        self, rows: Tensor, selection: Tensor | None, frames: NDArray[np.int64], positions: NDArray[np.int64]
    ) -> None:
        """Append columns (tokens, 129) with their selection (tokens, 64), never read so far."""
        self.rows.append(rows)
        if self.selection is not None and selection is not None:
            self.selection.append(selection)
        fresh = self.use.new_zeros(len(rows))
        self.use = torch.cat([self.use, fresh])
        self.life = torch.cat([self.life, fresh + BORN])
        self.frames = np.concatenate([self.frames, frames])
        self.positions = np.concatenate([self.positions, positions])

    def add_values(self, group: int, values: Tensor) -> None:
        """Append values (tokens, objects x channels) of ``group``, which may be the next new one."""
        if group == len(self.values):
            self.values.append(TokenTable(values.shape[1], device=self._device, dtype=self._dtype))
        self.values[group].append(values)

    def keep_columns(self, index: Tensor) -> None:
        """Forget all columns but those of ``index``, ascending; values are kept group by group."""
        self.rows.keep(index)
        if self.selection is not None:
            self.selection.keep(index)
        self.use, self.life = self.use[index], self.life[index]
        host = index.cpu().numpy()
        self.frames, self.positions = self.frames[host], self.positions[host]

    def keep(self, index: Tensor) -> None:
        """Forget all columns but those of ``index``, ascending, and every group's values of the forgotten ones."""
        for table in self.values:
            skipped = len(self) - len(table)
            table.keep(index[index >= skipped] - skipped)
        self.keep_columns(index)

    def part(self, groups: int, *, usage: bool) -> Store:
        """Gives back this store's part in a read for ``groups`` groups; with ``usage`` its counters take part."""
        values = [self.values[group].pages() if group < len(self.values) else () for group in range(groups)]
        return Store(rows=self.rows.pages(), values=values, usage=self.use if usage else None)

    def inspect(self, frame: int, columns: int, place: Geometry) -> dict[str, NDArray[Any]]:
        """Gives back source frame, position, age and usage of every column; ``columns`` is the grid's width."""
        y, x = cell_centres(self.positions, columns, place)
        usage = self.usage.cpu().numpy()
        return {"frame": self.frames, "y": y, "x": x, "age": frame - self.frames, "usage": usage}


class SensoryMemory:
    """The hidden state of every object (objects, hidden, h, w), or nothing without sensory memory."""

    def __init__(self, channels: int, *, device: torch.device, dtype: torch.dtype) -> None:
        self._channels = channels
        self._device = device
        self._dtype = dtype
        self.hidden: Tensor | None = None

    @property
    def nbytes(self) -> int:
        """The bytes of the hidden states."""
        return 0 if self.hidden is None else self.hidden.nbytes

    def add_objects(self, count: int, height: int, width: int) -> None:
        """Append zeros for objects that enter."""
        if not self._channels:
            return
        fresh = torch.zeros(count, self._channels, height, width, device=self._device, dtype=self._dtype)
        self.hidden = fresh if self.hidden is None else torch.cat([self.hidden, fresh])

    def update(self, hidden: Tensor | None) -> None:
        """Replace the hidden states."""
        if hidden is not None:
            self.hidden = hidden.to(self._dtype)


def group_planes(readout: Tensor, objects: int, height: int, width: int) -> Tensor:
    """Gives back (objects, channels, height, width) from a group's readout (tokens, objects x channels)."""
    return readout.view(height, width, objects, -1).permute(2, 3, 0, 1)
