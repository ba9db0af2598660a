"""What a network sees of a frame beside the frame itself: enlarged and mirrored, for averaged probabilities."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from vosbench.contract import Runtime


@dataclass(frozen=True, slots=True, kw_only=True)
class Augmentation:
    """One way to see the frames of a video: enlarged by ``scale``, mirrored left to right with ``flip``.

    Each has a memory of its own over the whole video, as in the evaluators of XMem and AOT.
    """

    scale: float = 1.0
    flip: bool = False

    def see(self, pixels: NDArray[Any]) -> NDArray[Any]:
        """Gives back ``pixels`` (height, width, ...), mirrored where this one is; the scale is the geometry's."""
        return np.ascontiguousarray(pixels[:, ::-1]) if self.flip else pixels

    def unsee(self, planes: Tensor) -> Tensor:
        """Gives back ``planes`` (channels, height, width) at the frame's own size, mirrored back."""
        return planes.flip(-1) if self.flip else planes


def augmentations(runtime: Runtime) -> tuple[Augmentation, ...]:
    """Gives back what ``runtime`` asks for: each scale, then each scale mirrored; the frame as it is where nothing."""
    flips = (False, True) if runtime.flip else (False,)
    return tuple(Augmentation(scale=scale, flip=flip) for flip in flips for scale in runtime.scales)


def scaled(size: int, scale: float, height: int, width: int) -> int:
    """Gives back the shorter side that the network sees: ``size``, or the frame's own where that is -1, enlarged."""
    if scale == 1.0:
        return size
    return round((size if size > 0 else min(height, width)) * scale)
