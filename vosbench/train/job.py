"""One training as the command line asks for it, and what each of its processes makes of that."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from vosbench.contract import Trainable
from vosbench.errors import CheckpointError, UsageError
from vosbench.plain import PlainError, to_plain
from vosbench.registry import Method, Registry, restore_settings
from vosbench.train.backbone import find_backbone, read_backbone
from vosbench.train.batches import Sampler
from vosbench.train.checkpoint import load_network
from vosbench.train.drawn import draw_videos
from vosbench.train.library import Library, read_library
from vosbench.train.loss import Loss, PartContext
from vosbench.train.recipe import Recipe, StartPlan, load_recipe
from vosbench.train.weights import find_export, read_weights


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """``data`` is the folder that holds static/ and clips/; ``out`` the training's own folder, beside which the exports
    of other recipes are looked for; ``adapters`` are files that plug in methods."""

    recipe: Recipe
    data: Path
    out: Path
    device: str = "cpu"
    backbone: Path | None = None
    adapters: tuple[Path, ...] = field(default=())


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Assembled:
    """What a process trains with."""

    method: Method
    settings: Any
    trainable: Trainable
    teacher: Trainable | None
    library: Library
    sampler: Sampler
    loss: Loss
    device: torch.device


def method_of(recipe: Recipe, adapters: tuple[Path, ...]) -> tuple[Method, Any]:
    """Gives back the recipe's method and its settings.

    Raises `UsageError` for a method that cannot be trained and for settings that it does not know.
    """
    method = Registry(adapters).method(recipe.method)
    if method.card.train is None:
        raise UsageError(
            f"'{method.card.name}' has no network to train here",
            where=f"recipe {recipe.name}",
            fix="its card needs `train`: see vosbench/contract.py",
        )
    try:
        settings = restore_settings(method.card, {**to_plain(method.settings), **recipe.settings})
    except PlainError as error:
        raise UsageError(
            f"settings: {error.message}", where=f"recipe {recipe.name}, method {recipe.method}", fix="mend the recipe"
        ) from error
    return method, settings


def assemble(job: Job) -> Assembled:
    """Gives back network, data and loss, ready for the first iteration."""
    recipe = job.recipe
    device = torch.device(job.device)
    method, settings = method_of(recipe, job.adapters)
    trainable = _network(method, settings, recipe.seed)
    teacher = _teacher(job)
    loss = Loss(recipe.loss, PartContext(student=trainable, teacher=teacher, where=f"recipe {recipe.name}"))
    _begin(job, trainable)
    trainable.network.to(device=device, memory_format=torch.channels_last)
    if teacher is not None:
        teacher.network.to(device)
    library, sampler = _data(job)
    return Assembled(
        method=method,
        settings=settings,
        trainable=trainable,
        teacher=teacher,
        library=library,
        sampler=sampler,
        loss=loss.to(device),
        device=device,
    )


def _network(method: Method, settings: Any, seed: int) -> Trainable:
    """Gives back a new network. The seed decides how its layers begin; the program's other draws go on as before."""
    if method.card.train is None:
        raise UsageError(f"'{method.card.name}' has no network to train here")
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return method.card.train(settings)


def _data(job: Job) -> tuple[Library, Sampler]:
    plan = job.recipe.data
    shares = plan.shares
    photos = shares.photo > 0.0 or shares.composite > 0.0 or plan.held_back.photos > 0
    clips = shares.real > 0.0 or bool(plan.held_back.clips)
    library = Library(photos=(), clips=())
    if photos or clips:
        library = read_library(job.data, plan.held_back, photos=photos, clips=clips)
    videos = draw_videos(plan.synthetic_videos, plan.synthetic_frames, job.recipe.seed) if shares.synthetic else ()
    return library, Sampler(plan, library, videos)


def _begin(job: Job, trainable: Trainable) -> None:
    """Load the backbone, then what another recipe's export has in common."""
    if job.recipe.backbone:
        trainable.load_backbone(read_backbone(find_backbone(job.backbone)))
    if job.recipe.start is not None:
        file = find_export(job.recipe.start.recipe, job.out, job.adapters)
        taken = take_over(trainable.network, read_weights(file), job.recipe.start)
        if not taken:
            raise CheckpointError(
                f"nothing in '{job.recipe.start.recipe}' fits this network",
                where=str(file),
                fix="check start: rename: in the recipe",
            )


def take_over(network: torch.nn.Module, state: Mapping[str, Tensor], start: StartPlan) -> tuple[str, ...]:
    """Put the weights of ``state`` that fit into a network, by name and shape; gives back their names there."""
    mine = network.state_dict()
    taken = {}
    for name, value in state.items():
        for here in _renamed(name, start.rename):
            if here in mine and mine[here].shape == value.shape:
                taken[here] = value.to(mine[here].dtype)
    network.load_state_dict(taken, strict=False)
    return tuple(sorted(taken))


def _renamed(name: str, rename: Mapping[str, str]) -> tuple[str, ...]:
    """Gives back what a weight is called here: its own name, or what the longest beginning that fits is turned into."""
    fitting = sorted((begin for begin in rename if name.startswith(begin)), key=len)
    if not fitting:
        return (name,)
    return (rename[fitting[-1]] + name.removeprefix(fitting[-1]),)


def _teacher(job: Job) -> Trainable | None:
    if job.recipe.teacher is None:
        return None
    recipe = load_recipe(job.recipe.teacher.recipe)
    method, settings = method_of(recipe, job.adapters)
    file = find_export(recipe.name, job.out, job.adapters)
    teacher = _network(method, settings, recipe.seed)
    load_network(teacher.network, read_weights(file), str(file))
    teacher.network.to(memory_format=torch.channels_last).eval().requires_grad_(False)
    return teacher
