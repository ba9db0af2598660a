"""The videos of an annotation file of video instance segmentation, with the first mask of each instance."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vosbench.data.images import read_image
from vosbench.data.names import is_plain_name
from vosbench.data.suite import Layout, Suite
from vosbench.data.video import Entrance, Instances, Video, cut
from vosbench.data.vis import annotation_file, check_categories, read_listing
from vosbench.errors import DataError, ScoreError, nearest
from vosbench.heap import no_collection
from vosbench.rle import Bounds, area, bounds_of_lengths, bounds_of_polygons, bounds_of_text

_UNLIKE = (KeyError, TypeError, ValueError, OverflowError, AttributeError, IndexError)
"""What reading fails with where a file has another form than it should."""

_TITLES = {"youtube-vis": "YouTube-VIS", "coco": "COCO"}

_Files = tuple[str, tuple[str, ...]]
"""A video's name and its frames' files."""

LARGE_FILE = 1 << 24
"""Bytes from which on an annotation file is read in a process of its own where memory is measured."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Listed:
    """A video as the file lists it; ``files`` are its frames below the folder of frames."""

    id: int
    height: int
    width: int
    files: tuple[str, ...]
    entrances: tuple[Entrance, ...]


class AnnotatedVideos:
    """The videos that a suite's annotation file lists (see `at_split`).

    The file is read once and only the instances' first masks are kept: that of YouTube-VIS 2019's training split has
    some hundred megabytes, and takes ten times as much memory while it is read. With ``apart`` a process of its own
    reads a large one, so that this is never in the memory of one that is measured.
    """

    def __init__(self, suite: Suite, root: Path, *, apart: bool = False) -> None:
        self._suite = suite
        self._root = root
        self._file = annotation_file(suite, root)
        if apart and self._file.stat().st_size > LARGE_FILE:
            with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
                self.categories, self._videos = pool.submit(_read_listing, self._file, suite.layout).result()
        else:
            self.categories, self._videos = _read_listing(self._file, suite.layout)
        check_categories(self.categories.values(), suite, self._file)

    @property
    def names(self) -> tuple[str, ...]:
        """The videos' names, which are their folders' or those of images, in the order of the file."""
        return tuple(self._videos)

    @property
    def annotated(self) -> bool:
        """True where the file holds instances: that of a split whose truth is on a server holds none."""
        return any(video.entrances for video in self._videos.values())

    def open(self, name: str, *, max_frames: int | None = None) -> Video:
        """Gives back one video, cut to ``max_frames``.

        Raises `DataError` for one that is not listed, and for frames that are missing or of another size than listed.
        """
        where = f"suite {self._suite.name}, video {name}"
        if name not in self._videos:
            raise DataError("the annotation file does not list this video", where=f"{where}, {self._file}",
                            fix=nearest(name, self._videos))  # fmt: skip
        listed = self._videos[name]
        images = tuple(self._root / self._suite.layout.frames / file for file in listed.files)
        missing = [path for path in images if not path.is_file()]
        if missing:
            raise DataError(
                f"{len(missing)} of {len(images)} frames are missing, the first is {missing[0].name}",
                where=f"{where}, expected {missing[0]}",
                fix="unpack the data set's frames there",
            )
        height, width = read_image(images[0]).shape[:2]
        if (height, width) != (listed.height, listed.width):
            raise DataError(
                f"the frames are {width} x {height}, the annotations say {listed.width} x {listed.height}",
                where=f"{where}, file {images[0]}",
                fix="take frames and annotations of one release",
            )
        video = Video(
            suite=self._suite.name,
            id=name,
            names=tuple(path.stem for path in images),
            images=images,
            masks={},
            layout=self._suite.layout,
            height=height,
            width=width,
            instances=Instances(video=listed.id, categories=self.categories, entrances=listed.entrances),
            task="vis",
        )
        return cut(video, max_frames)


