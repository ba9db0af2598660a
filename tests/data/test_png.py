"""The fast decoder against Pillow, on files of every filter, and on broken ones."""

import io
import json
import struct
import subprocess
import sys
import zlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from vosbench.data.masks import read_mask
from vosbench.data.png import SIGNATURE, DamagedPngError, decode_plain
from vosbench.data.png_kernel import undo_filters  # loads numba, so that filtered rows are decoded here
from vosbench.errors import DataError

quick = settings(max_examples=60, deadline=None, derandomize=True, database=None)


def _chunk(kind, body=b""):
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def _header(height, width, colours=3, depth=8, interlace=0):
    return _chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colours, 0, 0, interlace))


def _png(height, width, rows, *, colours=3, pieces=1, level=6, before=b"", tail=b""):
    packed = zlib.compress(rows, level) + tail
    step = -(-len(packed) // pieces)
    data = b"".join(_chunk(b"IDAT", packed[begin : begin + step]) for begin in range(0, len(packed), step))
    palette = _chunk(b"PLTE", bytes(range(256)) * 3) if colours == 3 else b""
    return SIGNATURE + _header(height, width, colours) + palette + before + data + _chunk(b"IEND")


def _pillow(data):
    with Image.open(io.BytesIO(data)) as image:
        return np.array(image)


def _refused_by_pillow(data):
    try:
        _pillow(data)
    except (OSError, SyntaxError, ValueError):
        return True
    return False


@st.composite
def plain_files(draw):
    """A plain PNG whose rows are filtered at random: any filter, any bytes."""
    height, width = draw(st.integers(1, 9)), draw(st.integers(1, 40))
    rows = bytearray()
    for _ in range(height):
        rows.append(draw(st.integers(0, 4)))
        rows += draw(st.binary(min_size=width, max_size=width))
    colours = draw(st.sampled_from([0, 3]))
    pieces = draw(st.integers(1, 4))
    return _png(height, width, bytes(rows), colours=colours, pieces=pieces, level=draw(st.integers(0, 9)))


def test_every_plain_golden_is_read_without_pillow_and_as_by_pillow(shared):
    folder = shared / "goldens" / "metrics" / "png_io"
    plain = set()
    for path in sorted(folder.glob("*.png")):
        labels = decode_plain(path.read_bytes())
        if labels is not None:
            plain.add(path.stem.rpartition("_")[0])
            assert np.array_equal(_pillow(path.read_bytes()), labels), path.name
    files = json.loads((folder / "expected.json").read_text())["files"]
    expected = {
        entry["file"].rpartition("_")[0]
        for entry in files
        if entry["mode"] in "PL" and not entry["interlace"] and entry["bit_depth"] == 8
    }
    assert expected == plain
    assert 8 < len(plain)


@quick
@given(plain_files())
def test_any_filters_and_bytes_read_as_by_pillow(data):
    labels = decode_plain(data)
    assert labels is not None
    assert labels.flags.c_contiguous
    assert np.array_equal(_pillow(data), labels)


@quick
@given(plain_files(), st.data())
def test_one_changed_byte_is_refused_or_changes_nothing(data, drawn):
    """Every byte that is read is under a checksum."""
    place = drawn.draw(st.integers(8, len(data) - 1))
    damaged = bytearray(data)
    damaged[place] ^= drawn.draw(st.integers(1, 255))
    try:
        labels = decode_plain(bytes(damaged))
    except DamagedPngError:
        return
    assert labels is None or np.array_equal(_pillow(data), labels)


@quick
@given(plain_files(), st.data())
def test_a_torn_file_is_refused(data, drawn):
    with pytest.raises(DamagedPngError):
        decode_plain(data[: drawn.draw(st.integers(45, len(data) - 1))])


ROWS = b"".join(bytes([0, 1, 2, 3]) for _ in range(4))


@pytest.mark.parametrize(
    "data",
    [
        SIGNATURE + _header(4, 3, colours=2) + _chunk(b"IDAT", zlib.compress(b"0")) + _chunk(b"IEND"),
        SIGNATURE + _header(4, 3, depth=4) + _chunk(b"IDAT", zlib.compress(b"0")) + _chunk(b"IEND"),
        SIGNATURE + _header(4, 3, interlace=1) + _chunk(b"IDAT", zlib.compress(b"0")) + _chunk(b"IEND"),
        _png(4, 3, ROWS, before=_chunk(b"acTL", bytes(8))),
        _png(4, 3, ROWS, before=_chunk(b"zTXt", b"a\0\0" + zlib.compress(b"0" * 99))),
        _png(4, 3, ROWS, before=_chunk(b"PLTE", bytes(3))),
        _png(4, 3, ROWS + b"more"),
        _png(4, 3, ROWS, tail=b"more"),
        SIGNATURE + _header(4, 3) + _chunk(b"IDAT", zlib.compress(ROWS)) + _chunk(b"IEND"),
        _png(0, 3, ROWS),
    ],
    ids=["colour", "4 bit", "interlaced", "animated", "text", "two palettes", "rows", "tail", "no palette", "no rows"],
)
def test_what_is_not_plain_is_left_to_pillow(data):
    assert decode_plain(data) is None


@pytest.mark.parametrize(
    "data",
    [
        _png(4, 3, ROWS[:-1]),
        _png(4, 3, b"\x05" + ROWS[1:]),
        _png(4, 3, ROWS).replace(b"IDAT", b"IDAt"),
        _png(4, 3, ROWS)[:-12],
        SIGNATURE + _header(4, 3, 0) + _chunk(b"IDAT", b"no stream at all") + _chunk(b"IEND"),
        SIGNATURE + _header(4, 3, 0) + _chunk(b"IDAT", zlib.compress(ROWS)[:-4] + bytes(4)) + _chunk(b"IEND"),
        SIGNATURE + _header(4, 3, 0) + _chunk(b"IDAT", zlib.compress(ROWS)[:-4]) + _chunk(b"IEND"),
        SIGNATURE + _header(4, 3, 0) + struct.pack(">I4s", 0xFFFFFFFF, b"IDAT"),
    ],
    ids=["short rows", "filter 5", "checksum", "no end", "no stream", "wrong sum", "no sum", "huge chunk"],
)
def test_what_is_damaged_is_refused(data, tmp_path):
    (tmp_path / "00000.png").write_bytes(data)
    with pytest.raises(DataError, match="cannot be decoded"):
        read_mask(tmp_path / "00000.png")


def test_what_pillow_refuses_is_refused(shared, tmp_path):
    """Every tenth prefix of each golden: nothing passes here that does not pass there."""
    path = tmp_path / "00000.png"
    refused = 0
    for golden in sorted((shared / "goldens" / "metrics" / "png_io").glob("pal8*7x13.png")):
        data = golden.read_bytes()
        for length in range(33, len(data), 31):
            path.write_bytes(data[:length])
            if _refused_by_pillow(data[:length]):
                refused += 1
                with pytest.raises(DataError):
                    read_mask(path)
    assert refused > 20


def test_a_stream_that_swells_is_not_inflated_further_than_its_size():
    """64 MiB of zeros in 64 KiB behind a header of 2 x 3 pixels: the rest is not looked at."""
    data = _png(2, 3, bytes(1 << 26), level=9)
    assert decode_plain(data) is None


def test_a_file_that_is_too_large_is_refused_unread(tmp_path):
    path = tmp_path / "00000.png"
    with path.open("wb") as stream:
        stream.truncate(1 << 40)
    with pytest.raises(DataError, match="larger than"):
        read_mask(path)


def test_the_rows_of_a_known_picture_are_undone():
    """By hand: filters none, sub, up, average and Paeth over the rows 1 2 3 and 4 4 4."""
    for kind, second in {0: [4, 4, 4], 1: [4, 0, 0], 2: [3, 2, 1], 3: [4, 1, 1], 4: [3, 0, 0]}.items():
        rows = np.array([[0, 1, 2, 3], [kind, *second]], np.uint8)
        values = np.empty((2, 3), np.uint8)
        undo_filters(rows, values)
        assert [[1, 2, 3], [4, 4, 4]] == values.tolist(), kind


def test_without_numba_filtered_rows_are_read_by_pillow_and_numba_is_not_loaded(tmp_path):
    (tmp_path / "00000.png").write_bytes(_png(4, 3, ROWS.replace(b"\0", b"\1")))
    code = (
        "import sys; from pathlib import Path; from vosbench.data.masks import read_mask;"
        "print(read_mask(Path(sys.argv[1])).tolist(), 'numba' in sys.modules)"
    )
    out = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "00000.png")], capture_output=True, text=True, check=True
    )
    assert f"{[[1, 3, 6]] * 4} False" == out.stdout.strip()
