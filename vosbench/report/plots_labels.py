"""Where labels go so that none lies on another: geometry alone, in any one unit of length."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Points: TypeAlias = NDArray[np.float64]
"""(points, 2), float64: x and y."""

LEADS = 2.0
"""A label further from its point than this many gaps has a leader."""

DIRECTIONS = 16
ROUNDS = 12
STEPS = 12

PREFERRED = (0.0, 2.0, 1.0, 3.0, 2.0, 3.2, 2.4, 3.0, 1.2, 3.0, 2.4, 3.2, 2.2, 3.0, 1.0, 2.0)
"""What each direction costs, from the right against the clock: right, then its corners, left, above, below."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Label:
    """A label to place: the point it belongs to, and its size."""

    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """The rectangle that labels must stay in."""

    left: float
    bottom: float
    right: float
    top: float


def spread(wanted: Sequence[float], heights: Sequence[float], *, low: float, high: float) -> list[float]:
    """Gives back centres as close to ``wanted`` as labels of these heights can be in a column from ``low`` to ``high``.

    The order of the labels is kept; their distances to where they want to be are least in square (pool adjacent
    violators). Where the column is too short they run out of it at both ends alike.
    """
    order = sorted(range(len(wanted)), key=lambda i: (wanted[i], i))
    before = np.cumsum([0.0, *(heights[i] for i in order)])
    middles = [float(before[place] + heights[i] / 2) for place, i in enumerate(order)]
    starts = _ascending([wanted[i] - middle for i, middle in zip(order, middles, strict=True)])
    room = (low, high - float(before[-1]))
    if room[0] > room[1]:
        room = (sum(room) / 2, sum(room) / 2)
    centres = [0.0] * len(wanted)
    for i, start, middle in zip(order, starts, middles, strict=True):
        centres[i] = min(max(start, room[0]), room[1]) + middle
    return centres


def _ascending(values: Sequence[float]) -> list[float]:
    """Gives back the non-decreasing sequence that is closest to ``values`` in square."""
    pools: list[tuple[float, int]] = []
    for value in values:
        total, count = value, 1
        while pools and pools[-1][0] / pools[-1][1] > total / count:
            last = pools.pop()
            total, count = total + last[0], count + last[1]
        pools.append((total, count))
    return [total / count for total, count in pools for _ in range(count)]


def place(labels: Sequence[Label], obstacles: Points, frame: Frame, *, gap: float) -> list[tuple[float, float]]:
    """Gives back a centre for each label beside its point, clear of the others, of ``obstacles`` and of the edge.

    Each label takes in turn the cheapest of the places on rings around its point, given where the others are, until
    none moves: the nearest that is free, to the right before elsewhere. Then two move together where that is cheaper.
    """
    tried = [_candidates(label, gap) for label in labels]
    fixed = [_fixed_cost(label, spots, obstacles, frame, gap) for label, spots in zip(labels, tried, strict=True)]
    search = _Search(labels, tried, fixed, gap)
    search.settle()
    search.move_pairs()
    return [(float(tried[i][c][0]), float(tried[i][c][1])) for i, c in enumerate(search.chosen) if c is not None]


class _Search:
    """Looks for the places that cost least between them; ``chosen`` holds each label's, None where it has none yet."""

    def __init__(
        self, labels: Sequence[Label], tried: Sequence[Points], fixed: Sequence[NDArray[np.float64]], gap: float
    ) -> None:
        self.chosen: list[int | None] = [None] * len(labels)
        self._labels = labels
        self._tried = tried
        self._fixed = fixed
        self._gap = gap

    def settle(self) -> None:
        """Move one label after the other until none finds a cheaper place."""
        for _ in range(ROUNDS):
            before = list(self.chosen)
            for i in range(len(self._labels)):
                self.chosen[i] = int(np.argmin(self._costs(i)))
            if self.chosen == before:
                break

    def move_pairs(self) -> None:
        """Move the labels of each pair together, where that is cheaper: alone one may not give way to the other."""
        for i, k in itertools.combinations(range(len(self._labels)), 2):
            a, b = self.chosen[i], self.chosen[k]
            if a is None or b is None:
                continue
            first, second = self._costs(i, but=k), self._costs(k, but=i)
            least = first[a] + second[b] + self._between(k, i, a)[b]
            for place in np.flatnonzero(first + second.min() < least):
                both = first[place] + second + self._between(k, i, int(place))
                if both.min() < least - 1e-9:
                    least = both.min()
                    self.chosen[i], self.chosen[k] = int(place), int(np.argmin(both))

    def _costs(self, i: int, *, but: int | None = None) -> NDArray[np.float64]:
        """What each place of a label costs where the others are now, or all of them ``but`` one."""
        others = [(k, place) for k, place in enumerate(self.chosen) if place is not None and k not in (i, but)]
        return sum((self._between(i, k, place) for k, place in others), self._fixed[i])

    def _between(self, i: int, k: int, place: int) -> NDArray[np.float64]:
        """What each place of label ``i`` costs because ``k`` is at one of its own."""
        return _clash(self._labels[i], self._tried[i], self._labels[k], self._tried[k][place], self._gap)


