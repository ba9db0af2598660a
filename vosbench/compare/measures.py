"""The measures that two sides are compared by, each with its interval over the videos."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from vosbench.compare.bootstrap import RESAMPLES, Floats, Interval, paired_interval
from vosbench.compare.sides import Side
from vosbench.digest import digest_json
from vosbench.metrics.protocol import find_protocol
from vosbench.metrics.records import VideoScore

MIB = float(1 << 20)

Statistic = Callable[[Floats], Floats]
"""Gives the value of each sample (samples,) for how often it holds each video (samples, videos)."""

Verdict = Literal["worse", "better", "no difference seen", "the same", "too few videos"]


@dataclass(frozen=True, slots=True, kw_only=True)
class VideoPair:
    """One video's values on both sides, in the comparison's unit."""

    video: str
    a: float
    b: float

    @property
    def change(self) -> float:
        """B minus A."""
        return self.b - self.a


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """One measure of A and B on the same videos.

    ``a`` and ``b`` are the values over all of the ``videos``, ``interval`` is that of B minus A. ``pairs`` hold each
    video's values, the largest regression first; a video without an object has no average precision and no pair.
    """

    suite: str
    method_a: str
    method_b: str
    measure: str
    unit: str
    better: Literal["higher", "lower"]
    a: float
    b: float
    interval: Interval
    verdict: Verdict
    pairs: tuple[VideoPair, ...]
    videos: int

    @property
    def loss(self) -> float:
        """By which share of A's value B is worse; below zero where it is better."""
        lost = -self.interval.value if self.better == "higher" else self.interval.value
        return lost / max(abs(self.a), 1e-9)


def accuracy(a: Side, b: Side, videos: Sequence[str]) -> list[Comparison]:
    """Gives back J&F, J and F by the protocol's own means over objects, of seen and unseen ones where it has both."""
    protocol = find_protocol(a.spec.suite.protocol)
    apart = protocol.averaging == "seen-unseen"
    whole = "G" if apart and not protocol.has_variance else "J&F"
    made: list[Comparison] = []
    for measure, places in ((whole, (0, 1)), ("J", (0,)), ("F", (1,))):
        of_a, of_b = (_Objects([side.scores[video] for video in videos], places, apart=apart) for side in (a, b))
        pairs = pair_up(videos, of_a.by_video(), of_b.by_video())
        made.append(compare_statistics(a, b, (measure, "points", "higher"), of_a, of_b, pairs))
    return made


def speed(a: Side, b: Side, videos: Sequence[str]) -> list[Comparison]:
    """Gives back frames per second: frames over the sum of seconds of all videos."""
    of_a, of_b = _Rate(a, videos), _Rate(b, videos)
    if not (of_a.known and of_b.known):
        return []
    pairs = pair_up(videos, of_a.by_video(), of_b.by_video())
    return [compare_statistics(a, b, ("FPS", "frames per second", "higher"), of_a, of_b, pairs)]


def memory(a: Side, b: Side, videos: Sequence[str]) -> list[Comparison]:
    """Gives back the mean over the videos of each one's peak."""
    peaks = [_peaks(side, videos) for side in (a, b)]
    if any(peak is None for found in peaks for peak in found):
        return []
    values = [[float(peak or 0) / MIB for peak in found] for found in peaks]
    of_a, of_b = (_mean_of(np.array(found)) for found in values)
    return [compare_statistics(a, b, ("peak memory", "MiB", "lower"), of_a, of_b, pair_up(videos, *values))]


