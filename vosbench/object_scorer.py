"""Scores label maps against masks that lie in a folder per object, as those of SA-V do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from vosbench.data.masks import read_mask
from vosbench.data.video import Video
from vosbench.errors import ScoreError
from vosbench.metrics.protocol import Protocol
from vosbench.metrics.records import ObjectScore, VideoScore
from vosbench.metrics.video import score_video
from vosbench.types import LabelMap


def score_label_maps(protocol: Protocol, video: Video, masks: Path) -> VideoScore:
    """Gives back the score of label maps, ``masks/FRAME.png``: each object of ``video.folders`` for itself.

    Raises `ScoreError` for a protocol that does not score objects apart, and for whatever it refuses.
    """
    if not protocol.one_object:
        raise ScoreError(
            f"masks in a folder per object are not scored by '{protocol.name}'",
            where=f"suite {video.suite}",
            fix="write 'protocol: sav' in the suite",
        )
    order = {name: index for index, name in enumerate(video.names)}
    scores = [_score_object(protocol, video, masks, number, order) for number in video.folders]
    frames = tuple(sorted({name for score in scores for name in score.frames}, key=order.__getitem__))
    objects = tuple(entry for score in scores for entry in _placed(score, frames, video))
    return VideoScore(protocol=protocol.name, video=video.id, frames=frames, objects=objects)


def _score_object(protocol: Protocol, video: Video, masks: Path, number: int, order: dict[str, int]) -> VideoScore:
    truth = video.folders[number]

    def predicted(name: str) -> LabelMap:
        shown: LabelMap = (read_mask(masks / f"{name}.png") == number).astype(np.uint8)
        return shown

    return score_video(
        protocol,
        video=video.id,
        frames=tuple(sorted(truth, key=order.__getitem__)),
        read_prediction=predicted,
        read_truth=lambda name: read_mask(truth[name]),
        object_id=number,
    )


def _placed(score: VideoScore, frames: Sequence[str], video: Video) -> list[ObjectScore]:
    """Gives back a score's objects with their places among all scored frames of the video."""
    placed: list[ObjectScore] = []
    for entry in score.objects:
        own = score.frames_of(entry)
        begin = frames.index(own[0]) if own else 0
        if tuple(frames[begin : begin + len(own)]) != tuple(own):
            raise ScoreError(
                f"object {entry.id} is not annotated on all frames from its first to its last",
                where=f"suite {video.suite}, video {video.id}",
                fix="score masks in a folder per object: vosbench score FOLDER --suite NAME",
            )
        placed.append(replace(entry, begin=begin))
    return placed
