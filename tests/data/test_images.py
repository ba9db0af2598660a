"""Reading of frames."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from vosbench.data.images import read_image
from vosbench.errors import DataError


def _picture():
    y, x = np.mgrid[:24, :32]
    return np.stack([x * 8, y * 10, 255 - x * 4], axis=-1).astype(np.uint8)


def _encoded(kind, **options):
    stream = io.BytesIO()
    Image.fromarray(_picture()).save(stream, kind, **options)
    return stream.getvalue()


def test_a_png_gives_its_rgb_values(tmp_path):
    (tmp_path / "00000.png").write_bytes(_encoded("PNG"))
    image = read_image(tmp_path / "00000.png")
    assert (np.uint8, True) == (image.dtype.type, image.flags.c_contiguous)
    assert np.array_equal(_picture(), image)


def test_a_jpeg_is_decoded_as_pillow_does(tmp_path):
    path = tmp_path / "00000.jpg"
    path.write_bytes(_encoded("JPEG", quality=95))
    with Image.open(path) as image:
        expected = np.array(image).astype(int)
    assert np.abs(expected - read_image(path)).max() <= 2


def test_grey_frames_have_three_equal_channels(tmp_path):
    path = tmp_path / "00000.png"
    Image.fromarray(_picture()[..., 0]).save(path)
    assert np.array_equal(np.repeat(_picture()[..., :1], 3, axis=-1), read_image(path))


def test_a_noted_orientation_does_not_turn_the_frame(tmp_path):
    notes = Image.Exif()
    notes[0x0112] = 6  # "rotate by 90 degrees"
    path = tmp_path / "00000.jpg"
    path.write_bytes(_encoded("JPEG", exif=notes.tobytes()))
    assert (24, 32, 3) == read_image(path).shape


def test_a_missing_frame_is_named(tmp_path):
    with pytest.raises(DataError, match="no such frame") as caught:
        read_image(tmp_path / "00042.jpg")
    assert "00042.jpg" in caught.value.where


def test_a_folder_is_no_frame(tmp_path):
    with pytest.raises(DataError, match="cannot be read"):
        read_image(tmp_path)


@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
@pytest.mark.parametrize("share", [0, 0.3, 0.6, 0.97])
def test_a_frame_that_ends_early_is_refused(kind, share, tmp_path):
    data = _encoded(kind)
    path = tmp_path / "00000.jpg"
    path.write_bytes(data[: int(share * len(data))])
    with pytest.raises(DataError, match="ends early"):
        read_image(path)


def test_the_end_of_a_thumbnail_is_not_the_end_of_the_frame(tmp_path):
    data = _encoded("JPEG")
    thumbnail = b"\xff\xe1" + (len(data) + 2).to_bytes(2, "big") + data
    path = tmp_path / "00000.jpg"
    path.write_bytes(data[:2] + thumbnail + data[2:])
    assert (24, 32, 3) == read_image(path).shape
    path.write_bytes((data[:2] + thumbnail + data[2:])[:-40])
    with pytest.raises(DataError, match="ends early"):
        read_image(path)


def test_what_is_no_picture_is_refused(tmp_path):
    path = tmp_path / "00000.jpg"
    path.write_bytes(b"this is a text, not a picture")
    with pytest.raises(DataError, match="cannot be decoded"):
        read_image(path)
