"""MobileVOS's losses: what they look at, where gradients go, and what they add up to."""

from __future__ import annotations

import dataclasses
import math

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from vosbench.contract import Unrolled
from vosbench.errors import UsageError
from vosbench.train.boundary import boundary
from vosbench.train.distillation import (
    Distillation,
    DistillationSettings,
    DistillationTerms,
    bootstrapped_poly_cross_entropy,
    logit_loss,
    object_planes,
    poly_cross_entropy,
    representation_channels,
)

FRAMES, HEIGHT, WIDTH = 3, 32, 48
OBJECTS = (2, 1)


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def clip_masks() -> Tensor:
    masks = torch.zeros(2, FRAMES, HEIGHT, WIDTH, dtype=torch.int64)
    for frame in range(FRAMES):
        masks[:, frame, 8:20, 6 + frame : 18 + frame] = 1
        masks[0, frame, 4:24, 28:40] = 2
    return masks


def answers(seed: int, channels: int = 6) -> Unrolled:
    random = generator(seed)
    logits = torch.randn(2, FRAMES - 1, 3, HEIGHT, WIDTH, generator=random)
    logits[1, :, 2] = -1e4
    representation = torch.randn(2, FRAMES - 1, 2, channels, HEIGHT // 4, WIDTH // 4, generator=random)
    return Unrolled(logits=logits.requires_grad_(), representation=representation.requires_grad_())


def terms(student: Unrolled, teacher: Unrolled, **settings: object) -> tuple[DistillationTerms, Distillation]:
    torch.manual_seed(5)
    module = Distillation(DistillationSettings(**settings), student_channels=6, teacher_channels=4)
    return module(student, teacher, clip_masks(), OBJECTS, generator(1)), module


def test_no_gradient_reaches_the_teacher():
    student, teacher = answers(1), answers(2, channels=4)
    found, module = terms(student, teacher)
    found.total(student.logits.sum() * 0).backward()
    assert teacher.logits.grad is None
    assert teacher.representation.grad is None
    assert student.logits.grad.abs().sum() > 0
    assert student.representation.grad.abs().sum() > 0
    assert module.embedding.weight.grad.abs().sum() > 0


@pytest.mark.parametrize("direction", ["teacher-student", "student-teacher"])
def test_gradients_stay_at_the_boundary_and_with_the_objects_that_are_there(direction: str):
    student = answers(1)
    found, _ = terms(student, answers(2, channels=4), direction=direction, boundary_width=2)
    found.total(torch.zeros(())).backward()
    near = boundary(object_planes(clip_masks()[:, 1:], 2), 2)
    far = ~near.any(2)
    assert 0 == student.logits.grad.abs().sum(2)[far].max()
    assert student.logits.grad.abs().sum(2)[~far].min() > 0
    cells = functional.max_pool2d(near.flatten(0, 1).float(), 4).view(2, FRAMES - 1, 2, HEIGHT // 4, WIDTH // 4) > 0
    reached = student.representation.grad.abs().sum(3) > 0
    assert torch.equal(cells, reached)
    assert not reached[1, :, 1].any()


def test_random_sampling_takes_all_logits_and_as_many_representations_anywhere():
    student = answers(1)
    found, _ = terms(student, answers(2, channels=4), sampling="random", boundary_width=1)
    found.total(torch.zeros(())).backward()
    assert student.logits.grad.abs().sum(2).min() > 0
    near = boundary(object_planes(clip_masks()[:, 1:], 2), 1)
    cells = functional.max_pool2d(near.flatten(0, 1).float(), 4).view(2, FRAMES - 1, 2, HEIGHT // 4, WIDTH // 4) > 0
    reached = student.representation.grad.abs().sum(3) > 0
    assert torch.equal(cells.sum((-1, -2)), reached.sum((-1, -2)))
    assert not torch.equal(cells, reached)


def test_a_limit_bounds_the_pixels_of_each_plane():
    student = answers(1)
    found, _ = terms(student, answers(2, channels=4), most_pixels=5)
    found.total(torch.zeros(())).backward()
    assert [5, 5, 5, 0] == (student.representation.grad.abs().sum(3) > 0).sum((1, 3, 4)).div(2).flatten().tolist()


def test_terms_are_switched_off_one_by_one():
    student, teacher = answers(1), answers(2, channels=4)
    both, _ = terms(student, teacher)
    without, module = terms(dataclasses.replace(student, representation=None), teacher, representation=False)
    assert without.representation is None
    assert [] == list(module.parameters())
    assert both.logits.item() == without.logits.item()
    alone, _ = terms(student, teacher, logits=False)
    assert alone.logits is None
    assert both.representation.item() == alone.representation.item()


def test_the_total_is_the_sum_of_equation_10():
    one, two, three = (torch.tensor(value) for value in (1.5, 0.25, 0.125))
    assert 1.875 == float(DistillationTerms(logits=two, representation=three).total(one))
    assert 1.625 == float(DistillationTerms(logits=None, representation=three).total(one))
    assert 1.5 == float(DistillationTerms(logits=None, representation=None).total(one))


def test_a_clip_without_a_boundary_costs_nothing():
    module = Distillation(DistillationSettings(), student_channels=6, teacher_channels=4)
    empty = torch.zeros(2, FRAMES, HEIGHT, WIDTH, dtype=torch.int64)
    found = module(answers(1), answers(2, channels=4), empty, OBJECTS, generator())
    found.total(torch.zeros(())).backward()
    assert (0, 0) == (found.logits.item(), found.representation.item())
    assert torch.isfinite(module.embedding.weight.grad).all()


def kl(first: list[float], second: list[float]) -> float:
    return sum(p * math.log(p / q) for p, q in zip(first, second, strict=True))


def softened(logits: list[float], temperature: float) -> list[float]:
    odds = [math.exp(value / temperature) for value in logits]
    return [value / sum(odds) for value in odds]


def test_equation_9_is_a_divergence_of_softened_predictions():
    ours, theirs = [[0.2, -0.1], [0.0, 0.3]], [[0.1, 0.1], [-0.3, 0.2]]
    planes = [torch.tensor(rows).T.reshape(1, 1, 2, 1, 2) for rows in (ours, theirs)]
    chosen = torch.ones(1, 1, 1, 2, dtype=torch.bool)
    pairs = [(softened(a, 0.1), softened(b, 0.1)) for a, b in zip(ours, theirs, strict=True)]
    algorithm = logit_loss(*planes, chosen, temperature=0.1)
    equation = logit_loss(*planes, chosen, temperature=0.1, direction="student-teacher")
    assert pytest.approx(sum(kl(b, a) for a, b in pairs) / 2, rel=1e-5) == algorithm.item()
    assert pytest.approx(sum(kl(a, b) for a, b in pairs) / 2, rel=1e-5) == equation.item()
    assert abs(algorithm.item() - equation.item()) > 0.01
    assert 0 == float(logit_loss(planes[0], planes[0], chosen, temperature=0.1))


def test_a_frame_with_a_long_boundary_counts_as_much_as_one_with_a_short_one():
    planes = [torch.randn(1, 3, 2, 4, 4, generator=generator(seed)) for seed in (1, 2)]
    chosen = torch.zeros(1, 3, 4, 4, dtype=torch.bool)
    chosen[0, 0], chosen[0, 1, 0, 0] = True, True
    alone = [
        logit_loss(*(plane[:, frame : frame + 1] for plane in planes), chosen[:, frame : frame + 1], temperature=0.1)
        for frame in (0, 1)
    ]
    found = logit_loss(*planes, chosen, temperature=0.1)
    torch.testing.assert_close(torch.stack(alone).mean(), found)


def test_missing_objects_take_no_part_in_the_divergence():
    planes = [torch.randn(1, 1, 2, 4, 4, generator=generator(seed)) for seed in (1, 2)]
    missing = [torch.cat([plane, torch.full((1, 1, 1, 4, 4), -1e4)], 2).requires_grad_() for plane in planes]
    chosen = torch.ones(1, 1, 4, 4, dtype=torch.bool)
    found = logit_loss(*missing, chosen, temperature=0.1)
    found.backward()
    torch.testing.assert_close(logit_loss(*planes, chosen, temperature=0.1), found.detach())
    assert torch.isfinite(missing[0].grad).all()


def test_poly_cross_entropy_adds_the_missing_probability():
    logits, labels = torch.randn(2, 3, 4, 5, generator=generator()), torch.randint(3, (2, 4, 5), generator=generator())
    torch.testing.assert_close(
        functional.cross_entropy(logits, labels, reduction="none"), poly_cross_entropy(logits, labels, 0.0)
    )
    p = float(torch.softmax(logits[1, :, 2, 3], 0)[labels[1, 2, 3]])
    assert pytest.approx(-math.log(p) + 2 * (1 - p), rel=1e-5) == float(
        poly_cross_entropy(logits, labels, 2.0)[1, 2, 3]
    )


def test_bootstrapping_means_the_hardest_pixels_of_every_image():
    logits, labels = torch.randn(2, 3, 4, 5, generator=generator()), torch.randint(3, (2, 4, 5), generator=generator())
    losses = poly_cross_entropy(logits, labels)
    assert pytest.approx(float(losses.mean())) == float(bootstrapped_poly_cross_entropy(logits, labels, share=1.0))
    hardest = [sorted(image.flatten().tolist())[-5:] for image in losses]
    expected = sum(map(sum, hardest)) / 10
    assert pytest.approx(expected, rel=1e-5) == float(bootstrapped_poly_cross_entropy(logits, labels, share=0.25))


@pytest.mark.parametrize("wrong", [{"omega": 1.5}, {"temperature": 0.0}, {"boundary_width": 0}, {"most_pixels": 1}])
def test_settings_that_cannot_be_are_refused(wrong: dict[str, float]):
    with pytest.raises(UsageError, match=next(iter(wrong))):
        DistillationSettings(**wrong)


def test_a_network_without_a_representation_is_refused():
    bare = dataclasses.replace(answers(1), representation=None)
    with pytest.raises(UsageError, match="the student gives no representation"):
        terms(bare, answers(2, channels=4))
    with pytest.raises(UsageError, match="the teacher gives no representation"):
        terms(answers(1), bare)


def test_representations_of_different_strides_are_refused():
    coarse = dataclasses.replace(answers(2), representation=torch.zeros(2, FRAMES - 1, 2, 4, HEIGHT // 8, WIDTH // 8))
    with pytest.raises(UsageError, match=r"the student's representation is \(8, 12\), the teacher's \(4, 6\)"):
        terms(answers(1), coarse)


class Fake:
    """A network that answers with ``channels`` channels, or without any representation."""

    network = None

    def __init__(self, channels: int | None) -> None:
        self.channels = channels

    def unroll(self, images: Tensor, masks: Tensor, objects: tuple[int, ...], generator: torch.Generator) -> Unrolled:
        representation = None if self.channels is None else torch.zeros(1, 1, 1, self.channels, 8, 8)
        return Unrolled(logits=torch.zeros(1, 1, 2, 32, 32), representation=representation)


def test_the_embedding_learns_its_widths_from_the_networks():
    assert 24 == representation_channels(Fake(24))
    with pytest.raises(UsageError, match="gives no representation"):
        representation_channels(Fake(None))
