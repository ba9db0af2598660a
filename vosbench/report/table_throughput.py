"""The tables of random frames: a line per method, a column per number of frames and objects (MobileVOS, table 4)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from vosbench.report.rows import MethodRow
from vosbench.report.table import Column, Subject


def by_video(rows: Sequence[MethodRow]) -> list[Subject]:
    """Gives back the rows of each method, by video."""
    subjects: dict[tuple[str, str], dict[str, MethodRow]] = {}
    for row in rows:
        subjects.setdefault((row.key, row.label), {})[row.video] = row
    return list(subjects.values())


def on_videos(column: Column, rows: Sequence[MethodRow]) -> list[Column]:
    """Gives back the column once for each video, ordered by the videos' frames and objects."""
    videos = sorted({row.video for row in rows}, key=_counts)
    return [_on_video(column, video) for video in videos]


def of_method(column: Column, rows: Sequence[MethodRow]) -> Column:
    """Gives back the column of what is the same on every video."""
    return replace(column, suite=rows[0].video)


def at_most(column: Column, rows: Sequence[MethodRow]) -> Column:
    """Gives back the column for the longest video of the most objects, where a number of it says most."""
    video = max((row.video for row in rows), key=_counts)
    frames, objects = _counts(video)
    title = f"{column.title}, {frames} frames, {_objects(objects)}"
    return replace(_on_video(column, video), title=title, group="")


def _on_video(column: Column, video: str) -> Column:
    frames, objects = _counts(video)
    group = f"{column.title}, {frames} frames"
    return replace(column, key=f"{video} {column.key}", suite=video, group=group, title=_objects(objects))


def _objects(count: int) -> str:
    return f"{count} object{'s' * (count > 1)}"


def _counts(video: str) -> tuple[int, int]:
    """Videos of random frames are named ``frames-COUNT-objects-COUNT``."""
    _, frames, _, objects = video.split("-")
    return int(frames), int(objects)
