"""The arithmetic below synthetic geometry: near the true functions, and without a library's rounding."""

from __future__ import annotations

import math

import numpy as np
import pytest

from vosbench.data.synthetic_waves import bounce, ease, generator, sine


@pytest.mark.parametrize("turns", [-3.4, -0.25, 0.0, 0.1, 0.249, 0.26, 0.5, 0.75, 1.0, 12345.678])
def test_sine_is_near_the_true_one(turns: float) -> None:
    assert math.sin(2 * math.pi * turns) == pytest.approx(sine(turns), abs=5e-6)


def test_bounce_reflects_at_both_ends() -> None:
    assert [0.2, 0.8, 0.8, 0.1, 0.1] == pytest.approx([bounce(v, 0.1, 0.9) for v in (0.2, 0.8, 1.0, 0.1, 1.7)])
    assert 0.5 == bounce(7.0, 0.5, 0.5)


def test_ease_is_a_step_with_flat_ends() -> None:
    assert [0.0, 0.0, 0.5, 1.0, 1.0] == [ease(share) for share in (-1.0, 0.0, 0.5, 1.0, 2.0)]


def test_a_generator_belongs_to_its_words() -> None:
    expected = generator(1, "object", 2).random(3)
    np.testing.assert_array_equal(expected, generator(1, "object", 2).random(3))
    assert not np.array_equal(expected, generator(1, "object", 3).random(3))
