"""Text measured and broken."""

from __future__ import annotations

import pytest

from vosbench.report.plots_text import block_size, text_width, wrap


def test_width_grows_with_size_and_letters():
    assert 2 * text_width("XMem", 7) == pytest.approx(text_width("XMem", 14))
    assert 2 * text_width("XMem", 7) == pytest.approx(text_width("XMemXMem", 7))


def test_a_short_text_stays_on_one_line():
    assert ["XMem"] == wrap("XMem", 7, 100)


def test_text_breaks_at_spaces_where_these_do():
    assert ["XMem", "queue_length=6"] == wrap("XMem queue_length=6", 7, text_width("queue_length=6", 7) + 1)


def test_a_long_word_breaks_behind_a_joining_mark():
    assert ["max_long_", "term=500"] == wrap("max_long_term=500", 7, text_width("max_long_te", 7))


def test_a_minus_stays_with_its_number():
    assert ["(-1.15)"] == wrap("(-1.15)", 7, 1)


def test_line_ends_stay():
    assert ["a", "b"] == wrap("a\nb", 7, 100)


def test_a_block_is_as_wide_as_its_longest_line():
    width, height = block_size(["ab", "abcd"], 10)
    assert (text_width("abcd", 10), 2) == (width, round(height / 12.2))


def test_a_character_that_the_font_lacks_has_a_width():
    assert 10 == pytest.approx(text_width("\U0010fffd", 10))
