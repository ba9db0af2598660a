"""What networks that segment object by object share when they are unrolled over a batch of clips.

Clips have different numbers of objects. What belongs to an object lies in one row for each object of the batch, clip
after clip; what belongs to an image lies in one row for each clip, and is repeated only where the two meet.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from vosbench.adapters.nn.aggregation import SMALLEST

ABSENT = -1e4
"""The logit of an object that a clip does not have."""
MEMORY_FRAMES = 3
"""The most memory frames of a training clip (XMem, section 3.6)."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ObjectRows:
    """Which object of which clip each row is: ``clip`` and ``slot`` (rows), int64; ``clips``, ``most`` objects."""

    clip: Tensor
    slot: Tensor
    clips: int
    most: int

    @property
    def single(self) -> bool:
        """True where every clip has one object, so that rows of objects are rows of clips."""
        return self.most == 1

    def of_images(self, x: Tensor) -> Tensor:
        """Gives back (..., rows, channels, height, width), each object's image, of (..., clips, ...) maps."""
        return x if self.single else x.index_select(-4, self.clip)

    def by_clip(self, x: Tensor, missing: float) -> Tensor:
        """Gives back (frames, clips, most objects, ...) of (frames, rows, ...), with ``missing`` where no object is."""
        if len(self.clip) == self.clips * self.most:
            return x.unflatten(1, (self.clips, self.most))
        out = x.new_full((len(x), self.clips, self.most, *x.shape[2:]), missing)
        out[:, self.clip, self.slot] = x
        return out

    def planes(self, objects: Tensor) -> Tensor:
        """Gives back (rows, 2, height, width): each object's mask, and the sum of the others' in its clip.

        ``objects`` is (clips, most objects, height, width) in [0, 1], zeros where a clip has no such object.
        """
        own = objects[self.clip, self.slot]
        return torch.stack([own, objects.sum(1)[self.clip] - own], dim=1)


def object_rows(objects: Sequence[int], device: torch.device) -> ObjectRows:
    """Gives back the rows of a batch whose clip number b has ``objects[b]`` objects, at least one each."""
    counts = torch.tensor(list(objects))
    clip = torch.repeat_interleave(torch.arange(len(counts)), counts)
    slot = torch.cat([torch.arange(count) for count in counts])
    return ObjectRows(clip=clip.to(device), slot=slot.to(device), clips=len(counts), most=int(counts.max()))


def given_masks(labels: Tensor, most: int) -> Tensor:
    """Gives back (clips, most, height, width), 0 or 1, of label maps (clips, height, width)."""
    numbers = torch.arange(1, most + 1, device=labels.device)
    return (labels[:, None] == numbers[None, :, None, None]).float()


def aggregated_logits(logits: Tensor, rows: ObjectRows) -> Tensor:
    """Gives back (frames, clips, 1 + most objects, height, width), whose softmax is the soft aggregation.

    ``logits`` (frames, rows, height, width) are of each object alone. The softmax over log-odds is
    `aggregation.aggregate`: an object's is its own logit, the background's that of the product of the complements.
    """
    present = rows.by_clip(logits.float(), ABSENT)
    limit = _log_odds(SMALLEST)
    # log(1 - p) of a missing object is 0: it takes nothing from the background.
    background = -functional.softplus(present).sum(2, keepdim=True).clamp(min=SMALLEST)
    odds = background - torch.log(-torch.expm1(background))
    objects = torch.where(present > ABSENT, present.clamp(-limit, limit), present)
    return torch.cat([odds.clamp(-limit, limit), objects], dim=2)


def similarity_softmax(similarity: Tensor) -> Tensor:
    """Gives back the affinity (..., memory, queries) in single precision: every query's weights sum to 1."""
    return torch.softmax(similarity.float(), dim=-2)


def weighted_values(affinity: Tensor, values: Tensor, rows: ObjectRows, grid: tuple[int, int]) -> Tensor:
    """Gives back (frames x rows, channels, height, width), channels last: what every object reads.

    ``affinity`` (frames, clips, memory, queries) is one for all objects of a clip, ``values`` (rows, channels,
    memory).
    """
    own = affinity if rows.single else affinity.index_select(1, rows.clip)
    read = values.float() @ own
    return read.flatten(0, 1).unflatten(-1, grid).contiguous(memory_format=torch.channels_last)


def drawn_memory_frames(frames: int, generator: torch.Generator) -> list[int]:
    """Gives back the frames of a clip that are remembered, ascending: the first, and at most two others by chance.

    The last frame is never among them: nothing could read it.
    """
    candidates = max(frames - 2, 0)
    drawn = torch.randperm(candidates, generator=generator)[: MEMORY_FRAMES - 1] + 1
    return [0, *sorted(drawn.tolist())]


def frames_first(clips: Tensor) -> Tensor:
    """Gives back (frames x batch, channels, height, width), channels last, of (batch, frames, ...): frame by frame."""
    return clips.transpose(0, 1).flatten(0, 1).contiguous(memory_format=torch.channels_last)


def _log_odds(probability: float) -> float:
    """Gives back log((1 - p) / p): how far from 0 the log-odds may be."""
    p = torch.tensor(probability, dtype=torch.float64)
    return float(torch.log((1 - p) / p))
