"""Objects that a video's ids promise and its masks never show."""

from __future__ import annotations

import numpy as np
import pytest

from vosbench.data.absent import COUNTED, absent_notice, absent_objects
from vosbench.data.masks import write_mask
from vosbench.data.suite import load_suite
from vosbench.data.video import open_video
from vosbench.metrics.protocol import PROTOCOLS


@pytest.fixture
def counted(tiny):
    """Gives back a function that counts what is absent of a video whose masks hold the given ids, from the first on."""

    def count(*ids):
        root = tiny.parent / "Tiny"
        for index, numbers in enumerate(ids):
            labels = np.zeros((32, 48), np.uint8)
            for place, number in enumerate(numbers):
                labels[2 * place : 2 * place + 2] = number
            write_mask(root / "Annotations" / "bb" / f"{index:05d}.png", labels)
        return absent_objects(open_video(load_suite(tiny), root, "bb"))

    return count


def test_protocols_that_count_ids_are_those_whose_objects_come_from_the_first_frame():
    assert {entry.name for entry in PROTOCOLS if entry.objects == "first-frame"} == COUNTED


@pytest.mark.parametrize(
    ("ids", "expected"),
    [
        (((85, 170),) * 6, (168, 170)),
        (((1, 2),) * 6, (0, 2)),
        (((1, 3), (1, 3), (2,), (), (), ()), (0, 3)),  # who is seen later is not absent
        (((1, 255), (7,), (), (), (), ()), (0, 1)),  # 255 is void, and 7 beyond the first mask's ids
        (((),) * 6, (0, 0)),
    ],
)
def test_ids_that_no_mask_shows_are_counted(counted, ids, expected):
    assert expected == counted(*ids)


def test_masks_that_cannot_be_read_are_left_to_who_scores_them(counted, tiny):
    (tiny.parent / "Tiny" / "Annotations" / "bb" / "00003.png").write_bytes(b"torn")
    assert (0, 0) == counted((9,))


def test_the_notice_says_how_many_where_and_what_to_do():
    notice = absent_notice({"a": (0, 2), "b": (168, 170), "c": (1, 2)}, "davis2017-semi")
    assert "169 of 172 objects are nowhere in the truth (video b and 1 more)" in notice
    assert "renumber" in notice
    assert "protocol: vos-benchmark" in notice
    assert "" == absent_notice({"a": (0, 2)}, "davis2017-semi")
