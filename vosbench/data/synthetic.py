"""Synthetic videos with exact masks, drawn frame by frame from a short description and a seed.

Frame t is computed alone, from the `Scene` and t: a video of 100,000 frames streams in constant memory, and any
frame can be asked for first. What is guaranteed:

- Label maps are exact (they are the outlines that the picture is painted from; the front object wins) and the same
  bytes on every machine: their geometry uses only operations that IEEE 754 rounds in one way, and OpenCV fills them
  in fixed-point arithmetic (a version of OpenCV that filled polygons by another rule would move borders by a pixel).
- Images are the same bytes for the same versions of NumPy and OpenCV on the same kind of processor; elsewhere they
  may differ by a grey value here and there, because both choose their arithmetic by processor.
"""

from __future__ import annotations

import cv2
import numpy as np

from vosbench.data.synthetic_render import paint_background, paint_figure, paint_labels
from vosbench.data.synthetic_scene import Absence, Scene
from vosbench.data.synthetic_shapes import family_names
from vosbench.data.synthetic_stage import Shot, Stage, object_family
from vosbench.data.synthetic_textures import background
from vosbench.data.synthetic_waves import generator
from vosbench.errors import UsageError
from vosbench.types import Image, LabelMap, Prompt

__all__ = ["Absence", "Scene", "SyntheticVideo"]

_CANVAS = 1.5
"""A background is 1.5 times as high and wide as the picture, so that the camera can pan over it."""

_CANVASES_KEPT = 2
"""So many shots keep their background in memory, whatever the number of cuts."""

_GRAIN_MARGIN = 64
"""The tile of sensor noise is that much larger than the picture and is shifted by frame."""


class SyntheticVideo:
    """Gives any frame of a `Scene`. Keeps the objects' textures and two backgrounds, whatever the length."""

    def __init__(self, scene: Scene) -> None:
        self.scene = scene
        self._stage = Stage(scene)
        self._canvases: dict[int, Image] = {}
        self._grain: Image | None = None

    def __len__(self) -> int:
        return self.scene.length

    def category(self, number: int) -> str:
        """Gives back what object ``number`` is: a name among `vosbench.data.synthetic_shapes.family_names`."""
        return family_names()[object_family(self.scene, number)]

    def frame(self, index: int) -> Image:
        """Gives back the picture (height, width, 3) uint8 RGB of frame ``index``."""
        self._check(index)
        scene, shot = self.scene, self._stage.shot(index)
        time = float(index - shot.start)
        picture = paint_background(
            self._canvas(shot.number),
            scene.height,
            scene.width,
            shift=shot.camera.shift(time, scene.width),
            zoom=1.1 + 0.1 * shot.camera.zoom.at(time),
            roll=0.006 * shot.camera.roll.at(time),
        )
        for figure in self._stage.figures(index):
            paint_figure(picture, figure)
        return self._exposed(picture, shot, index)

    def labels(self, index: int) -> LabelMap:
        """Gives back the exact label map (height, width) of frame ``index``: object numbers, 0 elsewhere.

        It is uint8, or uint16 in scenes of more than 255 objects.
        """
        self._check(index)
        dtype = np.uint8 if self.scene.objects < 256 else np.uint16
        return paint_labels(self._stage.figures(index), self.scene.height, self.scene.width).astype(dtype, copy=False)

    def prompts(self, minimum_pixels: int | None = None) -> dict[int, Prompt]:
        """Gives back the prompts by frame: every object at the first frame that shows enough of it.

        Enough is ``minimum_pixels``, by default 1/2000 of the picture and at least one pixel. An object that is
        never seen has no prompt. A mask holds the entering objects alone, as `vosbench.types.Prompt` wants it.
        """
        scene = self.scene
        enough = minimum_pixels or max(1, scene.height * scene.width // 2000)
        waiting = {number: scene.entry(number) for number in range(1, scene.objects + 1)}
        found: dict[int, Prompt] = {}
        index = 0
        while waiting and (index := max(index, min(waiting.values()))) < scene.length:
            labels = self.labels(index)
            areas = np.bincount(labels.reshape(-1), minlength=scene.objects + 1)
            ids = tuple(number for number in waiting if areas[number] >= enough)
            if ids:
                found[index] = Prompt(ids=ids, mask=labels * np.isin(labels, ids))
            waiting = {number: entry for number, entry in waiting.items() if number not in ids}
            index += 1
        return found

    def _check(self, index: int) -> None:
        if not 0 <= index < self.scene.length:
            raise UsageError(
                f"frame {index} does not exist",
                where=f"synthetic video {self.scene.id}",
                fix=f"ask for frames 0 to {self.scene.length - 1}",
            )

    def _canvas(self, number: int) -> Image:
        """Gives back the scenery of a shot, larger than the picture."""
        if number not in self._canvases:
            while len(self._canvases) >= _CANVASES_KEPT:
                self._canvases.pop(next(iter(self._canvases)))
            height, width = (max(16, round(_CANVAS * side)) for side in (self.scene.height, self.scene.width))
            self._canvases[number] = background(generator(self.scene.seed, "scenery", number), height, width)
        return self._canvases[number]

    def _exposed(self, picture: Image, shot: Shot, index: int) -> Image:
        """Gives back the picture as the camera took it: its light, focus and noise."""
        scene, time = self.scene, float(index - shot.start)
        bright = 1.0 + 0.16 * scene.light * shot.brightness.at(time)
        warm = 0.07 * scene.light * shot.warmth.at(time)
        gains = np.array([bright * (1.0 + warm), bright, bright * (1.0 - warm)])
        table = np.clip(np.arange(256)[:, None] * gains[None, :] - _grain_mean(scene), 0.0, 255.0).astype(np.uint8)
        picture = np.asarray(cv2.LUT(picture, table[:, None, :]), np.uint8)
        sigma = 1.8 * scene.blur * (shot.focus.at(time) - 0.35) * min(scene.height, scene.width) / 480.0
        if sigma > 0.25:
            picture = np.asarray(cv2.GaussianBlur(picture, (0, 0), sigma), np.uint8)
        return self._grained(picture, index) if scene.noise else picture

    def _grained(self, picture: Image, index: int) -> Image:
        if self._grain is None:
            self._grain = _draw_grain(self.scene)
        dx, dy = (int(part) for part in generator(self.scene.seed, "grain", index).random(2) * _GRAIN_MARGIN)
        tile = self._grain[dy : dy + self.scene.height, dx : dx + self.scene.width]
        return np.asarray(cv2.add(picture, tile), np.uint8)


def _grain_mean(scene: Scene) -> float:
    """Gives back the mean of the noise, which the picture is darkened by beforehand: cv2 adds without a sign."""
    return float(round(8.0 * scene.noise))


def _draw_grain(scene: Scene) -> Image:
    """Gives back sensor noise (height + margin, width + margin, 3), about `_grain_mean`, nearly normal."""
    random = generator(scene.seed, "grain")
    size = (scene.height + _GRAIN_MARGIN, scene.width + _GRAIN_MARGIN, 3)
    spread = random.random(size, np.float32) + random.random(size, np.float32) - np.float32(1.0)
    grain: Image = np.clip(_grain_mean(scene) + 8.0 * scene.noise * spread, 0.0, 255.0).astype(np.uint8)
    return grain