def compare_statistics(
    a: Side,
    b: Side,
    measure: tuple[str, str, Literal["higher", "lower"]],
    of_a: Statistic,
    of_b: Statistic,
    pairs: tuple[VideoPair, ...],
    *,
    videos: int | None = None,
    resamples: int = RESAMPLES,
) -> Comparison:
    """Gives back a measure (name, unit, what is better) of both sides; ``videos`` counts more than have a pair."""
    name, unit, better = measure
    count = len(pairs) if videos is None else videos
    seed = int(digest_json([a.spec.key, b.spec.key, name])[:16], 16)
    whole = np.ones((1, count))
    generator = np.random.default_rng(seed)
    interval = paired_interval(lambda w: of_b(w) - of_a(w), count, generator, resamples=resamples)
    worse_first = sorted(pairs, key=lambda pair: pair.change if better == "higher" else -pair.change)
    return Comparison(
        suite=a.spec.suite.title,
        method_a=a.label,
        method_b=b.label,
        measure=name,
        unit=unit,
        better=better,
        a=float(of_a(whole)[0]),
        b=float(of_b(whole)[0]),
        interval=interval,
        verdict=_verdict(interval, better, pairs),
        pairs=tuple(worse_first),
        videos=count,
    )


def _verdict(interval: Interval, better: Literal["higher", "lower"], pairs: Sequence[VideoPair]) -> Verdict:
    if interval.value == 0 and all(pair.change == 0 for pair in pairs):
        return "the same"
    if interval.low is None:
        return "too few videos"
    if not interval.sure:
        return "no difference seen"
    return "better" if (interval.value > 0) == (better == "higher") else "worse"


def pair_up(videos: Sequence[str], a: Sequence[float], b: Sequence[float]) -> tuple[VideoPair, ...]:
    """Gives back the values of each video on both sides."""
    return tuple(VideoPair(video=video, a=x, b=y) for video, x, y in zip(videos, a, b, strict=True))


def _peaks(side: Side, videos: Sequence[str]) -> list[int | None]:
    """The largest peak of each video's passes, in bytes."""
    found = [[record.memory.peak if record.memory is not None else None for record in side.records[v]] for v in videos]
    return [max((peak for peak in peaks if peak is not None), default=None) for peaks in found]


def _mean_of(values: Floats) -> Statistic:
    return lambda weights: weights @ values / weights.sum(axis=1)


class _Rate:
    """Frames and seconds of each video, from which the frames per second of any sample of videos follow."""

    def __init__(self, side: Side, videos: Sequence[str]) -> None:
        timings = [[record.timing for record in side.records[video]] for video in videos]
        self.known = all(timing is not None for found in timings for timing in found)
        self._frames = np.array([sum(t.frames for t in found if t is not None) for found in timings], np.float64)
        self._seconds = np.array([sum(t.seconds for t in found if t is not None) for found in timings])

    def __call__(self, weights: Floats) -> Floats:
        """Gives back frames per second of each sample (samples,), for weights (samples, videos)."""
        rates: Floats = (weights @ self._frames) / (weights @ self._seconds)
        return rates

    def by_video(self) -> list[float]:
        """Gives back each video's own rate."""
        return [float(rate) for rate in self._frames / self._seconds]


class _Objects:
    """Sums over the objects of each video and group, from which the mean of any sample of videos follows."""

    def __init__(self, scores: Sequence[tuple[VideoScore, ...]], places: tuple[int, ...], *, apart: bool) -> None:
        groups = ("seen", "unseen") if apart else ("",)
        self._sums = np.zeros((len(scores), len(groups), len(places)))
        self._counts = np.zeros_like(self._sums)
        for v, passes in enumerate(scores):
            for scored in (one for score in passes for one in score.objects):
                means = (scored.j_statistics.mean, scored.f_statistics.mean)
                group = groups.index(scored.group) if apart else 0
                for p, place in enumerate(places):
                    mean = means[place]
                    if mean is not None:
                        self._sums[v, group, p] += 100 * mean
                        self._counts[v, group, p] += 1

    def __call__(self, weights: Floats) -> Floats:
        """Gives back the mean of each sample (samples,), for how often each video is in it (samples, videos)."""
        sums, counts = (np.tensordot(weights, part, axes=(1, 0)) for part in (self._sums, self._counts))
        with np.errstate(invalid="ignore", divide="ignore"):
            means: Floats = (sums / counts).mean(axis=(1, 2))
        return means

    def by_video(self) -> list[float]:
        """Gives back each video's own mean over what objects it has."""
        counts = self._counts.sum(axis=(1, 2))
        return [float(value) for value in self._sums.sum(axis=(1, 2)) / np.maximum(counts, 1)]
