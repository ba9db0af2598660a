"""Scores stored masks, outside the process that made them, again whenever it is asked to."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vosbench.data.masks import read_mask
from vosbench.data.object_folders import object_masks
from vosbench.data.suite import Suite, listed, suite_of
from vosbench.data.video import Video, open_video, read_truth
from vosbench.digest import digest_file, digest_json
from vosbench.errors import DataError, ScoreError, StoreError, UsageError
from vosbench.metrics.ap_rules import has_rules
from vosbench.metrics.protocol import Protocol, find_protocol
from vosbench.metrics.records import VideoScore
from vosbench.metrics.spans import ObjectSpan, lvos_span, youtube_vos_span
from vosbench.metrics.video import score_video
from vosbench.object_scorer import score_label_maps
from vosbench.parallel import each
from vosbench.plain import to_plain
from vosbench.records import Record
from vosbench.store.atomic import write_whole
from vosbench.store.run import MASKS_FOLDER, Run
from vosbench.types import LabelMap

SCORES_SCHEMA = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Unscored:
    """A cell or video without a score, and why."""

    name: str
    reason: str


def score_run(run: Run, *, official_decay: bool = False, workers: int = 1) -> list[Unscored]:
    """Score every finished cell of a run whose score is not there; gives back those that have none, and why.

    ``workers`` processes share the cells.

    Cells of random weights have none: what they would show is not an accuracy. A cell whose memory ran out is scored
    over the frames that it answered. Where the data is gone, as in a run from another machine, stored scores stand.
    """
    from vosbench.vis_runs import score_passes  # who scores a folder of masks does not wait for the code of tracks

    without = [Unscored(name=name, reason=reason) for name, reason in score_passes(run)]
    calls = [
        (folder, record, official_decay)
        for folder, record in run.records()
        if _has_answers(record)
        and record.spec.method.weights.trained
        and record.spec.suite.has_truth
        and record.spec.suite.task != "vis"
        and (official_decay or not _stands(folder, record))
    ]
    return without + [unscored for unscored in each(_try_cell, calls, workers) if unscored is not None]


def _try_cell(folder: Path, record: Record, official_decay: bool) -> Unscored | None:
    spec = record.spec
    try:
        score_cell(folder, record, official_decay=official_decay)
    except (ScoreError, DataError) as error:
        cut = f"cut to its first {spec.max_frames} frames: " if spec.max_frames is not None else ""
        return Unscored(name=f"{spec.suite.name} {spec.method.label} {spec.video}", reason=cut + str(error))
    return None


def _stands(folder: Path, record: Record) -> bool:
    """True for a stored score whose truth cannot have changed here: its data is on another machine."""
    suite = record.spec.suite
    return not suite.root.is_dir() and read_score(folder, suite.protocol) is not None


def score_cell(folder: Path, record: Record, *, official_decay: bool = False) -> VideoScore:
    """Gives back a cell's score by its suite's protocol, from the stored file where masks and truth are still those.

    Where memory ran out it is that of the video cut to the frames that were answered.
    Raises `ScoreError` where the protocol refuses, `DataError` where the truth is not there.
    """
    spec = record.spec
    protocol = find_protocol(spec.suite.protocol)
    suite = suite_of(spec.suite)
    frames = spec.max_frames if record.outcome.status == "ok" else record.frames
    video = open_video(suite, spec.suite.root, spec.video, max_frames=frames)
    annotated = [*video.masks.items(), *(item for masks in video.folders.values() for item in masks.items())]
    truth = [[name, digest_file(path)] for name, path in annotated]
    spans = to_plain(_spans(protocol, suite, video, list(video.masks)))
    inputs = digest_json([record.masks_digest, official_decay, truth, spans])
    path = _file(folder, protocol.name)
    stored = _read(path)
    if stored is not None and stored.get("inputs") == inputs:
        return VideoScore.from_json(stored["score"])
    score = score_masks(protocol, suite, video, folder / MASKS_FOLDER, official_decay=official_decay)
    value = {"schema": SCORES_SCHEMA, "inputs": inputs, "score": score.to_json()}
    write_whole(path, json.dumps(value).encode())
    return score


def _has_answers(record: Record) -> bool:
    """Where memory ran out there is a score of what was answered; tracks are scored over whole videos."""
    ran_out = record.outcome.status == "oom" and record.frames > 0 and record.spec.suite.task == "vos"
    return record.outcome.status == "ok" or ran_out


def read_score(folder: Path, protocol: str) -> VideoScore | None:
    """Gives back the score that lies beside a cell's masks, or None.

    Tracks have none: their score is one over all videos of a pass (`vosbench.vis_runs.read_measures`).
    """
    if has_rules(protocol):
        return None
    stored = _read(_file(folder, protocol))
    return VideoScore.from_json(stored["score"]) if stored is not None else None


def score_folder(
    folder: Path,
    suite: Suite,
    root: Path,
    videos: tuple[str, ...],
    protocol: Protocol,
    *,
    official_decay: bool = False,
    workers: int = 1,
) -> list[VideoScore]:
    """Gives back the scores of masks that lie as ``folder/VIDEO/FRAME.png``, whoever wrote them.

    Of a suite with a folder per object they lie as ``folder/VIDEO/OBJECT/FRAME.png``, and there is a score for each.
    Raises `ScoreError` for a missing video or mask and for whatever the protocol refuses. ``workers`` processes share
    the videos.
    """
    calls = [(folder / name, suite, root, name, protocol, official_decay) for name in videos]
    return [score for scores in each(_score_one, calls, workers) for score in scores]


def _score_one(
    masks: Path, suite: Suite, root: Path, name: str, protocol: Protocol, official_decay: bool
) -> list[VideoScore]:
    if not masks.is_dir():
        raise ScoreError(
            f"there are no masks of video '{name}'",
            where=f"suite {suite.name}, expected {masks}",
            fix="write one folder of PNG masks per video, or name the videos to score with --videos",
        )
    if suite.layout.object_folders:
        return _score_objects(protocol, suite, root, name, masks)
    return [score_masks(protocol, suite, open_video(suite, root, name), masks, official_decay=official_decay)]


def _score_objects(protocol: Protocol, suite: Suite, root: Path, name: str, folder: Path) -> list[VideoScore]:
    """Gives back the score of each object of a video whose masks lie in a folder per object, there and here."""
    if not protocol.one_object:
        raise UsageError(
            f"{suite.title} has a folder of masks per object, which '{protocol.name}' does not score",
            fix=f"use the suite's own protocol, {suite.protocol}",
        )
    where = f"suite {suite.name}, video {name}"
    found = object_masks(folder, where)
    scores: list[VideoScore] = []
    for number, truth in object_masks(root / suite.layout.masks / name, where).items():
        if number not in found:
            raise ScoreError(
                f"there are no masks of object {number}",
                where=f"{where}, expected {folder / f'{number:03}'}",
                fix="write one folder of binary PNG masks per object",
            )
        scores.append(
            score_video(
                protocol,
                video=name,
                frames=tuple(truth),
                read_prediction=_reader(found[number], folder / f"{number:03}"),
                read_truth=_reader(truth, root),
                object_id=number,
            )
        )
    return scores


def _reader(masks: Mapping[str, Path], folder: Path) -> Callable[[str], LabelMap]:
    return lambda name: read_mask(masks.get(name, folder / f"{name}.png"))


def score_masks(
    protocol: Protocol, suite: Suite, video: Video, masks: Path, *, official_decay: bool = False
) -> VideoScore:
    """Gives back the score of one video's label maps, ``masks/FRAME.png``, against its truth."""
    if video.folders:
        return score_label_maps(protocol, video, masks)
    annotated = [name for name in video.names if name in video.masks]
    return score_video(
        protocol,
        video=video.id,
        frames=annotated,
        read_prediction=lambda name: read_mask(masks / f"{name}.png"),
        read_truth=lambda name: read_truth(video, name),
        spans=_spans(protocol, suite, video, annotated),
        official_decay=official_decay,
    )


