"""Recipes: what is trained, on what, for how long and with which loss. One YAML file each, every key known."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any, Literal

from vosbench.contract import Precision
from vosbench.digest import digest_json
from vosbench.errors import UsageError, nearest
from vosbench.plain import to_plain
from vosbench.strict_yaml import load_yaml

RECIPES = Path(__file__).parent / "recipes"

SIDE = 16
"""Sides of training clips are multiples of the trunks' coarsest stride."""

MOST_OBJECTS = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Shares:
    """How often each source of clips is drawn; any unit, 0 leaves a source out."""

    real: float = 0.0
    photo: float = 0.0
    composite: float = 0.0
    synthetic: float = 0.0

    def by_name(self) -> dict[str, float]:
        """Gives back the shares of the sources that are drawn from."""
        shares = {"real": self.real, "photo": self.photo, "composite": self.composite, "synthetic": self.synthetic}
        return {name: share for name, share in shares.items() if share > 0.0}


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldBack:
    """What is never trained on: ``clips`` by name, and every ``photos``-th photo of each source (0: none).

    ``exclude`` names clips that are neither trained on nor scored, where two show one scene.
    """

    clips: tuple[str, ...] = ()
    photos: int = 0
    exclude: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class DataPlan:
    """What clips are made of.

    ``photo_sources`` weighs the sources of photos (all alike where it is empty); ``synthetic_videos`` counts the
    videos that are drawn, ``synthetic_frames`` their frames; ``several`` is the share of batches whose clips may show
    up to ``objects`` objects, the clips of the others show one.
    """

    shares: Shares
    held_back: HeldBack = HeldBack()
    photo_sources: Mapping[str, float] = field(default_factory=dict)
    synthetic_videos: int = 0
    synthetic_frames: int = 24
    several: float = 0.0
    objects: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """``steps`` iterations on ``batch`` clips of ``frames`` frames, ``size`` (height, width).

    ``gap`` (least, most) counts the stored frames from one frame of a real clip to the next.
    """

    steps: int
    batch: int
    frames: int
    size: tuple[int, int]
    gap: tuple[int, int] = (1, 5)


@dataclass(frozen=True, slots=True, kw_only=True)
class OptimizerPlan:
    """AdamW. ``rate`` is the learning rate of new layers, ``trunk_rate`` that of the backbone's.

    Both rise over ``warm_up`` steps and fall on a cosine to ``final`` of themselves. Gradients are clipped to the norm
    ``clip``; ``average`` is the most that the exponential moving average of the weights keeps of itself at a step.
    """

    rate: float = 0.001
    trunk_rate: float = 0.0002
    decay: float = 0.01
    warm_up: int = 100
    final: float = 0.01
    clip: float = 3.0
    average: float = 0.998


@dataclass(frozen=True, slots=True, kw_only=True)
class LossPlan:
    """One part of the loss: its name, its weight and its own options."""

    part: str
    weight: float = 1.0
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class TeacherPlan:
    """A trained network whose answers a loss part may look at: a recipe, whose export is loaded."""

    recipe: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StartPlan:
    """Weights of another recipe's export to begin with, where names and shapes match.

    ``rename`` turns the beginning of a name there into the beginning of a name here; the longest that fits is taken.
    """

    recipe: str
    rename: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Hardware:
    """How the work is done.

    ``processes`` share a batch, each with one thread, on a CPU: each takes the mean over its own clips and objects, and
    that of the processes counts, so that another number of them changes a loss a little where clips have several
    objects. ``loaders`` are threads that prepare batches ahead (0: none, the training thread does it).
    """

    precision: Precision = "fp32"
    processes: int = 1
    loaders: int = 0
    checkpoint_seconds: float = 60.0
    score_seconds: float = 300.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """A training, whole: the same recipe, seed and data give the same weights on the same machine.

    ``method`` is what ``vosbench run`` calls it, with variants; ``settings`` are laid over its defaults. ``choose``
    lists the values of inference settings that are tried on the held-back clips when training is over. ``listed`` is
    False for studies that stand beside the bundled models.
    """

    schema: Literal[1]
    name: str
    title: str
    method: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    seed: int = 0
    backbone: bool = True
    start: StartPlan | None = None
    teacher: TeacherPlan | None = None
    data: DataPlan
    stages: tuple[Stage, ...]
    optimizer: OptimizerPlan = OptimizerPlan()
    loss: tuple[LossPlan, ...]
    hardware: Hardware = Hardware()
    choose: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)
    marks: tuple[str, ...] = ()
    listed: bool = True

    @property
    def steps(self) -> int:
        """The iterations of all stages together."""
        return sum(stage.steps for stage in self.stages)

    def stage_at(self, step: int) -> Stage:
        """Gives back the stage of iteration ``step``, counted from 0."""
        for stage in self.stages:
            if step < stage.steps:
                return stage
            step -= stage.steps
        return self.stages[-1]

    def key(self) -> str:
        """Gives back the digest of all that changes the weights; the hardware's and the choice's keys do not."""
        plain = to_plain(replace(self, hardware=Hardware(precision=self.hardware.precision), choose={}, title=""))
        return digest_json(plain)


