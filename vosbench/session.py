"""The frame loop: warm up, open, step frame by frame under the clock, read the meters between steps, close."""

from __future__ import annotations

import contextlib
import gc
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import cv2
import numpy as np

from vosbench.contract import Model, ReportsFootprint, ReportsTrace, Session, View
from vosbench.errors import AdapterError
from vosbench.meters.camera import Camera
from vosbench.meters.clock import timed
from vosbench.meters.device import Device, Memory
from vosbench.types import Frame, Instance, LabelMap, Prediction, Track


@dataclass(frozen=True, slots=True, kw_only=True)
class FrameRow:
    """What was measured on one frame; ``footprint`` in bytes per bank.

    ``dropped`` says that it was answered with the answer before, without a step: its ``seconds`` are 0.
    """

    index: int
    name: str
    seconds: float
    core_seconds: float | None
    memory: Memory
    footprint: Mapping[str, int] = field(default_factory=dict)
    trace: Mapping[str, float] = field(default_factory=dict)
    dropped: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """What is known when a video ended: late answers, and the memory after the session was closed."""

    tracks: tuple[Track, ...]
    after_close: Memory


def warm_up(model: Model, view: View, frames: Iterable[Frame], device: Device) -> int:
    """Answer ``frames`` in a session that is thrown away; gives back how many there were."""
    count = 0
    with _opened(model, view) as session:
        for frame in frames:
            session.step(frame)
            count += 1
    device.synchronize()
    return count


def run_video(
    model: Model,
    view: View,
    frames: Iterable[Frame],
    device: Device,
    *,
    core: bool,
    harness_bytes: Callable[[], int],
    answer: Callable[[Frame, Prediction], None],
    camera: Camera | None = None,
) -> Iterator[FrameRow | Ending]:
    """Yields a `FrameRow` for each frame and an `Ending` last.

    ``answer`` is given each checked prediction, outside the timed region. ``harness_bytes`` tells how many live
    bytes of the process are the harness's own (frames decoded ahead), so that it does not measure itself. A frame that
    the ``camera`` drops is answered with the answer before.
    Raises `AdapterError` for an answer that breaks the contract.
    """
    with _opened(model, view) as session:
        yield from _rows(
            session, view, frames, device, core=core, harness_bytes=harness_bytes, answer=answer, camera=camera
        )
        tracks = tuple(session.finish() or ())
    gc.collect()  # a cycle of references is garbage, not something kept
    device.synchronize()
    yield Ending(tracks=tracks, after_close=_without(device.read(), harness_bytes()))


def _rows(
    session: Session,
    view: View,
    frames: Iterable[Frame],
    device: Device,
    *,
    core: bool,
    harness_bytes: Callable[[], int],
    answer: Callable[[Frame, Prediction], None],
    camera: Camera | None,
) -> Iterator[FrameRow]:
    """A loop of its own, so that neither its last frame nor its last answer is held when the end is measured."""
    known: set[int] = set()
    last: Prediction | None = None
    reports = _Reports(session)
    for frame in frames:
        if camera is not None and last is not None and camera.drops(frame):
            answer(frame, last)
            yield _dropped(frame, _without(device.read(), harness_bytes()))
            continue
        if frame.prompt is not None:
            known.update(frame.prompt.ids)
        row, prediction = _step(session, frame, device, reports, core=core, harness_bytes=harness_bytes)
        validate_prediction(prediction, frame=frame, view=view, known_ids=known)
        answer(frame, prediction)
        if camera is not None:
            camera.took(frame, row.seconds)
            last = _copy(prediction)
        yield row


def _dropped(frame: Frame, memory: Memory) -> FrameRow:
    return FrameRow(index=frame.index, name=frame.name, seconds=0.0, core_seconds=None, memory=memory, dropped=True)


def _copy(prediction: Prediction) -> Prediction:
    """A method may write its next answer into the same array."""
    if isinstance(prediction, tuple):
        return tuple(replace(instance, mask=instance.mask.copy()) for instance in prediction)
    return prediction.copy()


def validate_prediction(prediction: Any, *, frame: Frame, view: View, known_ids: Iterable[int]) -> None:
    """Raise `AdapterError` unless ``prediction`` is what the contract asks for.

    VOS: (height, width) of the frame, unsigned, ids among ``known_ids`` and 0. VIS: a tuple of `Instance` with
    (height, width) bool masks and scores in [0, 1].
    """
    where = f"video {view.id}, frame {frame.index} ({frame.name})"
    if isinstance(prediction, tuple):
        _validate_instances(prediction, frame.image.shape[:2], where)
    else:
        _validate_labels(prediction, frame.image.shape[:2], set(known_ids), where)


