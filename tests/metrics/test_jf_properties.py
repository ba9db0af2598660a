"""What J and F obey on any masks."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from vosbench.metrics.jf import boundary_f, count_frame, jaccard

IDS = (1, 2, 3)
SETTINGS = settings(max_examples=60, deadline=None, derandomize=True, database=None)


@st.composite
def pairs_of_maps(draw):
    height, width = draw(st.integers(1, 24)), draw(st.integers(1, 24))
    generator = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    coarse = draw(st.integers(1, 6))

    def one():
        cells = generator.integers(0, len(IDS) + 1, (height // coarse + 1, width // coarse + 1))
        return np.kron(cells, np.ones((coarse, coarse), np.int64))[:height, :width].astype(np.uint8)

    return one(), one()


def _scores(prediction, truth, ids=IDS):
    counts = count_frame(prediction, truth, ids)
    return jaccard(counts).tolist(), boundary_f(counts).tolist()


def _seg2bmap(mask):
    """The boundary by its definition: windows of 2 x 2 that are not uniform, one of pairs at the frame's edges."""
    height, width = mask.shape
    boundary = np.zeros_like(mask)
    for y in range(height):
        for x in range(width):
            window = mask[y : y + 2, x : x + 2] if y < height - 1 and x < width - 1 else None
            if window is None:
                window = mask[y, x : x + 2] if y == height - 1 else mask[y : y + 2, x]
            if y == height - 1 and x == width - 1:
                continue
            boundary[y, x] = window.min() != window.max()
    return boundary


@SETTINGS
@given(pairs_of_maps())
def test_counts_follow_their_definitions(maps):
    prediction, truth = maps
    counts = count_frame(prediction, truth, IDS)
    radius = 1
    for place, number in enumerate(IDS):
        mine, its = prediction == number, truth == number
        own, other = _seg2bmap(mine), _seg2bmap(its)
        near = np.abs(np.argwhere(own)[:, None] - np.argwhere(other)[None])
        within = (near**2).sum(axis=-1) <= radius**2
        expected = (
            (mine & its).sum(),
            (mine | its).sum(),
            own.sum(),
            other.sum(),
            within.any(axis=1).sum(),
            within.any(axis=0).sum(),
        )
        got = (
            counts.intersection[place],
            counts.union[place],
            counts.predicted_boundary[place],
            counts.true_boundary[place],
            counts.matched_prediction[place],
            counts.matched_truth[place],
        )
        assert expected == got


@SETTINGS
@given(pairs_of_maps())
def test_scores_lie_between_0_and_1(maps):
    for scores in _scores(*maps):
        assert all(0 <= score <= 1 for score in scores)


@SETTINGS
@given(pairs_of_maps())
def test_a_map_agrees_with_itself(maps):
    assert ([1.0] * 3, [1.0] * 3) == _scores(maps[0], maps[0])


@SETTINGS
@given(pairs_of_maps())
def test_j_and_f_do_not_care_which_mask_is_the_truth(maps):
    prediction, truth = maps
    there, back = _scores(prediction, truth), _scores(truth, prediction)
    assert there[0] == back[0]
    assert np.allclose(there[1], back[1], rtol=1e-15, atol=0)


@SETTINGS
@given(pairs_of_maps(), st.permutations(range(1, 4)))
def test_names_of_objects_do_not_matter(maps, order):
    table = np.array([0, *order], np.uint8)
    assert _scores(*maps) == _scores(table[maps[0]], table[maps[1]], order)


@SETTINGS
@given(pairs_of_maps())
def test_j_survives_flips_and_f_the_exchange_of_the_axes(maps):
    """The boundary lies up and left of an edge, so F changes under flips, but not when rows become columns."""
    prediction, truth = maps
    assert _scores(prediction, truth)[0] == _scores(prediction[::-1], truth[::-1])[0]
    assert _scores(prediction, truth) == _scores(prediction.T, truth.T)


@SETTINGS
@given(pairs_of_maps(), st.integers(1, 9), st.integers(1, 9))
def test_background_below_and_right_of_a_closed_frame_changes_nothing(maps, rows, columns):
    """Up to the radius, which small frames share: a crop of empty space keeps the scores."""
    framed = [np.pad(labels, ((1, 2), (1, 2))) for labels in maps]
    wider = [np.pad(labels, ((0, rows), (0, columns))) for labels in framed]
    assert _scores(*framed) == _scores(*wider)


@SETTINGS
@given(pairs_of_maps())
def test_an_object_scores_alone_as_among_others(maps):
    prediction, truth = maps
    j, f = _scores(prediction, truth)
    for place, number in enumerate(IDS):
        alone = _scores((prediction == number).astype(np.uint8), (truth == number).astype(np.uint8), (1,))
        assert ([j[place]], [f[place]]) == alone
