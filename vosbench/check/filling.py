"""Weights by rule: every tensor of a reference network from its key, its shape and a seed, without a weight file.

The rule is that of the parity fixtures (``parity/networks/README.md``, "Weight-filling rule"). It draws raw 64 bit
words only, so it does not depend on how NumPy makes distributions of them.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vosbench.errors import AdapterError


@dataclass(frozen=True, slots=True, kw_only=True)
class Override:
    """What is done to the tensor ``key`` after filling: centre its rows, then ``value * mul + add``.

    ``columns`` (a, b) limits it to the columns a to b - 1 of dimension 1.
    """

    key: str
    mul: float
    add: float
    center: bool = False
    columns: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class WeightRule:
    """A fixture's weights: called with a state dict's key and a shape it gives that tensor.

    ``checksums`` are CRC-32 of the little-endian float32 bytes of some tensors, ``where`` the fixture's file.
    """

    seed: int
    gain2: float
    overrides: tuple[Override, ...] = ()
    checksums: Mapping[str, int]
    where: str = ""

    def __call__(self, key: str, shape: tuple[int, ...]) -> NDArray[np.float32]:
        """Gives back the tensor ``key`` (``shape``, float32).

        Raises `AdapterError` where the fixture knows its checksum and this tensor has another.
        """
        values = fill(key, tuple(shape), seed=self.seed, gain2=self.gain2)
        for override in self.overrides:
            if override.key == key:
                values = _overridden(values, override)
        tensor = np.ascontiguousarray(values, dtype="<f4")
        expected = self.checksums.get(key)
        if expected is not None and zlib.crc32(tensor.tobytes()) != expected:
            raise AdapterError(
                f"the tensor {key} of shape {tuple(shape)} has another checksum than the fixture's",
                where=self.where,
                fix="the reference's tensor of this name has another shape, or the fixture's file is damaged",
            )
        return tensor


def fill(key: str, shape: tuple[int, ...], *, seed: int, gain2: float) -> NDArray[np.float64]:
    """Gives back a tensor in float64, before overrides: steps 1 to 4 of the rule."""
    sequence = np.random.SeedSequence([seed, zlib.crc32(key.encode("utf-8"))])
    bits = np.random.PCG64(sequence).random_raw(math.prod(shape))
    uniform = (np.asarray(bits, np.uint64) >> np.uint64(11)).astype(np.float64) * 2.0**-53
    spread = (2.0 * uniform - 1.0) * math.sqrt(3.0)
    last = key.rpartition(".")[2]
    if last == "running_mean":
        values = 0.1 * spread
    elif last == "running_var":
        values = 1.0 + 0.2 * uniform
    elif len(shape) <= 1:
        values = 1.0 + 0.1 * spread if last == "weight" else 0.1 * spread
    else:
        values = math.sqrt(gain2 / math.prod(shape[1:])) * spread
    return np.asarray(values.reshape(shape), np.float64)


def _overridden(values: NDArray[np.float64], override: Override) -> NDArray[np.float64]:
    values = values.copy()
    if override.center:
        rows = values.reshape(len(values), -1)
        values = (rows - rows.mean(axis=1, keepdims=True)).reshape(values.shape)
    if override.columns is None:
        return values * override.mul + override.add
    first, stop = override.columns
    values[:, first:stop] = values[:, first:stop] * override.mul + override.add
    return values
