"""What a training leaves: weights in half precision, and beside them a card that says where they come from."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from vosbench.contract import Model, Runtime, Weights
from vosbench.digest import digest_file
from vosbench.errors import StoreError
from vosbench.plain import to_plain
from vosbench.registry import restore_settings
from vosbench.store.atomic import storing, write_whole
from vosbench.train.checkpoint import Checkpoint, check_belongs, read_checkpoint
from vosbench.train.choose import choose, session_score
from vosbench.train.curve import scores_of
from vosbench.train.facts import facts_of
from vosbench.train.held_back import Trial
from vosbench.train.instance_clips import HELD_BACK_FRAMES, HELD_BACK_VIDEOS, held_back_scene, held_back_videos
from vosbench.train.job import Job, method_of
from vosbench.train.library import Library, read_library, read_sources
from vosbench.train.recipe import Recipe, load_recipe
from vosbench.train.terms import Terms, terms_of
from vosbench.train.track_score import TrackTrial, track_score
from vosbench.train.weights import write_weights

Tell = Callable[[Any], None]
"""Is told of each `Trial`, or `TrackTrial`, when it is over."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """Held-back J and F after so many iterations, by the network's own unrolling on short windows."""

    step: int
    j: float
    f: float


@dataclass(frozen=True, slots=True, kw_only=True)
class TrackStanding:
    """Held-back AP and AP50 after so many iterations, by sessions as a run opens them."""

    step: int
    ap: float
    ap50: float


@dataclass(frozen=True, slots=True, kw_only=True)
class WeightsCard:
    """All that is known of exported weights; it lies beside them as JSON.

    ``trials`` are the inference settings tried on what is held back (whole clips, sessions as a run opens them, these
    very weights), the chosen ones last; ``settings`` are the network's and the chosen ones together. ``before`` lists
    the recipes whose weights this training began with, with their iterations. ``parameters`` counts every number of the
    weights, the gains of frozen norms included. Device to date are those of the training's last checkpoint; ``commit``
    is None where it is unknown.
    """

    schema: int
    name: str
    title: str
    method: str
    settings: Mapping[str, Any]
    marks: tuple[str, ...]
    file: str
    sha256: str
    bytes: int
    parameters: int
    steps: int
    steps_planned: int
    seconds: float
    before: tuple[tuple[str, int], ...]
    seed: int
    device: str
    machine: str
    processes: int
    precision: str
    versions: Mapping[str, str]
    commit: str | None
    date: str
    data: tuple[Terms, ...]
    non_commercial: bool
    held_back_clips: tuple[str, ...]
    held_back: tuple[Standing, ...] | tuple[TrackStanding, ...]
    trials: tuple[Trial, ...] | tuple[TrackTrial, ...]
    recipe: Mapping[str, Any]


def export(job: Job, folder: Path, *, tell: Tell = lambda _: None, threads: int = 1) -> WeightsCard:
    """Write the average weights of the job's checkpoint, half precision, and their card into ``folder``.

    The recipe's ``choose`` values are tried on the held-back clips with the written weights. Raises `StoreError` where
    there is no checkpoint or it cannot be written.
    """
    checkpoint = read_checkpoint(job.out)
    if checkpoint is None:
        raise StoreError(
            "there is no checkpoint to export", where=str(job.out), fix=f"run `vosbench train {job.recipe.name}` first"
        )
    check_belongs(checkpoint, job.recipe, job.out)
    with storing(folder):
        folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"{job.recipe.name}.safetensors"
    write_weights(file, checkpoint.average)
    trials = _trials(job, file, tell, threads)
    card = _card(job, checkpoint, file, trials)
    text = json.dumps(to_plain(card), indent=1) + "\n"
    write_whole(file.with_suffix(".json"), text.encode())
    return card


