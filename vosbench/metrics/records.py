"""The scores of one video as a record that lies beside a run's masks."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vosbench.errors import ScoreError
from vosbench.metrics.series import Statistics

SCHEMA = 1
"""The version of `VideoScore.to_json`."""

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ObjectScore:
    """The scores of one true object.

    Attributes:
        id: The object's id in the truth.
        group: "seen" or "unseen" where the protocol averages them apart.
        begin: Which of the video's scored frames is the first of this object.
        j: (frames,), float64 in [0, 1]: J from that frame on, without a gap.
        f: (frames,), float64 in [0, 1]: likewise F.
        j_statistics: Mean, recall and decay of ``j``.
        f_statistics: Mean, recall and decay of ``f``.
        matched: The predicted object that was assigned, where objects are matched by the best assignment.
    """

    id: int
    j: Floats
    f: Floats
    j_statistics: Statistics
    f_statistics: Statistics
    begin: int = 0
    group: str = ""
    matched: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class VideoScore:
    """The scores of one video under one protocol; ``objects`` stand in the order of the official tool's rows."""

    protocol: str
    video: str
    frames: tuple[str, ...]
    objects: tuple[ObjectScore, ...]
    official_decay: bool = False

    def frames_of(self, scored: ObjectScore) -> tuple[str, ...]:
        """Gives back the names of the frames that ``scored.j`` and ``scored.f`` belong to."""
        return self.frames[scored.begin : scored.begin + len(scored.j)]

    def to_json(self) -> dict[str, Any]:
        """Gives back the record as plain data; floats keep all their digits."""
        return {
            "schema": SCHEMA,
            "protocol": self.protocol,
            "video": self.video,
            "frames": list(self.frames),
            "official_decay": self.official_decay,
            "objects": [_object_to_json(scored) for scored in self.objects],
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> VideoScore:
        """Gives back the record that `to_json` wrote."""
        if data.get("schema") != SCHEMA:
            raise ScoreError(
                f"scores of schema {data.get('schema')!r} cannot be read, this version knows {SCHEMA}",
                where=f"video {data.get('video', '?')}",
                fix="compute the scores again",
            )
        return cls(
            protocol=data["protocol"],
            video=data["video"],
            frames=tuple(data["frames"]),
            official_decay=data["official_decay"],
            objects=tuple(_object_from_json(scored) for scored in data["objects"]),
        )


def _object_to_json(scored: ObjectScore) -> dict[str, Any]:
    return {
        "id": scored.id,
        "group": scored.group,
        "begin": scored.begin,
        "matched": scored.matched,
        "j": scored.j.tolist(),
        "f": scored.f.tolist(),
        "j_statistics": dataclasses.asdict(scored.j_statistics),
        "f_statistics": dataclasses.asdict(scored.f_statistics),
    }


def _object_from_json(data: Mapping[str, Any]) -> ObjectScore:
    return ObjectScore(
        id=data["id"],
        group=data["group"],
        begin=data["begin"],
        matched=data["matched"],
        j=np.array(data["j"], np.float64),
        f=np.array(data["f"], np.float64),
        j_statistics=Statistics(**data["j_statistics"]),
        f_statistics=Statistics(**data["f_statistics"]),
    )
