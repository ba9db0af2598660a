"""The meta files of YouTube-VOS and LVOS: which objects a video has, of what category, and when they are there."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from vosbench.data.names import is_plain_name
from vosbench.errors import DataError

MetaKind = Literal["youtube-vos", "lvos"]

MOST_FRAMES = 1_000_000
"""Frames of a video that a meta file may speak of; LVOS has a few thousand."""

LARGEST_META = 1 << 28
"""Bytes. The largest official one (YouTube-VOS train) has a few megabytes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectMeta:
    """One object of one video.

    YouTube-VOS gives ``category`` and the names of its ``frames``; LVOS gives ``start``, ``end`` and ``frame_nums``
    of its ``frame_range``.
    """

    id: int
    category: str = ""
    frames: tuple[str, ...] = ()
    start: int = 0
    end: int = 0
    frame_nums: int = 0


def read_meta(path: Path, kind: MetaKind, video: str) -> tuple[ObjectMeta, ...]:
    """Gives back the objects of a video, ascending by id. Raises `DataError` that names what is wrong and where."""
    videos = _load(path).get("videos")
    if not isinstance(videos, Mapping) or not isinstance(videos.get(video), Mapping):
        raise DataError(
            f"the meta file knows no video '{video}'",
            where=str(path),
            fix="check that meta file and frames belong to the same release and split",
        )
    objects = videos[video].get("objects")
    if not isinstance(objects, Mapping):
        raise DataError("the video has no 'objects'", where=f"{path}, video {video}", fix="unpack the data set again")
    read = _youtube_vos if kind == "youtube-vos" else _lvos
    where = f"{path}, video {video}"
    found = [read(_number(key, where), value, f"{where}, object {key}") for key, value in objects.items()]
    return tuple(sorted(found, key=lambda entry: entry.id))


def video_names(path: Path) -> tuple[str, ...]:
    """Gives back the videos that a meta file names, in its order. Raises `DataError` for one that cannot be read."""
    videos = _load(path).get("videos")
    return tuple(map(str, videos)) if isinstance(videos, Mapping) else ()


def _load(path: Path) -> Mapping[str, Any]:
    fix = "unpack the data set again"
    try:
        if path.stat().st_size > LARGEST_META:
            raise DataError(f"the meta file is larger than {LARGEST_META >> 20} MiB", where=str(path), fix=fix)
        value = json.loads(path.read_bytes())
    except FileNotFoundError as error:
        raise DataError("there is no meta file", where=str(path), fix=fix) from error
    except (OSError, ValueError, RecursionError) as error:
        raise DataError(f"the meta file cannot be read: {error}", where=str(path), fix=fix) from error
    if not isinstance(value, Mapping):
        raise DataError("the meta file holds no keys and values", where=str(path), fix=fix)
    return value


def _number(text: str, where: str) -> int:
    if not (text.isdecimal() and text.isascii() and len(text) < 10) or int(text) == 0:
        raise DataError(f"object id '{text[:40]}'", where=where, fix="object ids count from 1")
    return int(text)


def _youtube_vos(number: int, value: Any, where: str) -> ObjectMeta:
    frames = value.get("frames") if isinstance(value, Mapping) else None
    if not isinstance(frames, list) or not frames:
        raise DataError("the object has no 'frames'", where=where, fix="unpack the data set again")
    for name in frames:
        if not is_plain_name(name):
            raise DataError(f"{str(name)[:40]!r} is no frame's name", where=where, fix="unpack the data set again")
    return ObjectMeta(id=number, category=str(value.get("category", "")), frames=tuple(frames))


def _lvos(number: int, value: Any, where: str) -> ObjectMeta:
    try:
        span = value["frame_range"]
        start, end, frame_nums = (int(span[key]) for key in ("start", "end", "frame_nums"))
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise DataError(
            "the object needs 'frame_range' with start, end and frame_nums",
            where=where,
            fix="unpack the data set again",
        ) from error
    if not (start >= 0 and 0 <= end <= start + MOST_FRAMES and 0 <= frame_nums <= MOST_FRAMES):
        raise DataError(
            f"the object's frame_range is {start} to {end} with {frame_nums} frames: nobody has such a video",
            where=where,
            fix="unpack the data set again",
        )
    return ObjectMeta(id=number, start=start, end=end, frame_nums=frame_nums)
