"""Inference settings of a trained network, chosen on the held-back clips: sessions as a run opens them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Protocol, TypeVar

import numpy as np

from vosbench.contract import Model, View
from vosbench.errors import AdapterError
from vosbench.metrics.jf import boundary_f, count_frame, jaccard
from vosbench.train.held_back import Score
from vosbench.train.library import RealClip
from vosbench.types import Frame, Prompt

MARGIN = 0.001
"""A value listed later is taken where it gains more than this, in J&F or AP: the first is the cheapest."""


class Tried(Protocol):
    """One set of settings and its score."""

    @property
    def settings(self) -> Mapping[str, Any]:
        """The settings."""

    @property
    def headline(self) -> float:
        """What is compared, in [0, 1]."""


AnyTrial = TypeVar("AnyTrial", bound=Tried)
AnyTrial_co = TypeVar("AnyTrial_co", bound=Tried, covariant=True)


class Scored(Protocol[AnyTrial_co]):
    """A score on what is held back."""

    def trial(self, settings: Mapping[str, Any]) -> AnyTrial_co:
        """Gives back the score as that of ``settings``."""


def session_score(model: Model, clips: Sequence[RealClip]) -> Score:
    """Gives back J and F of whole clips: each object's mean over the frames behind the first, the mean over objects.

    Raises `AdapterError` for answers that are no label maps.
    """
    means = [mean for clip in clips for mean in _clip(model, clip)]
    j, f = np.array(means, np.float64).mean(axis=0).tolist()
    return Score(j=j, f=f, clips=len(clips))


def _clip(model: Model, clip: RealClip) -> list[tuple[float, float]]:
    ids = tuple(int(number) for number in np.unique(clip.masks[0]) if number)
    height, width = clip.masks[0].shape
    session = model.open(View(id=clip.name, height=height, width=width))
    js, fs = [], []
    try:
        for frame in _frames(clip, ids):
            answer = session.step(frame)
            if isinstance(answer, tuple):
                raise AdapterError("a label map is expected here, not instances", where=f"clip {clip.name}")
            if frame.index:
                counts = count_frame(answer, clip.masks[frame.index], ids)
                js.append(jaccard(counts))
                fs.append(boundary_f(counts))
    finally:
        session.close()
    return list(zip(np.mean(js, axis=0).tolist(), np.mean(fs, axis=0).tolist(), strict=True))


def _frames(clip: RealClip, ids: tuple[int, ...]) -> Iterator[Frame]:
    for index, image in enumerate(clip.images):
        prompt = Prompt(ids=ids, mask=clip.masks[0]) if index == 0 else None
        yield Frame(index=index, name=f"{index:05d}", image=image, prompt=prompt)


def choose(
    score: Callable[[Mapping[str, Any]], Scored[AnyTrial]],
    values: Mapping[str, Sequence[Any]],
    tell: Callable[[AnyTrial], None] = lambda _: None,
) -> tuple[AnyTrial, ...]:
    """Gives back every set of settings tried, the chosen one last.

    One setting after the other, in the order of ``values``, the others at the best so far: a ladder of settings costs
    the sum of its values and not their product.
    """
    settings = {name: options[0] for name, options in values.items()}
    tried: dict[str, AnyTrial] = {}

    def trial(chosen: Mapping[str, Any]) -> AnyTrial:
        key = repr(sorted(chosen.items()))
        if key not in tried:
            tried[key] = score(chosen).trial(chosen)
            tell(tried[key])
        return tried[key]

    best = trial(settings)
    for name, options in values.items():
        for option in options:
            found = trial({**best.settings, name: option})
            if found.headline > best.headline + MARGIN:
                best = found
    return (*(item for item in tried.values() if item is not best), best)
