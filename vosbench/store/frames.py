"""The per-frame series of a cell as ``frames.parquet``: a column per meter, bank and trace."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vosbench.errors import StoreError
from vosbench.store.atomic import write_whole

FOOTPRINT = "footprint."
TRACE = "trace."


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FrameSeries:
    """Columns over the answered frames; float64 with NaN where a value was not measured.

    ``columns`` holds ``seconds`` (not measured on frames that a camera in real time dropped), ``core_seconds``, bytes
    (``live``, ``held``, ``resident``, ``peak_resident``, ``allocated``, ``reserved``, ``peak_allocated``,
    ``peak_reserved``, ``process``), ``footprint.<bank>`` in bytes and ``trace.<name>``.
    """

    names: tuple[str, ...]
    columns: Mapping[str, NDArray[np.float64]]

    def banks(self) -> dict[str, NDArray[np.float64]]:
        """Gives back the bytes of each bank, by the bank's name."""
        return {k.removeprefix(FOOTPRINT): v for k, v in self.columns.items() if k.startswith(FOOTPRINT)}


def write_frames(path: Path, names: Sequence[str], columns: Mapping[str, Sequence[float | None]]) -> None:
    """Write the series; None stands for "not measured"."""
    write_whole(path, _parquet(names, columns))


def settle_writer() -> None:
    """Load and run the writer once: some 50 MiB that belong to no method must not look like its second video's."""
    _parquet(["settle"], {"seconds": [0.0]})


def _parquet(names: Sequence[str], columns: Mapping[str, Sequence[float | None]]) -> bytes:
    import pyarrow
    import pyarrow.parquet

    table = pyarrow.table(
        {"name": pyarrow.array(names, pyarrow.string())}
        | {key: pyarrow.array(values, pyarrow.float64()) for key, values in columns.items()}
    )
    buffer = io.BytesIO()
    pyarrow.parquet.write_table(table, buffer)
    return buffer.getvalue()


def read_frames(path: Path) -> FrameSeries:
    """Gives back the series of a cell. Raises `StoreError` for a file that is missing or torn."""
    import pyarrow
    import pyarrow.parquet

    try:
        table = pyarrow.parquet.read_table(path)
    except (OSError, pyarrow.ArrowException) as error:
        raise StoreError(
            f"the frame series cannot be read: {error}", where=str(path), fix="delete the cell's folder and run again"
        ) from error
    columns: dict[str, NDArray[np.float64]] = {}
    for key in table.column_names:
        if key != "name":
            columns[key] = np.asarray(table[key].to_numpy(zero_copy_only=False), dtype=np.float64)
    names: list[Any] = table["name"].to_pylist()
    return FrameSeries(names=tuple(str(name) for name in names), columns=columns)
