"""Video frames from image files."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from vosbench.errors import DataError
from vosbench.types import Image

_JPEG_START = b"\xff\xd8"
_JPEG_SCAN = b"\xff\xda"
_JPEG_END = b"\xff\xd9"
_PNG_START = b"\x89PNG\r\n\x1a\n"
_PNG_END = b"IEND\xaeB`\x82"


def read_image(path: Path) -> Image:
    """Gives back a frame: (height, width, 3), uint8, RGB, row-major.

    Pixels stay as they are stored: an orientation noted in the file turns neither frame nor mask, as in Pillow, by
    which the methods' own repositories read. A file that ends early is refused; the decoders would fill it with grey.
    """
    try:
        data = path.read_bytes()
    except FileNotFoundError as error:
        raise DataError("there is no such frame", where=str(path), fix="check that the data set is whole") from error
    except OSError as error:
        raise DataError(f"the frame cannot be read: {error.strerror}", where=str(path)) from error
    if _ends_early(data):
        raise DataError("the frame's file ends early", where=str(path), fix="unpack or download it again")
    try:
        image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION)
    except cv2.error as error:
        raise DataError(f"the frame cannot be decoded: {error}", where=str(path)) from error
    if image is None:
        raise DataError("the frame cannot be decoded", where=str(path), fix="frames are JPEG or PNG files")
    return np.ascontiguousarray(cv2.cvtColor(image, cv2.COLOR_BGR2RGB), np.uint8)


def _ends_early(data: bytes) -> bool:
    """Tells whether a JPEG or PNG file, or an empty one, lacks its end.

    Inside a JPEG's compressed data no end mark can occur, but a thumbnail before it has one of its own.
    """
    if data.startswith(_JPEG_START):
        return data.rfind(_JPEG_END) < data.rfind(_JPEG_SCAN) or _JPEG_SCAN not in data
    if data.startswith(_PNG_START):
        return _PNG_END not in data[-64:]
    return not data
