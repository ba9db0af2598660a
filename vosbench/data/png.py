"""A fast decoder for the PNG files that nearly all masks are: one byte a pixel, palette or grey, rows in order.

W3C, "Portable Network Graphics (PNG) Specification", third edition, sections 5 (chunks), 7.2 (filters) and 10
(compression). Whatever else a PNG may be is left to Pillow, as is a stream that goes on after its last row. What is
decoded here is checked harder than there: every chunk's checksum, that of the pixels, and the closing chunk.
"""

from __future__ import annotations

import struct
import sys
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from zlib_ng import zlib_ng

SIGNATURE = b"\x89PNG\r\n\x1a\n"

_GREY, _PALETTE = 0, 3
_PLAIN = frozenset({b"IHDR", b"PLTE", b"IDAT", b"IEND", b"tRNS", b"gAMA", b"pHYs", b"sRGB", b"bKGD", b"tIME", b"cHRM"})
"""The chunks of a plain file: none of them changes what the pixels' values are, and none is compressed."""


class DamagedPngError(Exception):
    """The file is plain, and torn or damaged."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Plain:
    """A plain file: its size in pixels and its compressed rows."""

    height: int
    width: int
    compressed: bytes


def decode_plain(data: bytes) -> NDArray[np.uint8] | None:
    """Gives back the values of a plain PNG: (height, width), uint8, row-major; None where the file is not plain.

    No more is inflated than the size that the file claims, which the caller bounds. Raises `DamagedPngError`.
    """
    plain = _read_chunks(data)
    if plain is None:
        return None
    rows = _inflate(plain)
    if rows is None:
        return None
    filters = rows[:, 0]
    if not filters.any():
        return np.ascontiguousarray(rows[:, 1:])
    if int(filters.max()) > 4:
        raise DamagedPngError(f"a row has filter {int(filters.max())}, there are 0 to 4")
    if "numba" not in sys.modules:
        return None  # to load it takes as long as Pillow takes for hundreds of masks; who scores has it anyway
    from vosbench.data.png_kernel import undo_filters

    values = np.empty((plain.height, plain.width), np.uint8)
    undo_filters(rows, values)
    return values


def _read_chunks(data: bytes) -> _Plain | None:
    """Gives back the compressed rows, None for a file that is not plain; checks every chunk up to the closing one."""
    head = _plain_head(data)
    if head is None:
        return None
    pieces: list[bytes] = []
    seen: list[bytes] = []
    place = len(SIGNATURE)
    while not seen or seen[-1] != b"IEND":
        kind, body, place = _chunk(data, place)
        if kind not in _PLAIN:
            return None
        if kind == b"IDAT":
            pieces.append(body)
        if kind == b"PLTE" and (len(body) > 768 or len(body) % 3 or not body):
            return None
        if kind != b"IDAT" or seen[-1] != b"IDAT":
            seen.append(kind)
    height, width, colours = head
    wanted = [b"IHDR", b"PLTE", b"IDAT", b"IEND"] if colours == _PALETTE else [b"IHDR", b"IDAT", b"IEND"]
    if [kind for kind in seen if kind[0] < ord("a")] != wanted:  # chunks that matter begin with a capital letter
        return None
    return _Plain(height=height, width=width, compressed=pieces[0] if len(pieces) == 1 else b"".join(pieces))


def _plain_head(data: bytes) -> tuple[int, int, int] | None:
    """Gives back height, width and colour type of a plain file, by its header."""
    length, kind, width, height, depth, colours, *methods = struct.unpack(">I4sIIBBBBB", data[8:29])
    plain = kind == b"IHDR" and length == 13 and depth == 8 and colours in (_GREY, _PALETTE) and not any(methods)
    return (height, width, colours) if plain and height > 0 and width > 0 else None


def _chunk(data: bytes, place: int) -> tuple[bytes, bytes, int]:
    """Gives back a chunk's name and content, and where the next begins."""
    if place + 12 > len(data):
        raise DamagedPngError("the file ends early")
    length, kind = struct.unpack_from(">I4s", data, place)
    end = place + 8 + length
    if end + 4 > len(data):
        raise DamagedPngError("the file ends early")
    body = data[place + 8 : end]
    (checksum,) = struct.unpack_from(">I", data, end)
    if zlib_ng.crc32(body, zlib_ng.crc32(kind)) != checksum:
        raise DamagedPngError(f"the checksum of the chunk {kind!r} is wrong")
    return kind, body, end + 4


def _inflate(plain: _Plain) -> NDArray[np.uint8] | None:
    """Gives back the rows (height, 1 + width), each behind its filter; None where there is more than these."""
    wanted = plain.height * (plain.width + 1)
    inflater = zlib_ng.decompressobj()
    try:
        raw = inflater.decompress(plain.compressed, wanted + 1)
    except zlib_ng.error as error:  # type: ignore[misc]  # its stub gives an instance
        raise DamagedPngError(str(error)) from error
    if len(raw) > wanted or inflater.unused_data:
        return None
    if len(raw) < wanted or not inflater.eof:
        raise DamagedPngError("the pixels end early")
    return np.frombuffer(raw, np.uint8).reshape(plain.height, plain.width + 1)
