"""MobileVOS's representation loss against its own derivation (sections 3.1, 3.2 and 7.5)."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from vosbench.train.correlation import correlation, label_correlation, representation_loss, unified_target

PIXELS = 9


def draw(seed: int, channels: int) -> Tensor:
    return torch.randn(PIXELS, channels, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


LABELS = torch.tensor([0, 1, 1, 0, 0, 1, 0, 1, 1])


def loss(student: Tensor, teacher: Tensor, omega: float, labels: Tensor = LABELS) -> Tensor:
    everywhere = torch.ones(1, len(student), dtype=torch.bool)
    target = unified_target(
        correlation(teacher[None]), label_correlation(labels[None], everywhere).to(student.dtype), omega
    )
    return representation_loss(correlation(student[None]), target, torch.tensor([len(student)]))[0]


def entropy(matrix: Tensor) -> float:
    """Renyi's entropy of order 2 by eigenvalues (equation 13), of a matrix scaled to trace 1."""
    eigenvalues = torch.linalg.eigvalsh(matrix / matrix.trace())
    return -math.log2(float(eigenvalues.square().sum()))


def cosine_squares(student: Tensor) -> Tensor:
    rows = [row / row.norm() for row in student]
    return torch.tensor([[float(a @ b) ** 2 for b in rows] for a in rows], dtype=torch.float64)


def test_equation_2_is_its_two_logarithms():
    student, teacher = draw(1, 4), draw(2, 6)
    c_s, c_t = correlation(student[None])[0], correlation(teacher[None])[0]
    expected = sum(c_s[i, j] ** 2 for i in range(PIXELS) for j in range(PIXELS)).log2()
    expected -= sum((c_s[i, j] * c_t[i, j]) ** 2 for i in range(PIXELS) for j in range(PIXELS)).log2()
    torch.testing.assert_close(expected / PIXELS, loss(student, teacher, 1.0))


def test_distillation_alone_is_equation_17_and_not_equation_3():
    student, teacher = draw(1, 4), draw(2, 6)
    c_s, c_t = correlation(student[None])[0], correlation(teacher[None])[0]
    own, joint = entropy(c_s), entropy(c_s * c_t)
    actual = float(loss(student, teacher, 1.0))
    assert pytest.approx((-own + joint) / PIXELS) == actual
    assert actual > 0 > (own - joint) / PIXELS


def test_distillation_alone_is_less_mutual_information_and_a_constant_of_the_teacher():
    teacher = draw(2, 6)
    c_t = correlation(teacher[None])[0]
    for seed in (1, 3, 4):
        student = draw(seed, 4)
        c_s = correlation(student[None])[0]
        information = entropy(c_s) + entropy(c_t) - entropy(c_s * c_t)
        assert pytest.approx((entropy(c_t) - information) / PIXELS) == float(loss(student, teacher, 1.0))


def test_contrast_alone_is_equation_24_and_not_equation_25():
    student = draw(1, 4)
    squares = cosine_squares(student)
    positive = [[LABELS[i] == LABELS[j] for j in range(PIXELS)] for i in range(PIXELS)]
    numerators = [sum(squares[i, j] for j in range(PIXELS) if positive[i][j]) for i in range(PIXELS)]
    denominators = [squares[i].sum() for i in range(PIXELS)]
    equation_24 = -math.log2(float(sum(numerators) / sum(denominators))) / PIXELS
    equation_25 = -math.log2(float(sum(n / d for n, d in zip(numerators, denominators, strict=True)))) / PIXELS
    actual = float(loss(student, draw(2, 6), 0.0))
    assert pytest.approx(equation_24) == actual
    assert abs(equation_25 - actual) > 0.1


def test_perfect_contrast_costs_nothing():
    apart = torch.nn.functional.one_hot(LABELS, 2).to(torch.float64)
    assert pytest.approx(0, abs=1e-12) == float(loss(apart, draw(2, 6), 0.0))


def test_contrast_does_not_look_at_the_teacher_nor_distillation_at_the_labels():
    student = draw(1, 4)
    assert float(loss(student, draw(2, 6), 0.0)) == float(loss(student, draw(5, 3), 0.0))
    assert float(loss(student, draw(2, 6), 1.0)) == float(loss(student, draw(2, 6), 1.0, labels=1 - LABELS.roll(2)))


def test_the_target_lies_between_its_ends():
    everywhere = torch.ones(1, PIXELS, dtype=torch.bool)
    teacher, labels = correlation(draw(2, 6)[None]), label_correlation(LABELS[None], everywhere)
    between = unified_target(teacher, labels, 0.3)
    torch.testing.assert_close(0.3 * teacher[0, 2, 4] + 0.7 * float(LABELS[2] == LABELS[4]), between[0, 2, 4])
    torch.testing.assert_close(torch.ones(PIXELS, dtype=torch.float64), between[0].diagonal())


@pytest.mark.parametrize("omega", [0.0, 0.5, 1.0])
def test_rotations_and_lengths_of_the_representation_do_not_matter(omega: float):
    student, teacher = draw(1, 4), draw(2, 6)
    rotation = torch.linalg.qr(draw(7, PIXELS)[:4, :4]).Q
    other = torch.linalg.qr(draw(8, PIXELS)[:6, :6]).Q
    lengths = draw(9, 1).abs() + 0.1
    expected = loss(student, teacher, omega)
    torch.testing.assert_close(expected, loss(student @ rotation * lengths, teacher, omega))
    torch.testing.assert_close(expected, loss(student, teacher @ other, omega))


def test_pixels_that_are_not_there_change_nothing():
    student, teacher = draw(1, 4), draw(2, 6)
    padding = 5
    valid = torch.arange(PIXELS + padding)[None] < PIXELS
    longer = [torch.cat([rows, torch.zeros(padding, rows.shape[1])])[None] for rows in (student, teacher)]
    labels = torch.cat([LABELS, torch.zeros(padding, dtype=torch.int64)])
    target = unified_target(correlation(longer[1]), label_correlation(labels[None], valid).to(torch.float64), 0.4)
    padded = representation_loss(correlation(longer[0]), target, valid.sum(1))
    torch.testing.assert_close(loss(student, teacher, 0.4), padded[0])


def test_minimising_it_makes_correlations_alike():
    student = draw(1, 4).requires_grad_()
    teacher = draw(2, 4)
    optimizer = torch.optim.Adam([student], lr=0.05)
    before = float(loss(student.detach(), teacher, 1.0))
    for _ in range(150):
        optimizer.zero_grad()
        loss(student, teacher, 1.0).backward()
        optimizer.step()
    strongest = correlation(teacher[None])[0].square() - torch.eye(PIXELS)
    row, column = divmod(int(strongest.argmax()), PIXELS)
    c_s = correlation(student.detach()[None])[0].square()
    assert float(loss(student.detach(), teacher, 1.0)) < before
    assert c_s[row, column] > c_s.mean()


def test_a_set_of_nothing_is_finite():
    zeros = torch.zeros(1, 3, 3)
    assert 0 == float(representation_loss(zeros, zeros, torch.tensor([0]))[0])