def leader(label: Label, centre: tuple[float, float]) -> tuple[float, float]:
    """Gives back the point of a label's edge that is nearest to what it labels."""
    x, y = centre
    return (
        min(max(label.x, x - label.width / 2), x + label.width / 2),
        min(max(label.y, y - label.height / 2), y + label.height / 2),
    )


def _candidates(label: Label, gap: float) -> Points:
    """Centres on rings around the point, nearest first, each ring from the right against the clock."""
    angles = np.arange(DIRECTIONS) * (2 * np.pi / DIRECTIONS)
    cosine, sine = np.cos(angles), np.sin(angles)
    step = max(label.height, gap)
    reach = np.array([gap, *(gap + step * ring for ring in (0.6, 1.2, 2.0, 3.0, 4.2, 5.6, 7.2, 9.0))])[:, None]
    x = label.x + np.sign(np.round(cosine, 6)) * np.minimum(1, 1.6 * np.abs(cosine)) * label.width / 2 + cosine * reach
    y = label.y + np.sign(np.round(sine, 6)) * np.minimum(1, 1.6 * np.abs(sine)) * label.height / 2 + sine * reach
    return np.stack([x.ravel(), y.ravel()], axis=1)


def _fixed_cost(label: Label, spots: Points, obstacles: Points, frame: Frame, gap: float) -> NDArray[np.float64]:
    """What a place costs by itself: distance, direction, what it hides, how far it sticks out."""
    half = np.array([label.width, label.height]) / 2
    outside = np.maximum(0, np.array([frame.left, frame.bottom]) - (spots - half))
    outside = outside + np.maximum(0, (spots + half) - np.array([frame.right, frame.top]))
    inside = np.abs(spots[:, None, :] - obstacles[None]) < half + gap / 3
    ring = np.arange(len(spots)) // DIRECTIONS
    direction = np.array(PREFERRED)[np.arange(len(spots)) % DIRECTIONS]
    return np.asarray(
        200.0 * outside.sum(axis=1) / gap + 12.0 * np.all(inside, axis=2).sum(axis=1) + 4.0 * ring + 0.6 * direction
    )


def _clash(label: Label, spots: Points, other: Label, at: Points, gap: float) -> NDArray[np.float64]:
    """What lying on another label, and a leader through a label, a point or another leader, costs at each place."""
    room_x = (label.width + other.width) / 2 + gap / 2 - np.abs(spots[:, 0] - at[0])
    room_y = (label.height + other.height) / 2 + gap / 4 - np.abs(spots[:, 1] - at[1])
    overlap = np.where((room_x > 0) & (room_y > 0), 300.0 + np.minimum(room_x, room_y), 0.0)
    theirs = np.linspace((other.x, other.y), leader(other, (float(at[0]), float(at[1]))), STEPS)
    half = np.array([label.width, label.height]) / 2
    crossed = np.all(np.abs(spots[:, None, :] - theirs[None]) < half, axis=2).any(axis=1)
    ours = _leaders(label, spots)
    drawn = np.hypot(*(ours[:, -1] - ours[:, 0]).T) > LEADS * gap
    through = np.all(np.abs(ours - at) < np.array([other.width, other.height]) / 2, axis=2).any(axis=1)
    wrong = np.zeros(len(spots), bool)
    if np.hypot(label.x - other.x, label.y - other.y) > gap / 2:  # leaders of what is one point on paper may meet there
        past = np.hypot(*(ours - (other.x, other.y)).transpose(2, 0, 1)).min(axis=1) < gap / 2
        wrong = _cross(ours[:, 0], ours[:, -1], theirs[0], theirs[-1]) | drawn & past
    return np.asarray(overlap + 60.0 * (crossed | wrong | drawn & through))


def _leaders(label: Label, spots: Points) -> NDArray[np.float64]:
    """Points along the leader of a label at each place, (places, `STEPS`, 2), from what it labels to its edge."""
    half = np.array([label.width, label.height]) / 2
    point = np.array([label.x, label.y])
    ends = np.clip(point, spots - half, spots + half)
    return np.asarray(point + np.linspace(0, 1, STEPS)[None, :, None] * (ends - point)[:, None, :])


def _cross(a: Points, b: Points, c: NDArray[np.float64], d: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Tells which of the lines from ``a`` to ``b`` the line from ``c`` to ``d`` crosses."""
    parted = _side(a, b, c) * _side(a, b, d) < 0
    return np.asarray(parted & (_side(c, d, a) * _side(c, d, b) < 0))


def _side(a: Points, b: Points, p: Points) -> NDArray[np.float64]:
    """Which side of the line from ``a`` to ``b`` a point lies on, by its sign."""
    return np.asarray((b - a)[..., 0] * (p - a)[..., 1] - (b - a)[..., 1] * (p - a)[..., 0])
