"""The losses of instances: their definitions, bounds and limits."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional

from vosbench.contract import FoundInstances
from vosbench.train.category_map import CategoryMap
from vosbench.train.instance_losses import (
    InstanceLossInput,
    class_focal,
    focal,
    iou_objectness,
    mask_binary_cross_entropy,
    mask_dice,
    passed_binary_cross_entropy,
    passed_dice,
    reached_iou,
)
from vosbench.train.instance_targets import category_map, instance_targets, match

SIZE = (8, 8)
CATEGORIES = ((2, 0),)


def _truth():
    masks = torch.zeros(1, 2, 32, 32, dtype=torch.int64)
    masks[0, 0, 0:16, 0:16] = 1
    masks[0, 1, 0:16, 4:20] = 1
    masks[0, 0, 16:32, 16:32] = 2
    return masks


def _given(seed=0, *, perfect=False, passed=True):
    masks = _truth()
    targets = instance_targets(masks, CATEGORIES, SIZE)
    random = torch.Generator().manual_seed(seed)
    found = FoundInstances(
        classes=torch.randn(1, 2, 5, 3, generator=random),
        objectness=torch.randn(1, 2, 5, generator=random),
        masks=torch.randn(1, 2, 5, *SIZE, generator=random),
        passed=torch.randn(1, 1, 5, *SIZE, generator=random) if passed else None,
        features=torch.randn(1, 2, 6, 4, 4, generator=random),
    )
    if perfect:
        found.masks[0, :, 3] = 60.0 * targets.masks[:, 0] - 30.0
        found.masks[0, :, 1] = 60.0 * targets.masks[:, 1] - 30.0
        found.passed[0, 0, 3] = 60.0 * targets.masks[1, 0] - 30.0
    return InstanceLossInput(
        answer=found,
        targets=targets,
        matching=match(found, targets),
        category_map=category_map(masks, CATEGORIES),
    )


def test_focal_at_gamma_0_without_alpha_is_binary_cross_entropy():
    logits = torch.randn(40, generator=torch.Generator().manual_seed(1)) * 4.0
    truth = (torch.arange(40) % 3 == 0).float()
    expected = functional.binary_cross_entropy_with_logits(logits, truth, reduction="none")
    torch.testing.assert_close(focal(logits, truth, alpha=-1.0, gamma=0.0), expected)


def test_focal_is_the_papers_formula():
    probability, truth = torch.tensor([0.9, 0.2, 0.7]), torch.tensor([1.0, 1.0, 0.0])
    expected = torch.tensor([0.25 * 0.1**2, 0.25 * 0.8**2, 0.75 * 0.7**2]) * -torch.tensor([0.9, 0.2, 0.3]).log()
    torch.testing.assert_close(focal(probability.logit(), truth, alpha=0.25, gamma=2.0), expected)


def test_class_focal_counts_all_queries_and_divides_by_the_instances():
    given = _given()
    truth = torch.zeros(2, 5, 3)
    for frame, query, instance in zip(given.matching.frame, given.matching.query, given.matching.instance, strict=True):
        truth[frame, query, CATEGORIES[0][instance]] = 1.0
    expected = focal(given.answer.classes[0], truth, alpha=0.25, gamma=2.0).sum() / 3.0
    torch.testing.assert_close(class_focal()(given), expected)
    assert 3 == given.instances


@pytest.mark.parametrize("seed", range(4))
def test_dice_lies_between_0_and_1_and_is_0_for_the_truth(seed):
    assert 0.0 < float(mask_dice()(_given(seed))) < 1.0
    assert 0.0 == pytest.approx(float(mask_dice()(_given(seed, perfect=True))), abs=1e-4)


def test_mask_bce_is_the_mean_over_matched_queries_and_pixels():
    given = _given()
    pairs = given.matching
    logits = torch.stack([given.answer.masks[0, f, q] for f, q in zip(pairs.frame, pairs.query, strict=True)])
    truth = torch.stack([given.targets.masks[f, i] for f, i in zip(pairs.frame, pairs.instance, strict=True)])
    expected = functional.binary_cross_entropy_with_logits(logits, truth)
    torch.testing.assert_close(mask_binary_cross_entropy()(given), expected)
    assert 0.0 == pytest.approx(float(mask_binary_cross_entropy()(_given(perfect=True))), abs=1e-4)


def test_the_target_of_objectness_is_the_iou_reached_at_probability_0_4():
    logits = torch.tensor([[0.39, 0.41, 0.9, 0.1], [0.9, 0.9, 0.9, 0.9]]).logit()
    truth = torch.tensor([[0.0, 1.0, 0.4, 1.0], [0.0, 0.0, 0.0, 0.0]])
    torch.testing.assert_close(reached_iou(logits, truth), torch.tensor([1.0 / 3.0, 0.0]))


def test_objectness_is_lowest_where_it_says_the_iou():
    given = _given(perfect=True)
    pairs = given.matching
    losses = []
    for shift in (-6.0, 0.0, 6.0):
        given.answer.objectness[0, pairs.frame, pairs.query] = 2.0 + shift
        losses.append(float(iou_objectness()(given)))
    assert losses[2] < losses[1] < losses[0]
    assert 0.0 == pytest.approx(losses[2], abs=1e-3)


def test_objectness_gives_masks_no_gradient():
    given = _given()
    given.answer.masks.requires_grad_()
    given.answer.objectness.requires_grad_()
    iou_objectness()(given).backward()
    assert given.answer.masks.grad is None
    assert (given.answer.objectness.grad != 0.0).any()


def test_passed_queries_are_judged_by_the_instance_of_the_frame_before():
    given = _given(perfect=True)
    assert 0.0 == pytest.approx(float(passed_dice()(given)), abs=1e-4)
    assert 0.0 == pytest.approx(float(passed_binary_cross_entropy()(given)), abs=1e-4)
    given.answer.passed[0, 0, 3] = -given.answer.passed[0, 0, 3]
    assert float(passed_dice()(given)) > 0.9


def test_passed_parts_without_passed_queries_are_refused():
    with pytest.raises(ValueError, match="no queries were passed on"):
        passed_dice()(_given(passed=False))


def test_without_any_instance_only_the_classes_have_a_loss():
    masks = torch.zeros(1, 2, 32, 32, dtype=torch.int64)
    targets = instance_targets(masks, [()], SIZE)
    found = FoundInstances(
        classes=torch.zeros(1, 2, 5, 3),
        objectness=torch.zeros(1, 2, 5),
        masks=torch.zeros(1, 2, 5, *SIZE),
        passed=torch.zeros(1, 1, 5, *SIZE),
    )
    given = InstanceLossInput(
        answer=found, targets=targets, matching=match(found, targets), category_map=category_map(masks, [()])
    )
    parts = (mask_dice, mask_binary_cross_entropy, iou_objectness, passed_dice, passed_binary_cross_entropy)
    assert [0.0] * 5 == [float(part()(given)) for part in parts]
    assert 1 == given.instances
    torch.testing.assert_close(class_focal()(given), torch.tensor(30 * 0.75 * 0.25 * 0.6931472))


def test_a_category_map_learns_the_pixels_categories():
    given = _given()
    part = CategoryMap(channels=6, categories=3, background=0.5)
    part.classify.weight.data.zero_()
    part.classify.bias.data.copy_(torch.tensor([0.0, 0.0, 0.0, 0.0]))
    torch.testing.assert_close(part(given), torch.tensor(4.0).log())
    part.classify.bias.data.copy_(torch.tensor([50.0, 0.0, 0.0, 0.0]))
    background = int((given.category_map[:, 4::8, 4::8] == 0).sum())
    things = 2 * 16 - background
    torch.testing.assert_close(part(given), torch.tensor(50.0 * things / (things + 0.5 * background)))


def test_a_category_map_without_features_is_refused():
    given = _given()
    bare = FoundInstances(classes=given.answer.classes, objectness=given.answer.objectness, masks=given.answer.masks)
    with pytest.raises(ValueError, match="no features"):
        CategoryMap(channels=6, categories=3)(
            InstanceLossInput(
                answer=bare, targets=given.targets, matching=given.matching, category_map=given.category_map
            )
        )
