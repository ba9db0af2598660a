"""The results file that servers of instances take, made of a run's tracks and checked before it is written."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path

from vosbench.data.opening import SuiteVideos
from vosbench.data.suite import Suite
from vosbench.data.video import Video
from vosbench.errors import ScoreError, StoreError
from vosbench.records import Record
from vosbench.rle import bounds_of_text
from vosbench.store.tracks import StoredTracks, official_results, read_tracks

_UNFIT = re.compile(r"[^\w.-]+")


def results_name(suite: Suite, method: str, split: str) -> str:
    """Gives back the name of the one file of the zip, without a folder.

    COCO's server goes by ``detections_SPLIT_ALGORITHM_results.json`` (https://cocodataset.org/#upload).
    """
    if suite.layout.annotation_kind == "coco":
        return f"detections_{split}_{_UNFIT.sub('-', method)}_results.json"
    return "results.json"


def results_bytes(suite: Suite, cells: Sequence[tuple[Path, Record]]) -> tuple[bytes, int]:
    """Gives back the results file of one method's videos, and how many tracks it holds.

    Raises `ScoreError` for tracks that were prompted with the truth, and for what the server's tool would stop at.
    """
    spec = cells[0][1].spec
    where = f"suite {spec.suite.name}, method {spec.method.label}"
    if spec.prompted:
        raise ScoreError("the tracks were prompted with the truth, which no server takes", where=where,
                         fix="pack a method that finds instances itself")  # fmt: skip
    source = SuiteVideos(suite, spec.suite.root, spec.suite.split)
    found = [_checked(folder, source.open(record.spec.video), where) for folder, record in cells]
    results = official_results(found, images=suite.layout.annotation_kind == "coco")
    if not results:
        raise ScoreError("there is no track in any video, and the official tool fails on an empty list", where=where,
                         fix="lower the score from which the method shows a track")  # fmt: skip
    return json.dumps(results, separators=(",", ":")).encode(), len(results)


def _checked(folder: Path, video: Video, where: str) -> StoredTracks:
    place = f"{where}, video {video.id}, file {folder / 'tracks.json'}"
    try:
        found = read_tracks(folder)
    except StoreError as error:
        raise ScoreError(
            f"the tracks are missing or torn: {error.what}", where=place, fix="run the video again"
        ) from error
    for problem in _problems(found, video):
        raise ScoreError(problem, where=place, fix="run the video again")
    return found


def _problems(found: StoredTracks, video: Video) -> list[str]:
    categories = video.instances.categories if video.instances is not None else {}
    problems: list[str] = []
    if video.instances is not None and found.video != video.instances.video:
        problems.append(f"the tracks are of video {found.video}, this one is {video.instances.video}")
    if (found.height, found.width) != (video.height, video.width):
        problems.append(f"the masks are {found.width} x {found.height}, the frames {video.width} x {video.height}")
    for number, track in enumerate(found.tracks, start=1):
        if track.category not in categories:
            problems.append(f"track {number} is of category {track.category}, which the data set does not have")
        if len(track.texts) != len(video.names):
            problems.append(f"track {number} has {len(track.texts)} masks, the video {len(video.names)} frames")
        if not 0.0 <= track.score <= 1.0:
            problems.append(f"track {number} has score {track.score}")
        problems += [
            f"track {number} has a torn mask" for text in track.texts if text is not None and _torn(text, found)
        ]
    return problems


def _torn(text: str, found: StoredTracks) -> bool:
    try:
        return bounds_of_text(text, found.height * found.width).size == 0
    except ScoreError:
        return True
