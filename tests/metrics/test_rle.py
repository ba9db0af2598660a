"""Run-length codes and polygons."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vosbench.errors import ScoreError
from vosbench.metrics.rle_texts import bounds_of_texts
from vosbench.rle import (
    area,
    bounds_of_lengths,
    bounds_of_mask,
    bounds_of_polygons,
    bounds_of_text,
    mask_of_bounds,
    text_of_bounds,
)


def _lengths(mask):
    """The lengths of background and mask in turn, down the columns."""
    flat = mask.T.reshape(-1).astype(np.int8)
    edges = np.flatnonzero(np.diff(flat)) + 1
    lengths = np.diff(np.concatenate([[0], edges, [flat.size]])).tolist()
    return lengths if flat[0] == 0 else [0, *lengths]


def _text(lengths):
    """COCO's text of run lengths, by its description: five bits a character, differences from the fourth on."""
    text = ""
    for place, length in enumerate(lengths):
        value = length - lengths[place - 2] if place > 2 else length
        more = True
        while more:
            bits = value & 31
            value >>= 5
            more = value != (-1 if bits & 16 else 0)
            text += chr(48 + bits + (32 if more else 0))
    return text


def _mask(bounds, height, width):
    flat = np.zeros(height * width, bool)
    for begin, end in bounds.reshape(-1, 2):
        flat[begin:end] = True
    return flat.reshape(width, height).T


def test_a_known_text():
    """The code that pycocotools gives for a square of 2 x 2 at (1, 1) in 4 x 5 pixels: 5, 2, 2, 2, 9."""
    assert "52207" == _text([5, 2, 2, 2, 9])
    bounds, starts, areas = bounds_of_texts(["52207", "", "52207"], [20, 0, 20])
    assert [5, 7, 9, 11] * 2 == bounds.tolist()
    assert ([0, 4, 4, 8], [4, 0, 4]) == (starts.tolist(), areas.tolist())
    assert [5, 7, 9, 11] == bounds_of_lengths([5, 2, 2, 2, 9], 20).tolist()


@settings(max_examples=100, deadline=None, derandomize=True, database=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 40), st.integers(1, 40), st.floats(0, 1))
def test_masks_come_back_from_text_and_numbers(seed, height, width, share):
    mask = np.random.default_rng(seed).random((height, width)) < share
    lengths = _lengths(mask)
    text, _, areas = bounds_of_texts([_text(lengths)], [mask.size])
    one = bounds_of_text(_text(lengths), mask.size)
    for bounds in (bounds_of_lengths(lengths, mask.size), text, one, bounds_of_mask(mask)):
        assert np.array_equal(mask, _mask(bounds, height, width))
        assert np.array_equal(mask, mask_of_bounds(bounds, height, width))
        assert mask.sum() == area(bounds) == areas[0]
        assert _text(lengths) == text_of_bounds(bounds, mask.size)


def test_a_large_mask_comes_back():
    lengths = [1_000_000, 70_000, 3, 2_000_000, 5, 1]
    expected = np.cumsum(lengths).tolist()
    assert expected == bounds_of_texts([_text(lengths)], [sum(lengths)])[0].tolist()
    assert expected == bounds_of_text(_text(lengths), sum(lengths)).tolist()
    assert _text(lengths) == text_of_bounds(np.array(expected), sum(lengths))


def test_an_empty_mask_has_no_bounds():
    assert (0, 0) == (len(bounds_of_lengths([20], 20)), area(bounds_of_lengths([20], 20)))


@pytest.mark.parametrize("text", ["5", "52207\x7f", "52207/", "?", "o" * 30, "5o", "52O07"])
def test_a_torn_text_is_refused(text):
    with pytest.raises(ScoreError, match="20 pixels"):
        bounds_of_texts(["52207", text], [20, 20])
    with pytest.raises(ScoreError, match="20 pixels"):
        bounds_of_text(text, 20)


@pytest.mark.parametrize("lengths", [[5, 2], [5, -2, 17], [[20]], []])
def test_torn_lengths_are_refused(lengths):
    with pytest.raises(ScoreError, match="20 pixels"):
        bounds_of_lengths(lengths, 20)


def test_a_square_polygon_covers_its_pixels():
    expected = np.zeros((6, 8), bool)
    expected[2:4, 1:5] = True
    bounds = bounds_of_polygons([[1, 2, 5, 2, 5, 4, 1, 4]], 6, 8)
    assert np.array_equal(expected, _mask(bounds, 6, 8))


def test_polygons_are_united_and_cut_off_at_the_frame():
    bounds = bounds_of_polygons([[-3, -3, 2, -3, 2, 2, -3, 2], [1, 1, 20, 1, 20, 20, 1, 20]], 5, 5)
    expected = np.zeros((5, 5), bool)
    expected[:2, :2] = True
    expected[1:, 1:] = True
    assert np.array_equal(expected, _mask(bounds, 5, 5))


@pytest.mark.parametrize("polygon", [[1, 1, 3, 3], [1, 1, 3, 3, 5]])
def test_a_polygon_without_three_corners_is_refused(polygon):
    with pytest.raises(ScoreError, match="numbers"):
        bounds_of_polygons([polygon], 5, 5)
