"""Silhouettes of synthetic objects: outlines made of parts, some of which swing about a joint.

Coordinates are an object's own: x to the right, y downwards, the whole object within about one unit of its
centre. Only exact arithmetic makes them (see `vosbench.data.synthetic_waves`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from vosbench.data.synthetic_waves import cosine, sine

Points: TypeAlias = NDArray[np.float64]
"""(points, 2) float64: x and y."""

Surface = Literal["main", "accent", "dark", "light"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Part:
    """One piece of an object.

    ``contours`` are closed outlines, filled by the even-odd rule (a second one cuts a hole); the part swings by
    ``swing`` turns about ``joint``, ``phase`` turns after the others; ``shade`` darkens what lies behind.
    """

    contours: tuple[Points, ...]
    joint: tuple[float, float] = (0.0, 0.0)
    swing: float = 0.0
    phase: float = 0.0
    surface: Surface = "main"
    shade: float = 1.0


Shape: TypeAlias = tuple[Part, ...]
"""The parts of one object, from the back to the front."""


def draw_shape(random: np.random.Generator, family: int) -> Shape:
    """Gives back a new shape of family ``family`` (taken modulo the number of families)."""
    return _FAMILIES[family % len(_FAMILIES)](random)


def family_count() -> int:
    """Gives back how many families of shapes there are."""
    return len(_FAMILIES)


def family_names() -> tuple[str, ...]:
    """Gives back the names of the families, in their order: what the category of an object is called."""
    return tuple(family.__name__.removeprefix("_") for family in _FAMILIES)


def lobes(random: np.random.Generator, radius: float, roughness: float, points: int = 48) -> Points:
    """Gives back a closed outline about the origin whose radius varies by ``roughness`` in a few waves."""
    waves = [(float(random.random()) - 0.5, float(random.random())) for _ in range(2, 8)]
    outline = np.empty((points, 2))
    for index in range(points):
        turn = index / points
        ripple = sum(size / order * 2.0 * sine(order * turn + at) for order, (size, at) in enumerate(waves, start=2))
        length = radius * (1.0 + roughness * ripple)
        outline[index] = length * cosine(turn), length * sine(turn)
    return outline


def ellipse(x: float, y: float, radius_x: float, radius_y: float, points: int = 36) -> Points:
    """Gives back the outline of an ellipse about (x, y)."""
    turns = [index / points for index in range(points)]
    return np.array([(x + radius_x * cosine(turn), y + radius_y * sine(turn)) for turn in turns])


def smooth(corners: Sequence[tuple[float, float]], rounds: int = 3) -> Points:
    """Gives back a closed outline with its corners cut ``rounds`` times (Chaikin's scheme)."""
    outline = np.array(corners, np.float64)
    for _ in range(rounds):
        following = np.roll(outline, -1, axis=0)
        cut = np.empty((2 * len(outline), 2))
        cut[0::2] = 0.75 * outline + 0.25 * following
        cut[1::2] = 0.25 * outline + 0.75 * following
        outline = cut
    return outline


def limb(start: tuple[float, float], end: tuple[float, float], width: float, tip: float) -> Points:
    """Gives back a rounded bar from ``start`` (half width ``width``) to ``end`` (half width ``tip``)."""
    along = (end[0] - start[0], end[1] - start[1])
    size = max(abs(along[0]), abs(along[1]), 1e-9)
    unit = (along[0] / size, along[1] / size)
    side = (-unit[1], unit[0])
    corners = [(-width, width), (-width, -width), (tip, -tip), (tip, tip)]
    ends = [start, start, end, end]
    return smooth(
        [
            (at[0] + unit[0] * ahead + side[0] * across, at[1] + unit[1] * ahead + side[1] * across)
            for at, (ahead, across) in zip(ends, corners, strict=True)
        ]
    )


def _between(random: np.random.Generator, low: float, high: float) -> float:
    return low + (high - low) * float(random.random())


def _quadruped(random: np.random.Generator) -> Shape:
    height, thick = _between(random, 0.24, 0.36), _between(random, 0.07, 0.11)
    leg, neck = _between(random, 0.7, 0.95), _between(random, -0.75, -0.45)

    def leg_part(x: float, phase: float, shade: float) -> Part:
        outline = limb((x, 0.15), (x + 0.02, leg), thick, 0.8 * thick)
        return Part(contours=(outline,), joint=(x, 0.1), swing=0.07, phase=phase, shade=shade)

    body = smooth(
        [(-0.85, -height), (0.0, -0.8 * height), (0.75, -height), (0.8, height), (0.0, 1.2 * height), (-0.85, height)]
    )
    head = smooth(
        [(0.55, neck - 0.16), (0.85, neck - 0.2), (1.22, neck + 0.08), (1.15, neck + 0.24), (0.75, neck + 0.24)]
    )
    ear = smooth([(0.6, neck - 0.1), (0.62, neck - 0.42), (0.8, neck - 0.12)], 2)
    tail = limb((-0.78, -0.1), (-1.2, _between(random, -0.5, 0.4)), 0.06, 0.03)
    return (
        leg_part(-0.55, 0.5, 0.72),
        leg_part(0.6, 0.0, 0.72),
        Part(contours=(tail,), joint=(-0.78, -0.1), swing=0.06, phase=0.3, surface="accent"),
        Part(contours=(limb((0.55, 0.0), (0.75, neck + 0.05), 0.2, 0.15),), joint=(0.5, 0.0), swing=0.02),
        Part(contours=(body,)),
        leg_part(-0.68, 0.0, 1.0),
        leg_part(0.5, 0.5, 1.0),
        Part(contours=(ear,), joint=(0.5, 0.0), swing=0.02, surface="accent"),
        Part(contours=(head,), joint=(0.5, 0.0), swing=0.02),
        Part(contours=(ellipse(0.86, neck - 0.02, 0.045, 0.05, 14),), joint=(0.5, 0.0), swing=0.02, surface="dark"),
    )


def _fish(random: np.random.Generator) -> Shape:
    belly = _between(random, 0.35, 0.6)
    body = smooth(
        [(1.0, 0.0), (0.55, -belly), (-0.2, -0.9 * belly), (-0.8, -0.08), (-0.8, 0.08), (-0.2, belly), (0.6, belly)]
    )
    tail = smooth([(-0.65, 0.0), (-1.2, -0.45), (-1.0, 0.0), (-1.2, 0.45)], 2)
    fin = smooth([(-0.3, -0.5 * belly), (-0.25, -belly - 0.35), (0.4, -0.7 * belly)], 2)
    side = smooth([(0.25, 0.1), (-0.2, 0.05), (-0.3, 0.32), (0.1, 0.3)], 2)
    return (
        Part(contours=(tail,), joint=(-0.7, 0.0), swing=0.08, surface="accent"),
        Part(contours=(fin,), joint=(0.1, -0.5 * belly), swing=0.02, phase=0.2, surface="accent"),
        Part(contours=(body,)),
        Part(contours=(side,), joint=(0.25, 0.15), swing=0.07, phase=0.4, surface="accent"),
        Part(contours=(ellipse(0.62, -0.12, 0.09, 0.09, 18),), surface="light"),
        Part(contours=(ellipse(0.64, -0.12, 0.045, 0.045, 12),), surface="dark"),
    )


def _bird(random: np.random.Generator) -> Shape:
    span, plump = _between(random, 0.9, 1.15), _between(random, 0.25, 0.36)
    wing = smooth([(0.25, 0.0), (0.0, -span), (-0.35, -0.9 * span), (-0.45, -0.3), (-0.3, 0.05)])
    body = smooth([(0.8, -0.12), (0.3, -plump), (-0.5, -0.8 * plump), (-0.85, 0.05), (-0.4, plump), (0.45, plump)])
    tail = smooth([(-0.6, -0.05), (-1.2, -0.18), (-1.15, 0.2), (-0.6, 0.15)], 2)
    head = ellipse(0.78, -0.2, 0.24, 0.22)
    beak = smooth([(0.92, -0.3), (1.3, -0.14), (0.92, -0.08)], 1)
    return (
        Part(contours=(wing,), joint=(0.0, 0.0), swing=0.09, phase=0.06, shade=0.7),
        Part(contours=(tail,), joint=(-0.6, 0.05), swing=0.03, surface="accent"),
        Part(contours=(beak,), surface="light"),
        Part(contours=(body,)),
        Part(contours=(head,), surface="accent"),
        Part(contours=(ellipse(0.84, -0.24, 0.05, 0.05, 12),), surface="dark"),
        Part(contours=(0.9 * wing,), joint=(0.0, 0.0), swing=0.11, surface="accent"),
    )


def _vehicle(random: np.random.Generator) -> Shape:
    roof, cut = _between(random, 0.5, 0.8), _between(random, 0.1, 0.4)
    body = smooth([(-1.1, -0.1), (1.1, -0.15), (1.15, 0.4), (-1.1, 0.4)], 2)
    cabin = smooth([(-0.75, 0.0), (-0.75 + cut, -roof), (0.35, -roof), (0.75, 0.0)], 2)
    window = smooth([(-0.5, -0.12), (-0.5 + 0.7 * cut, -0.85 * roof), (-0.1, -0.85 * roof), (-0.1, -0.12)], 2)
    front = smooth([(0.02, -0.12), (0.02, -0.85 * roof), (0.28, -0.85 * roof), (0.52, -0.12)], 2)

    def wheel(x: float) -> tuple[Part, Part]:
        tyre, hub = ellipse(x, 0.42, 0.27, 0.27), ellipse(x, 0.42, 0.13, 0.13, 20)
        return Part(contours=(tyre,), surface="dark"), Part(contours=(hub,), surface="light")

    lamp = Part(contours=(ellipse(1.04, 0.08, 0.08, 0.09, 14),), surface="light")
    return (
        Part(contours=(cabin,), surface="accent"),
        Part(contours=(window,), surface="dark"),
        Part(contours=(front,), surface="dark"),
        Part(contours=(body,)),
        lamp,
        *wheel(-0.62),
        *wheel(0.62),
    )


def _octopus(random: np.random.Generator) -> Shape:
    arms = 4 + int(3 * random.random())
    parts = []
    for index in range(arms):
        x = -0.5 + index / (arms - 1)
        outline = limb((0.8 * x, 0.1), (1.5 * x, _between(random, 0.75, 1.05)), 0.14, 0.06)
        phase = float(random.random())
        parts.append(Part(contours=(outline,), joint=(0.8 * x, 0.15), swing=0.06, phase=phase, shade=0.8))
    head = lobes(random, 0.62, 0.25) + np.array([0.0, -0.3])
    eyes = [ellipse(x, -0.25, 0.1, 0.12, 18) for x in (-0.22, 0.22)]
    pupils = [ellipse(x + 0.02, -0.22, 0.05, 0.06, 12) for x in (-0.22, 0.22)]
    return (
        *parts,
        Part(contours=(head,)),
        *(Part(contours=(eye,), surface="light") for eye in eyes),
        *(Part(contours=(pupil,), surface="dark") for pupil in pupils),
    )


def _cup(random: np.random.Generator) -> Shape:
    foot, lip = _between(random, 0.3, 0.6), _between(random, 0.5, 0.75)
    body = smooth([(-lip, -0.8), (lip, -0.8), (0.95 * lip, 0.1), (foot, 0.85), (-foot, 0.85), (-0.95 * lip, 0.1)], 2)
    ring = (ellipse(0.9 * lip, -0.05, 0.45, 0.45), ellipse(0.9 * lip, -0.05, 0.28, 0.28))
    return (
        Part(contours=ring, surface="accent"),
        Part(contours=(body,)),
        Part(contours=(ellipse(0.0, -0.74, 0.86 * lip, 0.11),), surface="dark"),
    )


def _person(random: np.random.Generator) -> Shape:
    waist, shoulder = _between(random, 0.16, 0.24), _between(random, 0.26, 0.36)
    torso = smooth([(-shoulder, -0.55), (shoulder, -0.55), (waist, 0.2), (-waist, 0.2)], 2)

    def leg(x: float, phase: float, shade: float) -> Part:
        outline = limb((x, 0.12), (x, 1.02), 0.13, 0.09)
        return Part(contours=(outline,), joint=(x, 0.12), swing=0.08, phase=phase, surface="accent", shade=shade)

    def arm(x: float, phase: float, shade: float) -> Part:
        outline = limb((x, -0.45), (1.4 * x, 0.22), 0.09, 0.06)
        return Part(contours=(outline,), joint=(x, -0.45), swing=0.1, phase=phase, shade=shade)

    hair = smooth([(-0.2, -0.72), (-0.22, -1.1), (0.2, -1.12), (0.24, -0.86), (0.05, -0.95), (-0.1, -0.7)], 2)
    return (
        arm(shoulder, 0.5, 0.75),
        leg(0.08, 0.5, 0.75),
        leg(-0.08, 0.0, 1.0),
        Part(contours=(torso,)),
        Part(contours=(ellipse(0.02, -0.82, 0.2, 0.24),), surface="light"),
        Part(contours=(hair,), surface="dark"),
        arm(-shoulder, 0.0, 1.0),
    )


def _plant(random: np.random.Generator) -> Shape:
    pot = smooth([(-0.38, 0.35), (0.38, 0.35), (0.28, 0.95), (-0.28, 0.95)], 1)
    leaves = []
    for _ in range(5):
        x, y, swing = _between(random, -0.85, 0.85), _between(random, -1.0, -0.35), _between(random, 0.02, 0.06)
        leaf = smooth([(0.05, 0.45), (0.6 * x - 0.2, 0.5 * y), (x, y), (0.6 * x + 0.2, 0.6 * y + 0.15)], 3)
        leaves.append(Part(contours=(leaf,), joint=(0.0, 0.45), swing=swing, phase=float(random.random())))
    return (*leaves, Part(contours=(pot,), surface="accent"))


_FAMILIES: tuple[Callable[[np.random.Generator], Shape], ...] = (
    _quadruped,
    _vehicle,
    _fish,
    _person,
    _bird,
    _octopus,
    _cup,
    _plant,
)
