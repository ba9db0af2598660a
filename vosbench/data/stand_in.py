"""Synthetic stand-ins: a suite's own layout, drawn once into the cache where no data root is configured."""

from __future__ import annotations

import json
import shutil
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from vosbench.data.stand_in_truth import Truth, open_truth
from vosbench.data.suite import StandIn, Suite, Variable, listed
from vosbench.data.synthetic import Absence, Scene, SyntheticVideo
from vosbench.digest import digest_files, digest_json
from vosbench.errors import DataError, UsageError
from vosbench.plain import to_plain
from vosbench.types import Image

JPEG_QUALITY = 95


def stand_in_root(suite: Suite, split: str, cache: Path) -> Path:
    """Gives back the folder of a suite's synthetic videos, drawing them where the cache does not hold them yet.

    The folder's name carries a digest of the suite's layout and of the generator's source: another generator draws
    another folder. Raises `UsageError` for a suite without a stand-in.
    """
    if suite.stand_in is None:
        raise UsageError(
            f"{suite.title} has no synthetic stand-in",
            where=f"suite {suite.name}",
            fix="say where its data is with --data ROOT",
        )
    target = cache / "synthetic" / f"{suite.name}-{split}-{_version(suite, split)[:12]}"
    if not target.is_dir():
        try:
            _draw_whole(suite, suite.stand_in, target)
        except OSError as error:
            raise DataError(
                f"the synthetic videos cannot be written: {error.strerror}",
                where=str(target),
                fix="free some space, or name another folder with VOSBENCH_CACHE",
            ) from error
    return target


def _version(suite: Suite, split: str) -> str:
    sources = sorted(path for kind in ("synthetic*.py", "stand_in_*.py") for path in Path(__file__).parent.glob(kind))
    drawn = [to_plain(suite.layout), to_plain(suite.stand_in), sorted(listed(suite.groups.seen_categories)), split]
    return digest_json([drawn, digest_files([*sources, Path(__file__)], Path(__file__).parent)])


def _draw_whole(suite: Suite, stand_in: StandIn, target: Path) -> None:
    """Draws beside the target and renames, so that a folder that is there is complete."""
    target.parent.mkdir(parents=True, exist_ok=True)
    workspace = Path(tempfile.mkdtemp(prefix=".drawing-", dir=target.parent))
    try:
        scenes = _scenes(suite, stand_in)
        truth = open_truth(suite.layout, workspace)
        for scene in scenes:
            _draw_video(suite, stand_in, scene, workspace, truth)
        truth.end()
        _write_lists(suite, scenes, workspace)
        _publish(workspace, target)
    finally:
        shutil.rmtree(workspace, ignore_errors=True)


def _publish(workspace: Path, target: Path) -> None:
    try:
        workspace.rename(target)
    except OSError:
        if not target.is_dir():  # else another process drew the same videos meanwhile
            raise


def _scenes(suite: Suite, stand_in: StandIn) -> list[Scene]:
    if stand_in.vary is not None:
        return [_varied(_scene(stand_in, "", 0), stand_in.vary, value) for value in stand_in.values]
    return [_scene(stand_in, name, number) for number, name in enumerate(_video_names(suite, stand_in))]


def _video_names(suite: Suite, stand_in: StandIn) -> list[str]:
    """Every other video bears the name of an unseen one where the suite has such, so that both groups have members."""
    unseen = sorted(listed(suite.groups.unseen_videos))
    return [unseen[number] if unseen and number % 2 else f"synthetic-{number + 1}" for number in range(stand_in.videos)]


def _scene(stand_in: StandIn, name: str, number: int) -> Scene:
    step = stand_in.truth_every
    plain = Scene(id=name, seed=1000 + number)
    spread = stand_in.frames // (2 * stand_in.objects) // step * step
    return replace(
        plain,
        height=stand_in.height,
        width=stand_in.width,
        length=stand_in.frames,
        objects=stand_in.objects,
        entries=tuple(spread * entry for entry in range(stand_in.objects)) if stand_in.late else (),
        absences=_absences(stand_in) if stand_in.leaving else (),
        size=stand_in.sizes[number % len(stand_in.sizes)] if stand_in.sizes else plain.size,
    )


