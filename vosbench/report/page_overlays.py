"""Masks laid over frames at chosen times: ours, the truth, and where they differ, as small pictures in the page."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from vosbench.data.masks import read_mask, voc_palette
from vosbench.data.suite import suite_of
from vosbench.data.video import Video, open_video, read_frame, read_truth
from vosbench.errors import VosbenchError
from vosbench.report.cells import Cell
from vosbench.report.page_instances import INSTANCES, instance_sheet
from vosbench.report.page_pictures import (
    MOST_BYTES,
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
from vosbench.store.run import MASKS_FOLDER
from vosbench.types import Image, LabelMap
from vosbench.vis_runs import read_measures

MISSED, EXTRA, CONFUSED = (230, 159, 0), (0, 114, 178), (204, 121, 167)
"""RGB of Okabe and Ito (2008): truth that has no answer, answer that has no truth, one object for another."""


def overlay_sheets(cells: Sequence[Cell], choice: Choice) -> tuple[list[Sheet], list[str]]:
    """Gives back a sheet per chosen video, and why others have none."""
    sheets: list[Sheet] = []
    notes: list[str] = []
    budget = Budget()
    suites = dict.fromkeys(cell.record.spec.suite.title for cell in cells)
    for title in suites:
        spec = next(cell.record.spec.suite for cell in cells if cell.record.spec.suite.title == title)
        if spec.noise:
            notes.append(f"{title}: random frames show nothing")
            continue
        of_instances = spec.task == "vis"
        draw = instance_sheet if of_instances else _sheet
        notes += [f"{title}: {INSTANCES}"] * of_instances
        answered = [c for c in cells if c.record.spec.suite.title == title and c.record.frames and _is_first(c)]
        for video, why in _videos(answered, choice):
            members = [cell for cell in answered if cell.record.spec.video == video]
            try:
                sheets.append(draw(title, video, why, members, choice, budget))
            except VosbenchError as error:
                notes.append(f"{title}, {video}: {error.what}")
    if budget.refused:
        notes.append(f"{budget.refused} pictures are left out: all together may take {MOST_BYTES >> 20} MiB.")
    return sheets, notes


def blend(image: Image, labels: LabelMap) -> Image:
    """Gives back an image (height, width, 3) with every object's colour over it and a white line around it."""
    mixed = image.copy()
    inside = labels > 0
    colours = voc_palette()[labels[inside].astype(np.intp) % 256]
    mixed[inside] = (2 * image[inside].astype(np.uint16) + 3 * colours.astype(np.uint16)) // 5
    edge = np.zeros(labels.shape, np.bool_)
    edge[:, 1:] |= labels[:, 1:] != labels[:, :-1]
    edge[1:] |= labels[1:] != labels[:-1]
    mixed[edge] = 255
    return mixed


def difference(image: Image, answer: LabelMap, truth: LabelMap, void: int | None) -> Image:
    """Gives back a pale grey image (height, width, 3) with what is missed, extra and confused in colours.

    Where the truth is ``void`` nothing is compared.
    """
    grey = image.mean(axis=2)
    shown = np.repeat((128 + grey / 2).astype(np.uint8)[..., None], 3, axis=2)
    compared = truth != void if void is not None else np.ones(truth.shape, np.bool_)
    shown[compared & (truth > 0) & (answer == 0)] = MISSED
    shown[compared & (truth == 0) & (answer > 0)] = EXTRA
    shown[compared & (truth > 0) & (answer > 0) & (truth != answer)] = CONFUSED
    return shown


def _is_first(cell: Cell) -> bool:
    return cell.record.spec.repeat == 0 and cell.record.spec.offset == 0


