"""Scores results of instance segmentation in videos or images, a JSON file that anyone's code wrote."""

from __future__ import annotations

from pathlib import Path

from vosbench.data.suite import Suite
from vosbench.data.vis import read_annotations, read_json
from vosbench.errors import UsageError
from vosbench.heap import no_collection
from vosbench.metrics.ap_rules import find_rules
from vosbench.metrics.vis_ap import VisScore, score_tracks
from vosbench.metrics.vis_tracks import read_results, read_truth

RESULTS_FILE = "results.json"
"""The name under which the evaluation server takes results."""


def results_file(target: Path) -> Path:
    """Gives back the results file that ``target`` is, or that the folder ``target`` holds."""
    path = target / RESULTS_FILE if target.is_dir() else target
    if not path.is_file():
        raise UsageError(
            f"there is no results file {path}",
            fix=f"name a JSON file in the format of YouTube-VIS or COCO, or a folder that holds {RESULTS_FILE}",
        )
    return path


def score_results(results: Path, suite: Suite, root: Path) -> VisScore:
    """Gives back the scores of a results file against a suite's annotations (see `at_split`).

    Raises `ScoreError` or `DataError` for whatever either file has wrong.
    """
    rules = find_rules(suite.protocol)
    with no_collection():
        annotations, path = read_annotations(suite, root)
        truth = read_truth(annotations, where=str(path))
        found = read_json(results, "the results file")
        tracks = read_results(found, truth, where=str(results), images=rules.images)
        return score_tracks(truth, tracks, rules)
