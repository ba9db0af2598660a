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

UNREST = 1 << 20
"""Bytes by which an allocator's readings may differ although nothing was kept."""

Feed = Literal["all", "fifth"]

Status = Literal["ok", "oom", "timeout", "killed", "error", "skipped"]


@dataclass(frozen=True, slots=True, kw_only=True)
class MethodSpec:
    """A method as a cell runs it: ``name`` with variants, ``label`` for people, ``source`` the adapter's digest.

    ``ranked`` is False for self-checks of the harness. ``swept`` names the settings along which the rows of one method
    are a curve.
    """

    name: str
    label: str
    title: str
    settings: Mapping[str, Any]
    weights: Weights
    source: str
    ranked: bool = True
    swept: tuple[str, ...] = ()
    adapter_file: Path | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SuiteSpec:
    """A suite as a cell runs it.

    ``title`` is for people and says "(synthetic)" of a stand-in, ``root`` holds its data, ``protocol`` names the
    scores, ``official_videos`` counts the videos of the split in the official data set, 0 where there is none.
    ``has_truth`` is False where the truth is on a server; ``feed`` says whether every frame was given or every fifth;
    ``times`` how often each video was played; ``vary`` is the variable of a ladder, whose videos are named
    ``VARIABLE-VALUE``. ``task`` is what the suite asks for, label maps or instances. ``noise`` says that the frames are
    random, in videos named ``frames-COUNT-objects-COUNT``: speed and memory only.
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
    task: Literal["vos", "vis"] = "vos"
    noise: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Mode:
    """What sets a measurement apart beside its runtime: rows of different modes are never ranked together.

    ``short_side`` is the size in pixels at which the networks were asked to see the frames, None where each method
    chose its own. ``one_core`` says that the process was pinned to one core. ``realtime`` is the rate, in frames per
    second, of a simulated camera that does not wait. ``memory_budget`` is the most bytes that allocator or process
    may hold.
    """

    short_side: int | None = None
    one_core: bool = False
    realtime: float | None = None
    memory_budget: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Minimum:
    """The shortest measurement that is taken for one: a cell below either says so."""

    frames: int = 10
    seconds: float = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class CellSpec:
    """One method on one video of one suite, once.

    ``video_digest`` covers the frames and prompts, ``max_frames`` says where the video was cut (None: not at all),
    ``given`` holds the settings that the suite sets for this video, ``fingerprint`` the hardware, because every cell
    is timed. ``offset`` counts the insertion offset from 0 to ``offsets`` - 1; the first shifts nothing, ``shift`` is
    the setting of the others.
    ``prompted`` marks a method of label maps on a suite of instances: it is given each instance's first mask, and
    answers with that instance's category and score 1.
    """

    suite: SuiteSpec
    method: MethodSpec
    runtime: Runtime
    video: str
    video_digest: str
    repeat: int = 0
    offset: int = 0
    offsets: int = 1
    shift: Mapping[str, Any] = field(default_factory=dict)
    prompted: bool = False
    max_frames: int | None = None
    given: Mapping[str, Any] = field(default_factory=dict)
    warmup_frames: int
    core: bool = False
    mode: Mode = field(default_factory=Mode)
    minimum: Minimum = field(default_factory=Minimum)
    fingerprint: str

    @property
    def method_key(self) -> str:
        """The digest of everything but the video that can change the answer or its time."""
        weights = self.method.weights
        return digest_json(
            [
                [self.method.name, self.method.settings, self.method.source],
                [weights.kind, weights.seed, weights.sha256],
                [self.runtime, self.mode, self.warmup_frames, self.core, self.fingerprint],
                [self.suite.title, self.suite.split, self.max_frames],
            ]
        )

    @property
    def key(self) -> str:
        """The digest of everything that can change the answer or its time."""
        video = [self.video, self.video_digest, self.given, self.repeat, *self._shifted]
        return digest_json([self.method_key, self.suite.name, *video])

    @property
    def folder(self) -> Path:
        """Where the cell lives below the run's folder."""
        label = "".join(c if c.isalnum() or c in "@.=_-" else "_" for c in self.method.label)
        video = ".".join([self.video, str(self.repeat), *self._shifted])
        return Path(self.suite.name, f"{label}-{self.method_key[:8]}", video)

    @property
    def _shifted(self) -> list[str]:
        """Nothing at the first offset, which is the same whatever their number."""
        return [f"{self.offset}of{self.offsets}"] if self.offset else []


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How a cell ended; ``frame`` is the index it was on when it ended early, ``detail`` the whole traceback."""

    status: Status
    frame: int | None = None
    reason: str = ""
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """The clock's summary of a cell, from its frames: seconds, milliseconds and frames per second.

    ``slope_ms`` is the robust slope of the milliseconds, per frame, None for fewer than ten frames.
    """

    frames: int
    seconds: float
    frames_per_second: float
    median_ms: float
    p90_ms: float
    p99_ms: float
    core_frames_per_second: float | None = None
    slope_ms: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MemorySummary:
    """Bytes at the stations of a cell, of the device's allocator or of the host; None where not measured.

    ``series`` names what the per-frame growth is read from: ``allocated`` on CUDA, ``live`` on a CPU. The stations
    ``before_load``, ``after_load``, ``before_open``, ``after_last`` (frame) and ``after_close`` are readings of it.
    ``peak_allocated`` is the allocator's: on CUDA within the frames, on a CPU the largest reading between them.
    ``peak_reserved`` is what the allocator held of the device (CUDA) or of the system (CPU), ``peak_process`` what
    the driver counted for the process, ``peak_host`` the resident set; ``peak`` is what tables show first.
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
    peak_allocated: int | None = None
    after_last: int | None = None

    @property
    def left_behind(self) -> int | None:
        """The bytes that a video took and did not give back."""
        if self.before_open is None or self.after_close is None:
            return None
        return self.after_close - self.before_open

    @property
    def taken(self) -> int | None:
        """The bytes that a video had taken after its last frame."""
        if self.before_open is None or self.after_last is None:
            return None
        return self.after_last - self.before_open

    @property
    def leaks(self) -> bool:
        """True where more was left behind than the allocator's unrest, and more than a quarter of what was taken.

        A session that frees nothing keeps all. Of one video it can also be what a library keeps once (workspaces,
        compiled code): whether it repeats is for those to judge who see several.
        """
        if self.left_behind is None or self.taken is None:
            return False
        return self.left_behind > max(UNREST, self.taken // 4)


@dataclass(frozen=True, slots=True, kw_only=True)
class Energy:
    """What the counters of the hardware say was used from before a video's first frame to after its last.

    ``joules`` is None where nothing counted, and ``reason`` says why. ``meter`` is ``nvml`` (the whole card) or
    ``rapl`` (the processor packages, and memory where the system tells it apart): other processes count as well.
    """

    joules: float | None = None
    meter: Literal["nvml", "rapl", ""] = ""
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Operations:
    """The multiply-accumulates of one frame, counted on an untimed frame: the second of the first video of its size.

    ``macs`` is None where they were not counted, and ``reason`` says why.
    """

    macs: int | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Quiet:
    """Whether other processes, or the card's own state, disturbed a measurement, and how.

    ``foreign_cpu`` is the share of all cores that other processes took while the cell ran, None where not told.
    """

    verdict: Literal["quiet", "disturbed", "unknown"] = "unknown"
    reasons: tuple[str, ...] = ()
    foreign_cpu: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """Everything known of a finished cell.

    ``frames`` counts those that were answered, ``video_frames`` those of the video as it was cut, ``dropped`` those
    that a camera in real time did not wait with. ``masks_digest`` is over the label maps in order.
    """

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
    operations: Operations = field(default_factory=Operations)
    energy: Energy = field(default_factory=Energy)
    quiet: Quiet = field(default_factory=Quiet)
    dropped: int = 0
    video_frames: int | None = None
    load_seconds: float | None = None
    masks_digest: str = ""
    machine: Machine
    started: str
    notes: tuple[str, ...] = field(default_factory=tuple)


EventKind = Literal["waiting", "loading", "loaded", "video", "frame", "finished", "busy", "failed", "disk full"]


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
    """Cells of one method with the same runtime and settings, in order; their run's folder.

    With ``spread`` they may run on any card of the kind that they were planned for.
    """

    run: Path
    cells: tuple[CellSpec, ...]
    spread: bool = False
