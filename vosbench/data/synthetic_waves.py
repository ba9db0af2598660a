"""Smooth functions of time whose results are the same bits on every machine.

They use additions, multiplications and ``floor`` only, which IEEE 754 rounds in one way, and never a library's
sine. Thereby the outlines, and with them the masks, of a synthetic video do not depend on where it is drawn.
"""

from __future__ import annotations

import math
import zlib
from dataclasses import dataclass

import numpy as np

_TURN = 6.283185307179586


def generator(seed: int, *words: str | int) -> np.random.Generator:
    """Gives back the random generator that belongs to ``words`` under ``seed``, independent of all others."""
    keys = [word if isinstance(word, int) else zlib.crc32(word.encode()) for word in words]
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence([seed, *keys])))


def sine(turns: float) -> float:
    """Gives back the sine of an angle in turns (period 1), right to 4e-6: a Taylor series on a quarter turn."""
    part = turns - math.floor(turns + 0.5)
    if part > 0.25:
        part = 0.5 - part
    elif part < -0.25:
        part = -0.5 - part
    angle = part * _TURN
    square = angle * angle
    return angle * (1.0 - square / 6.0 * (1.0 - square / 20.0 * (1.0 - square / 42.0 * (1.0 - square / 72.0))))


def cosine(turns: float) -> float:
    """Gives back the cosine of an angle in turns."""
    return sine(turns + 0.25)


def sawtooth(turns: float) -> float:
    """Gives back a ramp from -1 to 1 that starts again at every whole turn."""
    return 2.0 * (turns - math.floor(turns)) - 1.0


def ease(share: float) -> float:
    """Gives back a smooth step: 0 up to ``share`` 0, 1 from ``share`` 1 on."""
    clipped = min(max(share, 0.0), 1.0)
    return clipped * clipped * (3.0 - 2.0 * clipped)


def bounce(value: float, low: float, high: float) -> float:
    """Gives back ``value`` reflected at ``low`` and ``high`` as often as it takes to lie between them."""
    span = high - low
    if span <= 0.0:
        return (low + high) / 2.0
    folded = (value - low) / (2.0 * span)
    folded -= math.floor(folded)
    return low + span * (2.0 * folded if folded <= 0.5 else 2.0 - 2.0 * folded)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wave:
    """A sum of two sines between -1 and 1; ``rates`` are turns per frame and have no common period."""

    rates: tuple[float, float]
    phases: tuple[float, float]

    def at(self, frames: float) -> float:
        """Gives back the value at a time in frames."""
        first = sine(frames * self.rates[0] + self.phases[0])
        return 0.62 * first + 0.38 * sine(frames * self.rates[1] + self.phases[1])


def draw_wave(random: np.random.Generator, period: float, *, at_rest: bool = False) -> Wave:
    """Gives back a wave of about ``period`` frames; with ``at_rest`` it passes near 0 at time 0."""
    slow = (0.75 + 0.5 * float(random.random())) / period
    fast = slow * (1.55 + 0.4 * float(random.random()))
    first, second = float(random.random()), float(random.random())
    if at_rest:
        first, second = 0.5 * math.floor(2.0 * first), 0.5 * math.floor(2.0 * second)
    return Wave(rates=(slow, fast), phases=(first, second))