def _absences(stand_in: StandIn) -> tuple[Absence, ...]:
    """Every object is away for a sixth of the video, one after the other from its middle on."""
    away, middle = stand_in.frames // 6, stand_in.frames // 2
    step = (stand_in.frames - middle - away) // (stand_in.objects + 1)
    starts = [middle + step * number for number in range(stand_in.objects)]
    return tuple(
        Absence(object=number, first=start, last=start + away - 1) for number, start in enumerate(starts, start=1)
    )


def _varied(scene: Scene, variable: Variable, value: float) -> Scene:
    """Gives back the scene at one value of the ladder's variable, named by both so that names sort as values do."""
    whole = variable in ("length", "objects", "distractors", "cuts")
    named = replace(scene, id=f"{variable}-{value:05.0f}" if whole else f"{variable}-{value:.2f}")
    if variable == "cuts":
        count = int(value)
        return replace(named, cuts=tuple(scene.length * cut // (count + 1) for cut in range(1, count + 1)))
    changes: dict[str, Any] = {variable: int(value) if whole else value}
    return replace(named, **changes)


def _draw_video(suite: Suite, stand_in: StandIn, scene: Scene, root: Path, truth: Truth) -> None:
    video = SyntheticVideo(scene)
    layout = suite.layout
    paths = [layout.frames, *([layout.dense_frames] if layout.dense_frames is not None else [])]
    of_images = layout.annotation_kind == "coco"
    folders = [root / path / ("" if of_images else scene.id) for path in paths]
    for folder in folders:
        folder.mkdir(parents=True, exist_ok=of_images)
    truth.begin(video)
    for index in range(scene.length):
        name = scene.id if of_images else _name(stand_in, index)
        data = _jpeg(video.frame(index))
        annotated = index % stand_in.truth_every == 0
        for folder in folders if annotated or len(folders) == 1 else folders[1:]:
            (folder / f"{name}.jpg").write_bytes(data)
        if annotated:
            truth.keep(name, video.labels(index))


def _name(stand_in: StandIn, index: int) -> str:
    return f"{int(stand_in.first_name) + index:0{len(stand_in.first_name)}d}"


def _jpeg(image: Image) -> bytes:
    bgr = np.ascontiguousarray(image[:, :, ::-1])
    encoded, data = cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])
    if not encoded:
        raise UsageError(f"OpenCV cannot write JPEG files (version {cv2.__version__})", fix="install another OpenCV")
    return data.tobytes()


def _write_lists(suite: Suite, scenes: list[Scene], root: Path) -> None:
    """The list of videos and the meta file, where the layout has them."""
    if suite.layout.lists:
        _write(root / suite.layout.lists[0], "\n".join(scene.id for scene in scenes) + "\n")
    if suite.layout.meta is not None and suite.stand_in is not None:
        objects = _youtube_vos_objects if suite.layout.meta_kind == "youtube-vos" else _lvos_objects
        videos = {scene.id: {"objects": objects(suite, suite.stand_in, scene)} for scene in scenes}
        _write(root / suite.layout.meta, json.dumps({"videos": videos}, indent=1))


def _youtube_vos_objects(suite: Suite, stand_in: StandIn, scene: Scene) -> dict[str, object]:
    """Every other object has a category that is not among the seen ones, so that both groups have members."""
    seen = sorted(listed(suite.groups.seen_categories))
    return {
        str(number): {
            "category": seen[number % len(seen)] if number % 2 and seen else "synthetic thing",
            "frames": [_name(stand_in, i) for i in range(scene.entry(number), scene.length, stand_in.truth_every)],
        }
        for number in range(1, scene.objects + 1)
    }


def _lvos_objects(_suite: Suite, stand_in: StandIn, scene: Scene) -> dict[str, object]:
    """``end`` is the last annotated frame; ``frame_nums`` counts the annotated frames, both ends included."""
    step = stand_in.truth_every
    first = int(stand_in.first_name)
    last = (scene.length - 1) // step * step
    return {
        str(number): {
            "frame_range": {
                "start": str(first + scene.entry(number)),
                "end": str(first + last),
                "frame_nums": str((last - scene.entry(number)) // step + 1),
            }
        }
        for number in range(1, scene.objects + 1)
    }


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