def _trials(job: Job, file: Path, tell: Tell, threads: int) -> tuple[Trial, ...] | tuple[TrackTrial, ...]:
    held_back = replace(job.recipe.data.held_back, photos=0)
    method, settings = method_of(job.recipe, job.adapters)
    weights = Weights(kind="mini", path=file, sha256=digest_file(file))
    runtime = Runtime(device=job.device, threads=threads)

    def model(values: Mapping[str, Any]) -> Model:
        return method.card.load(runtime, weights, restore_settings(method.card, {**to_plain(settings), **values}))

    if not job.recipe.choose:
        return ()
    if method.card.train_instances is not None:
        videos = held_back_videos()
        return choose(lambda values: track_score(model(values), videos), job.recipe.choose, tell)
    if not held_back.clips:
        return ()
    library: Library = read_library(job.data, held_back, photos=False)
    return choose(lambda values: session_score(model(values), library.held_clips), job.recipe.choose, tell)


def _held_back_names(job: Job) -> tuple[str, ...]:
    """Gives back what is held back by name: clips of the recipe, or synthetic videos that every training holds back."""
    if method_of(job.recipe, job.adapters)[0].card.train_instances is None:
        return job.recipe.data.held_back.clips
    return tuple(held_back_scene(number, HELD_BACK_FRAMES).id for number in range(HELD_BACK_VIDEOS))


def _standings(job: Job) -> tuple[Standing, ...] | tuple[TrackStanding, ...]:
    found = scores_of(job.out)
    if method_of(job.recipe, job.adapters)[0].card.train_instances is None:
        return tuple(Standing(step=step + 1, j=j, f=f) for step, j, f in found)
    return tuple(TrackStanding(step=step + 1, ap=ap, ap50=ap50) for step, ap, ap50 in found)


def _card(
    job: Job, checkpoint: Checkpoint, file: Path, trials: tuple[Trial, ...] | tuple[TrackTrial, ...]
) -> WeightsCard:
    recipe = job.recipe
    facts = checkpoint.facts or facts_of(job)
    data = terms_of(_sources(recipe, job))
    return WeightsCard(
        schema=1,
        name=recipe.name,
        title=recipe.title,
        method=recipe.method,
        settings={**recipe.settings, **(trials[-1].settings if trials else {})},
        marks=recipe.marks,
        file=file.name,
        sha256=digest_file(file),
        bytes=file.stat().st_size,
        parameters=sum(value.numel() for value in checkpoint.average.values()),
        steps=checkpoint.step,
        steps_planned=recipe.steps,
        seconds=round(checkpoint.seconds, 1),
        before=_before(recipe),
        seed=recipe.seed,
        device=facts["device"],
        machine=facts["machine"],
        processes=int(facts["processes"]),
        precision=recipe.hardware.precision,
        versions={"vosbench": facts["vosbench"], "torch": facts["torch"]},
        commit=facts["commit"] or None,
        date=facts["date"],
        data=data,
        non_commercial=any(terms.non_commercial for terms in data),
        held_back_clips=_held_back_names(job),
        held_back=_standings(job),
        trials=trials,
        recipe=to_plain(recipe),
    )


def _before(recipe: Recipe) -> tuple[tuple[str, int], ...]:
    """Gives back the recipes that this one builds on, nearest first, with their iterations."""
    if recipe.start is None:
        return ()
    first = load_recipe(recipe.start.recipe)
    return ((first.name, first.steps), *_before(first))


def _sources(recipe: Recipe, job: Job) -> list[str]:
    """Gives back the sources of the recipe and of those it builds on or learns from."""
    shares = recipe.data.shares
    photos = shares.photo > 0.0 or shares.composite > 0.0
    found: list[str] = []
    if photos or shares.real > 0.0:
        found += list(read_sources(job.data, photos=photos, clips=shares.real > 0.0))
    found += ["synthetic"] * (shares.synthetic > 0.0) + ["imagenet"] * recipe.backbone
    others = [plan.recipe for plan in (recipe.start, recipe.teacher) if plan is not None]
    for name in others:
        found += _sources(load_recipe(name), job)
    return list(dict.fromkeys(found))
