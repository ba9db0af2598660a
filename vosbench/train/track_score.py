"""AP on synthetic videos that are never trained on, by the official rules: sessions as a run opens them."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Tensor

from vosbench.contract import Model, View
from vosbench.data.synthetic_shapes import family_names
from vosbench.errors import AdapterError
from vosbench.metrics.vis_ap import score_tracks
from vosbench.metrics.vis_tracks import read_results, read_truth
from vosbench.rle import area, bounds_of_mask, code_of_bounds, text_of_mask
from vosbench.store.tracks import GatheredTrack, StoredTracks, official_results, settled_tracks
from vosbench.train.library import RealClip
from vosbench.train.weights import write_weights
from vosbench.types import Frame

CATEGORIES: Mapping[int, str] = dict(enumerate(family_names(), start=1))
"""The categories of synthetic videos by their ids, those of the suites' stand-ins."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrackScore:
    """AP and AP50 over all videos together, in [0, 1]; ``clips`` counts the videos."""

    ap: float
    ap50: float
    clips: int

    def told(self) -> str:
        """Gives back the score in words, in percent."""
        return f"AP {100 * self.ap:.1f} AP50 {100 * self.ap50:.1f}"

    @property
    def pair(self) -> tuple[float, float]:
        """AP and AP50, as the curve keeps them."""
        return self.ap, self.ap50

    def trial(self, settings: Mapping[str, Any]) -> TrackTrial:
        """Gives back this score as that of ``settings``."""
        return TrackTrial(settings=dict(settings), ap=self.ap, ap50=self.ap50)


@dataclass(frozen=True, slots=True, kw_only=True)
class TrackTrial:
    """One set of settings and its score on the held-back videos."""

    settings: Mapping[str, Any]
    ap: float
    ap50: float

    @property
    def headline(self) -> float:
        """What settings are chosen by."""
        return self.ap

    def told(self) -> str:
        """Gives back the score in words, in percent."""
        return f"AP {100 * self.ap:.1f}"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class HeldBackInstances:
    """Scores the average of a training's weights as a run would: exported, and answered by sessions."""

    load: Callable[[Path], Model]
    videos: tuple[RealClip, ...]
    measures: tuple[str, str] = ("ap", "ap50")

    def score(self, average: Mapping[str, Tensor], computing: AbstractContextManager[object]) -> TrackScore:  # noqa: ARG002 - sessions compute as the card says
        """Gives back the score of ``average``."""
        with tempfile.TemporaryDirectory(prefix="vosbench-train-") as folder:
            path = Path(folder) / "average.safetensors"
            write_weights(path, average)
            return track_score(self.load(path), self.videos)


def track_score(model: Model, clips: Sequence[RealClip]) -> TrackScore:
    """Gives back the score of whole clips, whose objects' categories are known.

    Raises `AdapterError` for answers that are no instances.
    """
    truth = read_truth(_annotations(clips), where="held-back videos")
    results = official_results([_found(model, clip, at) for at, clip in enumerate(clips, start=1)])
    tracks = read_results(results, truth, where="held-back videos") if results else ()
    score = score_tracks(truth, tracks)
    return TrackScore(ap=score.value("AP") or 0.0, ap50=score.value("AP50") or 0.0, clips=len(clips))


def _annotations(clips: Sequence[RealClip]) -> dict[str, Any]:
    """Gives back the truth in the format of YouTube-VIS; an object that is never seen is none."""
    videos: list[dict[str, Any]] = []
    tracks: list[dict[str, Any]] = []
    for video, clip in enumerate(clips, start=1):
        height, width = clip.masks[0].shape
        videos.append({"id": video, "height": height, "width": width})
        for number, category in enumerate(clip.categories, start=1):
            shown = [bounds_of_mask(mask == number) for mask in clip.masks]
            if any(bounds.size for bounds in shown):
                track = {"id": len(tracks) + 1, "video_id": video, "category_id": category + 1, "iscrowd": 0}
                codes = [code_of_bounds(bounds, height, width) if bounds.size else None for bounds in shown]
                tracks.append({**track, "areas": [area(bounds) or None for bounds in shown], "segmentations": codes})
    categories = [{"id": number, "name": name} for number, name in CATEGORIES.items()]
    return {"videos": videos, "categories": categories, "annotations": tracks}


def _found(model: Model, clip: RealClip, video: int) -> StoredTracks:
    """Gives back a clip's tracks as a run would store them."""
    height, width = clip.masks[0].shape
    session = model.open(View(id=clip.name, height=height, width=width, task="vis", categories=CATEGORIES))
    gathered: dict[int, GatheredTrack] = {}
    try:
        for index, image in enumerate(clip.images):
            answer = session.step(Frame(index=index, name=f"{index:05d}", image=image))
            if not isinstance(answer, tuple):
                raise AdapterError("instances are expected here, not a label map", where=f"clip {clip.name}")
            for one in answer:
                track = gathered.setdefault(one.track_id, GatheredTrack(texts=[None] * len(clip.images)))
                track.add(index, category=one.category, score=one.score, text=text_of_mask(one.mask))
        late = session.finish() or ()
    finally:
        session.close()
    return StoredTracks(video=video, height=height, width=width, tracks=settled_tracks(gathered, late))
