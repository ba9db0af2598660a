"""XMem unrolled over clips for training (XMem, section 3.6)."""

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
from vosbench.adapters.xmem.network import ImageFeatures, XMemNetwork
from vosbench.adapters.xmem.settings import XMemSettings
from vosbench.adapters.xmem.similarity import memory_rows, query_columns
from vosbench.contract import Unrolled
from vosbench.errors import UsageError

DEEP_UPDATE_PROBABILITY = 0.2
"""Of a deep update at a frame (section 3.6: 1 / r with r = 5)."""


class XMemTraining:
    """The small XMem as the training bench sees it.

    The first frame's given mask is the first memory; at most two later frames are remembered with what the network
    itself predicted, without gradient. The sensory memory is updated at every frame by the decoder, and at random
    frames once more by the value encoder; its gradient runs through the whole clip. The read is over all of memory:
    the top k and long-term memory are for inference.
    """

    def __init__(self, settings: XMemSettings, *, deep_update_probability: float = DEEP_UPDATE_PROBABILITY) -> None:
        self.network = XMemNetwork(MINI, hidden_dim=settings.hidden_dim, single_object=settings.single_object).to(
            memory_format=torch.channels_last
        )
        self._settings = settings
        self._deep_update_probability = deep_update_probability

    def load_backbone(self, state: Mapping[str, Any]) -> None:
        """Take torchvision's MobileNetV2 weights into both trunks; raises `CheckpointError` for others."""
        load_backbone(self.network, state)

    def trunk_parameters(self) -> Iterable[nn.Parameter]:
        """Gives back the parameters of both trunks that are trained."""
        return trunk_parameters(self.network)

    def unroll(self, images: Tensor, masks: Tensor, objects: Sequence[int], generator: torch.Generator) -> Unrolled:
        """Gives back the answers on (batch, frames, 3, height, width); see `Trainable`."""
        frames = images.shape[1]
        rows = object_rows(objects, images.device)
        features = self.network.encode_key(frames_first(images))
        clip = _Clip(self.network, self._settings, features, rows, frames)
        writes = set(drawn_memory_frames(frames, generator))
        deep = torch.rand(frames, generator=generator) < self._deep_update_probability
        clip.remember(0, given_masks(masks[:, 0], rows.most), write=True, deep=True)
        answers = []
        for frame in range(1, frames):
            logits = clip.answer(frame)
            answers.append(logits)
            if frame < frames - 1 and (frame in writes or deep[frame]):
                masks_now = torch.softmax(logits.detach(), dim=1)[:, 1:]
                clip.remember(frame, masks_now, write=frame in writes, deep=bool(deep[frame]))
        return Unrolled(logits=torch.stack(answers, dim=1))


class _Clip:
    """The state of one unrolled batch: its working and its sensory memory."""

    def __init__(
        self, network: XMemNetwork, settings: XMemSettings, features: ImageFeatures, rows: ObjectRows, frames: int
    ) -> None:
        self._network = network
        self._rows = rows
        self._features = {
            name: getattr(features, name).unflatten(0, (frames, rows.clips)) for name in ImageFeatures.__slots__
        }
        for name, on in (("shrinkage", settings.shrinkage), ("selection", settings.selection)):
            if not on:
                self._features[name] = torch.ones_like(self._features[name])
        self._skips = [skip.unflatten(0, (frames, rows.clips)) for skip in network.decoder.skips(features)]
        self._grid = (features.key.shape[2], features.key.shape[3])
        self._hidden: Tensor | None = None
        if settings.hidden_dim:
            self._hidden = features.key.new_zeros(len(rows.clip), settings.hidden_dim, *self._grid)
        self._keys: list[Tensor] = []
        self._values: list[Tensor] = []

    def answer(self, frame: int) -> Tensor:
        """Gives back the logits (clips, 1 + most objects, height, width) of ``frame``; updates the sensory memory."""
        decoder = self._network.decoder
        g16 = decoder.fuse(self._read(frame), self._of_objects("f16", frame), self._hidden)
        skip8, skip4 = (self._rows.of_images(skip[frame]) for skip in self._skips)
        alone, self._hidden = decoder.upsample(g16, self._hidden, (skip8, skip4), update=True)
        with full_precision(alone.device):
            return aggregated_logits(alone[None], self._rows)[0]

    def remember(self, frame: int, objects: Tensor, *, write: bool, deep: bool) -> None:
        """Encode ``frame`` with the masks ``objects`` (clips, most objects, height, width), without gradient.

        With ``write`` it goes to working memory, with ``deep`` the sensory memory is updated from it.
        """
        encoder = self._network.value_encoder
        planes = self._rows.planes(objects.detach())
        values = encoder.encode(self._of_objects("source", frame), self._of_objects("f16", frame), planes)
        if deep and encoder.hidden_reinforce is not None:
            self._hidden = encoder.hidden_reinforce(values, self._hidden)
        if write:
            with full_precision(values.device):
                key, shrinkage = (_tokens(self._features[name][frame]) for name in ("key", "shrinkage"))
                self._keys.append(_by_clip(memory_rows, key, shrinkage))
            self._values.append(values.flatten(2))

    def _read(self, frame: int) -> Tensor:
        """Gives back (rows, 128, height / 16, width / 16); see `similarity` for the products."""
        with full_precision(self._features["key"].device):
            key, selection = (_tokens(self._features[name][frame]) for name in ("key", "selection"))
            queries = _by_clip(query_columns, key, selection)
            affinity = similarity_softmax(torch.cat(self._keys, dim=1) @ queries.transpose(1, 2))
            return weighted_values(affinity[None], torch.cat(self._values, dim=2), self._rows, self._grid)

    def _of_objects(self, name: str, frame: int) -> Tensor:
        return self._rows.of_images(self._features[name][frame])


def _tokens(features: Tensor) -> Tensor:
    """Gives back (clips, h w, channels), single precision, of (clips, channels, h, w)."""
    return features.flatten(2).transpose(1, 2).float()


def _by_clip(function: Any, *tokens: Tensor) -> Tensor:
    """Gives back (clips, h w, ...): ``function`` of (tokens, channels) tables, over all clips at once."""
    clips = len(tokens[0])
    return function(*(part.flatten(0, 1) for part in tokens)).unflatten(0, (clips, -1))


def trainable(settings: XMemSettings) -> XMemTraining:
    """Gives back the small XMem for training; raises `UsageError` for the published network."""
    if settings.trunk != "mini":
        raise UsageError(f"xmem is trained here with trunk=mini, not {settings.trunk}", fix="set trunk: mini")
    return XMemTraining(settings)
