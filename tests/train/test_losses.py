"""The parts of the loss: what a perfect answer costs, what a wrong one does, and which pixels count."""

from __future__ import annotations

import math

import pytest
import torch

from vosbench.contract import Unrolled
from vosbench.errors import UsageError
from vosbench.train.loss import Loss, PartContext
from vosbench.train.losses import (
    LossInput,
    binary_cross_entropy,
    bootstrapped_cross_entropy,
    bootstrapped_share,
    dice,
    soft_jaccard,
)
from vosbench.train.recipe import LossPlan


def _given(logits, masks, objects=(1,), progress=0.0):
    return LossInput(
        answer=Unrolled(logits=logits),
        masks=masks,
        objects=objects,
        progress=progress,
        generator=torch.Generator().manual_seed(0),
    )


def _halves(strength=0.0):
    """One clip of two frames, 2 x 4: the object is the right half; its logit is +-``strength``."""
    masks = torch.zeros(1, 2, 2, 4, dtype=torch.int64)
    masks[..., 2:] = 1
    logits = torch.zeros(1, 1, 2, 2, 4)
    logits[:, :, 1] = strength * (2.0 * masks[:, 1:].float() - 1.0)
    return logits, masks


PARTS = [bootstrapped_cross_entropy(), binary_cross_entropy(), dice(smooth=0.0), soft_jaccard(smooth=0.0)]


@pytest.mark.parametrize("part", PARTS)
def test_a_perfect_answer_costs_nothing(part):
    assert float(part(_given(*_halves(50.0)))) == pytest.approx(0.0, abs=1e-5)


@pytest.mark.parametrize("part", PARTS)
def test_a_better_answer_costs_less(part):
    assert float(part(_given(*_halves(1.0)))) < float(part(_given(*_halves(0.0))))


@pytest.mark.parametrize(
    ("part", "expected"),
    [
        (bootstrapped_cross_entropy(), math.log(2.0)),
        (binary_cross_entropy(), math.log(2.0)),
        (dice(smooth=0.0), 0.5),  # 2 * 2 / (4 + 4)
        (soft_jaccard(smooth=0.0), 1.0 - 2.0 / 6.0),  # 2 / (4 + 4 - 2)
        (dice(), 1.0 - 5.0 / 9.0),
        (soft_jaccard(), 1.0 - 3.0 / 7.0),
    ],
)
def test_an_undecided_answer_costs_what_the_formula_says(part, expected):
    assert expected == pytest.approx(float(part(_given(*_halves(0.0)))))


@pytest.mark.parametrize("part", PARTS)
def test_objects_that_a_clip_does_not_have_count_nowhere(part):
    logits, masks = _halves(1.0)
    alone = float(part(_given(logits, masks)))
    missing = torch.cat([logits, torch.full_like(logits[:, :, :1], -1e4)], dim=2)
    assert alone == pytest.approx(float(part(_given(missing, masks, (1,)))))


@pytest.mark.parametrize("part", PARTS)
def test_gradients_are_numbers_even_for_sure_answers(part):
    logits, masks = _halves(1e4)
    logits.requires_grad_(True)
    part(_given(-logits, masks)).backward()
    assert torch.isfinite(logits.grad).all()


def test_all_pixels_count_at_first_and_the_hardest_from_half_on():
    assert [1.0, 1.0, 0.15, 0.15] == pytest.approx([bootstrapped_share(at) for at in (0.0, 0.1, 0.5, 1.0)])
    assert 0.575 == pytest.approx(bootstrapped_share(0.3))


def test_the_hardest_pixels_are_those_of_each_frame():
    logits, masks = torch.zeros(1, 2, 2, 1, 4), torch.zeros(1, 3, 1, 4, dtype=torch.int64)
    logits[0, 0, 0] = torch.tensor([[5.0, 5.0, 5.0, -5.0]])  # one pixel of the first answered frame is wrong
    part = bootstrapped_cross_entropy(share=0.25)
    wrong, undecided = math.log1p(math.exp(5.0)), math.log(2.0)
    assert (wrong + undecided) / 2.0 == pytest.approx(float(part(_given(logits, masks, progress=1.0))))


def _context():
    return PartContext(student=None, teacher=None, where="recipe tiny")


def test_parts_are_weighed_and_added():
    loss = Loss((LossPlan(part="dice", weight=2.0, options={"smooth": 0.0}), LossPlan(part="soft-jaccard")), _context())
    total, parts = loss.of(_given(*_halves(0.0)))
    assert ("dice", "soft-jaccard") == loss.names()
    assert 2.0 * 0.5 + float(parts[1]) == pytest.approx(float(total))


def test_an_unknown_part_is_answered_with_the_nearest():
    with pytest.raises(UsageError, match="no part of a loss 'dise'") as caught:
        Loss((LossPlan(part="dise"),), _context())
    assert "did you mean 'dice'?" in caught.value.fix


def test_an_unknown_option_is_refused():
    with pytest.raises(UsageError, match="the part 'dice' has no option 'smoth'") as caught:
        Loss((LossPlan(part="dice", options={"smoth": 1.0}),), _context())
    assert "smooth" in caught.value.fix


def test_a_distillation_without_teacher_is_refused():
    with pytest.raises(UsageError, match="needs a teacher"):
        Loss((LossPlan(part="logit-distillation"),), _context())


def test_an_unknown_option_of_a_distillation_is_refused():
    context = PartContext(student=object(), teacher=object(), where="recipe tiny")
    with pytest.raises(UsageError, match="unknown key 'omage'"):
        Loss((LossPlan(part="representation-distillation", options={"omage": 1.0}),), context)