def _read_listing(file: Path, layout: Layout) -> tuple[dict[int, str], dict[str, _Listed]]:
    """Gives back the categories' names by their ids, and the videos by name."""
    with no_collection():
        data = read_listing(file, layout)
        name_files = _files_of_image if layout.annotation_kind == "coco" else _files
        try:
            return {int(entry["id"]): str(entry["name"]) for entry in data["categories"]}, _listed(data, name_files)
        except ScoreError as error:
            raise DataError(error.what, where=str(file), fix=error.fix) from error
        except _UNLIKE as error:
            raise DataError(
                f"the annotation file is not in the format of {_TITLES[layout.annotation_kind]}: "
                f"{type(error).__name__} {error}",
                where=str(file),
                fix="unpack the data set's annotations again",
            ) from error


def _listed(data: Mapping[str, Any], name_files: Callable[[Sequence[str]], _Files]) -> dict[str, _Listed]:
    tracks: dict[int, list[Mapping[str, Any]]] = {}
    for entry in data.get("annotations") or ():
        tracks.setdefault(int(entry["video_id"]), []).append(entry)
    videos: dict[str, _Listed] = {}
    for video in data["videos"]:
        number, height, width = int(video["id"]), int(video["height"]), int(video["width"])
        name, files = name_files(video["file_names"])
        if name in videos:
            raise ValueError(f"two videos are called {name}")
        entrances = _entrances(tracks.get(number, ()), len(files), height, width)
        videos[name] = _Listed(id=number, height=height, width=width, files=files, entrances=entrances)
    if not videos or len({video.id for video in videos.values()}) < len(videos):
        raise ValueError("it lists no video" if not videos else "two videos have one id")
    return videos


def _files_of_image(paths: Sequence[str]) -> _Files:
    """Gives back an image's name, the file's without its ending, and the file, ``000000000139.jpg``."""
    (file,) = paths
    if not is_plain_name(file) or not file.rpartition(".")[0]:
        raise ValueError(f"{str(file)[:80]} is no name of an image, NAME.jpg")
    return file.rpartition(".")[0], (file,)


def _files(paths: Sequence[str]) -> _Files:
    """Gives back a video's name and its frames, ``NAME/FRAME.jpg``; nothing may lead out of the folder of frames."""
    parts = [path.split("/") for path in paths]
    names = {path[0] for path in parts}
    if len(names) != 1 or any(len(path) != 2 or not all(map(is_plain_name, path)) for path in parts):
        raise ValueError(f"{str(paths)[:80]} are no names of one video's frames, VIDEO/FRAME.jpg")
    if len({path[1].rpartition(".")[0] for path in parts}) < len(parts):
        raise ValueError(f"two frames of {parts[0][0]} have one name")
    return names.pop(), tuple("/".join(path) for path in parts)


def _entrances(tracks: Sequence[Mapping[str, Any]], frames: int, height: int, width: int) -> tuple[Entrance, ...]:
    """The first mask with a pixel of each instance, numbered from 1 in the order of the file.

    Crowds are no instances, and an instance that no frame shows never enters.
    """
    found: list[Entrance] = []
    for entry in tracks:
        if entry.get("iscrowd"):
            continue
        for frame, mask in enumerate(entry["segmentations"][:frames]):
            bounds = _bounds(mask, height, width) if mask else None
            if bounds is not None and area(bounds):
                place = {"id": len(found) + 1, "annotation": int(entry["id"]), "category": int(entry["category_id"])}
                found.append(Entrance(frame=frame, bounds=bounds, **place))
                break
    return tuple(found)


def _bounds(mask: Any, height: int, width: int) -> Bounds:
    """Gives back a mask's bounds: run lengths as text or numbers, or polygons."""
    if not isinstance(mask, Mapping):
        return bounds_of_polygons(mask, height, width)
    if [int(side) for side in mask["size"]] != [height, width]:
        raise ValueError(f"a mask has size {mask['size']} in a video of {height} x {width}")
    counts = mask["counts"]
    return (
        bounds_of_text(counts, height * width) if isinstance(counts, str) else bounds_of_lengths(counts, height * width)
    )
