"""One training as the command line asks for it, and what each of its processes makes of that."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import torch
from torch import Tensor

from vosbench.contract import Model, Runtime, Teaches, Trainable, TrainableInstances, Weights
from vosbench.digest import digest_file
from vosbench.errors import CheckpointError, UsageError
from vosbench.plain import PlainError, to_plain
from vosbench.registry import Method, Registry, restore_settings
from vosbench.train.backbone import find_backbone, read_backbone
from vosbench.train.batches import Sampler
from vosbench.train.checkpoint import load_network
from vosbench.train.drawn import draw_videos
from vosbench.train.instance_clips import draw_instance_videos
from vosbench.train.learners import InstanceLearner, Learner, ObjectLearner
from vosbench.train.library import Library, read_library
from vosbench.train.loss import INSTANCE_PARTS, Loss, PartContext
from vosbench.train.recipe import Recipe, StartPlan, load_recipe
from vosbench.train.weights import find_export, read_weights

Made = TypeVar("Made")


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
    learner: Learner
    library: Library
    sampler: Sampler
    loss: Loss
    device: torch.device


def method_of(recipe: Recipe, adapters: tuple[Path, ...]) -> tuple[Method, Any]:
    """Gives back the recipe's method and its settings.

    Raises `UsageError` for a method that cannot be trained and for settings that it does not know.
    """
    method = Registry(adapters).method(recipe.method)
    if method.card.train is None and method.card.train_instances is None:
        raise UsageError(
            f"'{method.card.name}' has no network to train here",
            where=f"recipe {recipe.name}",
            fix="its card needs `train` or `train_instances`: see vosbench/contract.py",
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
    device = device_of(job)
    method, settings = method_of(recipe, job.adapters)
    learner = _learner(job, method, settings)
    learner.network.to(device=device, memory_format=torch.channels_last)
    library, sampler = _data(job, instances=isinstance(learner, InstanceLearner))
    return Assembled(
        method=method,
        settings=settings,
        learner=learner,
        library=library,
        sampler=sampler,
        loss=learner.parts.to(device),
        device=device,
    )


def device_of(job: Job) -> torch.device:
    """Gives back the job's device; raises `UsageError` for one that there is not."""
    word, _, number = job.device.partition(":")
    cards = torch.cuda.device_count() if word == "cuda" else 0
    if word == "cpu" and not number:
        return torch.device("cpu")
    if word == "cuda" and (not number or number.isdecimal()) and int(number or 0) < cards:
        return torch.device(job.device)
    what = (
        f"torch {torch.__version__} finds {cards} CUDA devices here" if word == "cuda" else "devices are cpu and cuda:N"
    )
    raise UsageError(f"there is no device '{job.device}': {what}", fix="name another --device")


def _learner(job: Job, method: Method, settings: Any) -> Learner:
    """Gives back what learns, with the weights that the recipe begins with; a teacher is on the job's device."""
    recipe, where = job.recipe, f"recipe {job.recipe.name}"
    find = method.card.train_instances
    if find is not None:
        _check_instances(recipe)
        finder = _seeded(lambda: find(settings), recipe.seed)
        context = PartContext(student=None, teacher=None, where=where)
        _begin(job, finder)
        return InstanceLearner(trainable=finder, parts=Loss(recipe.loss, context, INSTANCE_PARTS))
    trainable = _network(method, settings, recipe.seed)
    teacher = _teacher(job)
    loss = Loss(recipe.loss, PartContext(student=trainable, teacher=teacher, where=where))
    _begin(job, trainable)
    if teacher is not None:
        teacher.network.to(job.device)
    return ObjectLearner(trainable=trainable, teacher=teacher, parts=loss)


def _check_instances(recipe: Recipe) -> None:
    """Raises `UsageError` for what a network that finds instances cannot learn from."""
    others = sorted(recipe.data.shares.by_name().keys() - {"synthetic"})
    if others:
        raise UsageError(
            f"clips of the source '{others[0]}' have no categories",
            where=f"recipe {recipe.name}, data: shares:",
            fix="draw synthetic clips only: finding instances is learned with categories",
        )
    if recipe.teacher is not None:
        raise UsageError(
            "a network that finds instances has no teacher here", where=f"recipe {recipe.name}", fix="leave it out"
        )


def _network(method: Method, settings: Any, seed: int) -> Trainable:
    """Gives back a new network."""
    train = method.card.train
    if train is None:
        raise UsageError(f"'{method.card.name}' has no network to train here")
    return _seeded(lambda: train(settings), seed)


def _seeded(make: Callable[[], Made], seed: int) -> Made:
    """Gives back what ``make`` makes. The seed decides how its layers begin; other draws go on as before."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return make()


def _data(job: Job, *, instances: bool) -> tuple[Library, Sampler]:
    plan = job.recipe.data
    shares = plan.shares
    photos = shares.photo > 0.0 or shares.composite > 0.0 or plan.held_back.photos > 0
    clips = shares.real > 0.0 or bool(plan.held_back.clips)
    library = Library(photos=(), clips=())
    if photos or clips:
        library = read_library(job.data, plan.held_back, photos=photos, clips=clips)
    draw = draw_instance_videos if instances else draw_videos
    videos = draw(plan.synthetic_videos, plan.synthetic_frames, job.recipe.seed) if shares.synthetic else ()
    return library, Sampler(plan, library, videos, instances=instances)


def loader(job: Job) -> Callable[[Path], Model]:
    """Gives back what loads weights as a run does, at the first of each of the recipe's ``choose`` values."""
    recipe = job.recipe
    method, settings = method_of(recipe, job.adapters)
    first = {name: values[0] for name, values in recipe.choose.items()}
    chosen = restore_settings(method.card, {**to_plain(settings), **first})
    runtime = Runtime(device=job.device)
    return lambda path: method.card.load(runtime, Weights(kind="mini", path=path, sha256=digest_file(path)), chosen)


def _begin(job: Job, trainable: Trainable | TrainableInstances) -> None:
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
    if isinstance(teacher, Teaches):
        teacher.teach()
    return teacher
