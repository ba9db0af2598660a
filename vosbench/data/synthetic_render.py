"""Painting of a synthetic frame: the background through the camera, then each actor with surface, shade and shadow."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from vosbench.data.synthetic_motion import FRACTION_BITS, Pose, outlines, unplace
from vosbench.data.synthetic_shapes import Part, Shape, Surface
from vosbench.data.synthetic_textures import TEXTURE
from vosbench.data.synthetic_waves import cosine, sine
from vosbench.types import Image, LabelMap

_REACH = 1.35
"""An object's texture covers own coordinates from -1.35 to 1.35."""

_NODES = 7
"""Texture coordinates are worked out at 7 x 7 nodes of a part's window and are bilinear in between."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Figure:
    """One actor at one frame, ready to be painted: ``label`` 0 is never in the truth.

    ``textures`` are (TEXTURE, TEXTURE, 3) uint8 each; ``smear`` is the motion blur's length (x, y) in pixels.
    """

    label: int
    shape: Shape
    pose: Pose
    deformation: float
    textures: Mapping[Surface, Image]
    smear: tuple[float, float] = (0.0, 0.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Box:
    """A window of the picture in pixels; ``right`` and ``bottom`` are exclusive."""

    left: int
    top: int
    right: int
    bottom: int


def paint_labels(figures: list[Figure], height: int, width: int) -> LabelMap:
    """Gives back the label map (height, width): the front figure's label in each pixel; uint16 above 255 labels."""
    most = max((figure.label for figure in figures), default=0)
    labels = np.zeros((height, width), np.uint8 if most < 256 else np.uint16)
    for figure in figures:
        for contours in outlines(figure.shape, figure.pose, figure.deformation):
            cv2.fillPoly(labels, contours, figure.label, cv2.LINE_8, FRACTION_BITS)
    return labels


def paint_background(
    canvas: Image, height: int, width: int, *, shift: tuple[float, float], zoom: float, roll: float
) -> Image:
    """Gives back the part (height, width, 3) of ``canvas`` that the camera sees; ``roll`` in turns."""
    c, s = cosine(roll) / zoom, sine(roll) / zoom
    tall, wide = canvas.shape[:2]
    x0 = wide / 2.0 + shift[0] - (c * width - s * height) / 2.0
    y0 = tall / 2.0 + shift[1] - (s * width + c * height) / 2.0
    matrix = np.array([[c, -s, x0], [s, c, y0]])
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    seen = cv2.warpAffine(canvas, matrix, (width, height), flags=flags, borderMode=cv2.BORDER_REFLECT_101)
    return np.asarray(seen, np.uint8)


def paint_figure(picture: Image, figure: Figure) -> None:
    """Paints ``figure`` into ``picture`` (height, width, 3), where it is inside."""
    parts = outlines(figure.shape, figure.pose, figure.deformation)
    box = _window(parts, picture, margin=6 + int(max(figure.smear) + 0.2 * figure.pose.unit))
    if box is None:
        return
    colours, mask = _layer(figure, parts, box)
    _blend(picture[box.top : box.bottom, box.left : box.right], colours, mask, figure)


def _window(parts: list[list[NDArray[np.int32]]], picture: Image, margin: int) -> Box | None:
    points = np.concatenate([contour for contours in parts for contour in contours])
    left, top = (points.min(axis=0) >> FRACTION_BITS) - margin
    right, bottom = (points.max(axis=0) >> FRACTION_BITS) + margin + 2
    height, width = picture.shape[:2]
    box = Box(
        left=max(int(left), 0), top=max(int(top), 0), right=min(int(right), width), bottom=min(int(bottom), height)
    )
    return box if box.right - box.left > 0 and box.bottom - box.top > 0 else None


