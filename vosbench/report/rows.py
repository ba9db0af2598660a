"""One row per method and suite: the means of its cells' scores, times and memory."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from vosbench.digest import digest_json
from vosbench.growth import Growth, measure_growth
from vosbench.records import CellSpec, Record
from vosbench.report.cells import (
    Cell,
    compression_ratio,
    distinct_passes,
    insertion,
    mean_scores,
    score_deviations,
)
from vosbench.report.measures import (
    Measures,
    answered_cells,
    largest_mib,
    longest_cell,
    measures_of,
    milliseconds_of,
    mode_of,
)
from vosbench.scorer import read_score
from vosbench.store.frames import read_frames
from vosbench.store.run import FRAMES_FILE, Run
from vosbench.weights import MINI, weights_label

_MEMORY = {
    "allocated": "peak of torch's CUDA allocator; growth from its allocated bytes after each frame",
    "live": "peak of the process's resident set, libraries included; growth from the allocator's live bytes",
    "resident": "peak of the process's resident set, libraries included; growth from the resident set",
}

OWN_SIDE = -1
"""The size of a method that takes frames as they are, within limits of its own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MethodRow:
    """What one method achieved on one suite. Scores in percent, memory in MiB, times as their names say.

    ``video`` is '' for the mean over videos. ``videos`` counts those that went through, ``planned`` those that were
    tried; ``trouble`` says what happened to the others. Rows of different ``fingerprint`` or ``mode`` are never ranked
    together.

    ``key`` tells rows apart that one label may share; ``method`` is the method's name with its variants, ``changed``
    the settings that its label names; ``identity`` is equal where two rows are one method with the same settings and
    weights on two suites; ``base`` is the suite without how often it was played. ``deviations`` are sample deviations
    of the scores over ``passes`` (insertion offsets, repeats that differ). ``cells`` are the folders that the row was
    read from, below the run's.
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
    prompted: bool
    memory: str
    given: str
    key: str
    method: str
    changed: tuple[str, ...]
    identity: str
    base: str
    times: int
    synthetic: bool
    ladder: bool
    noise: bool
    device: str
    oom: bool
    mean_frames: float
    offsets: int
    passes: int
    deviations: Mapping[str, float]
    compression: float | None
    after_load_mib: float | None
    process_mib: float | None
    host_mib: float | None
    settings: Mapping[str, Any]
    cells: tuple[str, ...]
    measures: Measures

    @property
    def mini(self) -> bool:
        """True for a bundled small model: never ranked with full networks."""
        return self.weights.split(",")[0] == MINI

    @property
    def beside(self) -> bool:
        """True for a bundled model with a trunk or a teacher of its own: it stands beside the controlled comparison."""
        return self.mini and self.weights != MINI

    @property
    def short_side(self) -> int | None:
        """The shorter side in pixels at which the network sees frames, asked for or the method's own choice.

        OWN_SIDE where it takes them as they are, None where its settings have no size.
        """
        size = self.settings.get("size")
        return size if isinstance(size, int) else None

    @property
    def complete(self) -> bool:
        """True where no video is missing: only then a mean over videos can be ranked."""
        return self.videos == self.planned


def read_cells(run: Run) -> list[Cell]:
    """Gives back a run's finished cells with their scores."""
    return [_read_cell(folder, record) for folder, record in run.records()]


def _read_cell(folder: Path, record: Record) -> Cell:
    score = read_score(folder, record.spec.suite.protocol)
    if record.outcome.status == "ok":
        return Cell(folder=folder, record=record, score=score)
    return Cell(folder=folder, record=record, score=None, so_far=score)


def method_rows(cells: Iterable[Cell], *, by_video: bool = False) -> list[MethodRow]:
    """Gives back one row per suite, method, weights, mode and hardware, in the order of suite and label.

    With ``by_video``, and always on a ladder or on random frames, whose mean says nothing, there is a row for each
    video.
    """
    groups: dict[tuple[str, str, str, str], list[Cell]] = {}
    for cell in cells:
        spec = cell.record.spec
        video = spec.video if by_video or spec.suite.vary or spec.suite.noise else ""
        groups.setdefault((spec.suite.title, video, spec.method.label, spec.method_key), []).append(cell)
    return [_row(groups[key], key[1]) for key in sorted(groups, key=_order)]


def _order(group: tuple[str, ...]) -> list[list[tuple[float, str]]]:
    """Numbers inside a label count as numbers: reuse=2 stands before reuse=12."""
    parts = [re.split(r"(\d+(?:\.\d+)?)", word) for word in group]
    return [[(float(part), "") if part[:1].isdigit() else (-1.0, part) for part in words] for words in parts]


