"""Annotation files of COCO in the form of YouTube-VIS: an image is a video of one frame."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from vosbench.errors import DataError

_UNLIKE = (KeyError, TypeError, ValueError, AttributeError)
"""What reading fails with where a file has another form than it should."""


def videos_of_images(data: Mapping[str, Any], where: str) -> dict[str, Any]:
    """Gives back what an ``instances_*.json`` file of COCO says, with videos of one frame in the place of images.

    ``where`` is the file, for errors. An annotation's area is the file's own number, as in pycocotools.
    """
    try:
        videos = [
            {"id": image["id"], "height": image["height"], "width": image["width"], "file_names": [image["file_name"]]}
            for image in data["images"]
        ]
        annotations = [_track(entry, place) for place, entry in enumerate(data.get("annotations") or (), start=1)]
        return {"categories": data["categories"], "videos": videos, "annotations": annotations}
    except _UNLIKE as error:
        raise DataError(
            f"the annotation file is not in the format of COCO: {type(error).__name__} {error}",
            where=where,
            fix="unpack the data set's annotations again",
        ) from error


def _track(entry: Mapping[str, Any], place: int) -> dict[str, Any]:
    try:
        return {
            "id": entry["id"],
            "video_id": entry["image_id"],
            "category_id": entry["category_id"],
            "iscrowd": entry["iscrowd"],
            "segmentations": [entry["segmentation"]],
            "areas": [entry["area"]],
        }
    except KeyError as error:
        raise ValueError(f"annotation {place} has no {error}") from error
