"""The tracks of a cell as ``tracks.json``: what a method answered on one video of instances."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from vosbench.errors import StoreError
from vosbench.plain import PlainError, from_plain
from vosbench.store.atomic import write_whole
from vosbench.types import Track

TRACKS_SCHEMA = 1
TRACKS_FILE = "tracks.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredTrack:
    """One answer: a category, a score in [0, 1], and for each frame the mask in COCO's compressed text, or None."""

    category: int
    score: float
    texts: tuple[str | None, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredTracks:
    """The answers on one video; ``video`` is its id in the annotation file, sizes are in pixels."""

    schema: int = TRACKS_SCHEMA
    video: int
    height: int
    width: int
    tracks: tuple[StoredTrack, ...]

    def official(self) -> list[dict[str, Any]]:
        """Gives back the entries of a results file in the format of YouTube-VIS."""
        size = [self.height, self.width]
        return [
            {
                "video_id": self.video,
                "category_id": track.category,
                "score": track.score,
                "segmentations": [None if text is None else {"size": size, "counts": text} for text in track.texts],
            }
            for track in self.tracks
        ]

    def official_of_image(self) -> list[dict[str, Any]]:
        """Gives back the entries of a results file in the format of COCO: the video is an image.

        They have no box: with one pycocotools would sort them by its area and not by the mask's.
        """
        return [
            {
                "image_id": self.video,
                "category_id": track.category,
                "score": track.score,
                "segmentation": {"size": [self.height, self.width], "counts": track.texts[0]},
            }
            for track in self.tracks
        ]


@dataclass(slots=True, kw_only=True)
class GatheredTrack:
    """One track while its frames come; ``texts`` are its masks by frame."""

    texts: list[str | None]
    _sums: dict[int, float] = field(default_factory=dict)
    _count: int = 0

    def add(self, frame: int, *, category: int, score: float, text: str | None) -> None:
        """Take what a frame says of the track; ``text`` is its mask there, None where it has no pixel."""
        self.texts[frame] = text
        self._sums[category] = self._sums.get(category, 0.0) + score
        self._count += 1

    def answer(self, late: Track | None = None) -> StoredTrack:
        """Gives back the track as ``late`` says, else by the rule of `vosbench.types.Instance`."""
        if late is not None:
            return StoredTrack(category=late.category, score=late.score, texts=tuple(self.texts))
        best = min(self._sums, key=lambda key: (-self._sums[key], key))
        return StoredTrack(category=best, score=sum(self._sums.values()) / self._count, texts=tuple(self.texts))


def settled_tracks(gathered: Mapping[int, GatheredTrack], late: Sequence[Track]) -> tuple[StoredTrack, ...]:
    """Gives back the answers on a video, by their tracks' ids: the ``late`` ones of a track, else what its frames say.

    Tracks without any pixel are no answer. Raises `KeyError` for a late answer of a track that no frame showed.
    """
    answers: dict[int, list[StoredTrack]] = {number: [] for number in sorted(gathered)}
    for track in late:
        answers[track.track_id].append(gathered[track.track_id].answer(track))
    settled = [one for number, found in answers.items() for one in found or [gathered[number].answer()]]
    return tuple(one for one in settled if any(text is not None for text in one.texts))


def write_tracks(path: Path, tracks: StoredTracks) -> None:
    """Write ``tracks.json``."""
    value: Mapping[str, Any] = {
        "schema": tracks.schema,
        "video": tracks.video,
        "height": tracks.height,
        "width": tracks.width,
        "tracks": [
            {"category": track.category, "score": track.score, "texts": list(track.texts)} for track in tracks.tracks
        ],
    }
    write_whole(path, json.dumps(value, separators=(",", ":")).encode())


def read_tracks(folder: Path) -> StoredTracks:
    """Gives back a cell's tracks. Raises `StoreError` for a file that is missing, torn or of another version."""
    path = folder / TRACKS_FILE
    try:
        tracks = from_plain(StoredTracks, json.loads(path.read_bytes()))
    except (OSError, ValueError, RecursionError) as error:
        detail = f"{'.'.join(map(str, error.path))}: {error.message}" if isinstance(error, PlainError) else str(error)
        raise StoreError(
            f"the tracks cannot be read: {detail}", where=str(path), fix="delete the cell's folder and run again"
        ) from error
    if tracks.schema != TRACKS_SCHEMA:
        raise StoreError(f"written by another version (schema {tracks.schema})", where=str(path),
                         fix="read it with the vosbench that wrote it")  # fmt: skip
    return tracks


def official_results(videos: Sequence[StoredTracks], *, images: bool = False) -> list[dict[str, Any]]:
    """Gives back the results file of several videos, or images, in the order of their ids: equal scores rank by it."""
    ordered = sorted(videos, key=lambda tracks: tracks.video)
    return [entry for tracks in ordered for entry in (tracks.official_of_image() if images else tracks.official())]
