"""XMem without working memory: long-term memory cannot be filled either, and the sensory memory is all (table 4)."""

from __future__ import annotations

from typing import Any

import torch
from numpy.typing import NDArray
from torch import Tensor

from vosbench.adapters.nn.geometry import Geometry
from vosbench.adapters.xmem.network import ImageFeatures
from vosbench.adapters.xmem.stores import SensoryMemory


class SensoryOnly:
    """Reads zeros, and of what is written keeps only how many objects and channels there are."""

    def __init__(self, hidden_dim: int, *, device: torch.device, dtype: torch.dtype) -> None:
        self.sensory = SensoryMemory(hidden_dim, device=device, dtype=dtype)
        self.events: tuple[()] = ()
        self._nothing = torch.zeros(0, 0, 1, 1, device=device, dtype=dtype)

    def read(self, features: ImageFeatures) -> Tensor:
        """Gives back zeros (objects, 512, h, w)."""
        planes = self._nothing.expand(-1, -1, *features.key.shape[2:])
        return planes.contiguous(memory_format=torch.channels_last)

    def write(self, frame: int, features: ImageFeatures, values: Tensor) -> None:  # noqa: ARG002 - as `Memory.write`
        """Keep nothing of the memory frame."""
        self._nothing = self._nothing.new_zeros(*values.shape[:2], 1, 1)

    def footprint(self) -> dict[str, int]:
        """Gives back the bytes of the sensory memory."""
        return {"sensory": self.sensory.nbytes}

    def inspect(self, frame: int, place: Geometry) -> dict[str, dict[str, NDArray[Any]]]:  # noqa: ARG002 - likewise
        """Gives back nothing: a hidden state has no source frames."""
        return {}