def _spans(protocol: Protocol, suite: Suite, video: Video, annotated: list[str]) -> list[ObjectSpan]:
    """The objects and frames of protocols that take them from the meta file: YouTube-VOS by the object's category,
    LVOS by the video.
    """
    if not protocol.needs_spans:
        return []
    if protocol.name == "lvos":
        group = "unseen" if video.id in listed(suite.groups.unseen_videos) else "seen"
        return [
            lvos_span(id=entry.id, start=entry.start, end=entry.end, frame_nums=entry.frame_nums, group=group)
            for entry in video.objects
        ]
    seen = listed(suite.groups.seen_categories)
    return [
        youtube_vos_span(
            id=entry.id,
            annotated=annotated,
            first=min(entry.frames),
            group="seen" if entry.category in seen else "unseen",
        )
        for entry in video.objects
    ]


def _file(folder: Path, protocol: str) -> Path:
    return folder / f"scores.{protocol}.json"


def _read(path: Path) -> Mapping[str, Any] | None:
    if not path.is_file():
        return None
    try:
        value: Mapping[str, Any] = json.loads(path.read_bytes())
    except (OSError, ValueError) as error:
        raise StoreError(f"the scores cannot be read: {error}", where=str(path), fix="delete the file: it is computed "
                         "again") from error  # fmt: skip
    return value if value.get("schema") == SCORES_SCHEMA else None
