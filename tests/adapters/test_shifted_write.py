"""Insertion offsets: the same interval of writing at another phase, for every family that has one."""

from __future__ import annotations

import pytest

from vosbench.adapters.nn.insertion import shifted_write


def written(interval: int, offset: int, frames: int, first: int = 0) -> list[int]:
    """The frames that a bank is written at, by the rule that all families share."""
    last, at = shifted_write(first, interval, offset), [first]
    for frame in range(first + 1, frames):
        if frame - last >= interval:
            at.append(frame)
            last = frame
    return at


@pytest.mark.parametrize(
    ("offset", "expected"),
    [(0, [0, 10, 20]), (2, [0, 2, 12, 22]), (8, [0, 8, 18, 28]), (10, [0, 10, 20]), (12, [0, 2, 12, 22])],
)
def test_the_first_write_after_the_prompt_is_shifted_and_the_others_follow_at_the_interval(offset, expected):
    assert expected == written(10, offset, 30)


def test_offsets_count_from_the_first_prompt():
    assert [7, 9, 14, 19] == written(5, 2, 20, first=7)


def test_an_interval_of_one_frame_has_nothing_to_shift():
    assert [0, 1, 2, 3] == written(1, 0, 4) == written(1, 3, 4)
