"""The encoder of label maps: any decoder reads back what was written, with the palette."""

from __future__ import annotations

import io

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from vosbench.data.masks import voc_palette
from vosbench.data.png import decode_plain
from vosbench.data.png_writing import encode_grey16, encode_palette

quick = settings(max_examples=60, deadline=None, derandomize=True, database=None)
sizes = st.tuples(st.integers(1, 40), st.integers(1, 40))


def _image(data):
    image = Image.open(io.BytesIO(data))
    image.load()
    return image


@st.composite
def label_maps(draw, highest):
    """Few values in runs, as masks are, or noise."""
    values = draw(st.lists(st.integers(0, highest), min_size=1, max_size=4))
    height, width = draw(sizes)
    picks = np.random.default_rng(draw(st.integers(0, 99))).integers(0, len(values), height * width)
    runs = np.sort(picks) if draw(st.booleans()) else picks
    return np.array(values)[runs].reshape(height, width)


@quick
@given(label_maps(255))
def test_labels_of_8_bits_come_back_from_pillow_and_from_the_fast_decoder(labels):
    labels = labels.astype(np.uint8)
    data = encode_palette(labels, voc_palette().tobytes())
    image = _image(data)
    assert "P" == image.mode
    assert voc_palette().ravel().tolist() == image.getpalette()
    assert np.array_equal(labels, np.asarray(image))
    assert np.array_equal(labels, decode_plain(data))


@quick
@given(label_maps(65535))
def test_labels_of_16_bits_come_back_from_pillow(labels):
    image = _image(encode_grey16(labels.astype(np.uint16)))
    assert "I;16" == image.mode
    assert np.array_equal(labels, np.asarray(image))


def test_a_map_that_is_not_laid_out_row_by_row_is_written_as_it_looks():
    labels = np.arange(12, dtype=np.uint8).reshape(3, 4)
    assert np.array_equal(labels.T, decode_plain(encode_palette(labels.T, bytes(768))))
    assert np.array_equal(labels[:, ::-1], decode_plain(encode_palette(labels[:, ::-1], bytes(768))))
    assert np.array_equal(labels.T, np.asarray(_image(encode_grey16(labels.T.astype(np.uint16)))))
