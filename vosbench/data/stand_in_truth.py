"""The truth of a stand-in, in the form that the suite's layout has it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from vosbench.data.masks import write_mask
from vosbench.data.suite import Layout
from vosbench.data.synthetic import SyntheticVideo
from vosbench.data.synthetic_shapes import family_names
from vosbench.rle import area, bounds_of_mask, code_of_bounds
from vosbench.types import LabelMap


class Truth(Protocol):
    """Writes the truth of one video after the other."""

    def begin(self, video: SyntheticVideo) -> None:
        """A video begins."""

    def keep(self, name: str, labels: LabelMap) -> None:
        """The frame called ``name`` has these labels (height, width)."""

    def end(self) -> None:
        """The last video ended."""


def open_truth(layout: Layout, root: Path) -> Truth:
    """Gives back what writes the truth of a layout (see `at_split`) below ``root``."""
    if layout.annotations:
        of_images = layout.annotation_kind == "coco"
        return (_ImageAnnotations if of_images else _Annotations)(root / layout.annotations[0])
    return _ObjectFolders(root / layout.masks) if layout.object_folders else _LabelMaps(root / layout.masks)


class _LabelMaps:
    """A folder of label maps per video."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._folder = root

    def begin(self, video: SyntheticVideo) -> None:
        self._folder = self._root / video.scene.id
        self._folder.mkdir(parents=True, exist_ok=True)

    def keep(self, name: str, labels: LabelMap) -> None:
        write_mask(self._folder / f"{name}.png", labels)

    def end(self) -> None:
        """Nothing is left to be done."""


class _ObjectFolders:
    """A folder per video with a folder of binary masks per object, numbered from 000."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._folders: list[Path] = []

    def begin(self, video: SyntheticVideo) -> None:
        self._folders = [self._root / video.scene.id / f"{number:03}" for number in range(video.scene.objects)]
        for folder in self._folders:
            folder.mkdir(parents=True)

    def keep(self, name: str, labels: LabelMap) -> None:
        for number, folder in enumerate(self._folders, start=1):
            write_mask(folder / f"{name}.png", (labels == number).astype(np.uint8))

    def end(self) -> None:
        """Nothing is left to be done."""


class _Annotations:
    """One JSON file in the format of YouTube-VIS, with compressed run-length codes."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._videos: list[dict[str, Any]] = []
        self._tracks: list[dict[str, Any]] = []
        self._present: list[dict[str, Any]] = []
        self._folder = ""

    def begin(self, video: SyntheticVideo) -> None:
        scene, categories = video.scene, family_names()
        place = {"id": len(self._videos) + 1, "width": scene.width, "height": scene.height, "length": scene.length}
        self._videos.append({**place, "file_names": []})
        self._folder = scene.id
        self._present = [
            {
                "id": len(self._tracks) + number,
                "video_id": place["id"],
                "category_id": 1 + categories.index(video.category(number)),
                "iscrowd": 0,
                "segmentations": [],
                "bboxes": [],
                "areas": [],
            }
            for number in range(1, scene.objects + 1)
        ]
        self._tracks += self._present

    def keep(self, name: str, labels: LabelMap) -> None:
        self._videos[-1]["file_names"].append(f"{self._folder}/{name}.jpg")
        for number, track in enumerate(self._present, start=1):
            mask = labels == number
            bounds = bounds_of_mask(mask)
            shown = bounds.size > 0
            track["segmentations"].append(code_of_bounds(bounds, *labels.shape) if shown else None)
            track["bboxes"].append(_box(mask) if shown else None)
            track["areas"].append(area(bounds) if shown else None)

    def end(self) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        value = {"categories": _categories(), "videos": self._videos, "annotations": self._tracks}
        self._path.write_text(json.dumps(value), encoding="utf-8")


class _ImageAnnotations:
    """One JSON file in the format of COCO, of videos of one frame."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._images: list[dict[str, Any]] = []
        self._entries: list[dict[str, Any]] = []
        self._categories: list[int] = []

    def begin(self, video: SyntheticVideo) -> None:
        scene = video.scene
        place = {"id": len(self._images) + 1, "width": scene.width, "height": scene.height}
        self._images.append({**place, "file_name": f"{scene.id}.jpg"})
        names = family_names()
        self._categories = [1 + names.index(video.category(number)) for number in range(1, scene.objects + 1)]

    def keep(self, name: str, labels: LabelMap) -> None:  # noqa: ARG002 - an image is called as its video
        for number, category in enumerate(self._categories, start=1):
            mask = labels == number
            bounds = bounds_of_mask(mask)
            if not bounds.size:
                continue
            code = code_of_bounds(bounds, *labels.shape)
            entry = {"id": len(self._entries) + 1, "image_id": self._images[-1]["id"], "category_id": category}
            entry |= {"iscrowd": 0, "segmentation": code, "bbox": _box(mask), "area": area(bounds)}
            self._entries.append(entry)

    def end(self) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        value = {"categories": _categories(), "images": self._images, "annotations": self._entries}
        self._path.write_text(json.dumps(value), encoding="utf-8")


def _categories() -> list[dict[str, Any]]:
    return [
        {"id": number, "name": name, "supercategory": "object"} for number, name in enumerate(family_names(), start=1)
    ]


def _box(mask: NDArray[np.bool_]) -> list[int]:
    """Gives back x, y, width and height of what a mask (height, width) shows."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    return [int(columns[0]), int(rows[0]), int(np.ptp(columns)) + 1, int(np.ptp(rows)) + 1]
