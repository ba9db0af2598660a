"""Masks and tracks for the scoring benchmark: synthetic truth, and as predictions the truth of some frames later."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from vosbench.data.masks import write_mask
from vosbench.data.synthetic import Scene, SyntheticVideo

DELAY = 3
"""Predictions are the truth of so many frames later."""

VIS_HEIGHT, VIS_WIDTH, VIS_FRAMES = 360, 640, 30


def write_davis(root: Path, *, videos: int, frames: int, objects: int) -> None:
    """Write ``DAVIS`` (JPEGImages, Annotations, ImageSets/2017/val.txt) and ``predictions`` below ``root``, at 480p.

    All frames of a video are one JPEG file under many names: the tools list them, and look at the size at most.
    """
    names = [f"synthetic-{number:02d}" for number in range(videos)]
    for number, name in enumerate(names):
        scene = Scene(id=name, seed=number, length=frames + DELAY, objects=objects)
        _write_video(root, SyntheticVideo(scene), frames)
    lists = root / "DAVIS" / "ImageSets" / "2017"
    lists.mkdir(parents=True)
    (lists / "val.txt").write_text("".join(f"{name}\n" for name in names))


def _write_video(root: Path, video: SyntheticVideo, frames: int) -> None:
    images, masks, predictions = (
        root / path / video.scene.id for path in ("DAVIS/JPEGImages/480p", "DAVIS/Annotations/480p", "predictions")
    )
    for folder in (images, masks, predictions):
        folder.mkdir(parents=True)
    cv2.imwrite(str(images / "00000.jpg"), video.frame(0)[:, :, ::-1])
    for index in range(frames):
        name = f"{index:05d}"
        if index:
            os.link(images / "00000.jpg", images / f"{name}.jpg")
        write_mask(masks / f"{name}.png", video.labels(index))
        write_mask(predictions / f"{name}.png", video.labels(index + DELAY))


def write_youtube_vis(root: Path, *, videos: int, detections: int, drawn: int = 10) -> None:
    """Write ``valid/instances.json`` and ``results.json`` below ``root``.

    Each video has three objects of one category over 30 frames of 360 x 640, and so many detections: the objects'
    masks, moved. ``drawn`` videos are drawn, the others repeat them.
    """
    contents = [_tracks(number, detections) for number in range(drawn)]
    truth: list[dict[str, Any]] = []
    results: list[dict[str, Any]] = []
    for number in range(videos):
        true, found = contents[number % drawn]
        for masks in true:
            counts = [_run_lengths(mask) for mask in masks]
            truth.append(
                {
                    "id": len(truth) + 1,
                    "video_id": number + 1,
                    "category_id": 1,
                    "iscrowd": 0,
                    "segmentations": [{"size": [VIS_HEIGHT, VIS_WIDTH], "counts": lengths} for lengths in counts],
                    "areas": [int(mask.sum()) for mask in masks],
                }
            )
        for place, texts in enumerate(found):
            segmentations = [{"size": [VIS_HEIGHT, VIS_WIDTH], "counts": text} for text in texts]
            score = 1 - (place * 7919 + number * 31) % 997 / 1000
            results.append({"video_id": number + 1, "category_id": 1, "score": score, "segmentations": segmentations})
    head = {
        "videos": [
            {"id": number + 1, "width": VIS_WIDTH, "height": VIS_HEIGHT, "length": VIS_FRAMES, "file_names": []}
            for number in range(videos)
        ],
        "categories": [{"id": 1, "name": "thing"}],
    }
    (root / "valid").mkdir(parents=True)
    (root / "valid" / "instances.json").write_text(json.dumps(head | {"annotations": truth}))
    (root / "results.json").write_text(json.dumps(results))


def _tracks(seed: int, detections: int) -> tuple[list[list[NDArray[np.bool_]]], list[list[str]]]:
    """Gives back the true masks of three objects, and the text of every detection's masks."""
    scene = Scene(id="vis", seed=seed, height=VIS_HEIGHT, width=VIS_WIDTH, length=VIS_FRAMES, objects=3)
    video = SyntheticVideo(scene)
    labels = [video.labels(index) for index in range(VIS_FRAMES)]
    true = [[frame == number for frame in labels] for number in (1, 2, 3)]
    found = [
        [_text(_run_lengths(np.roll(mask, (place // 3, place), (0, 1)))) for mask in true[place % 3]]
        for place in range(detections)
    ]
    return true, found


def _run_lengths(mask: NDArray[np.bool_]) -> list[int]:
    """Gives back the lengths of background and mask in turn, down the columns."""
    flat = np.concatenate([[False], mask.T.ravel()])
    edges = np.flatnonzero(flat[1:] != flat[:-1])
    lengths: list[int] = np.diff(np.concatenate([[0], edges, [mask.size]])).tolist()
    return lengths


def _text(lengths: list[int]) -> str:
    """Gives back run lengths as COCO's text: five bits a character, differences from the fourth on."""
    characters = []
    for place, length in enumerate(lengths):
        value = length - lengths[place - 2] if place > 2 else length
        more = True
        while more:
            bits = value & 31
            value >>= 5
            more = value != (-1 if bits & 16 else 0)
            characters.append(chr(48 + bits + 32 * more))
    return "".join(characters)
