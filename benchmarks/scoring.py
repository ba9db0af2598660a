"""Times ``vosbench score`` against the official tools: whole processes, imports included, on the same masks.

    python benchmarks/scoring.py --davis2017-evaluation FOLDER --youtube-vis-api FOLDER --python PATH

Folders are checkouts of davisvideochallenge/davis2017-evaluation and youtubevos/cocoapi; PATH is an interpreter that
has their requirements, vos-benchmark and TrackEval (default: this one). What is not there is left out and said so.
Figures are CPU seconds (user and system, of all processes of a run), medians of interleaved repeats with warm caches.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from scoring_masks import write_davis, write_youtube_vis

DAVIS = {"one-object": (20, 69, 1, 10.0), "five-objects": (4, 50, 5, 15.0)}
"""Sequences, frames of each, objects, and how many times fewer CPU seconds than davis2017-evaluation are wanted."""

VIS = "youtube-vis"
CASES = (*DAVIS, VIS)
OFFICIAL = Path(__file__).with_name("scoring_official.py")


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """Masks that several tools score; ``targets`` say how many times fewer CPU seconds vosbench is to take."""

    name: str
    commands: dict[str, list[str]]
    targets: dict[str, float]


@dataclass(slots=True)
class Times:
    """The CPU and wall seconds of one command, run after run."""

    cpu: list[float] = field(default_factory=list)
    wall: list[float] = field(default_factory=list)


def main() -> int:
    """Write the masks, run every tool and print the medians; gives back 1 where a target is missed."""
    options = _options()
    folder = Path(tempfile.mkdtemp(prefix="vosbench-scoring-", dir=options.folder))
    # every tool keeps its compiled modules: caches are warm for all alike
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    os.environ["PYTHONPYCACHEPREFIX"] = str(folder / "bytecode")
    try:
        wanted = options.case or CASES
        cases = [_davis_case(folder, options, name) for name in DAVIS if name in wanted]
        cases += [_youtube_vis_case(folder, options)] if VIS in wanted else []
        met = [_report(case, _run(case, options.repeats), options.as_json) for case in cases]
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return 0 if all(met) else 1


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--davis2017-evaluation", type=Path, help="A checkout of davis2017-evaluation.")
    parser.add_argument("--youtube-vis-api", type=Path, help="A checkout of youtubevos/cocoapi.")
    parser.add_argument("--case", action="append", choices=CASES, help="Only this case. Repeatable.")
    parser.add_argument("--python", default=sys.executable, help="The interpreter that runs the official tools.")
    parser.add_argument("--repeats", type=int, default=3, help="Runs of each tool, after one that is not counted.")
    parser.add_argument("--folder", type=Path, help="Where the masks go, some 100 MiB. Default: the system's own.")
    parser.add_argument("--json", dest="as_json", action="store_true", help="Print one line of JSON per case.")
    return parser.parse_args()


def _davis_case(folder: Path, options: argparse.Namespace, name: str) -> Case:
    videos, frames, objects, times = DAVIS[name]
    root = folder / name
    write_davis(root, videos=videos, frames=frames, objects=objects)
    commands = {"vosbench": _vosbench(root / "predictions", "davis2017", root)}
    if options.davis2017_evaluation:
        commands["davis2017-evaluation"] = _official(options, "davis2017", root, options.davis2017_evaluation)
    if _has(options.python, "vos_benchmark"):
        commands["vos-benchmark"] = _official(options, "vos-benchmark", root)
    if _has(options.python, "trackeval"):
        commands["TrackEval"] = _official(options, "trackeval", root)
    return Case(
        name=f"{name}: {videos} sequences of {frames} frames, 480p",
        commands=commands,
        targets={"davis2017-evaluation": times, "vos-benchmark": 6.0},
    )


def _youtube_vis_case(folder: Path, options: argparse.Namespace) -> Case:
    root = folder / "youtube-vis"
    write_youtube_vis(root, videos=100, detections=50)
    commands = {"vosbench": _vosbench(root / "results.json", "youtube-vis-2019", root)}
    if options.youtube_vis_api:
        commands["YouTube-VIS API"] = _official(options, "youtube-vis", root, options.youtube_vis_api)
    return Case(
        name="YouTube-VIS: 100 videos, 50 detections each",
        commands=commands,
        targets={"YouTube-VIS API": 3.0},
    )


def _vosbench(target: Path, suite: str, root: Path) -> list[str]:
    csv = ["--csv", str(root)] if target.is_dir() else []
    code = "from vosbench.cli import main; main()"
    return [sys.executable, "-c", code, "score", str(target), "--suite", suite, "--data", str(root), *csv]


def _official(options: argparse.Namespace, tool: str, root: Path, checkout: Path | None = None) -> list[str]:
    return [options.python, str(OFFICIAL), tool, str(root), *([str(checkout.resolve())] if checkout else [])]


def _has(python: str, module: str) -> bool:
    code = f"import importlib.util, sys; sys.exit(importlib.util.find_spec('{module}') is None)"
    return subprocess.run([python, "-c", code], check=False).returncode == 0


def _run(case: Case, repeats: int) -> dict[str, Times]:
    """Runs every command once to warm the caches, then all of them in turn."""
    times = {tool: Times() for tool in case.commands}
    for repeat in range(repeats + 1):
        for tool, command in case.commands.items():
            cpu, wall = _timed(lambda command=command: _call(command))
            if repeat:
                times[tool].cpu.append(cpu)
                times[tool].wall.append(wall)
    return times


def _timed(work: Callable[[], None]) -> tuple[float, float]:
    before, begin = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    work()
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime, time.perf_counter() - begin


def _call(command: Sequence[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{' '.join(command)}\nfailed:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")


def _report(case: Case, times: dict[str, Times], as_json: bool) -> bool:
    """Prints the medians of a case; gives back whether its targets are met."""
    own = statistics.median(times["vosbench"].cpu)
    met = True
    lines = []
    for tool, taken in times.items():
        cpu, wall = statistics.median(taken.cpu), statistics.median(taken.wall)
        target = case.targets.get(tool)
        met = met and (target is None or cpu >= target * own)
        lines.append({"tool": tool, "cpu_seconds": cpu, "wall_seconds": wall, "times": cpu / own, "target": target})
    if as_json:
        print(json.dumps({"case": case.name, "tools": lines, "met": met}))
        return met
    print(f"\n{case.name}\n  {'tool':<22}{'CPU s':>8}{'wall s':>8}{'times':>8}{'target':>8}")
    for line in lines:
        wanted = f"{line['target']:.0f}" if line["target"] else ""
        figures = (line["cpu_seconds"], line["wall_seconds"], line["times"])
        print(f"  {line['tool']:<22}{figures[0]:>8.2f}{figures[1]:>8.2f}{figures[2]:>8.1f}{wanted:>8}")
    for tool in case.targets.keys() - times.keys():
        print(f"  {tool}: not there, left out")
    return met


if __name__ == "__main__":
    sys.exit(main())
