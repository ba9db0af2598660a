from __future__ import annotations

import torch

from vosbench.adapters.nn.aggregation import aggregate, merge_given, others


def test_aggregation_is_the_softmax_of_clamped_log_odds():
    objects = torch.tensor([[[0.0, 1.0, 0.2]], [[0.0, 1.0, 0.9]]], dtype=torch.float64)
    background = (1 - objects).prod(0, keepdim=True)
    clamped = torch.cat([background, objects]).clamp(1e-7, 1 - 1e-7)
    expected = torch.softmax(torch.log(clamped / (1 - clamped)), dim=0)
    torch.testing.assert_close(expected, aggregate(objects))
    torch.testing.assert_close(torch.ones(1, 3, dtype=torch.float64), aggregate(objects).sum(0))


def test_given_masks_push_known_objects_aside():
    known = torch.tensor([[[0.3, 0.4, 0.5]]])
    given = torch.tensor([[[0.0, 1.0, 0.0]], [[0.0, 0.0, 0.0]]])
    expected = torch.tensor([[[0.3, 0.0, 0.5]], [[0.0, 1.0, 0.0]], [[0.0, 0.0, 0.0]]])
    assert torch.equal(expected, merge_given(known, given))


def test_the_others_of_a_lone_object_are_nothing():
    masks = torch.tensor([[[0.25, 1.0]], [[0.5, 0.0]]])
    assert torch.equal(masks.flip(0), others(masks))
    assert torch.equal(torch.zeros(1, 1, 2), others(masks[:1]))
