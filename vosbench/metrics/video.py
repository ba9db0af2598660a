"""Scores one video frame by frame, holding one pair of masks at a time."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vosbench.errors import DataError, ScoreError
from vosbench.metrics.assignment import best_assignment
from vosbench.metrics.jf import boundary_f, check_maps, count_all_pairs, count_frame, jaccard
from vosbench.metrics.protocol import Protocol, scored_frames
from vosbench.metrics.records import Floats, ObjectScore, VideoScore
from vosbench.metrics.series import statistics
from vosbench.metrics.spans import ObjectSpan
from vosbench.types import LabelMap

VOID = 255
"""The label that DAVIS gives to pixels of the truth that nobody could label."""

ReadMask = Callable[[str], LabelMap]
Mask = NDArray[Any]


@dataclass(slots=True, kw_only=True)
class _Series:
    """J and F of one object, growing; ``begin`` is the scored frame of the first value."""

    begin: int
    j: list[float] = field(default_factory=list)
    f: list[float] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Job:
    """What stays the same over a video."""

    protocol: Protocol
    video: str
    frames: tuple[str, ...]
    read_prediction: ReadMask
    read_truth: ReadMask
    official_decay: bool

    def where(self, frame: str) -> str:
        return f"protocol {self.protocol.name}, video {self.video}, frame {frame}"


def score_video(
    protocol: Protocol,
    *,
    video: str,
    frames: Sequence[str],
    read_prediction: ReadMask,
    read_truth: ReadMask,
    spans: Sequence[ObjectSpan] = (),
    object_id: int = 1,
    official_decay: bool = False,
) -> VideoScore:
    """Gives back the scores of one video.

    Args:
        protocol: The rules.
        video: The video's name, for the record and for messages.
        frames: The names of the annotated frames in order, those that do not count included.
        read_prediction: Gives the predicted label map (height, width) of a frame's name; a `DataError` or
            `FileNotFoundError` of it becomes a `ScoreError`. Called for scored frames only.
        read_truth: Gives the true label map (height, width) of an annotated frame's name.
        spans: The objects and their frames, where ``protocol.needs_spans``.
        object_id: The id under which the object is recorded, where ``protocol.one_object``.
        official_decay: True repeats the overflow in the official tool's decay (see `vosbench.metrics.series.decay`).
    """
    _check_frames(protocol, video, frames, spans)
    job = _Job(
        protocol=protocol,
        video=video,
        frames=scored_frames(protocol, frames, spans),
        read_prediction=read_prediction,
        read_truth=read_truth,
        official_decay=official_decay,
    )
    if protocol.objects == "spans":
        objects = _score_spans(job, spans)
    elif protocol.objects == "seen":
        objects = _score_seen(job)
        if protocol.one_object:
            objects = _renamed(job, objects, object_id)
    elif protocol.objects == "foreground":
        objects = _score_fixed(job, (1,))
    else:
        last_id = int(np.max(_prepared_truth(protocol, read_truth(frames[0]))[0]))
        ids = tuple(range(1, last_id + 1))
        objects = _score_best(job, ids) if protocol.matching == "best" else _score_fixed(job, ids)
    return VideoScore(
        protocol=protocol.name, video=video, frames=job.frames, objects=objects, official_decay=official_decay
    )


def _check_frames(protocol: Protocol, video: str, frames: Sequence[str], spans: Sequence[ObjectSpan]) -> None:
    where = f"protocol {protocol.name}, video {video}"
    fewest = {"all": 1, "inner": 3, "after-first": 2, "spans": 1}[protocol.frames]
    if len(frames) < fewest and protocol.objects != "seen":  # vos-benchmark passes over such videos
        raise ScoreError(
            f"the video has {len(frames)} annotated frames, the protocol needs at least {fewest}",
            where=where,
            fix="leave the video out, or choose a protocol that scores every frame",
        )
    known = set(frames)
    for span in spans:
        unknown = [name for name in span.frames if name not in known]
        if unknown:
            raise ScoreError(
                f"object {span.id} is scored on frame '{unknown[0]}', which is not annotated",
                where=where,
                fix="check that the annotations and the meta file belong to the same release",
            )
    if protocol.needs_spans and not spans:
        raise ScoreError(
            "the protocol takes its objects from the data set's meta file, and none was given",
            where=where,
            fix="choose a protocol that reads the objects from the masks, or a suite whose data set has a meta file",
        )


def _score_fixed(job: _Job, ids: tuple[int, ...]) -> tuple[ObjectScore, ...]:
    """Scores the same objects on every frame."""
    series = {number: _Series(begin=0) for number in ids}
    for name in job.frames:
        prediction, truth, void = _pair(job, name)
        if job.protocol.strict_ids:
            _refuse_ids_above(job, name, prediction, len(ids))
        _append(series, (prediction, truth, void), ids)
    return tuple(_finished(job, number, series[number]) for number in ids)


def _score_seen(job: _Job) -> tuple[ObjectScore, ...]:
    """Scores each object from where truth or prediction first shows it; those of the truth stay."""
    series: dict[int, _Series] = {}
    in_truth: set[int] = set()
    for index, name in enumerate(job.frames):
        prediction, truth, void = _pair(job, name)
        present = _ids_in(truth)
        in_truth.update(present)
        for number in (*present, *_ids_in(prediction)):
            series.setdefault(number, _Series(begin=index))
        _append(series, (prediction, truth, void), tuple(series))
    return tuple(_finished(job, number, series[number]) for number in sorted(in_truth))


def _renamed(job: _Job, objects: tuple[ObjectScore, ...], number: int) -> tuple[ObjectScore, ...]:
    """Gives back the one object under its id."""
    if not objects:
        raise ScoreError(
            f"the truth shows object {number} on no frame that counts",
            where=f"protocol {job.protocol.name}, video {job.video}",
            fix="the official tool stops here too: leave the object out",
        )
    return (dataclasses.replace(objects[0], id=number),)


def _score_spans(job: _Job, spans: Sequence[ObjectSpan]) -> tuple[ObjectScore, ...]:
    """Scores each object on its own frames."""
    places = {name: index for index, name in enumerate(job.frames)}
    series = {span.id: _Series(begin=places[span.frames[0]] if span.frames else 0) for span in spans}
    on_frame: dict[str, list[int]] = {name: [] for name in job.frames}
    for span in spans:
        for name in span.frames:
            on_frame[name].append(span.id)
    for name in job.frames:
        prediction, truth, void = _pair(job, name)
        _append(series, (prediction, truth, void), tuple(on_frame[name]))
    for span in spans:
        series[span.id].j.extend([0.0] * span.missing)
        series[span.id].f.extend([0.0] * span.missing)
    return tuple(_finished(job, span.id, series[span.id], group=span.group) for span in spans)


def _score_best(job: _Job, ids: tuple[int, ...]) -> tuple[ObjectScore, ...]:
    """Scores the best assignment of predicted to true objects; the rows follow the predicted ones."""
    proposals = tuple(range(1, max(job.protocol.proposals, len(ids)) + 1))
    shape = (len(job.frames), len(proposals), len(ids))
    j = np.zeros(shape)
    f = np.zeros(shape)
    most = len(ids)
    for index, name in enumerate(job.frames):
        prediction, truth, void = _pair(job, name)
        most = max(most, _refuse_ids_above(job, name, prediction, job.protocol.proposals))
        counts = count_all_pairs(prediction, truth, proposals, ids, void)
        j[index] = jaccard(counts).reshape(shape[1:])
        f[index] = boundary_f(counts).reshape(shape[1:])
    gain = ((_means_over_frames(j) + _means_over_frames(f)) / 2)[:most]
    return tuple(
        _scored(
            job,
            ids[its],
            np.ascontiguousarray(j[:, mine, its]),
            np.ascontiguousarray(f[:, mine, its]),
            matched=mine + 1,
        )
        for mine, its in best_assignment(gain)
    )


def _means_over_frames(series: Floats) -> Floats:
    """Gives back the means (predicted, true) of ``series`` (frames, predicted, true).

    The official tool sums each pair's frames in a row; over the first axis numpy would add them one by one, which
    rounds otherwise and breaks ties otherwise.
    """
    means: Floats = np.ascontiguousarray(series.transpose(1, 2, 0)).mean(axis=2)
    return means


def _pair(job: _Job, name: str) -> tuple[Mask, Mask, NDArray[np.bool_] | None]:
    """Gives back prediction, truth and void map of a frame, under the protocol's rules."""
    truth, void = _prepared_truth(job.protocol, job.read_truth(name))
    try:
        prediction = job.read_prediction(name)
    except (DataError, FileNotFoundError) as error:
        raise ScoreError(
            f"there is no readable prediction: {error}",
            where=job.where(name),
            fix="write a label map for every annotated frame, under the name of the frame",
        ) from error
    try:
        check_maps(prediction, truth)
    except ScoreError as error:
        raise ScoreError(error.what, where=job.where(name), fix=error.fix) from error
    if job.protocol.one_object:
        _refuse_two_labels(job, name, prediction, truth)
    if job.protocol.objects == "foreground" or job.protocol.one_object:
        return prediction != 0, truth != 0, void
    if job.protocol.white_is_one:
        prediction = np.where(prediction == VOID, prediction.dtype.type(1), prediction)
    return prediction, truth, void


