"""SAM2-Lite unrolled over clips for training (section 3.2; the stages are those of section 4.3 and ours)."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from vosbench.adapters.nn.mini_trunk import load_backbone, trunk_parameters
from vosbench.adapters.nn.unrolling import ABSENT, frames_first, given_masks
from vosbench.adapters.sam2_lite.clip_memory import BankPolicy, ClipMemory, grid_cells
from vosbench.adapters.sam2_lite.gate_training import GumbelMemory, usage_trace
from vosbench.adapters.sam2_lite.network import Encoded, Sam2LiteNetwork, make_network
from vosbench.adapters.sam2_lite.settings import Sam2LiteSettings, check_settings
from vosbench.contract import TokenRead, Unrolled
from vosbench.errors import UsageError

MASK_STRIDE = 4
SMALLEST = 1e-20
"""What a probability counts for at least, so that its logarithm is a number."""
POLICIES = ("unlimited", "fifo", "random", "anchor")
BUDGETS = (0.35, 0.7, 1.4, 2.8)
"""Of the banks that are met in training, in frames."""
FIRST_TEMPERATURE, LAST_TEMPERATURE = 1.0, 0.1
"""Of the gate's straight-through choice, from the first iteration to the last (section 3.3)."""


class Sam2LiteTraining:
    """SAM2-Lite as the training bench sees it; the settings ``training`` and ``gate_training`` say what learns.

    The first frame is written with its given masks, every later one with what the network itself predicted, and
    gradients flow through what was written. Objects take slots by chance, so that each of them learns. A reader is
    first taught with every token kept, then with banks of any kind: one that met no pruned bank fails with one. Outside
    training the bank is the settings' own.
    """

    def __init__(self, settings: Sam2LiteSettings) -> None:
        self._settings = settings
        self._progress = 0.0
        self.network = make_network(settings.preset, int8=settings.int8).to(memory_format=torch.channels_last)
        gated = settings.training == "gate"
        self._usage = gated and settings.gate_training == "usage"
        self._gumbel = gated and settings.gate_training == "gumbel"
        for name, parameter in self.network.named_parameters():
            if self._usage != name.startswith("gate.") and not self._gumbel:
                parameter.requires_grad_(requires_grad=False)

    def load_backbone(self, state: Mapping[str, Any]) -> None:
        """Take torchvision's MobileNetV2 weights into the mini's trunk.

        Raises `UsageError` for a preset whose encoder is a vision transformer, `CheckpointError` for other weights.
        """
        if self._settings.preset != "mini":
            raise UsageError(
                f"the encoder of preset {self._settings.preset} takes no weights of MobileNetV2",
                fix="set backbone: false in the recipe, or preset: mini",
            )
        load_backbone(self.network, state)

    def trunk_parameters(self) -> Iterable[nn.Parameter]:
        """Gives back the parameters of the mini's trunk that are trained; none of a vision transformer."""
        return trunk_parameters(self.network)

    def follow(self, progress: float) -> None:
        """Hear which share of the training is done: the temperature of the gate's choice falls with it."""
        self._progress = progress

    def unroll(self, images: Tensor, masks: Tensor, objects: Sequence[int], generator: torch.Generator) -> Unrolled:
        """Gives back the answers on (batch, frames, 3, height, width); see `Trainable`."""
        slots, present = (part.to(images.device) for part in drawn_slots(objects, generator, self._settings.slots))
        teaching = self._usage and self.network.training
        with torch.set_grad_enabled(torch.is_grad_enabled() and not teaching):
            frames = encoded_frames(self.network, images)
            memory = self._memory(frames[0], slots, present, generator)
            unrolled = unrolled_clip(self.network, memory, frames, first_masks(masks[:, 0], present))
        if teaching:
            gate = usage_trace(memory, unrolled, generator)
            return Unrolled(logits=unrolled.logits, reads=unrolled.reads, gate=gate)
        return unrolled

    def _memory(self, frame: Encoded, slots: Tensor, present: Tensor, generator: torch.Generator) -> ClipMemory:
        """Gives back the empty bank of this batch."""
        settings, training = self._settings, self.network.training
        budget = max(2, math.prod(frame.grid) * BUDGETS[int(torch.randint(len(BUDGETS), (), generator=generator))])
        if training and self._gumbel:
            temperature = FIRST_TEMPERATURE * (LAST_TEMPERATURE / FIRST_TEMPERATURE) ** self._progress
            return GumbelMemory(self.network, slots, present, generator, budget=int(budget), temperature=temperature)
        policy = BankPolicy(pruning=settings.pruning, budget=settings.tokens, write=settings.write)
        if training and self._usage:
            policy = BankPolicy(pruning="unlimited", budget=1)
        elif training and settings.training == "banks":
            kind = POLICIES[int(torch.randint(len(POLICIES), (), generator=generator))]
            policy = BankPolicy(pruning=kind, budget=int(budget))
        return ClipMemory(self.network, slots, present, generator, policy=policy)


