"""A method under test: loads it, plays clips to it, and keeps what every check may need again."""

from __future__ import annotations

import dataclasses
import gc
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from vosbench.check.clips import NETWORK_SIZE, Clip, plain_clip
from vosbench.contract import Model, ReportsFootprint, Runtime, Session, Weights
from vosbench.digest import digest_array
from vosbench.errors import AdapterError
from vosbench.meters.device import open_device
from vosbench.registry import Method
from vosbench.session import validate_prediction
from vosbench.types import Frame, LabelMap, Track


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Played:
    """What a session answered: the objects it returned, what they held at once, and what it said beside them.

    ``footprints`` holds what ``footprint()`` gave after each frame; ``spoiled`` names the frames whose image or
    prompt was written to.
    """

    returned: tuple[Any, ...]
    answers: tuple[Any, ...]
    footprints: tuple[Any, ...]
    spoiled: tuple[int, ...]
    tracks: Any


class Trial:
    """One method through all checks. Its first clip is played once and looked at from many sides."""

    def __init__(self, method: Method, runtime: Runtime, weights: Weights) -> None:
        self.method, self.runtime, self.weights = method, runtime, weights
        self.device = open_device(runtime.device)
        self.first = plain_clip(1)
        self.second = plain_clip(7)
        self._model: Model | None = None
        self._played: dict[str, Played] = {}

    def load(self) -> Model:
        """Gives back a fresh model, with a network size that suits the small clips where it can be set."""
        settings = self.method.settings
        if any(field.name == "size" for field in dataclasses.fields(settings)):
            settings = dataclasses.replace(settings, size=NETWORK_SIZE)
        model = self.method.card.load(self.runtime, self.weights, settings)
        if "torch" in sys.modules:
            import torch

            torch.set_num_threads(self.runtime.threads)
        return model

    @property
    def model(self) -> Model:
        """The model that most checks share, as a run's process does."""
        if self._model is None:
            self._model = self.load()
        return self._model

    def base(self) -> Played:
        """Gives back the first clip's answers by the shared model's first session."""
        if "base" not in self._played:
            self._played["base"] = play(self.model, self.first)
        return self._played["base"]

    def fresh_second(self) -> Played:
        """Gives back the second clip's answers by a model that has seen nothing before."""
        if "second" not in self._played:
            self._played["second"] = play(self.load(), self.second)
        return self._played["second"]

    def live_bytes(self) -> int | None:
        """Gives back the bytes in use on the device (the host's, for a CPU), or None where nobody counts them."""
        gc.collect()
        self.device.synchronize()
        memory = self.device.read()
        return memory.host.live if memory.allocated is None else memory.allocated


def play(model: Model, clip: Clip) -> Played:
    """Gives back a session's answers to every frame of ``clip``; the session is closed even where it fails."""
    session = model.open(clip.view)
    try:
        recording = Recording(clip)
        for frame in clip.frames:
            recording.step(session, frame)
        tracks = session.finish()
    finally:
        session.close()
    return recording.played(tracks)


class Recording:
    """Writes down a session's answers frame by frame."""

    def __init__(self, clip: Clip) -> None:
        self._clip = clip
        self._returned: list[Any] = []
        self._answers: list[Any] = []
        self._footprints: list[Any] = []
        self._spoiled: list[int] = []

    def step(self, session: Session, frame: Frame) -> None:
        """Let the session answer one frame."""
        before = _digests(frame)
        returned = session.step(frame)
        if _digests(frame) != before:
            self._spoiled.append(frame.index)
        self._returned.append(returned)
        self._answers.append(returned.copy() if isinstance(returned, np.ndarray) else returned)
        self._footprints.append(session.footprint() if isinstance(session, ReportsFootprint) else None)

    def played(self, tracks: Any) -> Played:
        """Gives back what was written down."""
        return Played(
            returned=tuple(self._returned),
            answers=tuple(self._answers),
            footprints=tuple(self._footprints),
            spoiled=tuple(self._spoiled),
            tracks=tracks,
        )


def validate(clip: Clip, played: Played) -> None:
    """Raises `AdapterError` for the first answer that breaks the contract."""
    for frame, answer in zip(clip.frames, played.answers, strict=True):
        validate_prediction(answer, frame=frame, view=clip.view, known_ids=clip.known(frame.index))


def require_equal(expected: Iterable[LabelMap], actual: Iterable[LabelMap], what: str) -> int:
    """Gives back how many frames were compared. Raises `AdapterError` at the first frame that differs."""
    count = 0
    for index, (one, other) in enumerate(zip(expected, actual, strict=True)):
        if np.shape(one) != np.shape(other) or not np.array_equal(one, other):
            differing = np.count_nonzero(one != other) if np.shape(one) == np.shape(other) else np.size(one)
            raise AdapterError(f"{what}: {differing} of {np.size(one)} pixels differ on frame {index}")
        count += 1
    return count


def require_tracks(tracks: Any) -> None:
    """Raises `AdapterError` unless ``finish()`` gave None or a sequence of `Track`."""
    if tracks is None:
        return
    if not isinstance(tracks, list | tuple) or not all(isinstance(track, Track) for track in tracks):
        raise AdapterError(f"finish() gave {type(tracks).__name__}, expected None or a sequence of Track")


def _digests(frame: Frame) -> tuple[str, str]:
    return digest_array(frame.image), digest_array(frame.prompt.mask) if frame.prompt is not None else ""
