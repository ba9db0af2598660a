"""Between a frame's own pixels and the aligned image that an encoder sees."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from vosbench.adapters.nn.geometry import MEAN, STD, resized_by_area
from vosbench.types import Image

STRIDE = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class AlignedGeometry:
    """Sizes in pixels: the frame's own and the network's.

    With ``align_corners`` the network's sides are 16 n + 1 pixels and its tokens lie on pixels 0, 16, 32, ..., else
    they are 16 n pixels and each token covers a square of 16. With ``area`` a pixel is the mean of the bytes that it
    covers, as the small networks see it, else it is interpolated (bicubic).
    """

    height: int
    width: int
    network_height: int
    network_width: int
    align_corners: bool
    area: bool = False

    @property
    def own(self) -> tuple[int, int]:
        """The frame's height and width."""
        return self.height, self.width

    @property
    def network(self) -> tuple[int, int]:
        """The network's height and width."""
        return self.network_height, self.network_width


def aligned_geometry(
    height: int,
    width: int,
    *,
    max_short_edge: int,
    max_long_edge: int,
    align_corners: bool,
    size: int = -1,
    enlarged: float = 1.0,
    area: bool = False,
) -> AlignedGeometry:
    """Gives back the geometry of frames (height, width): shrunk to both limits (-1: none), not enlarged, aligned.

    The official ``MultiRestrictSize``, in which ``enlarged`` (the scale of an augmentation) comes after the limits. A
    ``size`` above 0 is the shorter side, whatever the limits say. A side that would round to nothing keeps one step of
    the grid.
    """
    scale = 1.0
    if 0 < max_short_edge < min(height, width):
        scale = max_short_edge / min(height, width)
    if 0 < max_long_edge < max(height, width) * scale:
        scale *= max_long_edge / (max(height, width) * scale)
    if size > 0:
        scale = size / min(height, width)
    sides = (_aligned(int(side * scale * enlarged), align_corners=align_corners) for side in (height, width))
    network_height, network_width = sides
    return AlignedGeometry(
        height=height,
        width=width,
        network_height=network_height,
        network_width=network_width,
        align_corners=align_corners,
        area=area,
    )


def image_to_network(image: Image, place: AlignedGeometry, *, device: torch.device) -> Tensor:
    """Gives back (1, 3, network height, network width), float32, channels last: resized, then normalised.

    Bicubic by OpenCV on values 0 to 255, as in the official loader; torch's bicubic differs by up to 2.6e-4.
    """
    size = (place.network_width, place.network_height)
    if place.area:
        pixels = resized_by_area(image, size).astype(np.float32)
    elif place.own != place.network:
        pixels = cv2.resize(image.astype(np.float32), size, interpolation=cv2.INTER_CUBIC)
    else:
        pixels = image.astype(np.float32)
    planes = torch.from_numpy(pixels).to(device).permute(2, 0, 1)[None]
    mean = torch.tensor(MEAN, device=device)[:, None, None]
    std = torch.tensor(STD, device=device)[:, None, None]
    return planes.div_(255).sub_(mean).div_(std)


def labels_to_network(labels: Tensor, place: AlignedGeometry) -> Tensor:
    """Gives back (network height, network width), float32, of ``labels`` (height, width), nearest.

    In single precision on purpose: in any other arithmetic some sizes pick other pixels than the official code.
    """
    planes = labels[None, None].to(torch.float32)
    if place.own != place.network:
        planes = functional.interpolate(planes, place.network, mode="nearest")
    return planes[0, 0]


def token_centres(tokens: int, columns: int, place: AlignedGeometry) -> tuple[NDArray, NDArray]:
    """Gives back y and x, in pixels of the frame's own size, of the centres of ``tokens`` grid cells, row by row."""
    offset = 0.5 if place.align_corners else STRIDE / 2
    positions = np.arange(tokens)
    y = (positions // columns * STRIDE + offset) * (place.height / place.network_height)
    x = (positions % columns * STRIDE + offset) * (place.width / place.network_width)
    return y.astype(np.float32), x.astype(np.float32)


def _aligned(side: int, *, align_corners: bool) -> int:
    # Python rounds halves to even, as NumPy's ``around`` in the official code does.
    if align_corners:
        return STRIDE * round((side - 1) / STRIDE) + 1 if side > 0 else 1
    return max(STRIDE, STRIDE * round(side / STRIDE))
