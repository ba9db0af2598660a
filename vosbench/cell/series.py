"""The per-frame series of a cell while it runs."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from vosbench.session import FrameRow
from vosbench.store.frames import FOOTPRINT, TRACE, write_frames


class Series:
    """Collects the frames' columns in arrays made beforehand, so that recording does not look like growth."""

    def __init__(self, frames: int) -> None:
        self._length = frames
        self._count = 0
        self._names = [""] * frames
        self._columns: dict[str, NDArray[np.float64]] = {}

    def add(self, row: FrameRow) -> None:
        """Keep one frame's measurements."""
        self._names[self._count] = row.name
        for key, value in _values(row).items():
            if key not in self._columns:
                self._columns[key] = np.full(self._length, np.nan)
            if value is not None:
                self._columns[key][self._count] = value
        self._count += 1

    def column(self, key: str) -> NDArray[np.float64]:
        """Gives back a column over the frames so far, NaN where not measured."""
        return self._columns.get(key, np.full(self._length, np.nan))[: self._count]

    def write(self, path: Path) -> None:
        """Write ``frames.parquet``."""
        columns = {key: [None if np.isnan(v) else float(v) for v in self.column(key)] for key in self._columns}
        write_frames(path, self._names[: self._count], columns)


def _values(row: FrameRow) -> Mapping[str, float | None]:
    memory = row.memory
    return {
        "seconds": None if row.dropped else row.seconds,
        "core_seconds": row.core_seconds,
        "live": memory.host.live,
        "held": memory.host.held,
        "resident": memory.host.resident,
        "peak_resident": memory.host.peak_resident,
        "allocated": memory.allocated,
        "reserved": memory.reserved,
        "peak_allocated": memory.peak_allocated,
        "peak_reserved": memory.peak_reserved,
        "process": memory.process,
        **{FOOTPRINT + bank: size for bank, size in row.footprint.items()},
        **{TRACE + name: value for name, value in row.trace.items()},
    }