def _videos(cells: Sequence[Cell], choice: Choice) -> Iterator[tuple[str, str]]:
    """The videos to show: those that were asked for, else the one with the worst score and the one that methods
    differ on most, then the others.
    """
    there = list(dict.fromkeys(cell.record.spec.video for cell in cells))
    if choice.videos:
        yield from ((video, "asked for") for video in choice.videos if video in there)
        return
    scores: dict[str, list[float]] = {}
    for cell in cells:
        if (score := _score(cell)) is not None and cell.record.spec.method.ranked:
            scores.setdefault(cell.record.spec.video, []).append(score)
    chosen: dict[str, str] = {}
    if scores:
        chosen[min(scores, key=lambda video: float(np.mean(scores[video])))] = "the lowest mean score"
        spread = {video: max(found) - min(found) for video, found in scores.items() if video not in chosen}
        if spread:
            chosen[max(spread, key=lambda video: spread[video])] = "the largest difference between methods"
    for video in there:
        chosen.setdefault(video, "the first of the others" if chosen else "the first")
    yield from list(chosen.items())[: choice.most_videos]


def _score(cell: Cell) -> float | None:
    if cell.record.spec.suite.task == "vis":
        return read_measures([(cell.folder, cell.record)]).get("AP")
    objects = cell.score.objects if cell.score is not None else ()
    means = [(one.j_statistics.mean or 0.0) + (one.f_statistics.mean or 0.0) for one in objects]
    return float(np.mean(means)) / 2 if means else None


def _sheet(title: str, name: str, why: str, cells: Sequence[Cell], choice: Choice, budget: Budget) -> Sheet:
    spec = cells[0].record.spec
    suite = suite_of(spec.suite)
    video = open_video(suite, spec.suite.root, name, max_frames=spec.max_frames)
    places = _places(video, choice.times)
    images = {place: small_image(read_frame(video, place).image) for place in places}
    truths = {
        place: small_labels(read_truth(video, video.names[place]))
        for place in places
        if video.names[place] in video.masks
    }
    void = video.layout.void
    rows = [Row(label="truth", pictures=tuple(_truth(images[p], truths.get(p), void, p, budget) for p in places))]
    for cell in sorted(cells, key=lambda cell: not cell.record.spec.method.ranked)[: choice.most_methods]:
        rows += _method_rows(cell, video, images, truths, budget)
    frames = tuple(f"frame {place} ({video.names[place]})" for place in places)
    return Sheet(suite=title, video=name, why=why, frames=frames, rows=tuple(rows))


def _method_rows(
    cell: Cell, video: Video, images: Mapping[int, Image], truths: Mapping[int, LabelMap], budget: Budget
) -> list[Row]:
    label = cell.record.spec.method.title
    answers: dict[int, LabelMap] = {}
    for place in images:
        path = cell.folder / MASKS_FOLDER / f"{video.names[place]}.png"
        if path.is_file():
            answers[place] = small_labels(read_mask(path))
    ours = tuple(
        picture(blend(images[p], answers[p]), f"{label}, frame {p}", budget) if p in answers else None for p in images
    )
    differences = tuple(
        picture(
            difference(images[p], answers[p], truths[p], video.layout.void), f"{label} against truth, frame {p}", budget
        )
        if p in answers and p in truths
        else None
        for p in images
    )
    return [Row(label=label, pictures=ours), Row(label=f"{label}: difference", pictures=differences)]


def _truth(image: Image, truth: LabelMap | None, void: int | None, place: int, budget: Budget) -> Picture | None:
    if truth is None:
        return picture(image, f"frame {place}, which has no truth", budget)
    return picture(blend(image, _without(truth, void)), f"truth, frame {place}", budget)


def _without(labels: LabelMap, void: int | None) -> LabelMap:
    return np.where(labels == void, 0, labels).astype(labels.dtype) if void is not None else labels


def _places(video: Video, times: Sequence[float]) -> list[int]:
    """The frames nearest to shares of the video, of those with truth where it has some behind the first."""
    scored = [place for place, name in enumerate(video.names) if name in video.masks]
    known = scored if len(scored) > 1 else list(range(len(video.names)))
    return sorted({nearest_place(known, time * (len(video.names) - 1)) for time in times})
