"""Finds where tables and papers disagree about the same method."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from vosbench.published.numbers import METRICS, PublishedNumber


@dataclass(frozen=True, slots=True, kw_only=True)
class Conflict:
    """Numbers that should be one and are not.

    Attributes:
        method, variant, suite, metric: What they are numbers of.
        numbers: The numbers, at least two, smallest first; not two of the same place and value.
    """

    method: str
    variant: str
    suite: str
    metric: str
    numbers: tuple[PublishedNumber, ...]

    @property
    def gap(self) -> float:
        """The largest distance as a part of the largest value, in [0, 1]."""
        values = [abs(number.value or 0.0) for number in self.numbers]
        return (max(values) - min(values)) / max(values) if max(values) else 0.0

    @property
    def papers(self) -> tuple[str, ...]:
        """The papers that disagree, each once."""
        return tuple(dict.fromkeys(number.paper for number in self.numbers))


def find_conflicts(numbers: Iterable[PublishedNumber]) -> tuple[Conflict, ...]:
    """Gives back the contradictions, the widest gap first.

    Numbers are compared when method, variant, suite and metric are the same, they stand in different tables or
    sentences, and neither hardware nor input size is named differently; where one is not named, it counts as the
    same and the number shows it. They contradict each other when rounding cannot explain the difference. Bounds and
    estimates ("<", "≈") are left out.
    """
    groups: dict[tuple[str, str, str, str, str], list[PublishedNumber]] = defaultdict(list)
    for number in numbers:
        if number.value is not None and number.relation == "=":
            groups[number.method, number.variant, number.suite, number.metric, number.unit].append(number)
    found = [conflict for members in groups.values() for conflict in _group_conflicts(members)]
    return tuple(sorted(found, key=lambda conflict: -conflict.gap))


def _group_conflicts(members: Sequence[PublishedNumber]) -> list[Conflict]:
    found: list[Conflict] = []
    for condition in dict.fromkeys(_condition(number) for number in members):
        alike = [number for number in members if _may_meet(condition, _condition(number))]
        if any(_contradict(a, b) for a in alike for b in alike):
            first = alike[0]
            conflict = Conflict(
                method=first.method,
                variant=first.variant,
                suite=first.suite,
                metric=first.metric,
                numbers=tuple(sorted(alike, key=lambda number: (number.value or 0.0, number.paper, number.table))),
            )
            if not any(set(conflict.numbers) <= set(other.numbers) for other in found):
                found = [other for other in found if not set(other.numbers) <= set(conflict.numbers)] + [conflict]
    return found


def _condition(number: PublishedNumber) -> tuple[str, str]:
    """Hardware and input size: the first thing that a protocol names."""
    return (number.hardware if METRICS[number.metric].machine else "", number.protocol.partition(",")[0])


def _may_meet(one: tuple[str, str], other: tuple[str, str]) -> bool:
    return all(a == b or not a or not b for a, b in zip(one, other, strict=True))


def _contradict(one: PublishedNumber, other: PublishedNumber) -> bool:
    if (one.paper, one.table, one.row) == (other.paper, other.table, other.row):
        return False
    if not _may_meet(_condition(one), _condition(other)) or one.value is None or other.value is None:
        return False
    return abs(one.value - other.value) > one.half_digit + other.half_digit + 1e-9
