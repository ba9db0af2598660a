"""Average precision and recall of instances: the scores of YouTube-VIS and, for videos of one frame, of COCO.

Yang et al., "Video Instance Segmentation" (ICCV 2019), section 3, and Lin et al., "Microsoft COCO" (ECCV 2014), with
the rules of the official tools (`vosbench.metrics.ap_rules`).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vosbench.errors import ScoreError
from vosbench.metrics.ap_rules import YOUTUBE_VIS, ApRules
from vosbench.metrics.summary import Measure
from vosbench.metrics.vis_tracks import Table, VisTrack, VisTruth

Floats = NDArray[np.float64]

SCHEMA = 1
"""The version of `VisScore.to_json`."""

THRESHOLDS: tuple[float, ...] = tuple(np.linspace(0.5, 0.95, 10).tolist())
"""Overlaps from which a track counts as found."""

RECALLS = 101
"""Precision is averaged at this many recalls from 0 to 1."""

MOST_DETECTIONS = (1, 10, 100)
"""Found tracks per video and category, best first, that the three kinds of recall look at."""

UNDEFINED = -1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class CategoryScore:
    """AP and AR100 of one category, None where the truth shows none of it."""

    id: int
    name: str
    average_precision: float | None
    average_recall: float | None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class VisScore:
    """The scores of a results file.

    Attributes:
        measures: The official twelve in their order: AP AP50 AP75 APs APm APl AR1 AR10 AR100 ARs ARm ARl, in [0, 1].
        categories: One entry per category.
        precision: (thresholds, categories, areas, detections), float64: mean over recalls, -1 where undefined.
        recall: (thresholds, categories, areas, detections), float64: largest recall, -1 where undefined.
    """

    measures: tuple[Measure, ...]
    categories: tuple[CategoryScore, ...]
    precision: Floats
    recall: Floats

    def value(self, name: str) -> float | None:
        """Gives back the measure called ``name``, such as ``AP50``."""
        for measure in self.measures:
            if measure.name == name:
                return measure.value
        raise KeyError(name)

    def to_json(self) -> dict[str, Any]:
        """Gives back the record as plain data; floats keep all their digits."""
        return {
            "schema": SCHEMA,
            "measures": [dataclasses.asdict(measure) for measure in self.measures],
            "categories": [dataclasses.asdict(category) for category in self.categories],
            "precision": self.precision.tolist(),
            "recall": self.recall.tolist(),
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> VisScore:
        """Gives back the record that `to_json` wrote."""
        if data.get("schema") != SCHEMA:
            raise ScoreError(
                f"scores of schema {data.get('schema')!r} cannot be read, this version knows {SCHEMA}",
                fix="compute the scores again",
            )
        return cls(
            measures=tuple(Measure(**measure) for measure in data["measures"]),
            categories=tuple(CategoryScore(**category) for category in data["categories"]),
            precision=np.array(data["precision"], np.float64),
            recall=np.array(data["recall"], np.float64),
        )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Block:
    """The tracks of one video and category, the found ones by falling score, and their overlaps."""

    found: tuple[VisTrack, ...]
    true: tuple[VisTrack, ...]
    ious: Floats


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Matched:
    """A block at one range of areas: (thresholds, found) bool, (found,) float64, and the number of tracks to find."""

    hits: NDArray[np.bool_]
    ignored: NDArray[np.bool_]
    scores: Floats
    wanted: int


def score_tracks(truth: VisTruth, results: Sequence[VisTrack], rules: ApRules = YOUTUBE_VIS) -> VisScore:
    """Gives back the scores of found tracks; ties of scores keep the order of videos' ids and then of the file."""
    shape = (len(THRESHOLDS), len(truth.categories), len(rules.areas), len(MOST_DETECTIONS))
    curves = np.full((shape[0], RECALLS, *shape[1:]), UNDEFINED)
    recall = np.full(shape, UNDEFINED)
    by_place = blocks_of(truth, results, rules)
    for kind, (category, _) in enumerate(truth.categories):
        blocks = [by_place[video, category] for video in truth.videos if (video, category) in by_place]
        for index, (_, low, high) in enumerate(rules.areas):
            matched = [match_block(block, low, high) for block in blocks]
            for place, most in enumerate(MOST_DETECTIONS):
                curve = _curve(matched, most)
                if curve is not None:
                    curves[:, :, kind, index, place], recall[:, kind, index, place] = curve
    precision = curves.sum(axis=1) / RECALLS
    return VisScore(
        measures=_measures(curves, recall, rules),
        categories=tuple(
            CategoryScore(
                id=number,
                name=name,
                average_precision=_defined_mean(curves[:, :, kind, 0, 2]),
                average_recall=_defined_mean(recall[:, kind, 0, 2]),
            )
            for kind, (number, name) in enumerate(truth.categories)
        ),
        precision=precision,
        recall=recall,
    )


def overlaps(found: Sequence[VisTrack], true: Sequence[VisTrack], *, crowds_cover: bool = False) -> Floats:
    """Gives back the overlap in space and time of tracks of one video: (found, true), float64 in [0, 1].

    Intersections and unions are summed over the frames that both lists hold. With ``crowds_cover`` the overlap with a
    crowd is the share of the found track that lies in it.
    """
    from vosbench.metrics.vis_kernel import track_ious

    ious = np.zeros((len(found), len(true)))
    if ious.size:
        covered = np.array([crowds_cover and track.crowd for track in true], np.uint8)
        track_ious(*_tables(found), *_tables(true), covered, ious)
    return ious


