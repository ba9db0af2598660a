"""Means over the objects of many videos, by the rule of each protocol and under the official names."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from vosbench.errors import ScoreError
from vosbench.metrics.protocol import Protocol
from vosbench.metrics.records import ObjectScore, VideoScore

SCHEMA = 1
"""The version of `Summary.to_json`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure:
    """A mean over objects, in [0, 1], decay in [-1, 1]; ``value`` is None where there is none: ``reason`` says why."""

    name: str
    value: float | None
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One object of one video.

    ``label`` is the official row name: the video and the object's place in it, counted from 1 (vos-benchmark: its id).
    Values are None where the object has no scored frame or the protocol does not give them.
    """

    label: str
    video: str
    object_id: int
    group: str = ""
    j_mean: float | None = None
    j_recall: float | None = None
    j_decay: float | None = None
    f_mean: float | None = None
    f_recall: float | None = None
    f_decay: float | None = None
    variance: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """The global means of a protocol, in the order of the official file, and one row per object of ``videos``."""

    protocol: str
    videos: tuple[str, ...]
    official_decay: bool
    measures: tuple[Measure, ...]
    rows: tuple[Row, ...]

    def value(self, name: str) -> float | None:
        """Gives back the mean called ``name``, such as ``J&F-Mean``."""
        for measure in self.measures:
            if measure.name == name:
                return measure.value
        raise KeyError(name)

    def to_json(self) -> dict[str, Any]:
        """Gives back the record as plain data; floats keep all their digits."""
        return {"schema": SCHEMA, **dataclasses.asdict(self)}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Summary:
        """Gives back the record that `to_json` wrote."""
        if data.get("schema") != SCHEMA:
            raise ScoreError(
                f"a summary of schema {data.get('schema')!r} cannot be read, this version knows {SCHEMA}",
                fix="compute the scores again",
            )
        return cls(
            protocol=data["protocol"],
            videos=tuple(data["videos"]),
            official_decay=data["official_decay"],
            measures=tuple(Measure(**measure) for measure in data["measures"]),
            rows=tuple(Row(**row) for row in data["rows"]),
        )


def summarise(protocol: Protocol, videos: Sequence[VideoScore]) -> Summary:
    """Gives back the means over all objects of ``videos``; objects weigh the same, however long their videos are."""
    for score in videos:
        if score.protocol != protocol.name:
            raise ScoreError(
                f"scores of protocol {score.protocol} cannot be averaged as {protocol.name}",
                where=f"video {score.video}",
                fix="compute the scores again under one protocol",
            )
    if len({score.official_decay for score in videos}) > 1:
        raise ScoreError(
            "some scores hold the decay of the official tool's overflow, some the intended one",
            fix="compute the scores again, all with or all without it",
        )
    rows = tuple(row for score in videos for row in _rows(protocol, score))
    measures = _apart(protocol, rows) if protocol.averaging == "seen-unseen" else _pooled(protocol, rows)
    return Summary(
        protocol=protocol.name,
        videos=tuple(dict.fromkeys(score.video for score in videos)),
        official_decay=any(score.official_decay for score in videos),
        measures=measures,
        rows=rows,
    )


def _rows(protocol: Protocol, score: VideoScore) -> list[Row]:
    by_id = protocol.objects == "seen"
    return [
        Row(
            label=f"{score.video}_{scored.id if by_id else place}",
            video=score.video,
            object_id=scored.id,
            group=scored.group,
            j_mean=scored.j_statistics.mean,
            j_recall=scored.j_statistics.recall,
            j_decay=scored.j_statistics.decay,
            f_mean=scored.f_statistics.mean,
            f_recall=scored.f_statistics.recall,
            f_decay=scored.f_statistics.decay,
            variance=_variance(scored) if protocol.has_variance else None,
        )
        for place, scored in enumerate(score.objects, start=1)
    ]


def _variance(scored: ObjectScore) -> float | None:
    """Gives back V of LVOS: the deviation of (J + F) / 2 over the frames, its square rounded to 4 digits."""
    if len(scored.j) == 0:
        return None
    both = (scored.j + scored.f) / 2
    return math.sqrt(round(float(np.sum((np.mean(both) - both) ** 2)) / len(both), 4))


def _pooled(protocol: Protocol, rows: Sequence[Row]) -> tuple[Measure, ...]:
    j_mean = _mean("J-Mean", rows, lambda row: row.j_mean)
    f_mean = _mean("F-Mean", rows, lambda row: row.f_mean)
    both = _average("J&F-Mean", (j_mean, f_mean))
    if not protocol.has_recall:
        return (both, j_mean, f_mean)
    return (
        both,
        j_mean,
        _strict_mean("J-Recall", rows, lambda row: row.j_recall),
        _strict_mean("J-Decay", rows, lambda row: row.j_decay),
        f_mean,
        _strict_mean("F-Recall", rows, lambda row: row.f_recall),
        _strict_mean("F-Decay", rows, lambda row: row.f_decay),
    )


def _apart(protocol: Protocol, rows: Sequence[Row]) -> tuple[Measure, ...]:
    """Gives back the means of LVOS or YouTube-VOS: seen and unseen objects apart, then their mean."""
    seen = [row for row in rows if row.group == "seen"]
    unseen = [row for row in rows if row.group == "unseen"]
    j = _halves("J", seen, unseen, lambda row: row.j_mean)
    f = _halves("F", seen, unseen, lambda row: row.f_mean)
    if not protocol.has_variance:
        return (_average("G", (j[1], f[1], j[2], f[2])), *j[1:], *f[1:])
    v = _halves("V", seen, unseen, lambda row: row.variance)
    return (_average("J&F-Mean", (j[1], f[1], j[2], f[2])), *j, *f, *v)


def _halves(
    name: str, seen: Sequence[Row], unseen: Sequence[Row], of: Callable[[Row], float | None]
) -> tuple[Measure, Measure, Measure]:
    """Gives back the mean of the two, the mean over seen and the mean over unseen objects."""
    parts = (_mean(f"{name}-seen-Mean", seen, of), _mean(f"{name}-unseen-Mean", unseen, of))
    return (_average(f"{name}-Mean", parts), *parts)


def _mean(name: str, rows: Sequence[Row], of: Callable[[Row], float | None]) -> Measure:
    """Gives back the mean over the rows that have a value."""
    values = [value for row in rows if (value := of(row)) is not None]
    if not values:
        return Measure(name=name, value=None, reason="no object of this kind is scored")
    return Measure(name=name, value=float(np.mean(values)))


def _strict_mean(name: str, rows: Sequence[Row], of: Callable[[Row], float | None]) -> Measure:
    """Gives back the mean over all rows; one without a value leaves none, as NaN does in the official tool."""
    without = [row.label for row in rows if of(row) is None]
    if without:
        return Measure(name=name, value=None, reason=f"{without[0]} has none")
    return _mean(name, rows, of)


def _average(name: str, parts: Sequence[Measure]) -> Measure:
    """Gives back the mean of means; it needs all of them."""
    total = 0.0
    for part in parts:
        if part.value is None:
            return Measure(name=name, value=None, reason=f"{part.name}: {part.reason}")
        total += part.value
    return Measure(name=name, value=total / len(parts))
