"""Runs one official tool on masks laid out as davis2017-evaluation wants them, in whatever interpreter has the tool.

This file is handed to that interpreter as text, so it imports nothing of vosbench, and a tool only where it runs it.
Standard input is a job, ``{tool, folder, videos, task}``; the result goes to ``folder/TOOL.json``:
``{missing}``, or ``{version, rows}`` with rows ``[label, J, F]`` in [0, 1].
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import json
import os
import sys

MODULES = {"davis2017-evaluation": "davis2017", "vos-benchmark": "vos_benchmark", "TrackEval": "trackeval"}


def davis2017_evaluation(folder: str, videos: list[str], task: str) -> list[list[object]]:
    """Gives back a row per object, ``VIDEO_k`` with k the place of the object."""
    from davis2017.evaluation import DAVISEvaluation

    found = DAVISEvaluation(davis_root=folder, task=task, gt_set="val", sequences=videos).evaluate(
        os.path.join(folder, "predictions")  # noqa: PTH118 - older interpreters take it as well
    )
    boundary = found["F"]["M_per_object"]
    return [[label, float(value), float(boundary[label])] for label, value in found["J"]["M_per_object"].items()]


def vos_benchmark(folder: str, videos: list[str], _task: str) -> list[list[object]]:
    """Gives back a row per object, ``VIDEO_id``."""
    from vos_benchmark.benchmark import VideoEvaluator

    score = VideoEvaluator(f"{folder}/Annotations/480p", f"{folder}/predictions")
    rows: list[list[object]] = []
    for video in videos:
        _, region, boundary = score(video)
        rows += [[f"{video}_{number}", region[number] / 100, boundary[number] / 100] for number in sorted(region)]
    return rows


def trackeval(folder: str, videos: list[str], _task: str) -> list[list[object]]:
    """Gives back a row per video: the means over its objects."""
    import trackeval as package

    quiet = {"USE_PARALLEL": False, "PLOT_CURVES": False, "PRINT_CONFIG": False, "PRINT_RESULTS": False}
    files = {"OUTPUT_SUMMARY": False, "OUTPUT_DETAILED": False, "OUTPUT_EMPTY_CLASSES": False, "TIME_PROGRESS": False}
    data = package.datasets.DAVIS(
        {
            "GT_FOLDER": f"{folder}/Annotations/480p",
            "TRACKERS_FOLDER": f"{folder}/trackers",
            "TRACKERS_TO_EVAL": ["vosbench"],
            "SEQ_INFO": {video: len(os.listdir(f"{folder}/Annotations/480p/{video}")) for video in videos},  # noqa: PTH208
            "PRINT_CONFIG": False,
        }
    )
    measure = package.metrics.JAndF()
    found, _ = package.Evaluator({**quiet, **files}).evaluate([data], [measure])
    by_video = found[data.get_name()]["vosbench"]
    return [
        [video, *(float(by_video[video]["general"][measure.get_name()][key]) for key in ("J-Mean", "F-Mean"))]
        for video in videos
    ]


RUNNERS = {
    "davis2017-evaluation": davis2017_evaluation,
    "vos-benchmark": vos_benchmark,
    "TrackEval": trackeval,
}


def main() -> None:
    """Do the job on standard input."""
    job = json.load(sys.stdin)
    tool, folder = job["tool"], job["folder"]
    if importlib.util.find_spec(MODULES[tool]) is None:
        result: dict[str, object] = {"missing": True}
    else:
        rows = RUNNERS[tool](folder, job["videos"], job["task"])
        result = {"version": _version(tool), "rows": rows}
    with open(f"{folder}/{tool}.json", "w") as stream:  # noqa: PTH123
        json.dump(result, stream)


def _version(tool: str) -> str:
    for name in (tool, MODULES[tool]):
        try:
            return importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return ""


if __name__ == "__main__":
    main()
