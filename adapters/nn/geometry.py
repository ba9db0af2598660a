"""Between a frame's own pixels and the padded grid that a network sees."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from vosbench.types import Image, LabelMap

MEAN = (0.485, 0.456, 0.406)
STD = (0.229, 0.224, 0.225)
"""ImageNet statistics of RGB in [0, 1], as every family's official code uses them."""

STRIDE = 16

Resize = Literal["bilinear", "bicubic", "area"]
"""How a frame gets to the network's size: as the official code does on normalised values, or `area`: each pixel the
mean of the bytes that it covers, before they are normalised, as the small models see it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Geometry:
    """Sizes in pixels: the frame's own, the network's, and the padding (left, right, top, bottom) around it."""

    height: int
    width: int
    network_height: int
    network_width: int
    padding: tuple[int, int, int, int]

    @property
    def resized(self) -> bool:
        """True where the network sees the frame at another size than its own."""
        return (self.height, self.width) != (self.network_height, self.network_width)

    @property
    def padded(self) -> tuple[int, int]:
        """Height and width of what the network gets, multiples of 16."""
        left, right, top, bottom = self.padding
        return self.network_height + top + bottom, self.network_width + left + right


def geometry(height: int, width: int, size: int) -> Geometry:
    """Gives back the geometry of frames (height, width) whose shorter side becomes ``size``; -1 keeps it.

    The longer side is ``int(size * longer / shorter)`` (torchvision ``Resize``). The padding to multiples of 16 is
    split with the floor half left and above (official ``pad_divide_by``).
    """
    network_height, network_width = height, width
    if size > 0 and min(height, width) != size:
        longer = int(size * max(height, width) / min(height, width))
        network_height, network_width = (size, longer) if height <= width else (longer, size)
    down, across = -network_height % STRIDE, -network_width % STRIDE
    return Geometry(
        height=height,
        width=width,
        network_height=network_height,
        network_width=network_width,
        padding=(across // 2, across - across // 2, down // 2, down - down // 2),
    )


def image_to_network(
    image: Image, place: Geometry, *, mode: Resize, device: torch.device, dtype: torch.dtype
) -> Tensor:
    """Gives back (1, 3, padded height, padded width), channels last: normalised, resized, then padded with zeros.

    ``bilinear`` and ``bicubic`` work on the normalised values and do not antialias, as torchvision before 0.17 did on
    tensors.
    """
    small = mode == "area" and place.resized
    # Else a copy: frames may be read-only, and torch warns about those.
    own = resized_by_area(image, (place.network_width, place.network_height)) if small else np.array(image)
    pixels = torch.from_numpy(own).to(device).permute(2, 0, 1)[None].to(dtype)
    mean = torch.tensor(MEAN, dtype=dtype, device=device)[:, None, None]
    std = torch.tensor(STD, dtype=dtype, device=device)[:, None, None]
    normalised = pixels.div_(255).sub_(mean).div_(std)
    if place.resized and not small:
        size = (place.network_height, place.network_width)
        normalised = functional.interpolate(normalised, size, mode=mode, align_corners=False)
    return functional.pad(normalised, place.padding).contiguous(memory_format=torch.channels_last)


def resized_by_area(image: Image, size: tuple[int, int]) -> Image:
    """Gives back (height, width, 3), uint8, of ``size`` (width, height): means of areas, bilinear where it grows."""
    if size == (image.shape[1], image.shape[0]):
        return image.copy()
    grows = size[1] > image.shape[0]
    return cv2.resize(image, size, interpolation=cv2.INTER_LINEAR if grows else cv2.INTER_AREA)


def masks_to_network(masks: NDArray[np.bool_], place: Geometry, *, device: torch.device, dtype: torch.dtype) -> Tensor:
    """Gives back (objects, padded height, padded width) of 0 and 1 from (objects, height, width), nearest."""
    planes = torch.from_numpy(masks).to(device)[None].to(torch.float32)
    if place.resized:
        planes = functional.interpolate(planes, (place.network_height, place.network_width), mode="nearest")
    return functional.pad(planes, place.padding)[0].to(dtype)


def without_padding(probabilities: Tensor, place: Geometry) -> Tensor:
    """Gives back (channels, network height, network width) of (channels, padded height, padded width)."""
    left, _, top, _ = place.padding
    return probabilities[:, top : top + place.network_height, left : left + place.network_width]


def to_frame(probabilities: Tensor, place: Geometry) -> Tensor:
    """Gives back (channels, height, width) at the frame's own size, bilinear where the network saw another."""
    inner = without_padding(probabilities, place)
    if not place.resized:
        return inner
    size = (place.height, place.width)
    return functional.interpolate(inner[None], size, mode="bilinear", align_corners=False)[0]


def one_hot(mask: LabelMap, ids: tuple[int, ...]) -> NDArray[np.bool_]:
    """Gives back (ids, height, width): where ``mask`` holds each id."""
    return mask[None] == np.asarray(ids, dtype=np.int64)[:, None, None]


def cell_centres(positions: NDArray[np.integer], columns: int, place: Geometry) -> tuple[NDArray, NDArray]:
    """Gives back y and x, in pixels of the frame's own size, of the centres of stride-16 cells.

    ``positions`` count the cells of the padded grid row by row, ``columns`` to a row.
    """
    left, _, top, _ = place.padding
    y = (positions // columns * STRIDE + STRIDE / 2 - top) * (place.height / place.network_height)
    x = (positions % columns * STRIDE + STRIDE / 2 - left) * (place.width / place.network_width)
    return y.astype(np.float32), x.astype(np.float32)
