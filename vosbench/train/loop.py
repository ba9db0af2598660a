"""The training loop: one iteration after the other, a checkpoint now and then, and an end that can be trusted."""

from __future__ import annotations

import contextlib
import dataclasses
import math
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import torch
from torch import Tensor, nn

from vosbench.errors import UsageError, VosbenchError
from vosbench.train.batches import Batch, batches, draw_share
from vosbench.train.checkpoint import (
    Checkpoint,
    check_belongs,
    load_network,
    make_folder,
    read_checkpoint,
    save_checkpoint,
)
from vosbench.train.curve import Curve, Point
from vosbench.train.facts import TEACHER, facts_of, teacher_digest
from vosbench.train.held_back import HeldBackObjects, Score, held_back_clips
from vosbench.train.instance_clips import held_back_videos
from vosbench.train.job import Assembled, Job, assemble, loader
from vosbench.train.learners import InstanceLearner
from vosbench.train.parallel import Peers, peers
from vosbench.train.recipe import Recipe
from vosbench.train.schedule import Average, make_optimizer, rate_at, set_rates
from vosbench.train.track_score import HeldBackInstances, TrackScore

HeldBack = HeldBackObjects | HeldBackInstances


class NonFiniteLossError(VosbenchError):
    """The loss or its gradient is no number any more; the checkpoint before is kept."""


class Watcher(Protocol):
    """Is told how a training goes on."""

    def began(self, recipe: Recipe, step: int) -> None:
        """Iteration ``step`` is the first of this call."""

    def stepped(self, point: Point) -> None:
        """An iteration is over."""

    def scored(self, step: int, found: Score | TrackScore) -> None:
        """What is held back was scored after ``step`` iterations."""


class Unwatched:
    """Looks away."""

    def began(self, recipe: Recipe, step: int) -> None:
        """Nothing."""

    def stepped(self, point: Point) -> None:
        """Nothing."""

    def scored(self, step: int, found: Score | TrackScore) -> None:
        """Nothing."""


MOST_SKIPPED = 30
"""Iterations in a row that half precision may leave out while it looks for its scale; each halves it."""


@dataclass(slots=True, kw_only=True)
class _State:
    """What changes from one iteration to the next; ``skipped`` counts iterations in a row that moved no weight."""

    step: int = 0
    seconds: float = 0.0
    skipped: int = 0


def train(job: Job, watcher: Watcher, *, resume: bool) -> None:
    """Train to the recipe's last iteration, from the folder's checkpoint on with ``resume``.

    Raises `UsageError` for a folder that holds a training already and no ``resume``, `NonFiniteLossError` for a loss
    that is no number, and what data, recipe and disk give reason for. The last good checkpoint stays.
    """
    make_folder(job.out)
    found = read_checkpoint(job.out)
    if found is not None and not resume:
        raise UsageError(
            f"a training was begun here and has {found.step} of {job.recipe.steps} iterations",
            where=str(job.out),
            fix="go on with --resume, or name another --out",
        )
    count = 1 if job.device.startswith("cuda") else job.recipe.hardware.processes
    with peers(count, _work_beside, job) as together:
        if count > 1:
            torch.set_num_threads(1)
        Trainer(job, together, watcher).run()


def _work_beside(job: Job, together: Peers) -> None:
    Trainer(job, together, Unwatched()).run()


def _compute_exactly(device: torch.device) -> None:
    """On a GPU: the same kernels every time, and single precision where single precision is asked for.

    What has no deterministic kernel there warns, and its sums may differ in their last digits from run to run.
    """
    if device.type == "cuda":
        torch.backends.cudnn.benchmark = False
        torch.backends.cudnn.allow_tf32 = False
        torch.use_deterministic_algorithms(True, warn_only=True)


