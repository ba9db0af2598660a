"""J and F of single frames: hand-made cases and the official tool's own figures."""

from __future__ import annotations

import json
import subprocess
import sys

import numpy as np
import pytest

from vosbench.errors import ScoreError
from vosbench.metrics.jf import boundary_f, boundary_radius, count_all_pairs, count_frame, jaccard


def _scores(prediction, truth, ids=(1,), void=None):
    counts = count_frame(prediction, truth, ids, void)
    return jaccard(counts).tolist(), boundary_f(counts).tolist()


def _blank(height=12, width=16, dtype=np.uint8):
    return np.zeros((height, width), dtype)


@pytest.mark.parametrize(
    ("size", "radius"),
    [((480, 854), 8), ((480, 910), 9), ((480, 1152), 10), ((720, 1280), 12), ((1080, 1920), 18), ((1, 1), 1)],
)
def test_the_radius_is_that_of_the_official_tool(size, radius):
    assert radius == boundary_radius(*size)


def test_two_empty_masks_agree():
    assert ([1.0], [1.0]) == _scores(_blank(), _blank())


def test_one_empty_mask_scores_nothing():
    square = _blank()
    square[3:6, 4:8] = 1
    assert ([0.0], [0.0]) == _scores(square, _blank())
    assert ([0.0], [0.0]) == _scores(_blank(), square)


def test_a_full_frame_has_no_boundary():
    assert ([0.0], [1.0]) == _scores(_blank(), _blank() + np.uint8(1))


@pytest.mark.parametrize(("point", "pixels"), [((5, 7), 4), ((0, 0), 1), ((11, 15), 3), ((0, 7), 2), ((5, 0), 2)])
def test_the_boundary_lies_half_a_pixel_up_and_left(point, pixels):
    dot = _blank()
    dot[point] = 1
    counts = count_frame(dot, _blank(), (1,))
    assert [pixels] == counts.predicted_boundary.tolist()
    assert [0] == counts.true_boundary.tolist()


def test_an_image_of_one_pixel_has_no_boundary():
    counts = count_frame(np.ones((1, 1), np.uint8), np.zeros((1, 1), np.uint8), (1,))
    assert ([0], [1]) == (counts.predicted_boundary.tolist(), counts.union.tolist())


@pytest.mark.parametrize(("rows", "matches"), [(1, 4), (2, 2), (3, 0)])
def test_boundaries_match_within_the_radius(rows, matches):
    mine, its = _blank(40, 40), _blank(40, 40)
    mine[20, 20] = 1
    its[20 + rows, 20] = 1
    assert boundary_radius(40, 40) == 1
    assert [matches] == count_frame(mine, its, (1,)).matched_prediction.tolist()


def test_the_disk_is_round():
    """At radius 2 the point (1, 1) is near (0, 0), while (1, 2) and (2, 1) are not."""
    corner, dot = _blank(150, 150), _blank(150, 150)
    corner[0, 0] = 1  # its boundary is (0, 0) alone
    dot[2, 2] = 1  # its boundary is (1, 1), (1, 2), (2, 1) and (2, 2)
    assert boundary_radius(150, 150) == 2
    assert [1] == count_frame(corner, dot, (1,)).matched_truth.tolist()


def test_iou_is_intersection_over_union():
    mine, its = _blank(), _blank()
    mine[2:6, 2:6] = 1
    its[4:8, 2:6] = 1
    counts = count_frame(mine, its, (1,))
    assert (8, 24) == (counts.intersection.item(), counts.union.item())
    assert [8 / 24] == jaccard(counts).tolist()


def test_ids_keep_the_order_in_which_they_are_asked_for():
    labels = _blank()
    labels[1:4, 1:4] = 2
    labels[6:9, 6:9] = 1
    prediction = np.where(labels == 2, labels, 0).astype(np.uint8)
    assert [1.0, 0.0, 1.0] == jaccard(count_frame(prediction, labels, (2, 1, 7))).tolist()


def test_no_ids_give_empty_counts():
    assert (0,) == count_frame(_blank(), _blank(), ()).union.shape


def test_void_pixels_count_for_neither_mask():
    mine, its = _blank(), _blank()
    mine[2:8, 2:8] = 1
    its[2:8, 2:5] = 1
    void = np.zeros(its.shape, bool)
    void[:, 5:] = True
    assert ([1.0], [1.0]) == _scores(mine, its, void=void)


