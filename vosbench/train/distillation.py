"""The losses of MobileVOS (section 3): what a student learns from masks and from a teacher."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

from vosbench.contract import Trainable, Unrolled
from vosbench.errors import UsageError
from vosbench.train.boundary import Sample, anywhere, boundary, draw, to_stride
from vosbench.train.correlation import correlation, label_correlation, representation_loss, unified_target

Direction = Literal["teacher-student", "student-teacher"]


@dataclass(frozen=True, slots=True, kw_only=True)
class DistillationSettings:
    """What can be set of a distillation.

    ``omega`` goes from supervised contrast (0) to distillation (1) of representations: 0.95 for the MobileNetV2
    students, 0 for the ResNet-18 one (section 4.3), which a student of MobileVOS says itself where a recipe sets none.
    ``temperature`` sharpens both predictions below 1 (0.1, section
    4.3). ``logits`` and ``representation`` switch the two terms of table 5.

    The paper does not say how wide the boundary is: ``boundary_width`` counts pixels on either side of it. Equation 9
    has KL(student | teacher), Algorithm 1 kl(teacher, student); ``direction`` is the Algorithm's unless set, since that
    is the one of the distillation literature. ``sampling`` "random" is the comparison of figure 5: representations of
    as many pixels drawn anywhere, and logits of all pixels. ``most_pixels`` bounds the pixels of a plane whose
    correlations are taken, None takes all.
    """

    omega: float = 0.95
    temperature: float = 0.1
    logits: bool = True
    representation: bool = True
    boundary_width: int = 4
    sampling: Literal["boundary", "random"] = "boundary"
    direction: Direction = "teacher-student"
    most_pixels: int | None = 512

    def __post_init__(self) -> None:
        wrong = {
            "omega": not 0 <= self.omega <= 1,
            "temperature": not self.temperature > 0,
            "boundary_width": self.boundary_width < 1,
            "most_pixels": self.most_pixels is not None and self.most_pixels < 2,
        }
        for name in (name for name, bad in wrong.items() if bad):
            raise UsageError(
                f"distillation: {name} is {getattr(self, name)}",
                fix="omega lies in 0 to 1, temperature above 0, boundary_width is 1 or more, most_pixels 2 or more",
            )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class DistillationTerms:
    """The two terms that a teacher brings, each a number with gradients, or None where it is switched off."""

    logits: Tensor | None
    representation: Tensor | None

    def total(self, cross_entropy: Tensor) -> Tensor:
        """Gives back the final loss: cross-entropy + L_logit + L_repr, equation 10."""
        terms = (self.logits, self.representation)
        return sum((term for term in terms if term is not None), start=cross_entropy)


class Distillation(nn.Module):
    """What a batch of clips costs a student beside its teacher.

    Holds the student's additional linear embedding (section 4, Algorithm 1 line 9), which is trained with the student
    and thrown away afterwards: its parameters go to the optimizer, and into checkpoints, but not into weights.
    """

    def __init__(self, settings: DistillationSettings, *, student_channels: int, teacher_channels: int) -> None:
        super().__init__()
        self.settings = settings
        self.embedding = nn.Linear(student_channels, teacher_channels) if settings.representation else None

    def forward(
        self, student: Unrolled, teacher: Unrolled, masks: Tensor, objects: Sequence[int], generator: torch.Generator
    ) -> DistillationTerms:
        """Gives back the terms of a batch of clips; nothing flows back into the teacher.

        ``masks`` (batch, frames, height, width) int64 are the true ones of the whole clip, of which 1 to
        ``objects[b]`` are clip b's objects. ``generator`` is one of the CPU.
        """
        with torch.autocast(masks.device.type, enabled=False):
            planes = object_planes(masks[:, 1:], max(objects))
            edges = boundary(planes, self.settings.boundary_width)
            logits = self._logits(student, teacher, edges) if self.settings.logits else None
            if self.embedding is None:
                return DistillationTerms(logits=logits, representation=None)
            given, wanted = _representations(student, teacher)
            cells = self._cells(edges, planes.shape[-1] // given.shape[-1], objects, generator)
            sample = draw(cells, self.settings.most_pixels, generator)
            term = representation_term(self.embedding, given, wanted, planes, sample, self.settings.omega)
            return DistillationTerms(logits=logits, representation=term)

    def _logits(self, student: Unrolled, teacher: Unrolled, edges: Tensor) -> Tensor:
        everywhere = self.settings.sampling == "random"
        return logit_loss(
            student.logits,
            teacher.logits,
            torch.ones_like(edges[:, :, 0]) if everywhere else edges.any(2),
            temperature=self.settings.temperature,
            direction=self.settings.direction,
        )

    def _cells(self, edges: Tensor, stride: int, objects: Sequence[int], generator: torch.Generator) -> Tensor:
        """Gives back (batch x frames x objects, height / stride, width / stride) bool, of objects that clips have."""
        cells = to_stride(edges, stride)
        if self.settings.sampling == "random":
            cells = anywhere(cells, generator)
        counts = torch.tensor(tuple(objects), device=edges.device)
        there = torch.arange(edges.shape[2], device=edges.device) < counts[:, None]
        return (cells & there[:, None, :, None, None]).flatten(0, 2)


def object_planes(masks: Tensor, objects: int) -> Tensor:
    """Gives back (..., objects, height, width) bool of ``masks`` (..., height, width): plane k - 1 shows object k."""
    ids = torch.arange(1, objects + 1, device=masks.device)
    return masks.unsqueeze(-3) == ids[:, None, None]


def representation_term(
    embedding: nn.Module, student: Tensor, teacher: Tensor, planes: Tensor, sample: Sample, omega: float
) -> Tensor:
    """Gives back the mean of `representation_loss` over the planes of which ``sample`` has pixels; 0 without any.

    ``student`` and ``teacher`` are (batch, frames, objects, channels, h, w), ``planes`` (batch, frames, objects,
    height, width) bool the true masks at their own size, ``sample`` what `draw` gave for all planes in that order.
    """
    stride = planes.shape[-1] // student.shape[-1]
    shown = planes[..., stride // 2 :: stride, stride // 2 :: stride]
    labels = shown.flatten(3).flatten(0, 2).gather(1, sample.index)
    own = embedding(at(student, sample)) * sample.valid[..., None]
    other = at(teacher.detach(), sample) * sample.valid[..., None]
    target = unified_target(correlation(other), label_correlation(labels, sample.valid), omega)
    losses = representation_loss(correlation(own), target, sample.valid.sum(1))
    return (losses * sample.valid.any(1)).sum() / sample.valid.any(1).sum().clamp(min=1)


def at(representation: Tensor, sample: Sample) -> Tensor:
    """Gives back (planes, pixels, channels) float32 of ``representation`` (..., channels, height, width)."""
    rows = representation.flatten(-2).flatten(0, -3).transpose(1, 2)
    index = sample.index[..., None].expand(-1, -1, rows.shape[2])
    return rows.gather(1, index).to(torch.float32)


def logit_loss(
    student: Tensor, teacher: Tensor, chosen: Tensor, *, temperature: float, direction: Direction = "teacher-student"
) -> Tensor:
    """Gives back the KL divergence between the two softened predictions, the mean over each frame's chosen pixels.

    Equation 9, meaned over the frames that have any. ``student`` and ``teacher`` are logits (batch, frames, channels,
    height, width), background first; ``chosen`` (batch, frames, height, width) bool marks the pixels around the
    boundary. "teacher-student" is KL(teacher | student), "student-teacher" the other way round. 0 where nothing is
    chosen.
    """
    ours = torch.log_softmax(student.to(torch.float32) / temperature, dim=2)
    theirs = torch.log_softmax(teacher.detach().to(torch.float32) / temperature, dim=2)
    first, second = (theirs, ours) if direction == "teacher-student" else (ours, theirs)
    divergence = (first.exp() * (first - second)).sum(2)
    counts = chosen.sum(dim=(2, 3))
    means = (divergence * chosen).sum(dim=(2, 3)) / counts.clamp(min=1)
    return means.sum() / (counts > 0).sum().clamp(min=1)


def poly_cross_entropy(logits: Tensor, labels: Tensor, epsilon: float = 1.0) -> Tensor:
    """Gives back (images, height, width): -log p + epsilon (1 - p) for the probability p of the true class.

    Poly-1 cross-entropy (Leng et al. 2022, PolyLoss, equation 6), which MobileVOS takes with epsilon 1 (section 4.2);
    0 leaves cross-entropy. ``logits`` (images, channels, height, width), ``labels`` (images, height, width) int64.
    """
    entropy = functional.cross_entropy(logits.to(torch.float32), labels, reduction="none")
    return entropy + epsilon * (1 - torch.exp(-entropy))


def bootstrapped_poly_cross_entropy(logits: Tensor, labels: Tensor, *, share: float, epsilon: float = 1.0) -> Tensor:
    """Gives back the mean poly cross-entropy of the hardest ``share`` of every image's pixels, meaned over images.

    L_cross-entropy of equation 10 (Algorithm 1, line 12). STCN's bootstrapping, which MobileVOS keeps: ``share`` falls
    from 1 to 0.15 while it trains (official STCN, ``BootstrappedCE``).
    """
    losses = poly_cross_entropy(logits, labels, epsilon).flatten(1)
    hardest = losses.topk(max(1, int(share * losses.shape[1])), dim=1, sorted=False).values
    return hardest.mean()


def representation_channels(network: Trainable) -> int:
    """Gives back the channels of what ``network`` gives for distillation, found on a clip of two small frames.

    Raises `UsageError` for a network that gives nothing.
    """
    images, masks = torch.zeros(1, 2, 3, 32, 32), torch.zeros(1, 2, 32, 32, dtype=torch.int64)
    masks[:, :, 8:24, 8:24] = 1
    with torch.no_grad():
        unrolled = network.unroll(images, masks, (1,), torch.Generator().manual_seed(0))
    if unrolled.representation is None:
        raise UsageError(
            "this network gives no representation to distil",
            fix="distil its logits alone (representation: false), or name another teacher",
        )
    return int(unrolled.representation.shape[3])


def _representations(student: Unrolled, teacher: Unrolled) -> tuple[Tensor, Tensor]:
    given, wanted = student.representation, teacher.representation
    if given is None or wanted is None:
        raise UsageError(
            f"the {'student' if given is None else 'teacher'} gives no representation to distil",
            fix="distil logits alone (representation: false)",
        )
    if given.shape[-2:] != wanted.shape[-2:]:
        raise UsageError(
            f"the student's representation is {tuple(given.shape[-2:])}, the teacher's {tuple(wanted.shape[-2:])}",
            fix="distil between networks that decode to one stride, or logits alone (representation: false)",
        )
    return given, wanted
