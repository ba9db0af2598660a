"""MobileVOS's representation loss: correlations between pixels, and how a student's are made like a target's.

All of it works on padded sets of pixels: a pixel that is not there has a representation of zeros, whose correlations
are zero and add nothing to any sum.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

SMALLEST = 1e-12
"""Below this a sum of squared correlations is no number to take a logarithm of: nothing was represented at all."""


def correlation(representation: Tensor) -> Tensor:
    """Gives back C = Z Z^T (sets, pixels, pixels) in [-1, 1] of ``representation`` (sets, pixels, channels).

    Equation 1; the rows of Z are normalised to length 1. A row of zeros stays one.
    """
    rows = functional.normalize(representation, dim=-1)
    return rows @ rows.transpose(-1, -2)


def label_correlation(labels: Tensor, valid: Tensor) -> Tensor:
    """Gives back C_y = Y Y^T (sets, pixels, pixels): 1 where two pixels are of one class, else 0.

    Equation 5; ``labels`` (sets, pixels) int64 are the classes (object or background), ``valid`` (sets, pixels) bool
    tells the pixels that are there.
    """
    same = labels[:, :, None] == labels[:, None, :]
    return (same & valid[:, :, None] & valid[:, None, :]).to(torch.float32)


def unified_target(teacher: Tensor, labels: Tensor, omega: float) -> Tensor:
    """Gives back C_ty = omega C_t + (1 - omega) C_y (sets, pixels, pixels), equation 6.

    ``omega`` 1 distils the teacher alone, 0 is supervised contrastive learning (diagram 8).
    """
    return omega * teacher + (1 - omega) * labels


def representation_loss(student: Tensor, target: Tensor, pixels: Tensor) -> Tensor:
    """Gives back (sets,): (log2 |C_s|^2 - log2 |C_s o C|^2) / n, equation 2, with C the ``target``.

    ``student`` and ``target`` are correlations (sets, pixels, pixels), ``pixels`` (sets,) the number n of pixels that
    are there. |.|^2 is the squared Frobenius norm: equations 16 and 22 and Algorithm 1 leave no other reading.

    With the target of a teacher alone (omega = 1) this is equation 17: (-S2(Z_s) + S2(Z_s; Z_t)) / n for Renyi's
    entropies of order 2 (equations 13 and 14), which is the negative mutual information up to the factor 1 / n and the
    teacher's own entropy, a constant. **Equation 3 is misprinted**: it has both signs the other way round
    (H2(Z_s) - H2(Z_s; Z_t)), which minimised would drive the student away from the teacher, and is not the -I2 that
    equation 4 sets it equal to; by equation 15, -I2 = -H2(Z_s) - H2(Z_t) + H2(Z_s; Z_t).

    With the target of the labels alone (omega = 0) this is equation 24: minus the logarithm of one quotient, the sum
    of squares over all positive pairs by the sum over all pairs. **Equation 25 is misprinted**: it draws the sum over
    i out of numerator and denominator, but a quotient of sums is not a sum of quotients. Where positives and negatives
    are perfectly apart the loss is 0, and equation 25 would say -log2(n) / n; equation 7 repeats it, with similarities
    that are not squared.
    """
    regularisation = _log2_of_squares(student)
    alignment = _log2_of_squares(student * target)
    return (regularisation - alignment) / pixels.clamp(min=1)


def _log2_of_squares(matrix: Tensor) -> Tensor:
    return matrix.square().sum((-1, -2)).clamp(min=SMALLEST).log2()
