"""STCN unrolled over clips for training (STCN, section 4.2; XMem, section 3.6 for longer clips)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from vosbench.adapters.nn.mini_trunk import load_backbone, trunk_parameters
from vosbench.adapters.nn.runtime import full_precision
from vosbench.adapters.nn.unrolling import (
    ObjectRows,
    aggregated_logits,
    drawn_memory_frames,
    frames_first,
    given_masks,
    object_rows,
    similarity_softmax,
    weighted_values,
)
from vosbench.adapters.nn.widths import MINI
from vosbench.adapters.stcn.memory import SCALE
from vosbench.adapters.stcn.network import ImageFeatures, STCNNetwork
from vosbench.adapters.stcn.settings import STCNSettings
from vosbench.contract import Unrolled
from vosbench.errors import UsageError


class STCNTraining:
    """The small STCN as the training bench sees it.

    The first frame's given mask is the first memory; at most two later frames are remembered with what the network
    itself predicted, without gradient. Frames between two writes read the same memory and go through the decoder
    together. The read is over all of memory: the top k are for inference (STCN, section 3.3). As a teacher it remembers
    every frame (MobileVOS, figure 1: the teacher's memory is infinite).
    """

    def __init__(self) -> None:
        self._teaches = False
        self.network = STCNNetwork(MINI).to(memory_format=torch.channels_last)

    def load_backbone(self, state: Mapping[str, Any]) -> None:
        """Take torchvision's MobileNetV2 weights into both trunks; raises `CheckpointError` for others."""
        load_backbone(self.network, state)

    def trunk_parameters(self) -> Iterable[nn.Parameter]:
        """Gives back the parameters of both trunks that are trained."""
        return trunk_parameters(self.network)

    def teach(self) -> None:
        """Remember every frame from now on."""
        self._teaches = True

    def unroll(self, images: Tensor, masks: Tensor, objects: Sequence[int], generator: torch.Generator) -> Unrolled:
        """Gives back the answers on (batch, frames, 3, height, width); see `Trainable`."""
        frames = images.shape[1]
        rows = object_rows(objects, images.device)
        features = self.network.encode_key(frames_first(images))
        clip = UnrolledClip(self.network, features, rows, frames)
        writes = [*range(frames - 1)] if self._teaches else drawn_memory_frames(frames, generator)
        clip.write(0, given_masks(masks[:, 0], rows.most))
        for begin, end in zip(writes, [*writes[1:], frames - 1], strict=True):
            probabilities = clip.answer(begin + 1, end + 1)
            if end < frames - 1:
                clip.write(end, probabilities[-1, :, 1:])
        return clip.unrolled()


class UnrolledClip:
    """The state of one unrolled batch: its memory so far and its answers.

    ``network`` is an `STCNNetwork`, or one with the same parts.
    """

    def __init__(self, network: Any, features: ImageFeatures, rows: ObjectRows, frames: int) -> None:
        self._network = network
        self._rows = rows
        self._features = {
            name: getattr(features, name).unflatten(0, (frames, rows.clips)) for name in ImageFeatures.__slots__
        }
        self._skips = [skip.unflatten(0, (frames, rows.clips)) for skip in network.decoder.skips(features)]
        self._keys: list[Tensor] = []
        self._values: list[Tensor] = []
        self._logits: list[Tensor] = []
        self._representations: list[Tensor] = []

    def write(self, frame: int, objects: Tensor, *, keep: int | None = None) -> None:
        """Remember ``frame`` with the masks ``objects`` (clips, most objects, height, width), without gradient.

        With ``keep`` at most so many frames stay in memory: the first, and the last ones written.
        """
        source, f16, key = (self._features[name][frame] for name in ("source", "f16", "key"))
        planes = self._rows.planes(objects.detach())
        values = self._network.value_encoder.encode(self._rows.of_images(source), self._rows.of_images(f16), planes)
        self._keys.append(key.flatten(2))
        self._values.append(values.flatten(2))
        if keep is not None and len(self._keys) > keep:
            del self._keys[1], self._values[1]

    def answer(self, begin: int, end: int) -> Tensor:
        """Gives back the probabilities (frames, clips, 1 + most objects, height, width) of ``begin`` to ``end`` - 1."""
        readout = self._read(begin, end)
        thin = self._features["f16_thin"][begin:end]
        decoder = self._network.decoder
        g16 = decoder.compress(readout, self._rows.of_images(thin).flatten(0, 1))
        skips = (self._rows.of_images(skip[begin:end]).flatten(0, 1) for skip in self._skips)
        g4 = decoder.upsample(g16, *skips)
        with full_precision(readout.device):
            alone = decoder.logits(g4.float()).unflatten(0, (end - begin, -1))
            logits = aggregated_logits(alone, self._rows)
        self._logits.append(logits)
        self._representations.append(self._rows.by_clip(g4.unflatten(0, (end - begin, -1)), 0))
        return torch.softmax(logits.detach(), dim=2)

    def unrolled(self) -> Unrolled:
        """Gives back all answers, clip by clip."""
        logits = torch.cat(self._logits).transpose(0, 1)
        return Unrolled(logits=logits, representation=torch.cat(self._representations).transpose(0, 1))

    def _read(self, begin: int, end: int) -> Tensor:
        """Gives back (frames x rows, 128, height / 16, width / 16); see `MemoryBank` for the similarity."""
        queries = self._features["key"][begin:end]
        with full_precision(queries.device):
            keys = torch.cat(self._keys, dim=2).float()
            products = keys.transpose(1, 2) @ queries.flatten(3).float()
            squares = keys.square().sum(1)[:, :, None]
            affinity = similarity_softmax((2 * products - squares) / SCALE)
            grid = (queries.shape[3], queries.shape[4])
            return weighted_values(affinity, torch.cat(self._values, dim=2), self._rows, grid)


def trainable(settings: STCNSettings) -> STCNTraining:
    """Gives back the small STCN for training; raises `UsageError` for the published network."""
    if settings.trunk != "mini":
        raise UsageError(f"stcn is trained here with trunk=mini, not {settings.trunk}", fix="set trunk: mini")
    return STCNTraining()
