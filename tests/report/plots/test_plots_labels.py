"""No label lies on another."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vosbench.report.plots_labels import Frame, Label, leader, place, spread

FRAME = Frame(left=0, bottom=0, right=200, top=140)


def test_labels_with_room_stay_where_they_want_to_be():
    assert [10.0, 30.0, 60.0] == pytest.approx(spread([10, 30, 60], [8, 8, 8], low=0, high=100))


def test_two_labels_that_want_one_place_part_equally():
    assert [46.0, 54.0] == pytest.approx(spread([50, 50], [8, 8], low=0, high=100))


def test_labels_at_the_end_of_the_column_are_pushed_inwards():
    assert [88.0, 96.0] == pytest.approx(spread([99, 100], [8, 8], low=0, high=100))


def test_a_column_that_is_too_short_overflows_at_both_ends():
    assert [1.0, 11.0] == pytest.approx(spread([5, 6], [10, 10], low=2, high=10))


@given(st.lists(st.tuples(st.floats(0, 100), st.floats(1, 12)), min_size=1, max_size=8))
def test_no_two_labels_of_a_column_overlap_and_their_order_is_kept(wishes):
    wanted, heights = [wish for wish, _ in wishes], [height for _, height in wishes]
    centres = spread(wanted, heights, low=0, high=100)
    order = sorted(range(len(wishes)), key=lambda i: (wanted[i], i))
    for lower, upper in itertools.pairwise(order):
        assert centres[upper] - centres[lower] >= (heights[lower] + heights[upper]) / 2 - 1e-6


def overlapping(labels, centres):
    return [
        (i, k)
        for i, k in itertools.combinations(range(len(labels)), 2)
        if abs(centres[i][0] - centres[k][0]) < (labels[i].width + labels[k].width) / 2
        and abs(centres[i][1] - centres[k][1]) < (labels[i].height + labels[k].height) / 2
    ]


def points(labels):
    return np.array([(label.x, label.y) for label in labels])


def test_a_lone_label_stands_right_of_its_point():
    ((x, y),) = place([Label(x=50, y=50, width=30, height=8)], np.array([[50.0, 50.0]]), FRAME, gap=4)
    assert (50 + 4 + 15, 50) == pytest.approx((x, y))


def test_a_label_at_the_right_edge_turns_to_the_left():
    ((x, _),) = place([Label(x=195, y=50, width=30, height=8)], np.array([[195.0, 50.0]]), FRAME, gap=4)
    assert x + 15 < 195


def test_nine_labels_of_one_point_all_find_a_place_of_their_own():
    labels = [Label(x=100, y=70 + 0.1 * number, width=34, height=8) for number in range(9)]
    assert [] == overlapping(labels, place(labels, points(labels), FRAME, gap=4))


def test_labels_avoid_lines_where_there_is_room_elsewhere():
    line = np.stack([np.linspace(0, 200, 80), np.full(80, 70.0)], axis=1)
    label = Label(x=100, y=70, width=34, height=8)
    ((_, y),) = place([label], line, FRAME, gap=4)
    assert abs(y - 70) > 4


def test_labels_stay_inside_and_come_out_the_same_again():
    generator = np.random.default_rng(3)
    labels = [
        Label(x=float(x), y=float(y), width=30, height=8) for x, y in generator.uniform((20, 10), (180, 130), (8, 2))
    ]
    first = place(labels, points(labels), FRAME, gap=4)
    assert first == place(labels, points(labels), FRAME, gap=4)
    assert [] == overlapping(labels, first)
    assert all(14 <= x <= 186 and 3 <= y <= 137 for x, y in first)


def crossing(labels, centres):
    """The pairs of labels whose leaders cross, by solving for where the two lines meet."""
    lines = [((one.x, one.y), leader(one, at)) for one, at in zip(labels, centres, strict=True)]
    found = []
    for (i, (a, b)), (k, (c, d)) in itertools.combinations(enumerate(lines), 2):
        ways = np.array([np.subtract(b, a), np.subtract(c, d)]).T
        if abs(np.linalg.det(ways)) > 1e-9 and np.all(np.abs(np.linalg.solve(ways, np.subtract(c, a)) - 0.5) < 0.5):
            found.append((i, k))
    return found


def test_leaders_of_points_that_lie_close_do_not_cross():
    """The points of three small models, which come in the order of their names."""
    labels = [
        Label(x=46.5, y=147, width=44, height=8),
        Label(x=75, y=165, width=38, height=8),
        Label(x=58.5, y=160, width=41, height=8),
    ]
    centres = place(labels, points(labels), Frame(left=25, bottom=45, right=229, top=177), gap=4.5)
    assert ([], []) == (crossing(labels, centres), overlapping(labels, centres))
    assert all(
        np.hypot(leader(one, at)[0] - one.x, leader(one, at)[1] - one.y) < 20
        for one, at in zip(labels, centres, strict=True)
    )


def test_of_six_labels_of_points_anywhere_no_two_leaders_cross():
    generator = np.random.default_rng(0)
    for _ in range(40):
        labels = [Label(x=float(x), y=float(y), width=40, height=8) for x, y in generator.uniform(50, 100, (6, 2))]
        assert [] == crossing(labels, place(labels, points(labels), FRAME, gap=4))


def test_a_leader_ends_at_the_nearest_edge():
    assert (60, 50) == leader(Label(x=50, y=50, width=20, height=8), (70, 52))