def ids_in(labels: LabelMap) -> tuple[int, ...]:
    """Gives back the non-zero ids of a label map, ascending."""
    if labels.dtype == np.uint8:
        # OpenCV's histogram: this runs between all steps, and the general ways take five times as long.
        present = np.flatnonzero(cv2.calcHist([np.ascontiguousarray(labels)], [0], None, [256], [0, 256]))
    else:
        present = np.unique(labels)
    return tuple(int(i) for i in present if i != 0)


@contextlib.contextmanager
def _opened(model: Model, view: View) -> Iterator[Session]:
    """Gives back a session that is closed once, whatever happens."""
    session = model.open(view)
    try:
        yield session
    except BaseException as error:
        try:
            session.close()
        except Exception as second:  # noqa: BLE001 - the first failure is the one to record (an out of memory, say)
            error.add_note(f"close() failed as well: {type(second).__name__}: {second}")
        raise
    session.close()


class _Reports:
    """What a session tells of itself beside its answers; asked once what it can tell, because asking costs time."""

    def __init__(self, session: Session) -> None:
        self._footprint = session.footprint if isinstance(session, ReportsFootprint) else None
        self._trace = session.trace if isinstance(session, ReportsTrace) else None

    def footprint(self) -> Mapping[str, int]:
        """Gives back bytes by bank."""
        return dict(self._footprint()) if self._footprint is not None else {}

    def trace(self) -> Mapping[str, float]:
        """Gives back the numbers of the last frame by name."""
        return dict(self._trace()) if self._trace is not None else {}


def _step(
    session: Session,
    frame: Frame,
    device: Device,
    reports: _Reports,
    *,
    core: bool,
    harness_bytes: Callable[[], int],
) -> tuple[FrameRow, Prediction]:
    device.reset_peaks()
    answer = timed(device, lambda: session.step(frame), core=core)
    memory = _without(device.read(), harness_bytes())
    row = FrameRow(
        index=frame.index,
        name=frame.name,
        seconds=answer.seconds,
        core_seconds=answer.core_seconds,
        memory=memory,
        footprint=reports.footprint(),
        trace=reports.trace(),
    )
    return row, answer.value


def _without(memory: Memory, own_bytes: int) -> Memory:
    """Gives back the reading less the harness's own live bytes."""
    if memory.host.live is None:
        return memory
    return replace(memory, host=replace(memory.host, live=memory.host.live - own_bytes))


def _validate_labels(labels: Any, shape: tuple[int, ...], known: set[int], where: str) -> None:
    if not isinstance(labels, np.ndarray):
        raise AdapterError(
            f"step() gave a {type(labels).__name__}, expected a numpy label map",
            where=where,
            fix="return a (height, width) array of uint8 or uint16 on the host",
        )
    if labels.shape != shape:
        raise AdapterError(
            f"the label map has shape {labels.shape}, the frame {shape}",
            where=where,
            fix="return labels at the frame's own size, (height, width)",
        )
    if labels.dtype.kind != "u":
        raise AdapterError(
            f"the label map has dtype {labels.dtype}", where=where, fix="return unsigned integers: uint8 or uint16"
        )
    unknown = _unknown_ids(labels, known)
    if unknown:
        raise AdapterError(
            f"the label map holds ids {unknown[:5]} that no prompt announced (announced: {sorted(known)[:10]})",
            where=where,
            fix="answer with the data set's own ids, as the prompts give them",
        )


def _unknown_ids(labels: LabelMap, known: set[int]) -> list[int]:
    """Gives back the ids of a label map that are not ``known``, ascending.

    Ids mostly are 1 to n: then the largest one tells, in a tenth of the time that counting them all takes.
    """
    largest = int(labels.max(initial=0))
    if largest <= len(known) and known.issuperset(range(1, largest + 1)):
        return []
    return sorted(set(ids_in(labels)) - known)


def _validate_instances(instances: Sequence[Any], shape: tuple[int, ...], where: str) -> None:
    seen: set[int] = set()
    for instance in instances:
        if not isinstance(instance, Instance):
            raise AdapterError(
                f"step() gave a tuple with a {type(instance).__name__}", where=where, fix="give vosbench.types.Instance"
            )
        if not isinstance(instance.mask, np.ndarray):
            raise AdapterError(
                f"track {instance.track_id}: mask is a {type(instance.mask).__name__}",
                where=where,
                fix="return masks as numpy arrays on the host",
            )
        if instance.mask.shape != shape or instance.mask.dtype != np.bool_:
            raise AdapterError(
                f"track {instance.track_id}: mask {instance.mask.shape} {instance.mask.dtype}, expected {shape} bool",
                where=where,
                fix="return masks at the frame's own size",
            )
        if not 0.0 <= instance.score <= 1.0:
            raise AdapterError(
                f"track {instance.track_id}: score {instance.score}", where=where, fix="scores lie in [0, 1]"
            )
        if instance.track_id in seen:
            raise AdapterError(
                f"track {instance.track_id} stands twice on one frame", where=where, fix="give each track once a frame"
            )
        seen.add(instance.track_id)
