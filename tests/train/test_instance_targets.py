"""Which query is to be which instance: one to one, whatever the order, and by id from frame to frame."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from vosbench.contract import FoundInstances
from vosbench.train.instance_targets import (
    InstanceTargets,
    category_map,
    dice_coefficients,
    instance_targets,
    match,
    passed_matching,
)

HEIGHT, WIDTH = 8, 12


def _masks(*boxes):
    """(1, frames, 32, 48): each frame's boxes (number, top, left), 8 x 12 pixels each."""
    frames = []
    for frame in boxes:
        mask = torch.zeros(4 * HEIGHT, 4 * WIDTH, dtype=torch.int64)
        for number, top, left in frame:
            mask[top : top + 8, left : left + 12] = number
        frames.append(mask)
    return torch.stack(frames)[None]


def _found(targets, order, *, categories=8, extra=2):
    """Queries that answer instance ``order[i]`` perfectly at place i, and ``extra`` that answer nothing."""
    frames, most = targets.present.shape
    queries = most + extra
    masks = torch.full((1, frames, queries, HEIGHT, WIDTH), -8.0)
    classes = torch.full((1, frames, queries, categories), -8.0)
    for query, instance in enumerate(order):
        masks[0, :, query] = 16.0 * targets.masks[:, instance] - 8.0
        for frame in range(frames):
            classes[0, frame, query, targets.categories[frame, instance]] = 8.0
    return FoundInstances(classes=classes, objectness=torch.zeros(1, frames, queries), masks=masks)


@pytest.mark.parametrize("seed", range(5))
def test_matching_finds_a_permutation_again(seed):
    targets = instance_targets(_masks([(1, 0, 0), (2, 16, 4), (3, 2, 30)]), [(5, 0, 5)], (HEIGHT, WIDTH))
    order = np.random.default_rng(seed).permutation(3).tolist()
    found = match(_found(targets, order), targets)
    assert dict(enumerate(order)) == dict(zip(found.query.tolist(), found.instance.tolist(), strict=True))


def test_of_two_equal_masks_the_class_decides():
    targets = instance_targets(_masks([(1, 0, 0)]), [(3,)], (HEIGHT, WIDTH))
    found = _found(targets, [0], extra=1)
    found.masks[0, 0, 1] = found.masks[0, 0, 0]
    found.classes[0, 0, 0, 3] = -2.0
    found.classes[0, 0, 1, 3] = 2.0
    assert [1] == match(found, targets).query.tolist()


def test_no_query_and_no_instance_is_paired_twice_and_with_too_few_queries_the_best_pairs_stay():
    masks = _masks([(1, 0, 0), (2, 0, 14), (3, 0, 30), (4, 20, 0)])
    targets = instance_targets(masks, [(0, 1, 2, 3)], (HEIGHT, WIDTH))
    found = _found(targets, [3, 1], extra=0)
    few = FoundInstances(
        classes=found.classes[:, :, :2], objectness=found.objectness[:, :, :2], masks=found.masks[:, :, :2]
    )
    pairs = match(few, targets)
    assert {(0, 3), (1, 1)} == set(zip(pairs.query.tolist(), pairs.instance.tolist(), strict=True))


def test_an_absent_instance_takes_no_query_and_a_frame_without_any_has_no_pair():
    masks = _masks([(1, 0, 0), (2, 16, 4)], [(2, 18, 4)], [])
    targets = instance_targets(masks, [(1, 2)], (HEIGHT, WIDTH))
    pairs = match(_found(targets, [0, 1]), targets)
    assert [0, 0, 1] == pairs.frame.tolist()
    assert {(0, 0), (0, 1), (1, 1)} == set(zip(pairs.frame.tolist(), pairs.instance.tolist(), strict=True))


def test_a_batch_without_any_instance_has_no_pair():
    targets = instance_targets(torch.zeros(2, 2, 32, 48, dtype=torch.int64), [(), ()], (HEIGHT, WIDTH))
    found = FoundInstances(
        classes=torch.zeros(2, 2, 3, 4), objectness=torch.zeros(2, 2, 3), masks=torch.zeros(2, 2, 3, HEIGHT, WIDTH)
    )
    assert 0 == len(match(found, targets).frame)


def test_targets_are_resized_masks_and_instances_keep_their_place_in_every_frame():
    targets = instance_targets(_masks([(2, 8, 12)], [(1, 0, 0), (2, 8, 24)]), [(4, 6)], (HEIGHT, WIDTH))
    assert (2, 2, HEIGHT, WIDTH) == targets.masks.shape
    assert [[False, True], [True, True]] == targets.present.tolist()
    assert [[4, 6], [4, 6]] == targets.categories.tolist()
    expected = torch.zeros(HEIGHT, WIDTH)
    expected[2:4, 3:6] = 1.0
    torch.testing.assert_close(targets.masks[0, 1], expected)


def test_clips_of_unequal_numbers_of_instances_share_a_batch():
    masks = torch.cat([_masks([(1, 0, 0)]), _masks([(1, 0, 0), (2, 0, 24)])])
    targets = instance_targets(masks, [(7,), (1, 2)], (HEIGHT, WIDTH))
    assert [[True, False], [True, True]] == targets.present.tolist()


def test_dice_is_one_for_equal_masks_and_zero_for_disjoint_ones():
    masks = torch.eye(3).repeat_interleave(20, dim=1)
    torch.testing.assert_close(dice_coefficients(masks, masks), torch.eye(3), atol=1e-4, rtol=0.0)


def test_a_passed_query_keeps_its_instance_where_that_is_present():
    masks = _masks([(1, 0, 0), (2, 16, 4)], [(1, 2, 2)], [(1, 4, 4), (2, 16, 8), (3, 0, 30)])
    targets = instance_targets(masks, [(0, 1, 2)], (HEIGHT, WIDTH))
    first = match(_found(targets, [2, 0, 1]), targets)
    passed = passed_matching(first, targets, 3)
    assert [(0, 1, 0), (1, 1, 0), (1, 2, 1)] == sorted(
        zip(passed.frame.tolist(), passed.query.tolist(), passed.instance.tolist(), strict=True)
    )


def test_passed_queries_of_every_clip_keep_their_own_clips_instances():
    masks = torch.cat([_masks([(1, 0, 0)], [(1, 2, 2)]), _masks([(1, 16, 0)], [])])
    targets = instance_targets(masks, [(0,), (1,)], (HEIGHT, WIDTH))
    one, two = (
        InstanceTargets(masks=targets.masks[at], categories=targets.categories[at], present=targets.present[at])
        for at in (slice(0, 2), slice(2, 4))
    )
    both = [_found(part, [0]) for part in (one, two)]
    found = FoundInstances(
        **{name: torch.cat([getattr(x, name) for x in both]) for name in ("classes", "objectness", "masks")}
    )
    passed = passed_matching(match(found, targets), targets, 2)
    assert [(0, 0, 0)] == list(zip(passed.frame.tolist(), passed.query.tolist(), passed.instance.tolist(), strict=True))


def test_a_category_map_names_each_pixels_category_from_1():
    found = category_map(_masks([(1, 0, 0), (2, 16, 24)]), [(6, 0)])
    assert {0: 32 * 48 - 192, 1: 96, 7: 96} == dict(zip(*(x.tolist() for x in found.unique(return_counts=True)),
                                                         strict=True))  # fmt: skip
    assert 7 == int(found[0, 3, 3])
