"""Average precision of two sides: one figure over all videos, so every sample of videos is ranked anew."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from vosbench.compare.bootstrap import Floats
from vosbench.compare.measures import Comparison, compare_statistics, pair_up
from vosbench.compare.sides import Side
from vosbench.data.suite import suite_of
from vosbench.data.vis import read_annotations
from vosbench.errors import DataError, ScoreError, StoreError
from vosbench.heap import no_collection
from vosbench.metrics.ap_rules import find_rules
from vosbench.metrics.ap_samples import MEASURES, PrecisionSamples
from vosbench.metrics.vis_tracks import VisTruth, part_of, read_results, read_truth
from vosbench.store.tracks import official_results, read_tracks

RESAMPLES = 2_000
"""Samples of videos for an interval: the answers of each are ranked anew, which costs more than a mean."""


def instance_accuracy(a: Side, b: Side, videos: Sequence[str]) -> tuple[list[Comparison], str]:
    """Gives back AP, AP50 and AP75, or why there are none.

    A method's value is its mean over the passes. The interval is that of a paired bootstrap over videos in which the
    average precision of every sample is computed from its own answers, a video that was drawn twice counting as two: AP
    ranks the answers of all videos together, so it is not the mean of the videos' own AP, which stand in the pairs.
    """
    if a.spec.prompted != b.spec.prompted:
        return [], "one side was given each instance's first mask, so AP is not compared"
    if not all(side.spec.method.weights.trained and side.spec.suite.has_truth for side in (a, b)):
        return [], "no accuracy on both sides"
    try:
        with no_collection():
            annotations, path = read_annotations(suite_of(a.spec.suite), a.spec.suite.root)
            truth = read_truth(annotations, where=str(path))
            of_a, of_b = (_Passes(side, truth, videos) for side in (a, b))
    except (DataError, ScoreError, StoreError) as error:
        return [], f"no accuracy: {error.what} ({error.where})"
    return [_compared(a, b, of_a, of_b, videos, measure) for measure in MEASURES], ""


def _compared(a: Side, b: Side, of_a: _Passes, of_b: _Passes, videos: Sequence[str], measure: str) -> Comparison:
    both = zip(videos, of_a.by_video(measure), of_b.by_video(measure), strict=True)
    known = [(video, x, y) for video, x, y in both if x is not None and y is not None]
    pairs = pair_up([video for video, _, _ in known], [x for _, x, _ in known], [y for _, _, y in known])
    return compare_statistics(
        a,
        b,
        (measure, "points", "higher"),
        lambda weights: of_a.sample(weights, measure),
        lambda weights: of_b.sample(weights, measure),
        pairs,
        videos=len(videos),
        resamples=RESAMPLES,
    )


class _Passes:
    """A side's answers in every pass; weights and values are in the order of ``videos``, values in percent."""

    def __init__(self, side: Side, truth: VisTruth, videos: Sequence[str]) -> None:
        rules = find_rules(side.spec.suite.protocol)
        passes = min(len(side.folders[video]) for video in videos)
        found = [[read_tracks(side.folders[video][turn]) for video in videos] for turn in range(passes)]
        numbers = [tracks.video for tracks in found[0]]
        part = part_of(truth, set(numbers), side.spec.max_frames)
        self._places = [part.videos.index(number) for number in numbers]
        self._samples: list[PrecisionSamples] = []
        for tracks in found:
            results = official_results(tracks, images=rules.images)
            read = read_results(results, part, where=side.label, images=rules.images) if results else ()
            self._samples.append(PrecisionSamples(part, read, rules))

    def sample(self, weights: Floats, measure: str) -> Floats:
        """Gives back a measure of each sample (samples,), for weights (samples, videos)."""
        by_id = np.zeros_like(weights)
        by_id[:, self._places] = weights
        values: Floats = 100 * np.mean([one.sample(by_id, measure) for one in self._samples], axis=0)
        return values

    def by_video(self, measure: str) -> list[float | None]:
        """Gives back the measure of each video alone, None where it shows no object."""
        passes = [one.by_video(measure) for one in self._samples]
        means = [_mean(values) for values in zip(*passes, strict=True)]
        return [means[place] for place in self._places]


def _mean(values: Sequence[float | None]) -> float | None:
    """The mean over the passes, in percent; a video without an object has none in any."""
    known = [value for value in values if value is not None]
    return 100 * float(np.mean(known)) if known else None
