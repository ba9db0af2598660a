"""Scores the instances of a run: average precision is one figure over all videos of a pass, not a mean over videos."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vosbench.data.suite import suite_of
from vosbench.data.vis import annotation_file, read_annotations
from vosbench.digest import digest_file, digest_json
from vosbench.errors import DataError, ScoreError, StoreError
from vosbench.heap import no_collection
from vosbench.metrics.ap_rules import ApRules, find_rules
from vosbench.metrics.vis_ap import VisScore, score_tracks
from vosbench.metrics.vis_tracks import VisTruth, part_of, read_results, read_truth
from vosbench.records import CellSpec, Record, SuiteSpec
from vosbench.store.atomic import write_whole
from vosbench.store.run import Run
from vosbench.store.tracks import StoredTracks, official_results, read_tracks

SCORES_SCHEMA = 1

FoundCell = tuple[Path, Record]


@dataclass(frozen=True, slots=True, kw_only=True)
class Pass:
    """The videos that one method went through on one suite in one pass: the folder around them, and their cells."""

    folder: Path
    cells: tuple[FoundCell, ...]

    @property
    def spec(self) -> CellSpec:
        """What the first cell ran: but for the video it holds for all."""
        return self.cells[0][1].spec

    @property
    def rules(self) -> ApRules:
        """How its suite is scored."""
        return find_rules(self.spec.suite.protocol)

    @property
    def videos(self) -> list[str]:
        """The videos' names, in order."""
        return sorted(record.spec.video for _, record in self.cells)

    @property
    def results(self) -> Path:
        """Where the official results file of this pass lies."""
        return self.folder / f"results{self._suffix}.json"

    @property
    def scores(self) -> Path:
        """Where the scores of this pass lie."""
        return self.folder / f"scores.{self.spec.suite.protocol}{self._suffix}.json"

    @property
    def _suffix(self) -> str:
        shifted = f".{self.spec.offset}of{self.spec.offsets}" if self.spec.offset else ""
        return f".{self.spec.repeat}{shifted}" if self.spec.repeat or shifted else ""


def score_passes(run: Run) -> list[tuple[str, str]]:
    """Write the results file of every pass over a suite of instances, and its scores where it can have some.

    Gives back the passes that have none, and why.
    """
    truths: dict[tuple[Path, Path, str], VisTruth] = {}
    without: list[tuple[str, str]] = []
    for one in find_passes(run):
        spec = one.spec
        try:
            if spec.method.weights.trained and spec.suite.has_truth:
                _score(one, truths)
            else:
                _write_results(one)
        except (ScoreError, DataError, StoreError) as error:
            without.append((f"{spec.suite.name} {spec.method.label}", str(error)))
    return without


def find_passes(run: Run) -> Iterator[Pass]:
    """Yields the passes over suites of instances, of the videos that went through."""
    found: dict[tuple[Path, int, int], list[FoundCell]] = {}
    for folder, record in run.records():
        spec = record.spec
        if spec.suite.task == "vis" and record.outcome.status == "ok":
            found.setdefault((folder.parent, spec.repeat, spec.offset), []).append((folder, record))
    for (folder, _, _), cells in found.items():
        yield Pass(folder=folder, cells=tuple(cells))


def read_measures(cells: Sequence[FoundCell]) -> dict[str, float]:
    """Gives back the stored measures of the cells of one pass, in [0, 1]; nothing where these videos have none."""
    if not cells:
        return {}
    one = Pass(folder=cells[0][0].parent, cells=tuple(cells))
    path = _cell_file(cells[0][0], one.spec) if len(cells) == 1 else one.scores
    stored = _read(path)
    if stored is None or stored["videos"] != one.videos:
        return {}
    measures = stored["score"]["measures"]
    return {measure["name"]: measure["value"] for measure in measures if measure["value"] is not None}


def _score(one: Pass, truths: dict[tuple[Path, Path, str], VisTruth]) -> None:
    """Compute the scores of a pass and of each of its videos, unless those of these answers are there.

    Where the data is gone, as in a run from another machine, stored scores stand.
    """
    spec = one.spec
    stored = _read(one.scores)
    if stored is not None and stored["videos"] == one.videos and not spec.suite.root.is_dir():
        return
    suite = suite_of(spec.suite)
    answers = [[record.spec.video, record.masks_digest] for _, record in one.cells]
    inputs = digest_json([answers, digest_file(annotation_file(suite, spec.suite.root)), spec.max_frames])
    if stored is not None and stored["inputs"] == inputs and one.results.is_file():
        return
    with no_collection():
        found = _write_results(one)
        truth = _truth(spec.suite, truths)
        for (folder, record), tracks in zip(one.cells, found, strict=True):
            score = _score_videos([tracks], truth, spec, where=str(folder))
            _write(_cell_file(folder, spec), inputs, [record.spec.video], score)
        _write(one.scores, inputs, one.videos, _score_videos(found, truth, spec, where=str(one.results)))


def _score_videos(found: Sequence[StoredTracks], truth: VisTruth, spec: CellSpec, *, where: str) -> VisScore:
    rules = find_rules(spec.suite.protocol)
    part = part_of(truth, {tracks.video for tracks in found}, spec.max_frames)
    results = official_results(found, images=rules.images)
    tracks = read_results(results, part, where=where, images=rules.images) if results else ()
    return score_tracks(part, tracks, rules)


def _write_results(one: Pass) -> list[StoredTracks]:
    found = [read_tracks(folder) for folder, _ in one.cells]
    results = official_results(found, images=one.rules.images)
    write_whole(one.results, json.dumps(results, separators=(",", ":")).encode())
    return found


def _truth(spec: SuiteSpec, truths: dict[tuple[Path, Path, str], VisTruth]) -> VisTruth:
    """The truth of a suite, read once: that of a training split has some hundred megabytes."""
    place = (spec.file, spec.root, spec.split)
    if place not in truths:
        annotations, path = read_annotations(suite_of(spec), spec.root)
        truths.clear()
        truths[place] = read_truth(annotations, where=str(path))
    return truths[place]


def _cell_file(folder: Path, spec: CellSpec) -> Path:
    return folder / f"scores.{spec.suite.protocol}.json"


def _write(path: Path, inputs: str, videos: Sequence[str], score: VisScore) -> None:
    value = {
        "schema": SCORES_SCHEMA,
        "inputs": inputs,
        "videos": list(videos),
        "score": {
            "measures": [dataclasses.asdict(measure) for measure in score.measures],
            "categories": [dataclasses.asdict(category) for category in score.categories],
        },
    }
    write_whole(path, json.dumps(value).encode())


def _read(path: Path) -> Mapping[str, Any] | None:
    if not path.is_file():
        return None
    try:
        value: Mapping[str, Any] = json.loads(path.read_bytes())
    except (OSError, ValueError) as error:
        raise StoreError(f"the scores cannot be read: {error}", where=str(path), fix="delete the file: it is computed "
                         "again") from error  # fmt: skip
    return value if value.get("schema") == SCORES_SCHEMA else None
