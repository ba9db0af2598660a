"""The records that a run keeps, as they stand in ``record.json``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from vosbench.contract import Runtime, Weights
from vosbench.digest import digest_json
from vosbench.machine import Machine

RECORD_SCHEMA = 1

Feed = Literal["all", "fifth"]

Status = Literal["ok", "oom", "timeout", "killed", "error", "skipped"]


@dataclass(frozen=True, slots=True, kw_only=True)
class MethodSpec:
    """A method as a cell runs it: ``name`` with variants, ``label`` for people, ``source`` the adapter's digest.

    ``ranked`` is False for self-checks of the harness.
    """

    name: str
    label: str
    title: str
    settings: Mapping[str, Any]
    weights: Weights
    source: str
    ranked: bool = True
    adapter_file: Path | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SuiteSpec:
    """A suite as a cell runs it.

    ``title`` is for people and says "(synthetic)" of a stand-in, ``root`` holds its data, ``protocol`` names the
    scores, ``official_videos`` counts the videos of the split in the official data set, 0 where there is none.
    ``has_truth`` is False where the truth is on a server; ``feed`` says whether every frame was given or every fifth;
    ``times`` how often each video was played; ``vary`` is the variable of a ladder, whose videos are named
    ``VARIABLE-VALUE``.
    """

    name: str
    title: str
    file: Path
    root: Path
    split: str
    protocol: str
    synthetic: bool
    official_videos: int
    has_truth: bool = True
    feed: Feed = "all"
    times: int = 1
    vary: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CellSpec:
    """One method on one video of one suite, once.

    ``video_digest`` covers the frames and prompts, ``max_frames`` says where the video was cut (None: not at all),
    ``given`` holds the settings that the suite sets for this video, ``fingerprint`` the hardware, because every cell
    is timed.
    """

    suite: SuiteSpec
    method: MethodSpec
    runtime: Runtime
    video: str
    video_digest: str
    repeat: int = 0
    max_frames: int | None = None
    given: Mapping[str, Any] = field(default_factory=dict)
    warmup_frames: int
    core: bool = False
    fingerprint: str

    @property
    def method_key(self) -> str:
        """The digest of everything but the video that can change the answer or its time."""
        weights = self.method.weights
        return digest_json(
            [
                [self.method.name, self.method.settings, self.method.source],
                [weights.kind, weights.seed, weights.sha256],
                [self.runtime, self.warmup_frames, self.core, self.fingerprint],
                [self.suite.title, self.suite.split, self.max_frames],
            ]
        )

    @property
    def key(self) -> str:
        """The digest of everything that can change the answer or its time."""
        video = [self.video, self.video_digest, self.given, self.repeat]
        return digest_json([self.method_key, self.suite.name, *video])

    @property
    def folder(self) -> Path:
        """Where the cell lives below the run's folder."""
        label = "".join(c if c.isalnum() or c in "@.=_-" else "_" for c in self.method.label)
        return Path(self.suite.name, f"{label}-{self.method_key[:8]}", f"{self.video}.{self.repeat}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How a cell ended; ``frame`` is the index it was on when it ended early, ``detail`` the whole traceback."""

    status: Status
    frame: int | None = None
    reason: str = ""
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """The clock's summary of a cell, from its frames: seconds, milliseconds and frames per second."""

    frames: int
    seconds: float
    frames_per_second: float
    median_ms: float
    p90_ms: float
    p99_ms: float
    core_frames_per_second: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MemorySummary:
    """Bytes at the stations of a cell, of the device's allocator or of the host; None where not measured.

    ``series`` names what the per-frame growth is read from: ``allocated`` on CUDA, ``live`` on a CPU.
    """

    series: Literal["allocated", "live", "resident"]
    before_load: int | None
    after_load: int | None
    peak: int | None
    peak_reserved: int | None
    peak_process: int | None
    peak_host: int | None
    before_open: int | None
    after_close: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """Everything known of a finished cell. ``masks_digest`` is over the label maps in order."""

    schema: int = RECORD_SCHEMA
    key: str
    spec: CellSpec
    outcome: Outcome
    frames: int
    height: int | None = None
    width: int | None = None
    timing: Timing | None = None
    memory: MemorySummary | None = None
    parameters: int | None = None
    load_seconds: float | None = None
    masks_digest: str = ""
    machine: Machine
    started: str
    notes: tuple[str, ...] = field(default_factory=tuple)


EventKind = Literal["loading", "loaded", "video", "frame", "finished", "busy", "failed", "disk full"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """What a cell's process tells its parent; ``key`` is the cell's, ``bytes`` the memory series' value."""

    kind: EventKind
    key: str = ""
    frame: int = 0
    frames: int = 0
    seconds: float = 0.0
    bytes: int | None = None
    text: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """Cells of one method with the same runtime and settings, in order; their run's folder."""

    run: Path
    cells: tuple[CellSpec, ...]
