"""What becomes of a cell's answers: label maps go to PNG files, instances to the tracks of their video."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from vosbench.data.masks import write_mask
from vosbench.data.video import Entrance, Instances, Video
from vosbench.digest import digest_labels
from vosbench.errors import AdapterError
from vosbench.records import CellSpec
from vosbench.rle import text_of_mask
from vosbench.session import ids_in
from vosbench.store.atomic import storing
from vosbench.store.run import MASKS_FOLDER
from vosbench.store.tracks import TRACKS_FILE, GatheredTrack, StoredTracks, settled_tracks, write_tracks
from vosbench.types import Frame, Instance, LabelMap, Prediction, Track

INSTANCES_FILE = "instances.jsonl"
"""Holds the instances of the frames so far, a line each, so that they need no memory; gone when the video ends."""


class Answers(Protocol):
    """Keeps a cell's answers on disk."""

    def keep(self, frame: Frame, prediction: Prediction) -> None:
        """Keep the checked answer to one frame."""

    def end(self, tracks: Sequence[Track]) -> None:
        """The video ended; ``tracks`` are the method's late answers."""

    def digest(self) -> str:
        """Gives back the digest of all answers in order."""


def open_answers(spec: CellSpec, video: Video, workspace: Path) -> Answers:
    """Gives back what keeps the answers of a cell below ``workspace``."""
    if video.instances is None:
        return LabelAnswers(spec, video, workspace / MASKS_FOLDER)
    return TrackAnswers(spec, video, video.instances, workspace)


class LabelAnswers:
    """Writes label maps as ``masks/FRAME.png``."""

    def __init__(self, spec: CellSpec, video: Video, folder: Path) -> None:
        self._where = f"suite {spec.suite.name}, video {video.id}"
        self._folder = folder
        self._digest = hashlib.sha256()

    def keep(self, frame: Frame, prediction: Prediction) -> None:
        """Write a label map."""
        if isinstance(prediction, tuple):
            raise AdapterError(
                "step() answered with instances on a suite of label maps",
                where=f"{self._where}, frame {frame.index}",
                fix="return a (height, width) label map where the view's task is 'vos'",
            )
        self._digest.update(digest_labels(prediction))
        with storing(self._folder):
            write_mask(self._folder / f"{frame.name}.png", prediction)

    def end(self, tracks: Sequence[Track]) -> None:
        """Nothing is left to be done: late answers are for instances."""

    def digest(self) -> str:
        """Gives back the digest of the label maps."""
        return self._digest.hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Seen:
    """One instance on one frame; ``text`` is its mask in COCO's compressed notation, None where it has no pixel."""

    track: int
    category: int
    score: float
    text: str | None


class TrackAnswers:
    """Writes the instances of every frame as they come, and the tracks of the video when it ends.

    The label maps of a prompted method are taken apart: an object is an instance of the category that its prompt had,
    with score 1.
    """

    def __init__(self, spec: CellSpec, video: Video, instances: Instances, workspace: Path) -> None:
        self._where = f"suite {spec.suite.name}, video {video.id}"
        self._prompted = spec.prompted
        self._video = video
        self._number = instances.video
        self._entrances = {entrance.id: entrance for entrance in instances.entrances}
        self._workspace = workspace
        self._digest = hashlib.sha256()

    def keep(self, frame: Frame, prediction: Prediction) -> None:
        """Write the instances of a frame."""
        if isinstance(prediction, tuple) == self._prompted:
            wanted = "label map: it was given prompts" if self._prompted else "tuple of instances"
            raise AdapterError(
                f"step() answered with a {type(prediction).__name__}, expected a {wanted}",
                where=f"{self._where}, frame {frame.index}",
                fix="answer as the view's task asks: 'vos' a label map, 'vis' instances",
            )
        seen = _instances(prediction) if isinstance(prediction, tuple) else _objects(prediction, self._entrances)
        line = json.dumps([frame.index, [[s.track, s.category, s.score, s.text] for s in seen]])
        self._digest.update(line.encode())
        with storing(self._workspace), self._lines.open("a", encoding="ascii") as stream:
            stream.write(line + "\n")

    def end(self, tracks: Sequence[Track]) -> None:
        """Put the tracks together and write them; those without any pixel are no answer."""
        gathered = self._gather()
        self._digest.update(repr([(t.track_id, t.category, t.score) for t in tracks]).encode())
        for track in tracks:
            if track.track_id not in gathered or not 0.0 <= track.score <= 1.0:
                raise AdapterError(
                    f"finish() gave track {track.track_id} with score {track.score}",
                    where=self._where,
                    fix="name tracks that step() answered with, and scores in [0, 1]",
                )
        stored = StoredTracks(
            video=self._number,
            height=self._video.height,
            width=self._video.width,
            tracks=settled_tracks(gathered, tracks),
        )
        write_tracks(self._workspace / TRACKS_FILE, stored)
        with storing(self._workspace):
            self._lines.unlink(missing_ok=True)
            (self._workspace / MASKS_FOLDER).rmdir()

    def digest(self) -> str:
        """Gives back the digest of the instances and of the late answers."""
        return self._digest.hexdigest()

    @property
    def _lines(self) -> Path:
        return self._workspace / INSTANCES_FILE

    def _gather(self) -> dict[int, GatheredTrack]:
        """The tracks by their ids."""
        found: dict[int, GatheredTrack] = {}
        for index, seen in self._read():
            for one in seen:
                track = found.setdefault(one.track, GatheredTrack(texts=[None] * len(self._video.names)))
                track.add(index, category=one.category, score=one.score, text=one.text)
        return found

    def _read(self) -> Iterator[tuple[int, list[_Seen]]]:
        with storing(self._workspace), self._lines.open(encoding="ascii") as stream:
            for line in stream:
                index, seen = json.loads(line)
                yield index, [_Seen(track=t, category=c, score=s, text=x) for t, c, s, x in seen]


def _instances(prediction: Sequence[Instance]) -> list[_Seen]:
    return [
        _Seen(track=int(one.track_id), category=int(one.category), score=float(one.score), text=text_of_mask(one.mask))
        for one in prediction
    ]


def _objects(labels: LabelMap, entrances: dict[int, Entrance]) -> list[_Seen]:
    return [
        _Seen(track=number, category=entrances[number].category, score=1.0, text=text_of_mask(labels == number))
        for number in ids_in(labels)
    ]
