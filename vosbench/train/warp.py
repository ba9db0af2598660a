"""Motion and light for still pictures: affine ways, bending, colour.

A picture is sampled once: the affine map from the clip's frame into the picture and the bending are added up before
``cv2.remap`` reads.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from vosbench.types import Image, LabelMap

Matrix = NDArray[np.float64]
"""(3, 3) float64: x, y and 1 of an output pixel to x, y and 1 of a source pixel, or the other way as said."""

Field = NDArray[np.float32]
"""(height, width, 2) float32: shifts x, y in output pixels."""

BENDING_NODES = (4, 6)
"""A bending is drawn at 4 x 6 nodes and cubic in between."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Motion:
    """How far a picture moves within a clip; angles in degrees, shifts as a share of the sides, bending in pixels of
    a frame 288 wide. The figures are those of a recipe measured before."""

    rotation: float = 15.0
    scale: float = 0.18
    shear: float = 0.12
    shift: float = 0.11
    bending: float = 6.0


def way(random: np.random.Generator, frames: int, motion: Motion, *, height: int, width: int) -> list[Matrix]:
    """Gives back a matrix per frame, source to output, about the frame's middle: the first is the identity.

    The way is a walk between independent positions every two frames, so that short clips jump and long ones wander.
    """
    knots = random.uniform(-1.0, 1.0, ((frames + 1) // 2 + 1, 6))
    at = np.linspace(0.0, len(knots) - 1.0, frames)
    low = np.minimum(at.astype(int), len(knots) - 2)
    values = knots[low] + (at - low)[:, None] * (knots[low + 1] - knots[low])
    values += random.uniform(-0.25, 0.25, values.shape)
    return [
        _similar(row - values[0], motion, height=height, width=width) if index else np.eye(3)
        for index, row in enumerate(values)
    ]


def _similar(row: NDArray[np.float64], motion: Motion, *, height: int, width: int) -> Matrix:
    turn = math.radians(motion.rotation) * float(row[0])
    grow = math.exp(math.log1p(motion.scale) * float(row[1]))
    stretch = math.exp(0.3 * math.log1p(motion.scale) * float(row[2]))
    c, s = grow * math.cos(turn), grow * math.sin(turn)
    linear = np.array([[c * stretch, -s], [s, c / stretch]]) @ np.array([[1.0, motion.shear * float(row[3])], [0, 1]])
    return about(
        linear,
        centre=(width / 2.0, height / 2.0),
        to=(width * (0.5 + motion.shift * float(row[4])), height * (0.5 + motion.shift * float(row[5]))),
    )


def about(linear: Matrix, *, centre: tuple[float, float], to: tuple[float, float]) -> Matrix:
    """Gives back the affine map that applies ``linear`` (2, 2) about ``centre`` (x, y) and brings that to ``to``."""
    whole = np.eye(3)
    whole[:2, :2] = linear
    whole[:2, 2] = np.asarray(to) - linear @ np.asarray(centre)
    return whole


def placed(
    random: np.random.Generator, source: tuple[int, int], *, height: int, width: int, zoom: tuple[float, float]
) -> Matrix:
    """Gives back a map, source to output, that shows a random part of a picture of size ``source`` (height, width).

    ``zoom`` (least, most) is relative to the scale at which the picture just fills the output; half are mirrored.
    """
    fill = max(height / source[0], width / source[1])
    scale = fill * math.exp(random.uniform(math.log(zoom[0]), math.log(zoom[1])))
    room = (max(0.0, scale * source[1] - width) / 2.0, max(0.0, scale * source[0] - height) / 2.0)
    to = (width / 2.0 + random.uniform(-1, 1) * room[0], height / 2.0 + random.uniform(-1, 1) * room[1])
    mirrored = -1.0 if random.random() < 0.5 else 1.0
    linear = np.array([[mirrored * scale, 0.0], [0.0, scale]])
    return about(linear, centre=(source[1] / 2.0, source[0] / 2.0), to=to)


def bending(random: np.random.Generator, height: int, width: int, pixels: float) -> Field:
    """Gives back smooth shifts of up to ``pixels`` (of a frame 288 wide)."""
    most = pixels * width / 288.0 * random.random()
    nodes = random.uniform(-most, most, (*BENDING_NODES, 2)).astype(np.float32)
    return np.asarray(cv2.resize(nodes, (width, height), interpolation=cv2.INTER_CUBIC), np.float32)


def sampled(
    image: Image, mask: LabelMap, to_output: Matrix, bend: Field | None, *, height: int, width: int, mirrored: bool
) -> tuple[Image, LabelMap]:
    """Gives back image and mask as the output (height, width) sees them.

    Beyond the source the image is mirrored, and with ``mirrored`` the mask with it; without, the mask is 0 there.
    """
    x, y = _coordinates(np.linalg.inv(to_output), bend, height, width)
    picture = cv2.remap(image, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT_101)
    border = cv2.BORDER_REFLECT_101 if mirrored else cv2.BORDER_CONSTANT
    labels = cv2.remap(mask, x, y, cv2.INTER_NEAREST, borderMode=border, borderValue=0)
    return np.asarray(picture, np.uint8), np.asarray(labels, np.uint8)


def _coordinates(
    inverse: NDArray[np.floating[Any]], bend: Field | None, height: int, width: int
) -> tuple[Field, Field]:
    columns, rows = np.arange(width, dtype=np.float32)[None], np.arange(height, dtype=np.float32)[:, None]
    if bend is not None:
        columns, rows = columns + bend[..., 0], rows + bend[..., 1]
    m = inverse.astype(np.float32)
    x = m[0, 0] * columns + m[0, 1] * rows + m[0, 2]
    y = m[1, 0] * columns + m[1, 1] * rows + m[1, 2]
    return np.ascontiguousarray(x), np.ascontiguousarray(y)


@dataclass(frozen=True, slots=True, kw_only=True)
class Light:
    """One setting of colour: gains by channel, contrast, brightness in grey values, saturation; grey and blur."""

    gains: tuple[float, float, float]
    contrast: float
    brightness: float
    saturation: float
    grey: bool
    blur: float


def draw_light(random: np.random.Generator, strength: float = 1.0) -> Light:
    """Gives back a random light; 5 % of pictures lose their colour and 10 % are blurred."""
    warmth, tint = random.uniform(-0.08, 0.08, 2) * strength
    return Light(
        gains=(1.0 + warmth, 1.0 + tint, 1.0 - warmth),
        contrast=1.0 + strength * random.uniform(-0.25, 0.25),
        brightness=strength * random.uniform(-22.0, 22.0),
        saturation=1.0 + strength * random.uniform(-0.35, 0.35),
        grey=bool(random.random() < 0.05),
        blur=random.uniform(0.4, 1.3) if random.random() < 0.1 else 0.0,
    )


def flicker(random: np.random.Generator, light: Light) -> Light:
    """Gives back the light of a further frame: nearly the same."""
    near = draw_light(random, 0.2)
    return Light(
        gains=(light.gains[0] * near.gains[0], light.gains[1] * near.gains[1], light.gains[2] * near.gains[2]),
        contrast=light.contrast * near.contrast,
        brightness=light.brightness + near.brightness,
        saturation=light.saturation * near.saturation,
        grey=light.grey,
        blur=light.blur,
    )


def lit(image: Image, light: Light) -> Image:
    """Gives back the picture (height, width, 3) uint8 in this light."""
    saturation = 0.0 if light.grey else light.saturation
    grey = np.array([0.299, 0.587, 0.114]) * (1.0 - saturation)
    mix = light.contrast * np.diag(light.gains) @ (saturation * np.eye(3) + np.ones((3, 1)) * grey[None])
    offset = 128.0 * (1.0 - light.contrast) + light.brightness
    out = cv2.transform(image, np.hstack([mix, np.full((3, 1), offset)]))
    if light.blur:
        out = cv2.GaussianBlur(out, (0, 0), light.blur)
    return np.asarray(out, np.uint8)
