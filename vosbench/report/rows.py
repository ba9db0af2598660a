"""One row per method and suite: the means of its cells' scores, times and memory."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from vosbench.growth import Growth, measure_growth
from vosbench.metrics.protocol import find_protocol
from vosbench.metrics.records import VideoScore
from vosbench.metrics.summary import summarise
from vosbench.records import Record
from vosbench.scorer import read_score
from vosbench.store.frames import read_frames
from vosbench.store.run import FRAMES_FILE, Run
from vosbench.weights import weights_label

MIB = float(1 << 20)

_MEMORY = {
    "allocated": "peak of torch's CUDA allocator; growth from its allocated bytes after each frame",
    "live": "peak of the process's resident set, libraries included; growth from the allocator's live bytes",
    "resident": "peak of the process's resident set, libraries included; growth from the resident set",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """A finished cell as tables read it; ``score`` is None where there is no truth, or weights are random."""

    folder: Path
    record: Record
    score: VideoScore | None


@dataclass(frozen=True, slots=True, kw_only=True)
class MethodRow:
    """What one method achieved on one suite. Scores in percent, memory in MiB, times as their names say.

    ``video`` is '' for the mean over videos. ``videos`` counts those that went through, ``planned`` those that were
    tried; ``trouble`` says what happened to the others. Rows of different ``fingerprint`` or ``mode`` are never ranked
    together.
    """

    suite: str
    suite_title: str
    video: str
    protocol: str
    label: str
    weights: str
    videos: int
    planned: int
    official_videos: int
    cut_frames: int | None
    scores: Mapping[str, float]
    frames_per_second: float | None
    core_frames_per_second: float | None
    median_ms: float | None
    p99_ms: float | None
    peak_mib: float | None
    growth: Growth | None
    parameters: float | None
    trouble: tuple[str, ...]
    fingerprint: str
    mode: str
    repeats: int
    outputs_differ: bool
    self_check: bool
    memory: str
    given: str

    @property
    def complete(self) -> bool:
        """True where no video is missing: only then a mean over videos can be ranked."""
        return self.videos == self.planned


def read_cells(run: Run) -> list[Cell]:
    """Gives back a run's finished cells with their scores."""
    return [
        Cell(folder=folder, record=record, score=read_score(folder, record.spec.suite.protocol))
        for folder, record in run.records()
    ]


def method_rows(cells: Iterable[Cell], *, by_video: bool = False) -> list[MethodRow]:
    """Gives back one row per suite, method, weights, mode and hardware, in the order of suite and label.

    With ``by_video``, and always on a ladder, whose mean says nothing, there is a row for each video.
    """
    groups: dict[tuple[str, str, str, str], list[Cell]] = {}
    for cell in cells:
        spec = cell.record.spec
        video = spec.video if by_video or spec.suite.vary else ""
        groups.setdefault((spec.suite.title, video, spec.method.label, spec.method_key), []).append(cell)
    return [_row(group, key[1]) for key, group in sorted(groups.items())]


def _row(cells: list[Cell], video: str) -> MethodRow:
    spec = cells[0].record.spec
    good = [cell for cell in cells if cell.record.outcome.status == "ok"]
    timings = [cell.record.timing for cell in good if cell.record.timing is not None]
    seconds = sum(timing.seconds for timing in timings)
    frames = sum(timing.frames for timing in timings)
    milliseconds = _milliseconds(good)
    cores = [timing.core_frames_per_second for timing in timings]
    return MethodRow(
        suite=spec.suite.name,
        suite_title=spec.suite.title,
        video=video,
        protocol=spec.suite.protocol,
        label=spec.method.title,
        weights=weights_label(spec.method.weights),
        videos=len({cell.record.spec.video for cell in good}),
        planned=len({cell.record.spec.video for cell in cells}),
        official_videos=spec.suite.official_videos,
        cut_frames=spec.max_frames,
        scores=_mean_scores(good) if spec.method.weights.trained else {},
        frames_per_second=frames / seconds if seconds else None,
        core_frames_per_second=_harmonic(cores, [timing.frames for timing in timings]),
        median_ms=float(np.median(milliseconds)) if milliseconds.size else None,
        p99_ms=float(np.percentile(milliseconds, 99)) if milliseconds.size else None,
        peak_mib=_peak(cells),
        growth=_growth(good),
        parameters=cells[0].record.parameters / 1e6 if cells[0].record.parameters is not None else None,
        trouble=tuple(_trouble(cell.record) for cell in cells if cell.record.outcome.status != "ok"),
        fingerprint=spec.fingerprint,
        mode=_mode(cells[0].record),
        repeats=1 + max(cell.record.spec.repeat for cell in cells),
        outputs_differ=_outputs_differ(good),
        self_check=not spec.method.ranked,
        given=_given(cells),
        memory=next((_MEMORY[cell.record.memory.series] for cell in good if cell.record.memory is not None), ""),
    )


