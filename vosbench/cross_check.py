"""Runs the official tools that are installed beside our own scores, on the same masks, and says where they differ."""

from __future__ import annotations

import json
import math
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

import numpy as np

from vosbench.data.masks import read_mask, write_mask
from vosbench.data.suite import Suite
from vosbench.data.video import open_video, read_truth
from vosbench.errors import ScoreError, UsageError
from vosbench.metrics.protocol import Protocol, find_protocol
from vosbench.metrics.summary import Row, summarise
from vosbench.metrics.video import ReadMask, score_video
from vosbench.types import LabelMap

CLOSE = 1e-9
"""Means of the same figures, summed in another order, differ by less."""

_TRUTH = "Annotations/480p"
_FRAMES = {
    "all": "every annotated frame counts",
    "inner": "the first and the last annotated frame do not count",
    "after-first": "the first annotated frame does not count",
    "spans": "every object has frames of its own, by the data set's meta file",
}
_OBJECTS = {
    "first-frame": "objects are 1 to the largest id of the first annotated frame",
    "foreground": "everything that is not 0 is one object",
    "seen": "objects are the ids of the scored truth, each from where it is first seen",
    "spans": "objects are those of the meta file",
}
_VOID = {
    "background": "255 in the truth is background",
    "ignored": "pixels of 255 in the truth do not count",
    "object": "255 in the truth is an object as any other",
}
_MATCHING = {"id": "objects are matched by id", "best": "objects are matched by the best assignment"}
_AVERAGING = {"objects": "means are over all objects", "seen-unseen": "seen and unseen objects are averaged apart"}
_TRACKEVAL = (
    "matching: TrackEval matches by J alone, davis2017-unsup by J and F",
    "objects: TrackEval takes the ids of any frame, davis2017-unsup those of the first",
    "rows: TrackEval gives means per video, in which an object without a match counts 0",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """An object (or video) that a tool scores otherwise: J and F here and there, in [0, 1]."""

    label: str
    here: tuple[float, float]
    there: tuple[float, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolCheck:
    """What one official tool said of the same masks.

    Attributes:
        tool: Its name; ``version`` is "" where it states none.
        protocol: Our protocol of its rules: the figures that are compared.
        compared: Objects (TrackEval: videos) that either side has.
        largest: Largest difference of a mean J or F, None where nothing was compared.
        differences: Those that differ by more than rounding.
        explained: True where the tool's rules are not those of ``protocol``, so that a difference is by design.
        by_design: How the tool's rules differ from those of the protocol that was asked for, one sentence each.
        mean: The tool's J&F over its rows, None where there is none.
        problem: Why there is no comparison: the tool is not installed, or refuses.
    """

    tool: str
    version: str = ""
    protocol: str
    compared: int = 0
    largest: float | None = None
    differences: tuple[Difference, ...] = ()
    explained: bool = False
    by_design: tuple[str, ...] = ()
    mean: float | None = None
    problem: str = ""

    @property
    def unexplained(self) -> bool:
        """True where the tool differs and no rule says why."""
        return bool(self.differences) and not self.explained


def cross_check(
    masks: Path, suite: Suite, root: Path, videos: Sequence[str], protocol: Protocol, python: str
) -> tuple[ToolCheck, ...]:
    """Gives back what davis2017-evaluation, vos-benchmark and TrackEval, run by ``python``, say of ``masks``.

    Each is compared with our scores by its own rules; a protocol of other rules is told apart in words.
    """
    if protocol.one_object:
        raise UsageError(f"no other tool scores by '{protocol.name}'", fix="leave --cross-check out")
    with tempfile.TemporaryDirectory(prefix="vosbench-cross-check-") as name:
        folder = Path(name)
        single = suite.layout.objects == "single" or protocol.objects == "foreground"
        frames = {video: _stage(folder, masks, suite, root, video, single=single) for video in videos}
        (folder / "ImageSets" / "2017").mkdir(parents=True)
        (folder / "ImageSets" / "2017" / "val.txt").write_text("\n".join(videos))
        (folder / "Annotations_unsupervised").symlink_to(folder / "Annotations")
        (folder / "trackers" / "vosbench").mkdir(parents=True)
        (folder / "trackers" / "vosbench" / "data").symlink_to(folder / "predictions")
        task = "unsupervised" if protocol.name == "davis2017-unsup" else "semi-supervised"
        rules = {
            "davis2017-evaluation": "davis2017-unsup" if task == "unsupervised" else "davis2017-semi",
            "vos-benchmark": "vos-benchmark",
            "TrackEval": "davis2017-unsup",
        }
        return tuple(_check(tool, folder, frames, find_protocol(rule), protocol, (task, python))
                     for tool, rule in rules.items())  # fmt: skip


def _stage(folder: Path, masks: Path, suite: Suite, root: Path, name: str, *, single: bool) -> tuple[str, ...]:
    """Lay one video out as DAVIS 2017 does; gives back its annotated frames."""
    video = open_video(suite, root, name)
    truth, images, predictions = (folder / part / name for part in (_TRUTH, "JPEGImages/480p", "predictions"))
    for path in (truth, images, predictions):
        path.mkdir(parents=True)
    frames = tuple(frame for frame in video.names if frame in video.masks)
    for frame in frames:
        true = read_truth(video, frame)
        write_mask(truth / f"{frame}.png", _one_object(true) if single else true)
        (images / f"{frame}.jpg").touch()  # the tool lists them and opens none
        found = masks / name / f"{frame}.png"
        if found.is_file() and single:
            write_mask(predictions / f"{frame}.png", _one_object(read_mask(found)))
        elif found.is_file():
            (predictions / f"{frame}.png").symlink_to(found.resolve())
    return frames


def _one_object(labels: LabelMap) -> LabelMap:
    return (labels > 0).astype(np.uint8)


def _check(
    tool: str,
    folder: Path,
    frames: Mapping[str, tuple[str, ...]],
    rules: Protocol,
    asked: Protocol,
    how: tuple[str, str],
) -> ToolCheck:
    said = _ask(tool, folder, tuple(frames), *how)
    if isinstance(said, str):
        return ToolCheck(tool=tool, protocol=rules.name, problem=said)
    version, there = said
    by_design = (*_unlike(asked, rules), *(_TRACKEVAL if tool == "TrackEval" else ()))
    try:
        here = _rows(tool, folder, frames, rules)
    except ScoreError as error:
        return ToolCheck(
            tool=tool, version=version, protocol=rules.name, by_design=by_design,
            problem=f"vosbench refuses these masks by {rules.name}: {error.what}",
        )  # fmt: skip
    nothing = (math.nan, math.nan)
    pairs = [(label, here.get(label, nothing), there.get(label, nothing)) for label in sorted(here.keys() | there)]
    gaps = [max(abs(a - b) for a, b in zip(mine, its, strict=True)) for _, mine, its in pairs]
    apart = tuple(
        Difference(label=label, here=mine, there=its)
        for (label, mine, its), gap in zip(pairs, gaps, strict=True)
        if not gap <= CLOSE  # a row that only one side has is NaN
    )
    values = [value for row in there.values() for value in row]
    return ToolCheck(
        tool=tool,
        version=version,
        protocol=rules.name,
        compared=len(pairs),
        largest=max((gap for gap in gaps if not math.isnan(gap)), default=None),
        differences=apart,
        explained=tool == "TrackEval",
        by_design=by_design,
        mean=float(np.mean(values)) if values else None,
    )


def _ask(
    tool: str, folder: Path, videos: tuple[str, ...], task: str, python: str
) -> str | tuple[str, dict[str, tuple[float, float]]]:
    """Gives back a tool's version and rows, or why there are none."""
    script = resources.files("vosbench").joinpath("official_tools.py").read_text(encoding="utf-8")
    job = json.dumps({"tool": tool, "folder": str(folder), "videos": videos, "task": task})
    try:
        done = subprocess.run(
            [python, "-c", script], input=job, text=True, capture_output=True, cwd=folder, check=False
        )
    except OSError as error:
        raise UsageError(f"{python} cannot be run: {error.strerror}", fix="name a Python interpreter") from error
    result = folder / f"{tool}.json"
    if not result.is_file():
        last = [line.strip() for line in (done.stdout + "\n" + done.stderr).splitlines() if line.strip()]
        return f"the tool stopped with status {done.returncode}: {last[-1] if last else 'it said nothing'}"
    found = json.loads(result.read_text())
    if "missing" in found:
        return f"not installed for {python}"
    return found["version"], {label: (j, f) for label, j, f in found["rows"]}


def _rows(
    tool: str, folder: Path, frames: Mapping[str, tuple[str, ...]], rules: Protocol
) -> dict[str, tuple[float, float]]:
    """Gives back our J and F under the tool's labels."""
    scores = [
        score_video(
            rules,
            video=video,
            frames=names,
            read_prediction=_reader(folder / "predictions" / video),
            read_truth=_reader(folder / _TRUTH / video),
        )
        for video, names in frames.items()
    ]
    rows = [row for row in summarise(rules, scores).rows if row.j_mean is not None]
    if tool == "TrackEval":
        return {video: _mean([row for row in rows if row.video == video]) for video in frames}
    by_id = tool == "vos-benchmark"
    return {f"{row.video}_{row.object_id}" if by_id else row.label: _mean([row]) for row in rows}


def _reader(folder: Path) -> ReadMask:
    return lambda name: read_mask(folder / f"{name}.png")


def _mean(rows: Sequence[Row]) -> tuple[float, float]:
    j, f = ([value for row in rows if (value := getattr(row, key)) is not None] for key in ("j_mean", "f_mean"))
    return float(np.mean(j)) if j else math.nan, float(np.mean(f)) if f else math.nan


def _unlike(asked: Protocol, rules: Protocol) -> tuple[str, ...]:
    """Gives back a sentence for each rule in which the protocol that was asked for differs from the tool's."""
    kinds: tuple[tuple[str, Mapping[str, str]], ...] = (
        ("frames", _FRAMES),
        ("objects", _OBJECTS),
        ("void", _VOID),
        ("matching", _MATCHING),
        ("averaging", _AVERAGING),
    )
    return tuple(
        f"{kind}: by {asked.name} {words[getattr(asked, kind)]}; in the tool {words[getattr(rules, kind)]}"
        for kind, words in kinds
        if getattr(asked, kind) != getattr(rules, kind)
    )