def _row(cells: list[Cell], video: str) -> MethodRow:
    spec = cells[0].record.spec
    good = [cell for cell in cells if cell.record.outcome.status == "ok"]
    timings = [cell.record.timing for cell in good if cell.record.timing is not None]
    seconds = sum(timing.seconds for timing in timings)
    frames = sum(timing.frames for timing in timings)
    milliseconds = milliseconds_of(good)
    cores = [timing.core_frames_per_second for timing in timings]
    return MethodRow(
        suite=spec.suite.name,
        suite_title=spec.suite.title,
        video=video,
        protocol=spec.suite.protocol,
        label=spec.method.title + " (prompted)" * spec.prompted,
        weights=weights_label(spec.method.weights),
        videos=len({cell.record.spec.video for cell in good}),
        planned=len({cell.record.spec.video for cell in cells}),
        official_videos=spec.suite.official_videos,
        cut_frames=spec.max_frames,
        scores=mean_scores(good) if spec.method.weights.trained else {},
        frames_per_second=frames / seconds if seconds else None,
        core_frames_per_second=_harmonic(cores, [timing.frames for timing in timings]),
        median_ms=float(np.median(milliseconds)) if milliseconds.size else None,
        p99_ms=float(np.percentile(milliseconds, 99)) if milliseconds.size else None,
        peak_mib=largest_mib(cells, lambda memory: memory.peak),
        growth=_growth(answered_cells(cells)),
        parameters=cells[0].record.parameters / 1e6 if cells[0].record.parameters is not None else None,
        trouble=tuple(_trouble(cell.record) for cell in cells if cell.record.outcome.status != "ok"),
        fingerprint=spec.fingerprint,
        mode=mode_of(spec),
        repeats=1 + max(cell.record.spec.repeat for cell in cells),
        outputs_differ=_outputs_differ(good),
        self_check=not spec.method.ranked,
        prompted=spec.prompted,
        given=_given(cells),
        key=spec.method_key,
        method=spec.method.name,
        changed=tuple(spec.method.label.removeprefix(spec.method.name).split()),
        identity=_identity(spec),
        base=spec.suite.title.replace(f" ({spec.suite.times}x)", ""),
        times=spec.suite.times,
        synthetic=spec.suite.synthetic,
        ladder=bool(spec.suite.vary),
        noise=spec.suite.noise,
        device=cells[0].record.machine.describe(spec.runtime.device, spec.runtime.threads),
        oom=any(cell.record.outcome.status == "oom" for cell in cells),
        mean_frames=float(np.mean([cell.record.frames for cell in cells])),
        offsets=max(cell.record.spec.offsets for cell in cells),
        passes=len(distinct_passes(good)),
        deviations=score_deviations(good) if spec.method.weights.trained else {},
        compression=compression_ratio(good),
        after_load_mib=largest_mib(cells, lambda memory: memory.after_load),
        process_mib=largest_mib(cells, lambda memory: memory.peak_process),
        host_mib=largest_mib(cells, lambda memory: memory.peak_host),
        settings={**spec.method.settings, **spec.given},
        cells=tuple(sorted("/".join(cell.folder.parts[-3:]) for cell in cells)),
        measures=measures_of(cells),
        memory=next((_MEMORY[cell.record.memory.series] for cell in good if cell.record.memory is not None), ""),
    )


def known_sides(rows: Iterable[MethodRow]) -> set[int]:
    """Gives back the shorter sides in pixels that rows say: speed and memory at different ones are never ranked."""
    return {row.short_side for row in rows if row.short_side is not None and row.short_side != OWN_SIDE}


def sides_in_words(rows: Iterable[MethodRow]) -> str:
    """Gives back at which shorter sides methods saw the frames, '' where all of them saw the same."""
    labels: dict[str, dict[str, None]] = {}
    for row in rows:
        if row.short_side is not None and not row.self_check:
            side = "the frame's own" if row.short_side == OWN_SIDE else f"{row.short_side} pixels"
            labels.setdefault(side, {})[row.label] = None
    words = ", ".join(f"{side} ({', '.join(members)})" for side, members in labels.items())
    return f"Shorter side at which networks see the frames: {words}" if len(labels) > 1 else ""


def _identity(spec: CellSpec) -> str:
    weights = spec.method.weights
    return digest_json([spec.method.label, weights.kind, weights.seed, weights.sha256, spec.max_frames])[:12]


def _harmonic(rates: list[float | None], frames: list[int]) -> float | None:
    known = [(rate, count) for rate, count in zip(rates, frames, strict=True) if rate is not None]
    if not known or len(known) < len(rates):
        return None
    return sum(count for _, count in known) / sum(count / rate for rate, count in known)


def _growth(cells: list[Cell]) -> Growth | None:
    """The growth on the longest video."""
    longest = longest_cell(cells)
    memory = longest.record.memory if longest is not None else None
    if longest is None or memory is None:
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


def _outputs_differ(cells: list[Cell]) -> bool:
    digests: dict[tuple[str, int, int], set[str]] = {}
    for cell in cells:
        digests.setdefault((cell.record.spec.video, *insertion(cell)), set()).add(cell.record.masks_digest)
    return any(len(found) > 1 for found in digests.values())