def _milliseconds(cells: list[Cell]) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    series = [read_frames(cell.folder / FRAMES_FILE).columns["seconds"] for cell in cells]
    return np.concatenate(series) * 1e3 if series else np.empty(0)


def _mean_scores(cells: list[Cell]) -> dict[str, float]:
    """The protocol's global means in percent; empty where a video has no score."""
    scores = [cell.score for cell in cells if cell.score is not None]
    if not scores or len(scores) < len(cells):
        return {}
    summary = summarise(find_protocol(scores[0].protocol), scores)
    return {measure.name: 100 * measure.value for measure in summary.measures if measure.value is not None}


def _harmonic(rates: list[float | None], frames: list[int]) -> float | None:
    known = [(rate, count) for rate, count in zip(rates, frames, strict=True) if rate is not None]
    if not known or len(known) < len(rates):
        return None
    return sum(count for _, count in known) / sum(count / rate for rate, count in known)


def _peak(cells: list[Cell]) -> float | None:
    peaks = [cell.record.memory.peak for cell in cells if cell.record.memory is not None]
    measured = [peak for peak in peaks if peak is not None]
    return max(measured) / MIB if measured else None


def _growth(cells: list[Cell]) -> Growth | None:
    """The growth on the longest video: a short one tells nothing that a long one does not tell better."""
    if not cells:
        return None
    longest = max(cells, key=lambda cell: cell.record.frames)
    memory = longest.record.memory
    if memory is None:
        return None
    return measure_growth(read_frames(longest.folder / FRAMES_FILE).columns[memory.series])


def _trouble(record: Record) -> str:
    outcome = record.outcome
    at = f" at frame {outcome.frame}" if outcome.frame is not None else ""
    words = {"oom": "out of memory", "timeout": "timed out"}
    reason = f": {outcome.reason.splitlines()[0]}" if outcome.reason else ""
    return f"{record.spec.video}: {words.get(outcome.status, outcome.status)}{at}{reason}"


def _given(cells: list[Cell]) -> str:
    """What the suite set, one value or the span over the videos."""
    values: dict[str, set[float]] = {}
    for cell in cells:
        for name, value in cell.record.spec.given.items():
            values.setdefault(name, set()).add(value)
    spans = {name: (min(found), max(found)) for name, found in values.items()}
    words = {name: f"{low}" if low == high else f"{low} to {high}" for name, (low, high) in spans.items()}
    return ", ".join(f"{name}={word}" for name, word in words.items())


def _mode(record: Record) -> str:
    runtime = record.spec.runtime
    threads = f"{runtime.threads} thread{'s' * (runtime.threads > 1)}" if runtime.device == "cpu" else ""
    parts = [runtime.precision, runtime.device.split(":")[0], threads]
    return ", ".join(part for part in [*parts, "compiled" * runtime.compile] if part)


def _outputs_differ(cells: list[Cell]) -> bool:
    digests: dict[str, set[str]] = {}
    for cell in cells:
        digests.setdefault(cell.record.spec.video, set()).add(cell.record.masks_digest)
    return any(len(found) > 1 for found in digests.values())
