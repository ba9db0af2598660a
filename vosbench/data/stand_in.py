"""Synthetic stand-ins: a suite's own layout, drawn once into the cache where no data root is configured."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

import cv2
import numpy as np

from vosbench.data.masks import write_mask
from vosbench.data.suite import StandIn, Suite
from vosbench.data.synthetic import Scene, SyntheticVideo
from vosbench.digest import digest_files, digest_json
from vosbench.errors import DataError, UsageError
from vosbench.plain import to_plain

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
            _draw_whole(suite, suite.stand_in, split, target)
        except OSError as error:
            raise DataError(
                f"the synthetic videos cannot be written: {error.strerror}",
                where=str(target),
                fix="free some space, or name another folder with VOSBENCH_CACHE",
            ) from error
    return target


def _version(suite: Suite, split: str) -> str:
    sources = sorted(Path(__file__).parent.glob("synthetic*.py"))
    return digest_json(
        [to_plain(suite.layout), to_plain(suite.stand_in), split, digest_files(sources, sources[0].parent)]
    )


def _draw_whole(suite: Suite, stand_in: StandIn, split: str, target: Path) -> None:
    """Draws beside the target and renames, so that a folder that is there is complete."""
    target.parent.mkdir(parents=True, exist_ok=True)
    workspace = Path(tempfile.mkdtemp(prefix=".drawing-", dir=target.parent))
    try:
        names = [f"synthetic-{number + 1}" for number in range(stand_in.videos)]
        for number, name in enumerate(names):
            _draw_video(suite, _scene(stand_in, name, number), workspace)
        for pattern in suite.layout.lists[:1]:
            path = workspace / pattern.format(split=split)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text("\n".join(names) + "\n", encoding="utf-8")
        if not target.is_dir():
            workspace.rename(target)
    finally:
        shutil.rmtree(workspace, ignore_errors=True)


def _scene(stand_in: StandIn, name: str, number: int) -> Scene:
    return Scene(
        id=name,
        seed=1000 + number,
        height=stand_in.height,
        width=stand_in.width,
        length=stand_in.frames,
        objects=stand_in.objects,
    )


def _draw_video(suite: Suite, scene: Scene, root: Path) -> None:
    video = SyntheticVideo(scene)
    frames = root / suite.layout.frames / scene.id
    masks = root / suite.layout.masks / scene.id
    frames.mkdir(parents=True)
    masks.mkdir(parents=True)
    for index in range(scene.length):
        bgr = np.ascontiguousarray(video.frame(index)[:, :, ::-1])
        encoded, data = cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])
        if not encoded:
            raise UsageError(
                f"OpenCV cannot write JPEG files (version {cv2.__version__})", fix="install another OpenCV"
            )
        (frames / f"{index:05d}.jpg").write_bytes(data.tobytes())
        write_mask(masks / f"{index:05d}.png", video.labels(index))
