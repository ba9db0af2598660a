"""The annotation files of instance segmentation, of videos or images, and the results that are scored against them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from vosbench.data.coco import videos_of_images
from vosbench.data.suite import Layout, Suite, listed
from vosbench.errors import DataError

LARGEST_JSON = 1 << 31
"""Bytes. The annotations of YouTube-VIS 2021 (train) have some hundred megabytes."""


def read_annotations(suite: Suite, root: Path) -> tuple[Mapping[str, Any], Path]:
    """Gives back a suite's annotations (see `at_split`) in the form of YouTube-VIS, with true tracks, and its file.

    Raises `DataError` for a file that is missing, torn or has no tracks, as those of splits whose truth is on an
    evaluation server.
    """
    path = annotation_file(suite, root)
    data = read_listing(path, suite.layout)
    if isinstance(data.get("categories"), list):
        check_categories([entry.get("name") for entry in data["categories"] if isinstance(entry, Mapping)], suite, path)
    if not data.get("annotations"):
        raise DataError(
            "the annotation file has no annotations, so there is no truth to score against",
            where=str(path),
            fix="the truth of this split is on the evaluation server: send the results there, or choose another split "
            "with --split",
        )
    return data, path


def read_listing(path: Path, layout: Layout) -> Mapping[str, Any]:
    """Gives back what an annotation file holds, in the form of YouTube-VIS; it may have no true tracks."""
    data = read_json(path, "the annotation file")
    if not isinstance(data, Mapping):
        raise DataError("the annotation file holds no keys and values", where=str(path), fix="unpack it again")
    return videos_of_images(data, str(path)) if layout.annotation_kind == "coco" else data


def check_categories(names: Iterable[object], suite: Suite, path: Path) -> None:
    """Refuse the annotations of another edition than the suite's: names and layout are alike, videos are others."""
    other = suite.groups.other_categories
    if other is not None and {str(name) for name in names} == listed(other):
        raise DataError(
            f"the categories are those of {other.stem.removesuffix('-categories')}, not of {suite.title}",
            where=str(path),
            fix=f"name that suite, or point at this one's annotations with --data {suite.name}=PATH",
        )


def annotation_file(suite: Suite, root: Path) -> Path:
    """Gives back the first of the suite's annotation files that is there."""
    for name in suite.layout.annotations:
        if (root / name).is_file():
            return root / name
    raise DataError(
        f"{suite.title} has no annotation file here",
        where="tried " + ", ".join(str(root / name) for name in suite.layout.annotations),
        fix="unpack the data set's annotations there, or choose another split with --split",
    )


def read_json(path: Path, what: str) -> Any:
    """Gives back what a JSON file holds. Raises `DataError` for one that is missing, torn, too large or too deep."""
    try:
        if path.stat().st_size > LARGEST_JSON:
            raise DataError(f"{what} is larger than {LARGEST_JSON >> 30} GiB", where=str(path), fix="name another file")
        return json.loads(path.read_bytes())
    except FileNotFoundError as error:
        raise DataError(f"{what} is not there", where=str(path), fix="check the path") from error
    except (OSError, ValueError, RecursionError) as error:
        raise DataError(f"{what} cannot be read: {error}", where=str(path), fix="write or unpack it again") from error
