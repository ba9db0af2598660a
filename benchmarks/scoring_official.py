"""Runs one official tool as its own command does: ``python scoring_official.py TOOL ROOT [CHECKOUT]``.

It imports nothing of vosbench, so that an interpreter with the tool's requirements alone can run it.
"""

from __future__ import annotations

import runpy
import sys
from pathlib import Path


def davis2017(root: Path, checkout: Path) -> None:
    """davis2017-evaluation, semi-supervised. Its results of an earlier run are deleted: it would print them again."""
    predictions = root / "predictions"
    for old in predictions.glob("*.csv"):
        old.unlink()
    sys.path.insert(0, str(checkout))
    script = str(checkout / "evaluation_method.py")
    flags = ["--task", "semi-supervised", "--davis_path", str(root / "DAVIS"), "--results_path", str(predictions)]
    sys.argv = [script, *flags]
    runpy.run_path(script, run_name="__main__")


def vos_benchmark(root: Path) -> None:
    """vos-benchmark in one process."""
    from vos_benchmark.benchmark import benchmark

    truth = str(root / "DAVIS" / "Annotations" / "480p")
    benchmark([truth], [str(root / "predictions")], strict=False, num_processes=1)


def trackeval(root: Path) -> None:
    """TrackEval's J&F on the layout it wants: a tracker folder with data."""
    import trackeval as package

    tracker = root / "trackers" / "predictions"
    if not tracker.exists():
        tracker.mkdir(parents=True)
        (tracker / "data").symlink_to(root / "predictions")
        (root / "trackeval-lists" / "val").mkdir(parents=True)
    names = (root / "DAVIS" / "ImageSets" / "2017" / "val.txt").read_text().split()
    evaluator = package.Evaluator({"USE_PARALLEL": False, "PLOT_CURVES": False, "PRINT_CONFIG": False})
    data = package.datasets.DAVIS(
        {
            "GT_FOLDER": str(root / "DAVIS" / "Annotations" / "480p"),
            "TRACKERS_FOLDER": str(root / "trackers"),
            "SEQMAP_FILE": str(root / "DAVIS" / "ImageSets" / "2017" / "val.txt"),
            "SEQS_TO_EVAL": names,
            "PRINT_CONFIG": False,
        }
    )
    evaluator.evaluate([data], [package.metrics.JAndF()])


def youtube_vis(root: Path, checkout: Path) -> None:
    """The YouTube-VIS API; its masks are pip's pycocotools, whose C code is the same, unless its own is built.

    Its files ask for names that numpy and Python 3 dropped; they are given here, the files stay as they are.
    """
    import numpy as np
    import pycocotools

    pycocotools.__path__.append(str(checkout / "PythonAPI" / "pycocotools"))
    np.float = float
    spaced = np.linspace
    np.linspace = lambda start, stop, num=50, **more: spaced(start, stop, int(num), **more)
    from pycocotools import ytvos, ytvoseval

    ytvos.unicode = str
    truth = ytvos.YTVOS(str(root / "valid" / "instances.json"))
    evaluation = ytvoseval.YTVOSeval(truth, truth.loadRes(str(root / "results.json")), "segm")
    evaluation.evaluate()
    evaluation.accumulate()
    evaluation.summarize()


TOOLS = {"davis2017": davis2017, "vos-benchmark": vos_benchmark, "trackeval": trackeval, "youtube-vis": youtube_vis}

if __name__ == "__main__":
    TOOLS[sys.argv[1]](*map(Path, sys.argv[2:]))
