"""J and F on clips that are never trained on, by the network's own unrolling: the curve's second column."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from vosbench.contract import Trainable
from vosbench.metrics.jf import boundary_f, count_frame, jaccard
from vosbench.train.batches import Batch, stacked
from vosbench.train.clips import TrainClip, Wish, photo_clip, real_clip
from vosbench.train.library import Library

FRAMES = 6
GAP = 3
WINDOWS = 2
"""Windows of 6 frames, 3 stored frames apart, two per clip: seconds on a CPU, and the same for every training."""

SEED = 4242


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """Means over objects and frames, in [0, 1]; ``clips`` counts what was scored."""

    j: float
    f: float
    clips: int

    @property
    def jf(self) -> float:
        """The mean of J and F."""
        return (self.j + self.f) / 2.0

    def told(self) -> str:
        """Gives back the score in words, in percent."""
        return f"J {100 * self.j:.1f} F {100 * self.f:.1f}"

    @property
    def pair(self) -> tuple[float, float]:
        """J and F, as the curve keeps them."""
        return self.j, self.f

    def trial(self, settings: Mapping[str, Any]) -> Trial:
        """Gives back this score as that of ``settings``."""
        return Trial(settings=dict(settings), j=self.j, f=self.f)


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """One set of settings and its score on the held-back clips."""

    settings: Mapping[str, Any]
    j: float
    f: float

    @property
    def jf(self) -> float:
        """The mean of J and F."""
        return (self.j + self.f) / 2.0

    @property
    def headline(self) -> float:
        """What settings are chosen by."""
        return self.jf

    def told(self) -> str:
        """Gives back the score in words, in percent."""
        return f"J&F {100 * self.jf:.1f}"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class HeldBackObjects:
    """Scores the average of a training's weights by its own network, whose weights are put back afterwards."""

    trainable: Trainable
    clips: tuple[Batch, ...]
    device: torch.device
    measures: tuple[str, str] = ("j", "f")

    def score(self, average: Mapping[str, Tensor], computing: AbstractContextManager[object]) -> Score | None:
        """Gives back the score of ``average``, None without clips. The network runs inside ``computing``."""
        if not self.clips:
            return None
        network = self.trainable.network
        own = {name: value.detach().clone() for name, value in network.state_dict().items()}
        network.load_state_dict(average)
        try:
            with computing:
                return score(self.trainable, self.clips, self.device)
        finally:
            network.load_state_dict(own)


def held_back_clips(library: Library, height: int, width: int, objects: int) -> tuple[Batch, ...]:
    """Gives back what is scored, each a batch of one: the same windows and motions every time, in every training."""
    wish = Wish(frames=FRAMES, height=height, width=width, objects=objects, gap=(GAP, GAP))
    return tuple(stacked([clip]) for clip in _clips(library, wish))


def _clips(library: Library, wish: Wish) -> Iterator[TrainClip]:
    for number, real in enumerate(library.held_clips):
        for window in range(WINDOWS):
            clip = real_clip(np.random.default_rng([SEED, number, window]), wish, [real])
            if clip is not None:
                yield clip
    for number, photo in enumerate(library.held_photos):
        clip = photo_clip(np.random.default_rng([SEED, 1000 + number]), replace(wish, frames=3), photo)
        if clip is not None:
            yield clip


@torch.no_grad()
def score(trainable: Trainable, clips: Iterable[Batch], device: torch.device) -> Score | None:
    """Gives back the mean over clips of the means over their objects and answered frames, or None without clips."""
    js, fs = [], []
    training = trainable.network.training
    trainable.network.eval()
    try:
        for batch in clips:
            clip = batch.to(device)
            generator = torch.Generator().manual_seed(SEED)
            answer = trainable.unroll(clip.images, clip.masks, clip.objects, generator)
            j, f = _measure(answer.logits[0].argmax(dim=1), clip.masks[0, 1:], clip.objects[0])
            js.append(j)
            fs.append(f)
    finally:
        trainable.network.train(training)
    return Score(j=float(np.mean(js)), f=float(np.mean(fs)), clips=len(js)) if js else None


def _measure(labels: Tensor, truth: Tensor, objects: int) -> tuple[float, float]:
    answers, truths = (value.cpu().numpy().astype(np.uint8) for value in (labels, truth))
    ids = range(1, objects + 1)
    counts = [count_frame(answer, true, ids) for answer, true in zip(answers, truths, strict=True)]
    js = np.mean([jaccard(count) for count in counts])
    fs = np.mean([boundary_f(count) for count in counts])
    return float(js), float(fs)
