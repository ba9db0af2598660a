"""One cell while it runs: the masks written, the series kept, the outcome decided."""

from __future__ import annotations

import errno
import gc
import traceback
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import cv2

from vosbench.cell.answers import open_answers
from vosbench.cell.limits import within_budget
from vosbench.cell.operations import FRAMES as OPERATION_FRAMES
from vosbench.cell.operations import count_operations
from vosbench.cell.series import Series
from vosbench.cell.summary import summarise_memory, summarise_timing, too_short
from vosbench.contract import Model
from vosbench.data.stream import FrameStream
from vosbench.data.video import Video, cut
from vosbench.errors import StoreError, VosbenchError
from vosbench.machine import Machine
from vosbench.meters.camera import Camera
from vosbench.meters.device import Device, Memory
from vosbench.meters.energy import open_energy_meter
from vosbench.records import CellSpec, Energy, Event, MemorySummary, Operations, Outcome, Record
from vosbench.session import Ending, run_video, warm_up

Tell = Callable[[Event], None]

LOOK_EVERY = 64
"""Frames from one look at the energy counters to the next; the fastest wraps after some twenty minutes."""

OUT_OF_MEMORY = (
    "DefaultCPUAllocator",
    "std::bad_alloc",
    "can't start new thread",
    "CUDA error: out of memory",
    "CUDA driver error: out of memory",
    "CUBLAS_STATUS_ALLOC_FAILED",
    "CUDNN_STATUS_ALLOC_FAILED",
)
"""What torch, C++, Python and, outside torch's own allocator, CUDA say when there is no more memory."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """A model in memory with what loading it took."""

    model: Model
    seconds: float
    before: Memory
    after: Memory
    parameters: int | None


class Recording:
    """One cell while it runs: the masks written, the series kept, the outcome decided."""

    def __init__(self, spec: CellSpec, video: Video, loaded: Loaded, device: Device, workspace: Path) -> None:
        self.series = Series(len(video.names))
        self._spec = spec
        self._video = video
        self._loaded = loaded
        self._device = device
        self._answers = open_answers(spec, video, workspace)
        self._count = 0
        self._dropped = 0
        self._before_open: Memory | None = None
        self._after_close: Memory | None = None
        self._energy = Energy(reason="the video broke off")
        self._operations = Operations(reason="counted on the first video of each size, in the first pass")

    def run(self, tell: Tell, *, warm: bool) -> Outcome:
        """Run the video; gives back how it ended."""
        try:
            if warm and self._spec.repeat == 0:
                self._count_operations()
            if warm:
                self._warm_up()
            with FrameStream(self._video) as stream, self._within_budget():
                self._run_frames(stream, tell)
        except (StoreError, BrokenPipeError):
            raise  # nothing can be kept, or nobody is left to tell
        except VosbenchError as error:
            return Outcome(status="error", frame=self._count, reason=str(error), detail=traceback.format_exc())
        except Exception as error:  # noqa: BLE001 - the cell boundary; whatever an adapter raises is recorded in full
            status: Literal["oom", "error"] = "oom" if _out_of_memory(error) else "error"
            reason = f"{type(error).__name__}: {error}".splitlines()[0]
            return Outcome(status=status, frame=self._count, reason=reason, detail=traceback.format_exc())
        return Outcome(status="ok")

    def _within_budget(self) -> AbstractContextManager[None]:
        return within_budget(self._spec.runtime.device, self._spec.mode.memory_budget)

    def _count_operations(self) -> None:
        with FrameStream(cut(self._video, OPERATION_FRAMES)) as stream:
            runtime = self._spec.runtime
            self._operations = count_operations(self._loaded.model, self._video.view, stream, runtime)

    def _warm_up(self) -> None:
        with FrameStream(cut(self._video, self._spec.warmup_frames)) as stream, self._within_budget():
            warm_up(self._loaded.model, self._video.view, stream, self._device)

    def _run_frames(self, stream: FrameStream, tell: Tell) -> None:
        meter = open_energy_meter(self._spec.runtime.device)
        gc.collect()
        self._device.synchronize()
        self._device.release_unused()
        self._before_open = self._device.read()
        realtime = self._spec.mode.realtime
        meter.begin()
        rows = run_video(
            self._loaded.model,
            self._video.view,
            stream,
            self._device,
            core=self._spec.core,
            harness_bytes=stream.held_bytes,
            answer=self._answers.keep,
            camera=Camera(realtime) if realtime is not None else None,
        )
        for row in rows:
            if isinstance(row, Ending):
                self._energy = meter.energy()
                self._after_close = row.after_close
                self._answers.end(row.tracks)
                continue
            self.series.add(row)
            self._count += 1
            self._dropped += row.dropped
            if self._count % LOOK_EVERY == 0:
                meter.look()
            memory = row.memory.allocated if row.memory.allocated is not None else row.memory.host.live
            tell(Event(kind="frame", key=self._spec.key, frame=row.index, seconds=row.seconds, bytes=memory))

    def record(self, outcome: Outcome, machine: Machine, started: str) -> Record:
        """Gives back the cell's record."""
        timing = summarise_timing(self.series)
        notes = [too_short(timing, self._spec.minimum), self._memory_note()]
        return Record(
            key=self._spec.key,
            spec=self._spec,
            outcome=outcome,
            frames=self._count,
            height=self._video.height,
            width=self._video.width,
            timing=timing,
            memory=self._memory(),
            parameters=self._loaded.parameters,
            operations=self._operations,
            energy=self._energy,
            dropped=self._dropped,
            video_frames=len(self._video.names),
            load_seconds=self._loaded.seconds,
            masks_digest=self._answers.digest(),
            machine=machine,
            started=started,
            notes=tuple(note for note in notes if note),
        )

    def _memory(self) -> MemorySummary:
        return summarise_memory(
            self.series,
            before_load=self._loaded.before,
            after_load=self._loaded.after,
            before_open=self._before_open,
            after_close=self._after_close,
        )

    def _memory_note(self) -> str:
        memory = self._memory()
        if not memory.leaks or memory.left_behind is None:
            return ""
        return f"leaks: close() left {memory.left_behind / (1 << 20):.1f} MiB of the video's memory behind"


def _out_of_memory(error: BaseException) -> bool:
    """True for torch's own error, Python's, OpenCV's, and those that torch raises as another RuntimeError."""
    if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError":
        return True
    if isinstance(error, OSError) and error.errno == errno.ENOMEM:
        return True
    if isinstance(error, RuntimeError) and any(words in str(error) for words in OUT_OF_MEMORY):
        return True
    return getattr(error, "code", None) == cv2.Error.STS_NO_MEM and isinstance(error, cv2.error)
