"""Tracks of the truth and of results, read from the JSON files of YouTube-VIS, and results from those of COCO."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vosbench.errors import ScoreError
from vosbench.metrics.rle_texts import bounds_of_texts
from vosbench.rle import area, bounds_of_lengths, bounds_of_polygons

Table = NDArray[np.int64]

_MOST_SIDE = 1 << 20

_UNLIKE = (KeyError, TypeError, ValueError, OverflowError, AttributeError, IndexError)
"""What reading fails with where a file has another form than it should."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class VisTrack:
    """One object over the frames of one video, true or found.

    Attributes:
        id: The annotation's id; results count from 1 in the order of their file.
        video: The video's id.
        category: The category's id.
        score: How sure a method is of it; 1 in the truth.
        crowd: True for a crowd in the truth.
        average_area: Mean area in pixels over the frames where it is not 0, by the file's own list in the truth.
        bounds: All frames' mask bounds in a row (see `vosbench.rle`).
        starts: (frames + 1,), int64: where each frame's bounds begin.
        sizes: (frames,), int64: the frame's height and width in one number, 0 where there is no mask.
        areas: (frames,), int64: pixels.
    """

    id: int
    video: int
    category: int
    score: float = 1.0
    crowd: bool = False
    average_area: float
    bounds: Table
    starts: Table
    sizes: Table
    areas: Table


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class VisTruth:
    """The videos (ids, ascending), the categories (id and name, ascending) and the true tracks of a data set.

    ``heights`` and ``widths`` are those of the videos, in pixels.
    """

    videos: tuple[int, ...]
    heights: tuple[int, ...]
    widths: tuple[int, ...]
    categories: tuple[tuple[int, str], ...]
    tracks: tuple[VisTrack, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Keys:
    """What an entry of a results file is called by: the data set, the id of its video or image, and its masks."""

    title: str
    place: str
    masks: str


_VIDEOS = _Keys(title="YouTube-VIS", place="video_id", masks="segmentations")
_IMAGES = _Keys(title="COCO", place="image_id", masks="segmentation")


def read_truth(data: Mapping[str, Any], *, where: str = "") -> VisTruth:
    """Gives back the truth of a file in the format of YouTube-VIS (``videos``, ``categories``, ``annotations``).

    Masks may be run-length codes, as text or numbers, or polygons; annotations need ``areas`` and ``iscrowd``. Those of
    videos that the file does not list are left out, as the official tool does.
    """
    try:
        videos = {int(video["id"]): (int(video["height"]), int(video["width"])) for video in data["videos"]}
        if not videos:
            raise ValueError("it lists no video")
        categories = {int(entry["id"]): str(entry.get("name", entry["id"])) for entry in data["categories"]}
        entries = enumerate(data["annotations"], start=1)
        tracks = tuple(track for place, entry in entries if (track := _track_of(entry, place, videos, where)))
    except _UNLIKE as error:
        raise ScoreError(
            f"the truth is not in the format of YouTube-VIS: {type(error).__name__} {error}",
            where=where,
            fix="give an annotation file with videos, categories and annotations",
        ) from error
    if len({track.id for track in tracks}) < len(tracks):
        raise ScoreError("two annotations of the truth have one id", where=where)
    ordered = tuple(sorted(videos))
    return VisTruth(
        videos=ordered,
        heights=tuple(videos[video][0] for video in ordered),
        widths=tuple(videos[video][1] for video in ordered),
        categories=tuple(sorted(categories.items())),
        tracks=tracks,
    )


def read_results(data: object, truth: VisTruth, *, where: str = "", images: bool = False) -> tuple[VisTrack, ...]:
    """Gives back the tracks of a results file: a list of video id, category id, score and compressed run-length masks.

    Those of ``images`` have an image id and one mask, and are tracks of one frame. Categories that the truth does not
    list are left out, as the official tools do.
    """
    keys = _IMAGES if images else _VIDEOS
    if not isinstance(data, list) or not data:
        raise ScoreError(
            "the results are no list of tracks" if not isinstance(data, list) else "the results hold no track",
            where=where,
            fix=f"give [{{{keys.place}, category_id, score, {keys.masks}}}, ...]; "
            "the official tool fails on an empty list",
        )
    boxed = images and isinstance(data[0], Mapping) and bool(data[0].get("bbox"))
    known = set(truth.videos)
    categories = {number for number, _ in truth.categories}
    tracks = []
    for place, entry in enumerate(data, start=1):
        try:
            track = _found_track(entry, place, keys, boxed=boxed)
        except _UNLIKE as error:
            raise ScoreError(
                f"result {place} is not in the format of {keys.title}: {type(error).__name__} {error}", where=where
            ) from error
        except ScoreError as error:
            raise ScoreError(error.what, where=f"{where} result {place}".strip(), fix=error.fix) from error
        if track.video not in known:
            raise ScoreError(
                f"result {place} is of {keys.place.removesuffix('_id')} {track.video}, which the truth does not have",
                where=where,
                fix="score results against the split that they were made on",
            )
        if track.category in categories:
            tracks.append(track)
    return tuple(tracks)


def part_of(truth: VisTruth, videos: Collection[int], frames: int | None = None) -> VisTruth:
    """Gives back the truth of some videos alone, of their first ``frames`` where they were cut.

    A track that shows no pixel on these frames is none: nobody could find it.
    """
    places = [place for place, video in enumerate(truth.videos) if video in videos]
    tracks = [track for track in truth.tracks if track.video in videos]
    if frames is not None:
        tracks = [cut for track in tracks if (cut := _cut(track, frames)).areas.any()]
    return VisTruth(
        videos=tuple(truth.videos[place] for place in places),
        heights=tuple(truth.heights[place] for place in places),
        widths=tuple(truth.widths[place] for place in places),
        categories=truth.categories,
        tracks=tuple(tracks),
    )


def _cut(track: VisTrack, frames: int) -> VisTrack:
    areas = track.areas[:frames]
    return replace(
        track,
        bounds=track.bounds[: track.starts[len(areas)]],
        starts=track.starts[: len(areas) + 1],
        sizes=track.sizes[:frames],
        areas=areas,
        average_area=_mean_of_nonzero(areas.tolist()),
    )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Masks:
    """The masks of one track, as `VisTrack` holds them."""

    bounds: Table
    starts: Table
    sizes: Table
    areas: Table


def _track_of(
    entry: Mapping[str, Any], place: int, videos: Mapping[int, tuple[int, int]], where: str
) -> VisTrack | None:
    """Gives back the track of the annotation at a ``place`` of the file, None where its video is not listed."""
    try:
        return _true_track(entry, videos, where) if int(entry["video_id"]) in videos else None
    except _UNLIKE as error:
        number = f" (id {entry['id']})" if isinstance(entry, Mapping) and "id" in entry else ""
        raise ScoreError(
            f"annotation {place}{number} is not in the format of YouTube-VIS: {type(error).__name__} {error}",
            where=where,
            fix="give every annotation an id, a video_id, a category_id, iscrowd, segmentations and areas",
        ) from error


def _true_track(entry: Mapping[str, Any], videos: Mapping[int, tuple[int, int]], where: str) -> VisTrack:
    height, width = videos[int(entry["video_id"])]
    masks = entry["segmentations"]
    try:
        packed = _text_masks(masks) if _all_text(masks) else _mixed_masks(masks, height, width)
    except ScoreError as error:
        raise ScoreError(error.what, where=f"{where} annotation {entry['id']}".strip(), fix=error.fix) from error
    return _track(
        packed,
        id=int(entry["id"]),
        video=int(entry["video_id"]),
        category=int(entry["category_id"]),
        crowd=bool(entry["iscrowd"]),
        average_area=_mean_of_nonzero(entry["areas"]),
    )


def _found_track(entry: Mapping[str, Any], place: int, keys: _Keys, *, boxed: bool) -> VisTrack:
    """Gives back the track of one entry. With ``boxed`` its area is that of its box: so pycocotools takes it where the
    first entry of a file has one, and sorts instances by size otherwise than by their masks.
    """
    score = float(entry["score"])
    if not math.isfinite(score):
        raise ScoreError(f"its score is {score}", fix="scores must be finite numbers")
    masks = [entry[keys.masks]] if keys is _IMAGES else entry[keys.masks]
    if not _all_text(masks) or (keys is _IMAGES and not masks[0]):
        raise ScoreError(
            "a mask is not compressed" if keys is _VIDEOS or masks[0] else "there is no mask",
            fix="write counts as text, with pycocotools.mask.encode: the official tool takes nothing else in results",
        )
    packed = _text_masks(masks)
    return _track(
        packed,
        id=place,
        video=int(entry[keys.place]),
        category=int(entry["category_id"]),
        score=score,
        average_area=_box_area(entry["bbox"]) if boxed else _mean_of_nonzero(packed.areas.tolist()),
    )


def _box_area(box: Sequence[float]) -> float:
    _, _, width, height = box
    area_of_box = float(width) * float(height)
    if not math.isfinite(area_of_box):
        raise ScoreError(f"its box is {width} x {height}", fix="boxes must be finite numbers")
    return area_of_box


def _track(masks: _Masks, **fields: Any) -> VisTrack:
    return VisTrack(bounds=masks.bounds, starts=masks.starts, sizes=masks.sizes, areas=masks.areas, **fields)


def _all_text(masks: Sequence[Any]) -> bool:
    """Tells whether every mask is absent or ``{"size": [height, width], "counts": text}``."""
    return all(not mask or (isinstance(mask, dict) and isinstance(mask["counts"], str | bytes)) for mask in masks)


def _text_masks(masks: Sequence[Mapping[str, Any] | None]) -> _Masks:
    texts: list[str] = []
    sizes: list[int] = []
    pixels: list[int] = []
    sides, size, number = None, 0, 0
    for mask in masks:
        if mask:
            if mask["size"] != sides:  # nearly all masks of a track have one size
                sides = mask["size"]
                size = _size(*sides)
                number = size // _MOST_SIDE * (size % _MOST_SIDE)
            texts.append(_text(mask["counts"]))
        else:
            texts.append("")
        sizes.append(size if mask else 0)
        pixels.append(number if mask else 0)
    bounds, starts, areas = bounds_of_texts(texts, pixels)
    return _Masks(bounds=bounds, starts=starts, sizes=np.array(sizes, np.int64), areas=areas)


def _text(counts: str | bytes) -> str:
    return counts if isinstance(counts, str) else counts.decode("latin-1")


def _mixed_masks(masks: Sequence[Any], height: int, width: int) -> _Masks:
    """Gives back masks in any notation; polygons have the video's ``height`` and ``width``."""
    pieces = [np.empty(0, np.int64)]
    sizes = []
    for mask in masks:
        bounds, size = pieces[0], 0
        if isinstance(mask, dict) and mask:
            size = _size(*mask["size"])
            bounds = _coded_bounds(mask["counts"], int(mask["size"][0]) * int(mask["size"][1]))
        elif mask:
            size = _size(height, width)
            bounds = bounds_of_polygons(mask, height, width)
        pieces.append(bounds)
        sizes.append(size)
    return _Masks(
        bounds=np.concatenate(pieces),
        starts=np.cumsum([len(piece) for piece in pieces], dtype=np.int64),
        sizes=np.array(sizes, np.int64),
        areas=np.array([area(piece) for piece in pieces[1:]], np.int64),
    )


def _coded_bounds(counts: Any, pixels: int) -> Table:
    if isinstance(counts, str | bytes):
        return bounds_of_texts([_text(counts)], [pixels])[0]
    return bounds_of_lengths(counts, pixels)


def _size(height: Any, width: Any) -> int:
    """Gives back both sides in one number."""
    rows, columns = int(height), int(width)
    if not (0 < rows < _MOST_SIDE and 0 < columns < _MOST_SIDE):
        raise ScoreError(f"a mask has size {height} x {width}")
    return rows * _MOST_SIDE + columns


def _mean_of_nonzero(areas: Sequence[float | None]) -> float:
    present = [value for value in areas if value]
    return float(np.mean(present)) if present else 0.0