def _tables(tracks: Sequence[VisTrack]) -> tuple[Table, Table, Table, Table]:
    """Gives back all bounds in a row and the (tracks, frames) tables of `vosbench.metrics.vis_kernel.track_ious`."""
    frames = max(len(track.sizes) for track in tracks)
    starts = np.zeros((len(tracks), frames + 1), np.int64)
    sizes = np.full((len(tracks), frames), -1, np.int64)
    areas = np.zeros((len(tracks), frames), np.int64)
    begin = 0
    for row, track in enumerate(tracks):
        length = len(track.sizes)
        starts[row, : length + 1] = track.starts + begin
        sizes[row, :length] = track.sizes
        areas[row, :length] = track.areas
        begin += len(track.bounds)
    return np.concatenate([track.bounds for track in tracks]), starts, sizes, areas


def blocks_of(truth: VisTruth, results: Sequence[VisTrack], rules: ApRules) -> dict[tuple[int, int], Block]:
    """Gives back what is matched with each other: the tracks by video and category."""
    found: dict[tuple[int, int], list[VisTrack]] = {}
    true: dict[tuple[int, int], list[VisTrack]] = {}
    for tracks, places in ((results, found), (truth.tracks, true)):
        for track in tracks:
            places.setdefault((track.video, track.category), []).append(track)
    blocks = {}
    for place in found.keys() | true.keys():
        best = tuple(sorted(found.get(place, ()), key=lambda track: -track.score)[: MOST_DETECTIONS[-1]])
        known = tuple(true.get(place, ()))
        blocks[place] = Block(found=best, true=known, ious=overlaps(best, known, crowds_cover=rules.crowds_cover))
    return blocks


def match_block(block: Block, low: float, high: float) -> Matched:
    """Gives back which found tracks hit at each threshold; true tracks outside the range of areas are ignored.

    A found track that meets an ignored one, or none and lies outside the range itself, is neither hit nor miss. A hit
    on the annotation of id 0 counts as a miss, as the official tool takes 0 for "none".
    """
    from vosbench.metrics.vis_kernel import match_tracks

    ignored = np.array([track.crowd or not low <= track.average_area <= high for track in block.true], np.uint8)
    order = np.argsort(ignored, kind="stable")
    crowd = np.array([track.crowd for track in block.true], np.uint8)[order]
    numbered = np.array([track.id != 0 for track in block.true], np.bool_)[order]
    matches = np.full((len(THRESHOLDS), len(block.found)), -1, np.int64)
    outside = np.array([not low <= track.average_area <= high for track in block.found], np.bool_)
    hits = np.zeros(matches.shape, np.bool_)
    passed = np.zeros(matches.shape, np.bool_)
    if block.ious.size:
        sorted_ious = np.ascontiguousarray(block.ious[:, order])
        match_tracks(sorted_ious, ignored[order], crowd, np.array(THRESHOLDS), matches)
        hits = (matches >= 0) & numbered[matches]
        passed = (matches >= 0) & (ignored[order][matches] == 1)
    return Matched(
        hits=hits,
        ignored=passed | (~hits & outside),
        scores=np.array([track.score for track in block.found], np.float64),
        wanted=int(np.count_nonzero(ignored == 0)),
    )


def _curve(matched: Sequence[Matched], most: int) -> tuple[Floats, Floats] | None:
    """Gives back precision (thresholds, recalls) and largest recall (thresholds,), None where nothing is wanted."""
    wanted = sum(block.wanted for block in matched)
    if wanted == 0:
        return None
    order = np.argsort(-np.concatenate([block.scores[:most] for block in matched]), kind="stable")
    hits = np.concatenate([block.hits[:, :most] for block in matched], axis=1)[:, order]
    ignored = np.concatenate([block.ignored[:, :most] for block in matched], axis=1)[:, order]
    found = np.cumsum(hits & ~ignored, axis=1).astype(np.float64)
    missed = np.cumsum(~hits & ~ignored, axis=1).astype(np.float64)
    reached = found / wanted
    ratio = found / (missed + found + np.spacing(1))
    envelope = np.maximum.accumulate(ratio[:, ::-1], axis=1)[:, ::-1]
    curve = np.zeros((len(THRESHOLDS), RECALLS))
    for level in range(len(THRESHOLDS)):
        places = np.searchsorted(reached[level], np.linspace(0, 1, RECALLS), side="left")
        within = places < len(order)
        curve[level, within] = envelope[level, places[within]]
    return curve, reached[:, -1] if len(order) else np.zeros(len(THRESHOLDS))


def _measures(curves: Floats, recall: Floats, rules: ApRules) -> tuple[Measure, ...]:
    """The official twelve, each a mean over all that is defined, in the official order of summation.

    ``curves`` are precision (thresholds, recalls, categories, areas, detections), ``recall`` has no axis of recalls.
    """
    last = len(MOST_DETECTIONS) - 1
    sizes = [(index, name[0]) for index, (name, _, _) in enumerate(rules.areas) if index]
    return (
        _measure("AP", curves[:, :, :, 0, last]),
        _measure("AP50", curves[0, :, :, 0, last]),
        _measure("AP75", curves[5, :, :, 0, last]),
        *(_measure(f"AP{size}", curves[:, :, :, index, last]) for index, size in sizes),
        *(_measure(f"AR{most}", recall[:, :, 0, place]) for place, most in enumerate(MOST_DETECTIONS)),
        *(_measure(f"AR{size}", recall[:, :, index, last]) for index, size in sizes),
    )


def _measure(name: str, values: Floats) -> Measure:
    mean = _defined_mean(values)
    return Measure(name=name, value=mean, reason="" if mean is not None else "the truth has no object of this kind")


def _defined_mean(values: Floats) -> float | None:
    defined = values[values > UNDEFINED]
    return float(np.mean(defined)) if len(defined) else None
