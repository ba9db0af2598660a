"""SAM2-Lite's memory-aware distillation (section 3.2): a student reads its bank as the teacher reads its own."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

from vosbench.contract import TokenRead
from vosbench.errors import UsageError
from vosbench.train.loss import PartContext
from vosbench.train.losses import LossInput, LossPart

Direction = Literal["teacher-student", "student-teacher"]
GRID = 16
"""Cells of a frame in which attention is compared: `TokenRead.cells` counts 4 x 4 of them."""
FLOOR = 1e-4
"""Added to every bin, so that one that a bank left empty costs a finite amount."""
MOST_POSITIONS = 256


def attention_matching(
    context: PartContext, *, direction: Direction = "teacher-student", positions: int = MOST_POSITIONS
) -> LossPart:
    """Gives back the divergence of the student's attention from the teacher's (equation 4), the mean over frames.

    The paper compares token by token, which two banks with different tokens do not allow: here it is by source frame
    and cell. "student-teacher" is its KL(student | teacher), "teacher-student" KL(teacher | student), which does not
    reward a student for looking at one thing alone. ``positions`` are drawn from each frame. Raises `UsageError` where
    the recipe names no teacher.
    """
    _require_teacher(context)
    if direction not in ("teacher-student", "student-teacher"):
        raise UsageError(
            f"attention-matching: there is no direction '{direction}'",
            where=context.where,
            fix="teacher-student or student-teacher",
        )

    def part(given: LossInput) -> Tensor:
        losses = []
        for student, teacher in _pairs(given):
            at = _drawn(student, positions, given.generator)
            ours, theirs = binned_attention(student, teacher, at)
            losses.append(divergence(ours, theirs, direction))
        return torch.stack(losses).mean()

    return part


def binned_attention(student: TokenRead, teacher: TokenRead, at: Tensor) -> tuple[Tensor, Tensor]:
    """Gives back both banks' shares (batch, positions, bins) of the positions ``at``, each with a floor, summing to 1.

    A bin is a cell of a source frame that both banks have tokens of; the last bin is all the rest.
    """
    frames = 1 + max(int(read.frames.max()) for read in (student, teacher))
    both = held_frames(student, frames) & held_frames(teacher, frames)
    shares = []
    for read in (student, teacher):
        attention = read.attention[:, at].float()
        place = (read.frames * GRID + read.cells)[:, None].expand(-1, len(at), -1)
        bins = attention.new_zeros(*attention.shape[:2], frames * GRID).scatter_add(2, place, attention)
        shared = bins * both.repeat_interleave(GRID, dim=1)[:, None]
        bins = torch.cat([shared, (1 - shared.sum(2, keepdim=True)).clamp(min=0)], dim=2) + FLOOR
        shares.append(bins / bins.sum(2, keepdim=True))
    return shares[0], shares[1].detach()


def held_frames(read: TokenRead, frames: int) -> Tensor:
    """Gives back (batch, frames) bool: which source frames a bank has a token of."""
    held = torch.zeros(len(read.frames), frames, dtype=torch.bool, device=read.frames.device)
    return held.scatter_(1, read.frames, torch.ones_like(read.frames, dtype=torch.bool))


def divergence(student: Tensor, teacher: Tensor, direction: Direction) -> Tensor:
    """Gives back the mean KL divergence of shares (..., bins) that are nowhere 0."""
    first, second = (teacher, student) if direction == "teacher-student" else (student, teacher)
    return (first * (first.log() - second.log())).sum(-1).mean()


def readout_matching(context: PartContext, *, positions: int = MOST_POSITIONS) -> LossPart:
    """Gives back the squared distance of what student and teacher read (equation 7), the mean over frames.

    Raises `UsageError` where the recipe names no teacher.
    """
    return _ReadoutMatching(context, positions)


class _ReadoutMatching(nn.Module):
    """The student's readout goes through a linear layer that learns with it, both sides through a layer norm.

    The norms have no parameters: a common scale of both networks is not what is compared.
    """

    def __init__(self, context: PartContext, positions: int) -> None:
        super().__init__()
        _require_teacher(context)
        self._positions = positions
        channels = [_readout_channels(network) for network in (context.student, context.teacher)]
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            self.adapter = nn.Linear(channels[0], channels[1])

    def forward(self, given: LossInput) -> Tensor:
        """Gives back the mean over frames, clips, positions and channels."""
        losses = []
        for student, teacher in _pairs(given):
            at = _drawn(student, self._positions, given.generator)
            ours = self.adapter(student.readout[:, at].float())
            losses.append(readout_distance(ours, teacher.readout[:, at].float().detach()))
        return torch.stack(losses).mean()


def readout_distance(student: Tensor, teacher: Tensor) -> Tensor:
    """Gives back the mean squared difference of (..., channels), each normalised over its channels."""
    ours, theirs = (functional.layer_norm(x, x.shape[-1:]) for x in (student, teacher))
    return functional.mse_loss(ours, theirs)


def _pairs(given: LossInput) -> list[tuple[TokenRead, TokenRead]]:
    """Gives back what both read on each frame answered."""
    teacher = given.teacher
    if teacher is None or not teacher.reads or not given.answer.reads:
        raise UsageError(
            "a network tells nothing of what it read from its bank", fix="match networks with a bank of tokens"
        )
    return list(zip(given.answer.reads, teacher.reads, strict=True))


def _drawn(read: TokenRead, most: int, generator: torch.Generator) -> Tensor:
    """Gives back ``most`` positions of the frame by chance, all where it has no more."""
    count = read.attention.shape[1]
    return torch.randperm(count, generator=generator)[:most].to(read.frames.device)


def _readout_channels(network: object) -> int:
    """Gives back the channels of what a network reads, found on a clip of two small frames."""
    images, masks = torch.zeros(1, 2, 3, 32, 32), torch.zeros(1, 2, 32, 32, dtype=torch.int64)
    masks[:, :, 8:24, 8:24] = 1
    with torch.no_grad():
        reads = network.unroll(images, masks, (1,), torch.Generator().manual_seed(0)).reads  # type: ignore[attr-defined]
    if not reads:
        raise UsageError("this network tells nothing of a bank of tokens", fix="leave readout-matching out")
    return int(reads[0].readout.shape[2])


def _require_teacher(context: PartContext) -> None:
    if context.teacher is None:
        raise UsageError(
            "matching needs a teacher",
            where=context.where,
            fix="add teacher: to the recipe, e.g. the same network with every token kept",
        )
