"""Batches of clips: what iteration n trains on follows from the recipe's seed and n alone."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from vosbench.errors import UsageError
from vosbench.train.clips import (
    Draw,
    TrainClip,
    Wish,
    composite_clip,
    draw_clip,
    photo_clip,
    real_clip,
    synthetic_clip,
    weights_of,
)
from vosbench.train.instance_clips import instance_clip
from vosbench.train.library import Library, Photo, RealClip
from vosbench.train.recipe import DataPlan, Recipe, generation

MEAN = (0.485, 0.456, 0.406)
DEVIATION = (0.229, 0.224, 0.225)
"""Of ImageNet's pixels by channel, in [0, 1]: what the backbone was trained with."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Batch:
    """``images`` (batch, frames, 3, height, width) float32 normalised; ``masks`` (batch, frames, height, width) int64,
    0 the background, 1 to ``objects[b]``; ``origins`` says what each clip was made of, ``categories`` what its objects
    are, where that is known."""

    images: Tensor
    masks: Tensor
    objects: tuple[int, ...]
    origins: tuple[str, ...]
    categories: tuple[tuple[int, ...], ...] = ()

    def to(self, device: torch.device) -> Batch:
        """Gives back the batch on a device."""
        return Batch(
            images=self.images.to(device, non_blocking=True),
            masks=self.masks.to(device, non_blocking=True),
            objects=self.objects,
            origins=self.origins,
            categories=self.categories,
        )


def stacked(clips: Sequence[TrainClip]) -> Batch:
    """Gives back clips of one size as a batch."""
    images = torch.from_numpy(np.stack([clip.images for clip in clips])).permute(0, 1, 4, 2, 3).float()
    mean, deviation = (torch.tensor(values).view(3, 1, 1) * 255.0 for values in (MEAN, DEVIATION))
    return Batch(
        images=((images - mean) / deviation).contiguous(),
        masks=torch.from_numpy(np.stack([clip.masks for clip in clips])).long(),
        objects=tuple(clip.objects for clip in clips),
        origins=tuple(clip.origin for clip in clips),
        categories=tuple(clip.categories for clip in clips),
    )


class Sampler:
    """Draws the clips of an iteration. ``synthetic`` are the synthetic videos; with ``instances`` clips of them show
    all instances, with their categories."""

    def __init__(
        self, plan: DataPlan, library: Library, synthetic: Sequence[RealClip] = (), *, instances: bool = False
    ) -> None:
        self._plan = plan
        self._library = library
        self._synthetic = synthetic
        self._shares = plan.shares.by_name()
        self._by_source: dict[str, list[Photo]] = {}
        for photo in library.photos:
            self._by_source.setdefault(photo.source, []).append(photo)
        self._photo_shares = _photo_shares(plan, self._by_source)
        draw_synthetic = instance_clip if instances else synthetic_clip
        self._draws: dict[str, Draw] = {
            "real": lambda random, wish: real_clip(random, wish, library.clips),
            "photo": lambda random, wish: photo_clip(random, wish, self._photo(random)),
            "composite": self._composite,
            "synthetic": lambda random, wish: draw_synthetic(random, wish, synthetic),
        }

    def clip(self, random: np.random.Generator, wish: Wish) -> TrainClip:
        """Gives back one clip of a source drawn by the shares."""
        source = str(random.choice(list(self._shares), p=weights_of(self._shares)))
        return draw_clip(random, wish, self._draws[source])

    def _photo(self, random: np.random.Generator) -> Photo:
        source = str(random.choice(list(self._photo_shares), p=weights_of(self._photo_shares)))
        photos = self._by_source[source]
        return photos[int(random.integers(len(photos)))]

    def _composite(self, random: np.random.Generator, wish: Wish) -> TrainClip | None:
        most = max(1, min(wish.objects, 3))
        fronts = int(random.integers(1, most + 1))
        return composite_clip(random, wish, [self._photo(random) for _ in range(1 + fronts)])


def _photo_shares(plan: DataPlan, by_source: dict[str, list[Photo]]) -> dict[str, float]:
    if not by_source:
        return {}
    weighed = plan.photo_sources or dict.fromkeys(by_source, 1.0)
    wanted = {name: share for name, share in weighed.items() if share > 0.0}
    missing = sorted(wanted.keys() - by_source.keys())
    if wanted and not missing:
        return {name: wanted[name] for name in by_source if name in wanted}  # in the order that draws follow
    raise UsageError(
        f"no photo comes from {', '.join(missing)}" if missing else "no source of photos has a share above 0",
        where=f"data: photo_sources: {dict(plan.photo_sources)}",
        fix=f"the folder holds {', '.join(sorted(by_source))}",
    )


def draw_share(recipe: Recipe, sampler: Sampler, step: int, *, rank: int, processes: int) -> Batch:
    """Gives back the part of iteration ``step``'s batch that falls to process ``rank``.

    Each clip has a generator of its own, so that the whole batch is the same for any number of processes. A training
    that goes on from another one of the same seed draws other clips than that, and the same as its like.
    """
    stage = recipe.stage_at(step)
    stream = [recipe.seed, generation(recipe), step]
    several = np.random.default_rng([*stream, 0]).random() < recipe.data.several
    wish = Wish(
        frames=stage.frames,
        height=stage.size[0],
        width=stage.size[1],
        objects=recipe.data.objects if several else 1,
        gap=stage.gap,
    )
    part = stage.batch // processes
    return stacked(
        [
            sampler.clip(np.random.default_rng([*stream, 1 + number]), wish)
            for number in range(rank * part, (rank + 1) * part)
        ]
    )


def batches(
    recipe: Recipe, sampler: Sampler, first: int, *, rank: int = 0, processes: int = 1, loaders: int = 0
) -> Iterator[Batch]:
    """Yields the batches of iterations ``first`` to the last; ``loaders`` threads prepare as many ahead, twice."""
    if loaders == 0:
        for step in range(first, recipe.steps):
            yield draw_share(recipe, sampler, step, rank=rank, processes=processes)
        return
    with ThreadPoolExecutor(loaders) as pool:
        waiting: deque[Future[Batch]] = deque()
        steps = iter(range(first, recipe.steps))
        try:
            while True:
                for step in steps:
                    waiting.append(pool.submit(draw_share, recipe, sampler, step, rank=rank, processes=processes))
                    if len(waiting) >= 2 * loaders:
                        break
                if not waiting:
                    return
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()
