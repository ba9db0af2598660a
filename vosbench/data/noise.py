"""Videos of random frames, for suites that measure speed and memory only: no files, any frame at any time."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from vosbench.types import Image, LabelMap


@dataclass(frozen=True, slots=True, kw_only=True)
class NoiseVideo:
    """A video of uniformly random frames whose first frame prompts ``objects`` ellipses; sizes in pixels.

    MobileVOS measures its table 4 on "randomly generated short and long video sequences with shape 480 x 910". What
    the frames show changes no network's time; how many there are, and how many objects, does.
    """

    frames: int
    objects: int
    height: int
    width: int

    @property
    def name(self) -> str:
        """The video's name: ``frames-500-objects-8``."""
        return f"frames-{self.frames}-objects-{self.objects}"

    def image(self, index: int) -> Image:
        """Gives back frame ``index``: (height, width, 3), uint8, RGB. It depends on the index and the size only."""
        generator = np.random.default_rng([index, self.height, self.width])
        return generator.integers(0, 256, (self.height, self.width, 3), np.uint8)

    def mask(self) -> LabelMap:
        """Gives back the first frame's objects 1 to ``objects``, each in a tile of its own: (height, width), uint8."""
        columns = int(np.ceil(np.sqrt(self.objects)))
        lines = -(-self.objects // columns)
        labels = np.zeros((self.height, self.width), np.uint8)
        y, x = np.mgrid[: self.height, : self.width]
        for number in range(self.objects):
            line, column = divmod(number, columns)
            down = (y + 0.5) * lines / self.height - line - 0.5
            across = (x + 0.5) * columns / self.width - column - 0.5
            labels[down**2 + across**2 < 0.35**2] = number + 1
        return labels