def generation(recipe: Recipe) -> int:
    """Gives back how many trainings, one upon the other, a recipe's begins with; 0 where its network is new."""
    return 0 if recipe.start is None else 1 + _generation_of(recipe.start.recipe)


@cache
def _generation_of(name: str) -> int:
    return generation(load_recipe(name))


def bundled_recipes() -> tuple[Recipe, ...]:
    """Gives back the recipes that come with vosbench, by name."""
    return tuple(load_recipe(path.stem) for path in sorted(RECIPES.glob("*.yaml")))


def load_recipe(name: str) -> Recipe:
    """Gives back the recipe of a name, or of a YAML file.

    Raises `UsageError` for an unknown name or key, with the file and the line, and for values that cannot be.
    """
    path = Path(name) if name.endswith((".yaml", ".yml")) else RECIPES / f"{name}.yaml"
    if not path.is_file():
        known = sorted(item.stem for item in RECIPES.glob("*.yaml"))
        raise UsageError(f"there is no recipe '{name}'", fix=nearest(name, known))
    recipe = load_yaml(Recipe, path)
    for problem, fix in _problems(recipe):
        raise UsageError(problem, where=str(path), fix=fix)
    return recipe


def _problems(recipe: Recipe) -> Iterator[tuple[str, str]]:
    if not recipe.name or not all(letter.isalnum() or letter in "-_.@" for letter in recipe.name):
        yield f"'{recipe.name}' cannot name a folder", "use letters, digits, '-', '_' and '.'"
    if not recipe.data.shares.by_name():
        yield "no source of clips has a share above 0", "give one under data: shares:"
    if not recipe.stages or not recipe.loss:
        yield "there is no stage or no loss", "list at least one of each"
    for stage in recipe.stages:
        yield from _stage_problems(stage, recipe.hardware.processes)
    if not 1 <= recipe.data.objects <= MOST_OBJECTS or not 0.0 <= recipe.data.several <= 1.0:
        yield "objects or several is out of range", f"objects: 1 to {MOST_OBJECTS}, several: 0 to 1"
    if recipe.data.shares.synthetic > 0.0 and recipe.data.synthetic_videos < 1:
        yield "synthetic clips have a share, but there are no synthetic videos", "give data: synthetic_videos:"
    if recipe.seed < 0:
        yield f"seed is {recipe.seed}", "give 0 or more"
    if recipe.data.held_back.photos == 1 or recipe.data.held_back.photos < 0:
        yield f"held_back: photos is {recipe.data.held_back.photos}", "give 2 or more, or 0 to hold none back"
    if recipe.hardware.processes < 1 or recipe.hardware.loaders < 0:
        yield "processes or loaders is out of range", "give 1 or more processes and 0 or more loaders"
    if min(recipe.hardware.checkpoint_seconds, recipe.hardware.score_seconds) <= 0.0:
        yield "checkpoint_seconds and score_seconds are above 0", "give a number of seconds"
    for name in ("rate", "trunk_rate", "clip"):
        if getattr(recipe.optimizer, name) <= 0.0:
            yield f"optimizer: {name} is {getattr(recipe.optimizer, name)}", "give a number above 0"
    for name, below in (("decay", math.inf), ("average", 1.0), ("final", math.inf)):
        if not 0.0 <= getattr(recipe.optimizer, name) < below:
            limit = "" if below == math.inf else f" and below {below:g}"
            yield f"optimizer: {name} is {getattr(recipe.optimizer, name)}", f"give a number of at least 0{limit}"


def _stage_problems(stage: Stage, processes: int) -> Iterator[tuple[str, str]]:
    if stage.steps < 1 or stage.frames < 2 or stage.batch < 1:
        yield "a stage needs a step, a clip and two frames at least", "give steps, batch >= 1 and frames >= 2"
    if stage.batch % processes:
        yield f"a batch of {stage.batch} does not divide among {processes} processes", "make it a multiple"
    if any(side < SIDE or side % SIDE for side in stage.size):
        yield f"size {list(stage.size)} is no multiple of {SIDE}", f"give height and width in steps of {SIDE}"
    if not 1 <= stage.gap[0] <= stage.gap[1]:
        yield f"gap {list(stage.gap)} does not ascend from 1", "give the least and the most, 1 or more"