def test_the_edge_of_void_is_a_boundary():
    full = _blank() + np.uint8(1)
    void = np.zeros(full.shape, bool)
    void[:, 8:] = True
    assert [12] == count_frame(full, full, (1,), void).true_boundary.tolist()


@pytest.mark.parametrize("dtype", [np.uint16, np.uint32, np.uint64])
def test_wide_label_maps_score_as_bytes_do(dtype):
    generator = np.random.default_rng(7)
    mine = generator.integers(0, 4, (9, 11)).astype(np.uint8)
    its = generator.integers(0, 4, (9, 11)).astype(np.uint8)
    wide = 300 * dtype(1)
    expected = _scores(mine, its, (1, 2, 3))
    assert expected == _scores(mine * wide, its * wide, (300, 600, 900))


def test_more_ids_than_a_byte_can_number():
    labels = np.arange(400, dtype=np.uint16).reshape(20, 20)
    prediction = labels.copy()
    prediction[labels == 321] = 0
    scores = jaccard(count_frame(prediction, labels, range(1, 400)))
    assert [321] == (np.flatnonzero(scores != 1) + 1).tolist()


def test_bool_and_read_only_and_strided_maps_are_taken():
    labels = np.zeros((12, 32), bool)
    labels[3:9, 6:20] = True
    view = labels[:, ::2]
    view.flags.writeable = False
    assert ([1.0], [1.0]) == _scores(view, view.astype(np.uint8))


def test_all_pairs_agree_with_single_ones():
    generator = np.random.default_rng(3)
    mine = generator.integers(0, 4, (15, 17)).astype(np.uint8)
    its = generator.integers(0, 3, (15, 17)).astype(np.uint8)
    counts = count_all_pairs(mine, its, (1, 2, 3), (1, 2))
    grid = jaccard(counts).reshape(3, 2), boundary_f(counts).reshape(3, 2)
    for p in range(3):
        for t in range(2):
            expected = _scores((mine == p + 1).astype(np.uint8), (its == t + 1).astype(np.uint8))
            assert expected == ([grid[0][p, t]], [grid[1][p, t]])


@pytest.mark.parametrize(
    "prediction",
    [np.zeros((3, 4, 3), np.uint8), np.zeros((0, 4), np.uint8), np.zeros((3, 4)), np.zeros((4, 3), np.uint8)],
)
def test_what_is_no_label_map_of_the_right_size_is_refused(prediction):
    with pytest.raises(ScoreError):
        count_frame(prediction, np.zeros((3, 4), np.uint8), (1,))


def test_a_void_map_of_another_size_is_refused():
    with pytest.raises(ScoreError, match="void"):
        count_frame(_blank(), _blank(), (1,), np.zeros((2, 2), bool))


@pytest.mark.parametrize("ids", [(0, 1), (1, 1), (-1,)])
def test_ids_that_name_no_object_or_one_twice_are_refused(ids):
    with pytest.raises(ScoreError, match="ids"):
        count_frame(_blank(), _blank(), ids)


def test_more_objects_than_can_be_matched_are_refused():
    with pytest.raises(ScoreError, match="300"):
        count_all_pairs(_blank(), _blank(), (1,), range(1, 301))


def test_importing_the_metrics_loads_neither_numba_nor_torch():
    code = (
        "import sys, vosbench.metrics, vosbench.metrics.video, vosbench.metrics.summary, vosbench.metrics.official_csv;"
        "print(sorted({'numba', 'torch', 'pandas', 'scipy', 'cv2'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "[]" == done.stdout.strip()


def test_every_frame_scores_as_in_the_official_tool(goldens):
    """All of jf_cases, per object and frame, at zero difference; 255 is no object of the truth there."""
    cases = json.loads((goldens / "jf_cases" / "expected.json").read_text())
    differing, compared = [], 0
    with np.load(goldens / "jf_cases" / "masks.npz") as masks:
        for case in cases:
            truth, prediction = masks[f"{case['id']}_gt"], masks[f"{case['id']}_pred"]
            void = truth == 255
            objects = np.where(void, truth.dtype.type(0), truth)
            expected = case["per_object"]
            for name, ignored in (("", None), ("_void", void)):
                if f"J{name}" not in expected:
                    continue
                for index in range(len(truth)):
                    now = None if ignored is None else ignored[index]
                    scores = _scores(prediction[index], objects[index], expected["ids"], now)
                    wanted = tuple([row[index] for row in expected[f"{letter}{name}"]] for letter in "JF")
                    compared += len(expected["ids"])
                    if wanted != scores:
                        differing.append((case["id"], index, name))
    assert [] == differing
    assert compared > 6646