def _prepared_truth(protocol: Protocol, truth: LabelMap) -> tuple[Mask, NDArray[np.bool_] | None]:
    """Gives back the truth with void pixels as background, and the map of them where they are ignored."""
    if protocol.void == "object":
        return truth, None
    void = truth == VOID
    if not np.any(void):
        return truth, None
    return np.where(void, truth.dtype.type(0), truth), void if protocol.void == "ignored" else None


def _refuse_two_labels(job: _Job, name: str, prediction: Mask, truth: Mask) -> None:
    for side, labels in (("prediction", prediction), ("truth", truth)):
        found = np.unique(labels)
        if len(found) > 2:
            raise ScoreError(
                f"the {side} holds {len(found)} labels where one object is expected",
                where=job.where(name),
                fix="write a folder of binary masks for each object",
            )


def _refuse_ids_above(job: _Job, name: str, prediction: Mask, most: int) -> int:
    """Gives back the largest predicted id, which must not exceed ``most``."""
    largest = int(np.max(prediction))
    if largest > most:
        raise ScoreError(
            f"the prediction holds id {largest}, but ids go up to {most}"
            + (": 255 is 'void' in the truth and nothing in a prediction" if largest == VOID else ""),
            where=job.where(name),
            fix="write 0 for the background and only the ids of the video's first annotated frame",
        )
    return largest