class Trainer:
    """One process's part of a training."""

    def __init__(self, job: Job, together: Peers, watcher: Watcher) -> None:
        self._job = job
        self._recipe = job.recipe
        self._peers = together
        self._watcher = watcher
        self._parts: Assembled = assemble(job)
        _compute_exactly(self._parts.device)
        network: nn.Module = self._parts.learner.network
        self._network = network.train()
        self._average = Average(network, self._recipe.optimizer.average)
        self._optimizer = make_optimizer(
            [*network.parameters(), *self._parts.loss.parameters()],
            self._parts.learner.trunk_parameters(),
            self._recipe.optimizer,
        )
        half = self._recipe.hardware.precision == "fp16"
        self._scaler = torch.amp.GradScaler(self._parts.device.type, enabled=half)
        self._learning = [p for group in self._optimizer.param_groups for p in group["params"]]
        self._state = _State()
        self._restore()

    def run(self) -> None:
        """Go through the iterations that are left."""
        recipe, state = self._recipe, self._state
        first = self._peers.rank == 0
        held_back = self._held_back() if first else None
        curve = self._curve(held_back) if held_back is not None else None
        saved = scored = began = time.monotonic()
        before = state.seconds
        self._watcher.began(recipe, state.step)
        for batch in self._batches():
            point = self._iterate(batch)
            now = time.monotonic()
            state.seconds = before + now - began
            state.step += 1
            if curve is None or held_back is None:
                continue
            last = state.step == recipe.steps
            found = None
            if last or now - scored >= recipe.hardware.score_seconds:
                found, scored = self._score(held_back), time.monotonic()
            self._keep(curve, point, found)
            if last or now - saved >= recipe.hardware.checkpoint_seconds:
                curve.flush()
                self._save()
                saved = time.monotonic()

    def _curve(self, held_back: HeldBack) -> Curve:
        names = self._parts.loss.names()
        return Curve(self._job.out, names, step=self._state.step, measures=held_back.measures)

    def _batches(self) -> Iterator[Batch]:
        return batches(
            self._recipe,
            self._parts.sampler,
            self._state.step,
            rank=self._peers.rank,
            processes=self._peers.count,
            loaders=self._recipe.hardware.loaders,
        )

    def _held_back(self) -> HeldBack:
        learner = self._parts.learner
        if isinstance(learner, InstanceLearner):
            return HeldBackInstances(load=loader(self._job), videos=held_back_videos())
        height, width = self._recipe.stages[-1].size
        clips = held_back_clips(self._parts.library, height, width, self._recipe.data.objects)
        return HeldBackObjects(trainable=learner.trainable, clips=clips, device=self._parts.device)

    def _iterate(self, batch: Batch) -> Point:
        """Gives back what iteration ``state.step`` gave, after the weights have moved."""
        recipe, step = self._recipe, self._state.step
        share = rate_at(step, recipe.steps, recipe.optimizer)
        set_rates(self._optimizer, share, recipe.optimizer)
        total, parts = self._loss(batch.to(self._parts.device))
        self._optimizer.zero_grad(set_to_none=False)
        torch.autograd.backward(self._scaler.scale(total))
        values = torch.stack([total.detach(), *parts])
        self._peers.average([*self._gradients(), values])
        if not torch.isfinite(values[0]):
            raise self._no_number("loss")
        self._scaler.unscale_(self._optimizer)
        norm = float(nn.utils.clip_grad_norm_(self._learning, recipe.optimizer.clip))
        self._state.skipped = 0 if math.isfinite(norm) else self._state.skipped + 1
        if self._state.skipped > (MOST_SKIPPED if self._scaler.is_enabled() else 0):
            raise self._no_number("gradient")
        self._scaler.step(self._optimizer)
        self._scaler.update()
        self._average.update(self._network)
        numbers = values.tolist()
        return Point(
            step=step,
            seconds=self._state.seconds,
            loss=numbers[0],
            parts=tuple(numbers[1:]),
            norm=norm,
            rate=recipe.optimizer.rate * share,
        )

    def _loss(self, batch: Batch) -> tuple[Tensor, tuple[Tensor, ...]]:
        seed = (self._recipe.seed * 1_000_003 + self._state.step) % (1 << 62)
        torch.manual_seed(seed)  # what dropout draws from
        progress = self._state.step / self._recipe.steps
        return self._parts.learner.loss(batch, computing=self._autocast(), seed=seed, progress=progress)

    def _autocast(self) -> contextlib.AbstractContextManager[object]:
        kind = {"bf16": torch.bfloat16, "fp16": torch.float16}.get(self._recipe.hardware.precision)
        if kind is None:
            return contextlib.nullcontext()
        return torch.autocast(self._parts.device.type, dtype=kind)

    def _gradients(self) -> list[Tensor]:
        """Gives back the gradient of every learning parameter; one that had no part in this iteration has 0."""
        for parameter in self._learning:
            if parameter.grad is None:
                parameter.grad = torch.zeros_like(parameter)
        return [parameter.grad for parameter in self._learning if parameter.grad is not None]

    def _no_number(self, what: str) -> NonFiniteLossError:
        recipe, step = self._recipe, self._state.step
        origins = draw_share(recipe, self._parts.sampler, step, rank=0, processes=1).origins
        kept = read_checkpoint(self._job.out)
        at = f"the checkpoint of iteration {kept.step} is kept" if kept is not None else "there is no checkpoint yet"
        return NonFiniteLossError(
            f"the {what} of iteration {step} is no number; {at}",
            where=f"{self._job.out}, batch {step}: {'; '.join(origins)}",
            fix="lower optimizer: rate or clip, or train in fp32 (hardware: precision), in a new --out",
        )

    def _score(self, held_back: HeldBack) -> Score | TrackScore | None:
        """Gives back the score of the average of the weights."""
        found = held_back.score(self._average.state, self._autocast())
        if found is not None:
            self._watcher.scored(self._state.step, found)
        return found

    def _keep(self, curve: Curve, point: Point, found: Score | TrackScore | None) -> None:
        if found is not None:
            point = dataclasses.replace(point, held_back=found.pair)
        curve.add(point)
        self._watcher.stepped(point)

    def _save(self) -> None:
        save_checkpoint(
            self._job.out,
            Checkpoint(
                key=self._recipe.key(),
                step=self._state.step,
                seconds=self._state.seconds,
                network=self._network.state_dict(),
                average=self._average.state,
                updates=self._average.updates,
                optimizer=self._optimizer.state_dict(),
                scaler=self._scaler.state_dict(),
                loss=self._parts.loss.state_dict(),
                facts=facts_of(self._job),
            ),
        )

    def _restore(self) -> None:
        found = read_checkpoint(self._job.out)
        if found is None:
            return
        where = str(Path(self._job.out))
        check_belongs(found, self._recipe, self._job.out)
        if found.facts.get(TEACHER, "") not in {"", teacher_digest(self._job)}:
            raise UsageError(
                "the teacher is another one than when this training was begun",
                where=f"{where}, teacher: {self._recipe.teacher}",
                fix="put its weights back, or train anew in another --out",
            )
        load_network(self._network, found.network, where)
        load_network(self._parts.loss, found.loss, where)
        for name, value in found.average.items():
            self._average.state[name].copy_(value)
        self._average.updates = found.updates
        self._optimizer.load_state_dict(dict(found.optimizer))
        self._scaler.load_state_dict(dict(found.scaler))
        self._state = _State(step=found.step, seconds=found.seconds)