def unrolled_clip(network: Sam2LiteNetwork, memory: ClipMemory, frames: Sequence[Encoded], first: Tensor) -> Unrolled:
    """Gives back the answers on all frames but the first, whose masks ``first`` are given: (batch, 1 + objects,
    height / 4, width / 4), background first. Every frame but the last is written after its answer.
    """
    memory.write(0, frames[0], first, given=True)
    answers, reads = [], []
    for index in range(1, len(frames)):
        logits, read = network.read(frames[index], memory.view(index), memory.slots, memory.present, tell=True)
        tokens = memory.tokens()
        cells = grid_cells(tokens.position, tokens.rows, tokens.columns)
        reads.append(TokenRead(attention=read.attention, readout=read.readout, frames=tokens.frame, cells=cells))
        probabilities = clip_probabilities(logits, memory.present)
        answers.append(full_size_logits(probabilities, memory.present, MASK_STRIDE))
        if index < len(frames) - 1:
            memory.write(index, frames[index], probabilities, given=False)
    return Unrolled(logits=torch.stack(answers, dim=1), reads=tuple(reads), gate=memory.trace())


def trainable(settings: Sam2LiteSettings) -> Sam2LiteTraining:
    """Gives back the network that ``settings`` name, for training; raises `UsageError` for what cannot be."""
    check_settings(settings)
    return Sam2LiteTraining(settings)


def encoded_frames(network: Sam2LiteNetwork, images: Tensor) -> list[Encoded]:
    """Gives back the frames of clips (batch, frames, 3, height, width), all encoded in one pass, one by one.

    Tokens and keys are in single precision whatever the precision of the encoder: the layers add to them.
    """
    count = images.shape[1]
    stacked = frames_first(images)
    whole = network.encode(stacked)
    parts = (part.unflatten(0, (count, -1)) for part in (whole.tokens.float(), whole.keys.float(), stacked))
    return [
        Encoded(tokens=tokens, keys=keys, grid=whole.grid, image=image)
        for tokens, keys, image in zip(*parts, strict=True)
    ]


def drawn_slots(objects: Sequence[int], generator: torch.Generator, count: int) -> tuple[Tensor, Tensor]:
    """Gives back (batch, most objects) int64, each object's slot of the first ``count`` by chance, and which objects
    there are, 0 or 1. Raises `UsageError` for a clip of more objects than that.
    """
    most = max(objects)
    if most > count:
        raise UsageError(
            f"a clip shows {most} objects, and slots is {count}",
            where="settings of sam2-lite",
            fix="give the recipe no more data: objects than settings: slots",
        )
    slots = torch.stack([torch.randperm(count, generator=generator)[:most] for _ in objects])
    present = torch.arange(most)[None] < torch.tensor(list(objects))[:, None]
    return slots, present.float()


def first_masks(labels: Tensor, present: Tensor) -> Tensor:
    """Gives back (batch, 1 + objects, height / 4, width / 4) of label maps (batch, height, width), background first."""
    given = functional.avg_pool2d(given_masks(labels, present.shape[1]) * present[..., None, None], MASK_STRIDE)
    return torch.cat([1 - given.sum(1, keepdim=True), given], dim=1)


def clip_probabilities(logits: Tensor, present: Tensor) -> Tensor:
    """Gives back (batch, 1 + objects, height / 4, width / 4), background first, 0 for an object that is not there."""
    known = logits.float().masked_fill(present[..., None, None] == 0, ABSENT)
    return torch.softmax(functional.pad(known, (0, 0, 0, 0, 1, 0)), dim=1)


def full_size_logits(probabilities: Tensor, present: Tensor, scale: int) -> Tensor:
    """Gives back (batch, 1 + objects, height, width) whose softmax is the probabilities resized, as a run resizes."""
    planes = functional.interpolate(probabilities, scale_factor=scale, mode="bilinear", align_corners=False)
    there = functional.pad(present, (1, 0), value=1.0)
    return planes.clamp(min=SMALLEST).log().masked_fill(there[..., None, None] == 0, ABSENT)
