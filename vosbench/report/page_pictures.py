"""Small pictures for the report page: JPEG files as data URIs, in rows of one method over chosen frames."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from vosbench.types import Image, LabelMap

WIDTH = 320
"""Pixels: the largest width of a picture."""

QUALITY = 80

MOST_BYTES = 8 << 20
"""What all pictures of a page may take together; what would go beyond is left out, and the page says so."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """One picture: a JPEG as a data URI, (height, width) in pixels, and what it shows in words."""

    uri: str
    height: int
    width: int
    words: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """The pictures of one method, or of the truth, over the chosen frames; None where there is none."""

    label: str
    pictures: tuple[Picture | None, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """One video: its frames, and rows of pictures for the truth and for each method."""

    suite: str
    video: str
    why: str
    frames: tuple[str, ...]
    rows: tuple[Row, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """What is shown: times as shares of a video in [0, 1], how many videos of a suite, or which, and methods."""

    times: tuple[float, ...] = (0.1, 0.5, 0.95)
    videos: tuple[str, ...] = ()
    most_videos: int = 2
    most_methods: int = 6


class Budget:
    """Bytes that pictures may still take."""

    def __init__(self, most: int = MOST_BYTES) -> None:
        self._left = most
        self.refused = 0

    def takes(self, size: int) -> bool:
        """Tells whether a picture of ``size`` bytes still fits, and counts it."""
        if size > self._left:
            self.refused += 1
            return False
        self._left -= size
        return True


def nearest_place(places: Sequence[int], wanted: float) -> int:
    """Gives back the frame of ``places`` that is nearest to ``wanted``."""
    return min(places, key=lambda place: abs(place - wanted))


def small_size(height: int, width: int) -> tuple[int, int]:
    """Gives back width and height of a picture, as OpenCV wants them."""
    scale = min(1.0, WIDTH / width)
    return max(1, round(width * scale)), max(1, round(height * scale))


def small_image(image: Image) -> Image:
    """Gives back an image as large as the pictures are, (height, width, 3)."""
    import cv2

    small: Image = cv2.resize(image, small_size(*image.shape[:2]), interpolation=cv2.INTER_AREA).astype(np.uint8)
    return small


def small_labels(labels: LabelMap) -> LabelMap:
    """Gives back labels as large as the pictures are, (height, width): of the nearest pixel, never a mixture."""
    width, height = small_size(*labels.shape)
    rows = (np.arange(height) * labels.shape[0] + labels.shape[0] // 2) // height
    columns = (np.arange(width) * labels.shape[1] + labels.shape[1] // 2) // width
    small: LabelMap = labels[np.minimum(rows, labels.shape[0] - 1)][:, np.minimum(columns, labels.shape[1] - 1)]
    return small


def picture(image: Image, words: str, budget: Budget) -> Picture | None:
    """Gives back an image (height, width, 3) as a picture of ``words``; None where the page has no room left."""
    import cv2

    _, data = cv2.imencode(".jpg", cv2.cvtColor(image, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, QUALITY])
    if not budget.takes(data.size * 4 // 3):
        return None
    uri = "data:image/jpeg;base64," + base64.b64encode(data.tobytes()).decode()
    return Picture(uri=uri, height=image.shape[0], width=image.shape[1], words=words)