def _layer(figure: Figure, parts: list[list[NDArray[np.int32]]], box: Box) -> tuple[Image, NDArray[np.uint8]]:
    """Gives back colours (h, w, 3) and silhouette (h, w; 0 or 255) of a figure inside its window."""
    tall, wide = box.bottom - box.top, box.right - box.left
    colours = np.zeros((tall, wide, 3), np.uint8)
    silhouette = np.zeros((tall, wide), np.uint8)
    origin = np.array([box.left << FRACTION_BITS, box.top << FRACTION_BITS], np.int32)
    for part, contours in zip(figure.shape, parts, strict=True):
        local = [contour - origin for contour in contours]
        inner = _window([local], colours, margin=1)
        if inner is None:
            continue
        corner = np.array([inner.left << FRACTION_BITS, inner.top << FRACTION_BITS], np.int32)
        mask = np.zeros((inner.bottom - inner.top, inner.right - inner.left), np.uint8)
        cv2.fillPoly(mask, [contour - corner for contour in local], 255, cv2.LINE_8, FRACTION_BITS)
        at = Box(
            left=box.left + inner.left,
            top=box.top + inner.top,
            right=box.left + inner.right,
            bottom=box.top + inner.bottom,
        )
        surface = _surface(figure, part, at)
        window = (slice(inner.top, inner.bottom), slice(inner.left, inner.right))
        np.copyto(colours[window], _shaded(surface, mask, part, figure.pose), where=mask[..., None] > 0)
        np.bitwise_or(silhouette[window], mask, out=silhouette[window])
    return colours, silhouette


def _surface(figure: Figure, part: Part, box: Box) -> Image:
    """Gives back a part's texture as it lies in the window ``box`` of the picture."""
    tall, wide = box.bottom - box.top, box.right - box.left
    x, y = np.meshgrid(np.linspace(box.left, box.right - 1, _NODES), np.linspace(box.top, box.bottom - 1, _NODES))
    own_x, own_y = unplace(x, y, part, figure.pose, figure.deformation)
    across, along = _hat(wide), _hat(tall)
    scale = TEXTURE / (2.0 * _REACH)
    maps = [(along @ ((own + _REACH) * scale) @ across.T).astype(np.float32) for own in (own_x, own_y)]
    seen = cv2.remap(
        figure.textures[part.surface], maps[0], maps[1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT_101
    )
    return np.asarray(seen, np.uint8)


def _hat(size: int) -> NDArray[np.float64]:
    """Gives back the (size, nodes) weights of linear interpolation from evenly spaced nodes."""
    at = np.linspace(0.0, _NODES - 1.0, size)[:, None]
    weights: NDArray[np.float64] = np.maximum(0.0, 1.0 - np.abs(at - np.arange(_NODES)[None, :]))
    return weights


def _shaded(surface: Image, mask: NDArray[np.uint8], part: Part, pose: Pose) -> Image:
    """Gives back a surface that is lit from the upper left as if the part were round."""
    size = max(3, int(0.42 * pose.unit)) | 1
    anchor = size // 2 - size // 5
    puff = cv2.blur(mask, (size, size), anchor=(anchor, anchor), borderType=cv2.BORDER_CONSTANT)
    light = cv2.convertScaleAbs(puff, alpha=0.62 * part.shade, beta=68.0 * part.shade)
    return np.asarray(cv2.multiply(surface, cv2.cvtColor(light, cv2.COLOR_GRAY2BGR), scale=1.0 / 185.0), np.uint8)


def _blend(window: Image, colours: Image, mask: NDArray[np.uint8], figure: Figure) -> None:
    """Lays a figure over its window with a soft edge, motion blur and a shadow on what is behind it."""
    kernel = (max(3, int(figure.smear[0])) | 1, max(3, int(figure.smear[1])) | 1)
    alpha = cv2.blur(mask, kernel, borderType=cv2.BORDER_CONSTANT)
    front = cv2.blur(colours, kernel, borderType=cv2.BORDER_CONSTANT)
    far = max(3, int(0.14 * figure.pose.unit)) | 1
    shadow = cv2.blur(mask, (far, far), anchor=(far - 1, far - 1), borderType=cv2.BORDER_CONSTANT)
    passed = cv2.multiply(255 - alpha, 255 - cv2.convertScaleAbs(shadow, alpha=0.35), scale=1.0 / 255.0)
    behind = cv2.multiply(window, cv2.cvtColor(passed, cv2.COLOR_GRAY2BGR), scale=1.0 / 255.0)
    np.copyto(window, cv2.add(behind, front))
