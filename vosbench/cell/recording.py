"""One cell while it runs: the masks written, the series kept, the outcome decided."""

from __future__ import annotations

import gc
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from vosbench.cell.series import Series
from vosbench.contract import Model
from vosbench.data.masks import write_mask
from vosbench.data.stream import FrameStream
from vosbench.data.video import Video, cut
from vosbench.digest import digest_array, digest_json
from vosbench.errors import AdapterError, StoreError, VosbenchError
from vosbench.machine import Machine
from vosbench.meters.device import Device, Memory
from vosbench.records import CellSpec, Event, MemorySummary, Outcome, Record
from vosbench.session import Ending, run_video, warm_up
from vosbench.stats import summarise_seconds
from vosbench.store.atomic import storing
from vosbench.types import Frame, Prediction

Tell = Callable[[Event], None]


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

    def __init__(self, spec: CellSpec, video: Video, loaded: Loaded, device: Device, masks: Path) -> None:
        self.series = Series(len(video.names))
        self._spec = spec
        self._video = video
        self._loaded = loaded
        self._device = device
        self._masks = masks
        self._digests: list[str] = []
        self._count = 0
        self._before_open: Memory | None = None
        self._after_close: Memory | None = None

    def run(self, tell: Tell, *, warm: bool) -> Outcome:
        """Run the video; gives back how it ended."""
        try:
            if warm:
                self._warm_up()
            with FrameStream(self._video) as stream:
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

    def _warm_up(self) -> None:
        with FrameStream(cut(self._video, self._spec.warmup_frames)) as stream:
            warm_up(self._loaded.model, self._video.view, stream, self._device)

    def _run_frames(self, stream: FrameStream, tell: Tell) -> None:
        gc.collect()
        self._device.synchronize()
        self._before_open = self._device.read()
        rows = run_video(
            self._loaded.model,
            self._video.view,
            stream,
            self._device,
            core=self._spec.core,
            harness_bytes=stream.held_bytes,
            answer=self._answer,
        )
        for row in rows:
            if isinstance(row, Ending):
                self._after_close = row.after_close
                continue
            self.series.add(row)
            self._count += 1
            memory = row.memory.allocated if row.memory.allocated is not None else row.memory.host.live
            tell(Event(kind="frame", key=self._spec.key, frame=row.index, seconds=row.seconds, bytes=memory))

    def _answer(self, frame: Frame, prediction: Prediction) -> None:
        if isinstance(prediction, tuple):
            raise AdapterError(
                "step() answered with instances on a suite of label maps",
                where=f"suite {self._spec.suite.name}, video {self._video.id}, frame {frame.index}",
                fix="return a (height, width) label map",
            )
        self._digests.append(digest_array(prediction))
        with storing(self._masks):
            write_mask(self._masks / f"{frame.name}.png", prediction)

    def record(self, outcome: Outcome, machine: Machine, started: str) -> Record:
        """Gives back the cell's record."""
        return Record(
            key=self._spec.key,
            spec=self._spec,
            outcome=outcome,
            frames=self._count,
            height=self._video.height,
            width=self._video.width,
            timing=summarise_seconds(self.series.column("seconds"), self.series.column("core_seconds")),
            memory=self._memory(),
            parameters=self._loaded.parameters,
            load_seconds=self._loaded.seconds,
            masks_digest=digest_json(self._digests),
            machine=machine,
            started=started,
        )

    def _memory(self) -> MemorySummary:
        kind: Literal["allocated", "live", "resident"] = "allocated"
        if self._loaded.after.allocated is None:
            kind = "live" if self._loaded.after.host.live is not None else "resident"
        peak = "peak_allocated" if kind == "allocated" else "peak_resident"
        return MemorySummary(
            series=kind,
            before_load=_station(self._loaded.before, kind),
            after_load=_station(self._loaded.after, kind),
            peak=_maximum(self.series.column(peak)),
            peak_reserved=_maximum(self.series.column("peak_reserved")),
            peak_process=_maximum(self.series.column("process")),
            peak_host=_maximum(self.series.column("peak_resident")),
            before_open=_station(self._before_open, kind),
            after_close=_station(self._after_close, kind),
        )


def _station(memory: Memory | None, kind: str) -> int | None:
    if memory is None:
        return None
    return memory.allocated if kind == "allocated" else getattr(memory.host, kind)


def _maximum(column: NDArray[np.float64]) -> int | None:
    measured = column[np.isfinite(column)]
    return int(measured.max()) if measured.size else None


def _out_of_memory(error: BaseException) -> bool:
    """True for torch's own error, Python's, and the CPU allocator's, which torch raises as a RuntimeError."""
    if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError":
        return True
    return isinstance(error, RuntimeError) and "DefaultCPUAllocator" in str(error)
