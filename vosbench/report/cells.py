"""What is read from the cells of one row: scores over all of them and pass by pass, and compression."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from vosbench.metrics.ap_rules import find_rules
from vosbench.metrics.protocol import find_protocol
from vosbench.metrics.records import VideoScore
from vosbench.metrics.summary import summarise
from vosbench.records import Record
from vosbench.store.frames import TRACE, read_frames
from vosbench.store.run import FRAMES_FILE
from vosbench.vis_runs import read_measures

CONSOLIDATED, PROTOTYPES = f"{TRACE}consolidated", f"{TRACE}prototypes"
"""Traces of a bank that compresses: elements that it replaced on a frame, and elements that it keeps in their place."""

SCALE = f"{TRACE}scale"
"""Trace of a method that adapts its resolution: by how much it shrinks a frame's sides, 1 for not at all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """A finished cell as tables read it; ``score`` is None where there is no truth, or weights are random.

    Where memory ran out ``so_far`` is the score over the frames that were answered, and ``score`` is None.
    """

    folder: Path
    record: Record
    score: VideoScore | None
    so_far: VideoScore | None = None


def mean_scores(cells: Sequence[Cell], *, so_far: bool = False) -> dict[str, float]:
    """Gives back the protocol's global means in percent; nothing where a video has no score.

    With ``so_far`` the score of a video on which memory ran out is that over the frames that were answered.
    """
    if cells and cells[0].record.spec.suite.task == "vis":
        return _mean_measures(cells)
    found = [cell.score or (cell.so_far if so_far else None) for cell in cells]
    scores = [score for score in found if score is not None]
    if not scores or len(scores) < len(cells):
        return {}
    summary = summarise(find_protocol(scores[0].protocol), scores)
    return {measure.name: 100 * measure.value for measure in summary.measures if measure.value is not None}


def _mean_measures(cells: Sequence[Cell]) -> dict[str, float]:
    """The mean over passes of the measures of tracks, each of which is one figure over the videos of a pass."""
    passes = [read_measures([(cell.folder, cell.record) for cell in one]) for one in split_passes(cells)]
    headline = find_rules(cells[0].record.spec.suite.protocol).headline
    shared = [name for name in headline if all(name in one for one in passes)]
    return {name: 100 * float(np.mean([one[name] for one in passes])) for name in shared}


def split_passes(cells: Sequence[Cell]) -> list[list[Cell]]:
    """Gives back the cells of each pass over the videos: by repeat and insertion offset."""
    passes: dict[tuple[int, int, int], list[Cell]] = {}
    for cell in cells:
        passes.setdefault((cell.record.spec.repeat, *insertion(cell)), []).append(cell)
    return [passes[key] for key in sorted(passes)]


def insertion(cell: Cell) -> tuple[int, int]:
    """Gives back a cell's insertion offset and of how many; the first is the same whatever their number."""
    spec = cell.record.spec
    return (spec.offset, spec.offsets if spec.offset else 1)


def distinct_passes(cells: Sequence[Cell]) -> list[list[Cell]]:
    """Gives back the passes that are samples of their own: of those that answer alike at one offset, the first.

    A method that answers the same every time has no scatter, and its repeats must not shrink that over the offsets.
    A pass whose answers have no digest is one of its own.
    """
    found: dict[object, list[Cell]] = {}
    for one in split_passes(cells):
        records = [cell.record for cell in one]
        digests = frozenset((record.spec.video, record.masks_digest) for record in records)
        alike = all(record.masks_digest for record in records)
        found.setdefault((insertion(one[0]), digests if alike else records[0].spec.repeat), one)
    return list(found.values())


def score_deviations(cells: Sequence[Cell]) -> dict[str, float]:
    """Gives back the sample deviation of each score over distinct passes, in points; nothing for fewer than two.

    XMem's tables give mean and standard deviation over five insertion offsets (section 4.1) and do not say of which
    kind; it is the sample's here. A pass that misses a video that another has is no sample of the same mean.
    """
    passes = distinct_passes(cells)
    whole = max((len(one) for one in passes), default=0)
    scores = [mean_scores(one) for one in passes if len(one) == whole]
    if len(scores) < 2:
        return {}
    shared = [name for name in scores[0] if all(name in one for one in scores)]
    return {name: float(np.std([one[name] for one in scores], ddof=1)) for name in shared}


def mean_scale(cells: Sequence[Cell]) -> float | None:
    """Gives back the mean over all frames of the scale that a method says it saw them at; None where it says none."""
    scales = [values[np.isfinite(values)] for cell in cells if (values := _columns(cell).get(SCALE)) is not None]
    known = np.concatenate(scales) if scales else np.empty(0)
    return float(known.mean()) if known.size else None


def _columns(cell: Cell) -> Mapping[str, NDArray[np.float64]]:
    path = cell.folder / FRAMES_FILE
    return read_frames(path).columns if path.is_file() else {}


def compression_ratio(cells: Sequence[Cell]) -> float | None:
    """Gives back how many percent of the elements that compression kept were there before it, None where none was.

    XMem's ratio (section 4): at 480p (Tmax - Tmin) 1620 = 8100 candidates become P = 128 prototypes, 6328 %.
    """
    before = kept = 0.0
    for cell in cells:
        columns = _columns(cell)
        if CONSOLIDATED in columns and PROTOTYPES in columns:
            before += float(np.nansum(columns[CONSOLIDATED]))
            kept += float(np.nansum(columns[PROTOTYPES]))
    return 100 * before / kept if kept else None
