"""Object masks as PNG files: what every official tool reads, and what every server takes."""

from __future__ import annotations

import functools
import io
import stat
import struct
import zlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from vosbench.data.png import SIGNATURE, DamagedPngError, decode_plain
from vosbench.data.png_writing import encode_grey16, encode_palette
from vosbench.errors import DataError
from vosbench.types import LabelMap

MOST_PIXELS = 1 << 26
"""Masks with more pixels than this (twice 8K) are taken for decompression bombs."""

LARGEST_FILE = 1 << 28
"""Bytes. A file of as many pixels as are allowed, in 16 bit and not compressed at all, is half as large."""

_LABEL_MODES = ("P", "L", "1", "I;16", "LA")
_UNREADABLE = (OSError, SyntaxError, ValueError, EOFError, struct.error, zlib.error, OverflowError, MemoryError)


def read_mask(path: Path) -> LabelMap:
    """Gives back a mask's labels: (height, width), uint8 or uint16, row-major.

    The values are those of ``numpy.array(PIL.Image.open(path))``, which all official tools take: palette files give
    the palette's indices, 8 and 16 bit grey their values, 2 and 4 bit grey their values times 85 and 17, 1 bit grey
    0 and 1. Of grey with transparency (one file of DAVIS 2016) it is the grey.
    """
    data = _contents(path)
    _check_header(path, data)
    try:
        labels = decode_plain(data)
    except DamagedPngError as error:
        raise DataError(f"the mask cannot be decoded: {error}", where=str(path), fix="write the file again") from error
    return labels if labels is not None else _decode_any(path, data)


def write_mask(path: Path, labels: LabelMap) -> None:
    """Write labels (height, width) as a PNG with the palette of DAVIS, or as 16 bit grey where an id exceeds 255.

    A run writes one for every frame, into a folder that gets its name when it is whole, so the file itself is written
    in place. Its folder must exist. Raises `DataError` for what is no label map, and the system's own `OSError` where
    it cannot be written.
    """
    if labels.ndim != 2 or labels.size == 0 or labels.dtype.kind not in "ub":
        raise DataError(
            f"{labels.dtype} of shape {labels.shape} is no label map",
            where=str(path),
            fix="give a non-empty (height, width) array of unsigned integers",
        )
    largest = int(labels.max())
    if largest > np.iinfo(np.uint16).max:
        raise DataError(f"id {largest} does not fit into a PNG", where=str(path), fix="number the objects up to 65535")
    if largest > np.iinfo(np.uint8).max:
        data = encode_grey16(labels.astype(np.uint16))
    else:
        data = encode_palette(labels.astype(np.uint8, copy=False), _palette_bytes())
    path.write_bytes(data)


def has_palette(path: Path) -> bool:
    """Tells whether a PNG file is one of 8 bit with a palette, by its header."""
    head = _contents(path)[:33]
    return head.startswith(SIGNATURE) and head[24:26] == b"\x08\x03"


def voc_palette() -> NDArray[np.uint8]:
    """Gives back the colours of PASCAL VOC, which DAVIS took over: (256, 3), uint8, RGB.

    Bit 3 k + c of an index is bit 7 - k of colour c.
    """
    indices = np.arange(256)
    palette = np.zeros((256, 3), np.uint8)
    for colour in range(3):
        for place in range(3):
            bit = indices >> (3 * place + colour) & 1
            palette[:, colour] |= (bit << (7 - place)).astype(np.uint8)
    return palette


@functools.cache
def _palette_bytes() -> bytes:
    return voc_palette().tobytes()


def _decode_any(path: Path, data: bytes) -> LabelMap:
    """Gives back the labels of a PNG file of any kind, by Pillow."""
    from PIL import Image as Pillow

    try:
        with Pillow.open(io.BytesIO(data), formats=["PNG"]) as image:
            mode = image.mode
            pixels = np.array(image) if mode in _LABEL_MODES else None
    except _UNREADABLE as error:
        raise DataError(f"the mask cannot be decoded: {error}", where=str(path), fix="write the file again") from error
    if pixels is None:
        raise DataError(
            f"the mask is a colour image (mode {mode}), so its labels are unknown",
            where=str(path),
            fix="write object ids as a palette or grey PNG, as DAVIS does",
        )
    if mode == "LA":
        pixels = pixels[..., 0]
    wide = pixels.dtype.itemsize > 1
    return np.ascontiguousarray(pixels, np.uint16 if wide else np.uint8)


def _contents(path: Path) -> bytes:
    try:
        status = path.stat()
        data = path.read_bytes() if stat.S_ISREG(status.st_mode) and status.st_size <= LARGEST_FILE else None
    except FileNotFoundError as error:
        raise DataError("there is no such mask", where=str(path), fix="check that the data set is whole") from error
    except OSError as error:
        raise DataError(f"the mask cannot be read: {error.strerror}", where=str(path)) from error
    if data is None:
        why = f"larger than {LARGEST_FILE >> 20} MiB" if stat.S_ISREG(status.st_mode) else "no file"
        raise DataError(f"the mask cannot be read: it is {why}", where=str(path), fix="masks are PNG files")
    return data


def _check_header(path: Path, data: bytes) -> None:
    """Refuse what is no PNG, and sizes that nobody draws masks at, before anything is decoded."""
    if len(data) < 33 or not data.startswith(SIGNATURE):
        raise DataError("the mask is no PNG file", where=str(path), fix="masks are palette or grey PNG files")
    width, height = struct.unpack(">II", data[16:24])
    if width * height > MOST_PIXELS:
        raise DataError(f"the mask claims {width} x {height} pixels", where=str(path), fix="the file is broken")