def _append(
    series: dict[int, _Series],
    masks: tuple[Mask, Mask, NDArray[np.bool_] | None],
    ids: tuple[int, ...],
) -> None:
    counts = count_frame(masks[0], masks[1], ids, masks[2])
    for number, j, f in zip(ids, jaccard(counts).tolist(), boundary_f(counts).tolist(), strict=True):
        series[number].j.append(j)
        series[number].f.append(f)


def _ids_in(labels: Mask) -> tuple[int, ...]:
    """Gives back the ids that a label map shows, ascending, without the background."""
    flat = labels.reshape(-1)
    changes = np.flatnonzero(flat[1:] != flat[:-1]) + 1  # far fewer than pixels, and every id begins at one
    return tuple(number for number in np.unique(flat[np.append(0, changes)]).tolist() if number != 0)


def _finished(job: _Job, number: int, series: _Series, *, group: str = "") -> ObjectScore:
    return _scored(job, number, np.array(series.j, np.float64), np.array(series.f, np.float64), series.begin, group)


def _scored(
    job: _Job, number: int, j: Floats, f: Floats, begin: int = 0, group: str = "", matched: int | None = None
) -> ObjectScore:
    has_recall = job.protocol.has_recall
    return ObjectScore(
        id=number,
        group=group,
        begin=begin,
        matched=matched,
        j=j,
        f=f,
        j_statistics=statistics(j, has_recall=has_recall, official_decay=job.official_decay),
        f_statistics=statistics(f, has_recall=has_recall, official_decay=job.official_decay),
    )
