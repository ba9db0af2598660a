"""Reading and writing of mask files."""

from __future__ import annotations

import json
import struct
import zlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from vosbench.data.masks import MOST_PIXELS, read_mask, voc_palette, write_mask
from vosbench.errors import DataError


def _labels(highest, dtype=np.uint8, size=(7, 13)):
    return (np.arange(size[0] * size[1]).reshape(size) % (highest + 1)).astype(dtype)


def test_every_kind_of_png_reads_as_in_the_official_tools(shared):
    """All of png_io; grey with transparency gives its grey, colours are refused."""
    folder = shared / "goldens" / "metrics" / "png_io"
    files = json.loads((folder / "expected.json").read_text())["files"]
    outcomes = {}
    with np.load(folder / "expected.npz") as arrays:
        for entry in files:
            expected = arrays[entry["file"].removesuffix(".png")]
            try:
                labels = read_mask(folder / entry["file"])
            except DataError as error:
                assert entry["file"] in error.where
                outcome = "refused"
            else:
                expected = expected[..., 0] if entry["mode"] == "LA" else expected
                assert labels.dtype == (np.uint16 if entry["mode"] == "I;16" else np.uint8)
                assert labels.flags.c_contiguous
                outcome = np.array_equal(expected, labels)
            outcomes.setdefault(entry["mode"], set()).add(outcome)
    expected = {mode: {True} for mode in ("P", "L", "1", "I;16", "LA")}
    assert expected | {"RGB": {"refused"}, "RGBA": {"refused"}} == outcomes
    assert 78 == len(files)


@pytest.mark.parametrize(
    ("highest", "dtype", "mode"),
    [
        (3, np.uint8, "P"),
        (255, np.uint8, "P"),
        (3, np.uint32, "P"),
        (1, bool, "P"),
        (256, np.uint16, "I;16"),
        (65535, np.uint16, "I;16"),
    ],
)
def test_ids_come_back_as_written(highest, dtype, mode, tmp_path):
    labels = _labels(highest, dtype, (300, 300) if highest == 65535 else (17, 19))
    write_mask(tmp_path / "00000.png", labels)
    assert np.array_equal(labels, read_mask(tmp_path / "00000.png"))
    with Image.open(tmp_path / "00000.png") as image:
        assert mode == image.mode


def test_the_palette_is_that_of_pascal_voc():
    palette = voc_palette()
    known = {
        0: (0, 0, 0),
        1: (128, 0, 0),
        2: (0, 128, 0),
        3: (128, 128, 0),
        4: (0, 0, 128),
        8: (64, 0, 0),
        255: (224, 224, 192),
    }
    assert known == {index: tuple(palette[index].tolist()) for index in known}
    assert 256 == len({tuple(colour) for colour in palette.tolist()})


def test_a_written_mask_carries_the_palette(tmp_path):
    write_mask(tmp_path / "00000.png", _labels(3))
    with Image.open(tmp_path / "00000.png") as image:
        assert voc_palette()[:4].reshape(-1).tolist() == image.getpalette()[:12]


def test_nothing_but_the_mask_is_left_behind(tmp_path):
    write_mask(tmp_path / "00000.png", _labels(3))
    write_mask(tmp_path / "00000.png", _labels(2))
    assert ["00000.png"] == [path.name for path in tmp_path.iterdir()]
    assert 2 == read_mask(tmp_path / "00000.png").max()


def test_what_the_disk_refuses_is_an_os_error_and_leaves_nothing(tmp_path):
    """A full disk or a missing folder is no fault of the mask."""
    with pytest.raises(FileNotFoundError):
        write_mask(tmp_path / "nowhere" / "00000.png", _labels(3))
    (tmp_path / "taken.png").mkdir()
    with pytest.raises(OSError, match="taken"):
        write_mask(tmp_path / "taken.png", _labels(3))
    assert ["taken.png"] == [path.name for path in tmp_path.iterdir()]


@pytest.mark.parametrize(
    "labels",
    [
        np.zeros((2, 3, 3), np.uint8),
        np.zeros((0, 3), np.uint8),
        np.zeros((2, 3)),
        np.full((2, 2), -1),
        np.full((2, 2), 65536, np.uint32),
    ],
)
def test_what_is_no_label_map_is_not_written(labels, tmp_path):
    with pytest.raises(DataError):
        write_mask(tmp_path / "00000.png", labels)
    assert [] == list(tmp_path.iterdir())


def test_a_missing_mask_is_named(tmp_path):
    with pytest.raises(DataError, match="no such mask") as caught:
        read_mask(tmp_path / "00042.png")
    assert "00042.png" in caught.value.where


def test_a_folder_is_no_mask(tmp_path):
    with pytest.raises(DataError, match="cannot be read"):
        read_mask(tmp_path)


@pytest.mark.parametrize("data", [b"", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff\xe0" + b"0" * 99, b"GIF89a" + b"0" * 99])
def test_what_is_no_png_is_refused(data, tmp_path):
    path = tmp_path / "00000.png"
    path.write_bytes(data)
    with pytest.raises(DataError, match="no PNG"):
        read_mask(path)


def _chunk(name, body):
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def test_a_decompression_bomb_is_refused_before_it_is_decoded(tmp_path):
    path = tmp_path / "00000.png"
    head = struct.pack(">IIBBBBB", MOST_PIXELS, 2, 8, 0, 0, 0, 0)
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", head) + _chunk(b"IDAT", zlib.compress(b"\0")))
    with pytest.raises(DataError, match="claims"):
        read_mask(path)


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    path = tmp_path_factory.mktemp("masks") / "00000.png"
    write_mask(path, _labels(200, size=(40, 50)))
    return path.read_bytes()


def test_a_mask_that_ends_early_is_refused(written, tmp_path):
    """Wherever it ends: only the closing chunk of 12 bytes holds no pixel."""
    path = tmp_path / "00000.png"
    for length in range(0, len(written) - 16, 7):
        path.write_bytes(written[:length])
        with pytest.raises(DataError):
            read_mask(path)


@settings(max_examples=150, deadline=None, derandomize=True, database=None)
@given(data=st.data())
def test_a_damaged_mask_is_refused_or_read_but_never_something_else(written, tmp_path_factory, data):
    place = data.draw(st.integers(0, len(written) - 1))
    damaged = bytearray(written)
    damaged[place] ^= data.draw(st.integers(1, 255))
    path = tmp_path_factory.getbasetemp() / "damaged.png"
    path.write_bytes(damaged)
    try:
        labels = read_mask(path)
    except DataError as error:
        assert "damaged.png" in error.where
    else:
        assert labels.ndim == 2
