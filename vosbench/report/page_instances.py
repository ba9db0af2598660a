"""Instances laid over frames at chosen times: the true ones and those of each method, a colour for each track."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vosbench.data.masks import voc_palette
from vosbench.data.suite import Suite, suite_of
from vosbench.data.video import Video, open_video, read_frame
from vosbench.data.vis import read_annotations
from vosbench.errors import DataError
from vosbench.metrics.ap_rules import find_rules
from vosbench.metrics.vis_ap import overlaps
from vosbench.metrics.vis_tracks import VisTrack, VisTruth, part_of, read_results, read_truth
from vosbench.records import CellSpec
from vosbench.report.cells import Cell
from vosbench.report.page_pictures import (
    Budget,
    Choice,
    Picture,
    Row,
    Sheet,
    nearest_place,
    picture,
    small_image,
    small_labels,
)
from vosbench.rle import mask_of_bounds
from vosbench.store.tracks import official_results, read_tracks
from vosbench.types import Image

MOST_TRACKS = 10
"""So many tracks of a method are drawn, the surest."""

SAME = 0.5
"""From this overlap in space and time on a track is drawn in the colour of the true one."""

INSTANCES = (
    f"of each method the {MOST_TRACKS} surest instances are drawn, the surest in front; one has the colour of the true "
    "instance that it overlaps by a half or more, and otherwise a colour of its own."
)


def instance_sheet(title: str, name: str, why: str, cells: Sequence[Cell], choice: Choice, budget: Budget) -> Sheet:
    """Gives back the pictures of one video: a row for the truth, where there is one, and one for each method."""
    spec = cells[0].record.spec
    suite = suite_of(spec.suite)
    video = open_video(suite, spec.suite.root, name, max_frames=spec.max_frames)
    truth = _truth_of(suite, spec, video)
    last = len(video.names) - 1
    places = sorted({nearest_place(range(last + 1), time * last) for time in choice.times})
    images = {place: small_image(read_frame(video, place).image) for place in places}
    drawing = _Drawing(video, truth, images, budget)
    rows: list[Row] = []
    if spec.suite.has_truth:
        rows.append(drawing.row("truth", truth.tracks, range(1, len(truth.tracks) + 1)))
    for cell in sorted(cells, key=lambda cell: not cell.record.spec.method.ranked)[: choice.most_methods]:
        found = _found_in(cell, truth)
        label = cell.record.spec.method.title + " (prompted)" * cell.record.spec.prompted
        rows.append(drawing.row(label, found, colours_of(found, truth.tracks)))
    frames = tuple(f"frame {place} ({video.names[place]})" for place in places)
    return Sheet(suite=title, video=name, why=why, frames=frames, rows=tuple(rows))


def colours_of(found: Sequence[VisTrack], true: Sequence[VisTrack]) -> list[int]:
    """Gives back the number of each found track's colour: those of the true ones count from 1, further ones go on."""
    shared = overlaps(found, true)
    numbers: list[int] = []
    fresh = len(true)
    for row in shared:
        best = int(row.argmax()) if row.size else -1
        if best >= 0 and row[best] >= SAME:
            numbers.append(best + 1)
        else:
            fresh += 1
            numbers.append(fresh)
    return numbers


def paint(image: Image, masks: Sequence[tuple[int, NDArray[np.bool_]]]) -> Image:
    """Gives back an image (height, width, 3) with masks (height, width) over it, the first in front.

    Each comes with the number of its colour and has a white line around it.
    """
    mixed = image.copy()
    palette = voc_palette()
    for number, mask in reversed(masks):
        colour = palette[1 + (number - 1) % 255].astype(np.uint16)
        mixed[mask] = ((2 * mixed[mask].astype(np.uint16) + 3 * colour) // 5).astype(np.uint8)
        edge = np.zeros(mask.shape, np.bool_)
        edge[:, 1:] |= mask[:, 1:] != mask[:, :-1]
        edge[1:] |= mask[1:] != mask[:-1]
        mixed[edge] = 255
    return mixed


class _Drawing:
    """Draws rows of one video."""

    def __init__(self, video: Video, truth: VisTruth, images: dict[int, Image], budget: Budget) -> None:
        self._video = video
        self._names = dict(truth.categories)
        self._images = images
        self._budget = budget

    def row(self, label: str, tracks: Sequence[VisTrack], colours: Sequence[int]) -> Row:
        """Gives back the pictures of tracks, the surest first, in colours by their numbers."""
        return Row(label=label, pictures=tuple(self._picture(label, tracks, colours, place) for place in self._images))

    def _picture(self, label: str, tracks: Sequence[VisTrack], colours: Sequence[int], place: int) -> Picture | None:
        masks: list[tuple[int, NDArray[np.bool_]]] = []
        words: list[str] = []
        for track, colour in zip(tracks, colours, strict=True):
            mask = self._mask(track, place)
            if mask is not None:
                masks.append((colour, mask))
                sure = "" if label == "truth" else f" {track.score:.2f}"
                words.append(self._names.get(track.category, str(track.category)) + sure)
        text = f"{label}, frame {place}: {', '.join(words) or 'nothing'}"
        return picture(paint(self._images[place], masks), text, self._budget)

    def _mask(self, track: VisTrack, place: int) -> NDArray[np.bool_] | None:
        """The track's mask on a frame, as large as the pictures are; None where it shows no pixel."""
        if place >= len(track.areas) or not track.areas[place]:
            return None
        bounds = track.bounds[track.starts[place] : track.starts[place + 1]]
        mask = mask_of_bounds(bounds, self._video.height, self._video.width)
        return small_labels(mask.astype(np.uint8)) > 0


def _truth_of(suite: Suite, spec: CellSpec, video: Video) -> VisTruth:
    """The true tracks of one video; without any where the truth is on a server."""
    if video.instances is None:
        raise DataError("the video has no instances", where=f"suite {suite.name}, video {video.id}", fix="run it again")
    number = video.instances.video
    listed = {"id": number, "height": video.height, "width": video.width}
    categories = [{"id": key, "name": name} for key, name in video.instances.categories.items()]
    entries: list[Any] = []
    where = ""
    if spec.suite.has_truth:
        data, path = read_annotations(suite, spec.suite.root)
        entries, where = [entry for entry in data["annotations"] if entry["video_id"] == number], str(path)
    truth = read_truth({"videos": [listed], "categories": categories, "annotations": entries}, where=where)
    return part_of(truth, {number}, spec.max_frames)


def _found_in(cell: Cell, truth: VisTruth) -> list[VisTrack]:
    """A cell's surest tracks, the surest first; none of a cell that did not go through."""
    if cell.record.outcome.status != "ok":
        return []
    images = find_rules(cell.record.spec.suite.protocol).images
    results = official_results([read_tracks(cell.folder)], images=images)
    found = read_results(results, truth, where=str(cell.folder), images=images) if results else ()
    return sorted(found, key=lambda track: -track.score)[:MOST_TRACKS]
