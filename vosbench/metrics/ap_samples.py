"""Average precision of samples of videos, for intervals: it ranks the answers of all videos together, so it is no mean
over videos, and every sample has to be ranked anew.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vosbench.metrics.ap_rules import ApRules
from vosbench.metrics.vis_ap import RECALLS, Floats, Matched, blocks_of, match_block
from vosbench.metrics.vis_tracks import Table, VisTrack, VisTruth

MEASURES = {"AP": slice(None), "AP50": slice(0, 1), "AP75": slice(5, 6)}
"""What samples can have, and the thresholds that each is a mean over."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Ranked:
    """One category's answers by falling score, each with its video's place; see `vis_kernel.sample_precisions`."""

    videos: Table
    hits: NDArray[np.bool_]
    ignored: NDArray[np.bool_]
    wanted: Table


class PrecisionSamples:
    """The answers of one pass over videos, matched once; gives the average precision of any sample of the videos.

    Videos stand in the order of the truth's ids. Objects of all sizes count, and 100 answers a video and category;
    categories that the truth does not list do not, as in a file's score.
    """

    def __init__(self, truth: VisTruth, results: Sequence[VisTrack], rules: ApRules) -> None:
        self._videos = len(truth.videos)
        places = {video: place for place, video in enumerate(truth.videos)}
        _, low, high = rules.areas[0]
        matched: dict[int, list[tuple[int, Matched]]] = {}
        for (video, category), block in sorted(blocks_of(truth, results, rules).items()):
            matched.setdefault(category, []).append((places[video], match_block(block, low, high)))
        listed = [matched[category] for category, _ in truth.categories if category in matched]
        self._categories = [_ranked(blocks, self._videos) for blocks in listed]

    def sample(self, weights: Floats, measure: str) -> Floats:
        """Gives back a measure (`MEASURES`) of each sample (samples,) in [0, 1], for how often each video was drawn.

        ``weights`` are (samples, videos), whole numbers. It is NaN where a sample holds nothing to be found.
        """
        return _precisions(self._categories, weights, measure)

    def by_video(self, measure: str) -> list[float | None]:
        """Gives back the measure of each video alone, None where it shows nothing to be found."""
        once = np.ones((1, 1))
        parts = [[_alone(one, place) for one in self._categories] for place in range(self._videos)]
        values = [float(_precisions(part, once, measure)[0]) for part in parts]
        return [None if np.isnan(value) else value for value in values]


def _precisions(categories: Sequence[_Ranked], weights: Floats, measure: str) -> Floats:
    from vosbench.metrics.vis_kernel import sample_precisions

    levels = MEASURES[measure]
    drawn = np.ascontiguousarray(weights, np.int64)
    recalls = np.linspace(0, 1, RECALLS)
    sums, defined = np.zeros(len(drawn)), np.zeros(len(drawn), np.int64)
    for one in categories:
        hits, ignored = (np.ascontiguousarray(part[levels]) for part in (one.hits, one.ignored))
        sample_precisions(drawn, one.videos, hits, ignored, one.wanted, recalls, sums, defined)
    means: Floats = np.divide(sums, defined, out=np.full(len(drawn), np.nan), where=defined > 0)
    return means


def _alone(ranked: _Ranked, place: int) -> _Ranked:
    """Gives back the part of one video."""
    its = ranked.videos == place
    return _Ranked(
        videos=np.zeros(int(its.sum()), np.int64),
        hits=ranked.hits[:, its],
        ignored=ranked.ignored[:, its],
        wanted=ranked.wanted[place : place + 1],
    )


def _ranked(blocks: Sequence[tuple[int, Matched]], videos: int) -> _Ranked:
    wanted = np.zeros(videos, np.int64)
    for place, block in blocks:
        wanted[place] = block.wanted
    order = np.argsort(-np.concatenate([block.scores for _, block in blocks]), kind="stable")
    return _Ranked(
        videos=np.concatenate([np.full(len(block.scores), place, np.int64) for place, block in blocks])[order],
        hits=np.concatenate([block.hits for _, block in blocks], axis=1)[:, order],
        ignored=np.concatenate([block.ignored for _, block in blocks], axis=1)[:, order],
        wanted=wanted,
    )
