"""DeAOT and MAVOS unrolled over clips for training (AOT, section 4.1; MAVOS, section 4.1)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from vosbench.adapters.aot.engine import Engine, Schedule
from vosbench.adapters.aot.grid import batch_to_tokens
from vosbench.adapters.aot.network import AOTNetwork, Features
from vosbench.adapters.aot.settings import AOTSettings
from vosbench.adapters.aot.strategies import Strategy, keep_all
from vosbench.adapters.aot.widths import SMALL
from vosbench.adapters.nn.mini_trunk import load_backbone, trunk_parameters
from vosbench.adapters.nn.runtime import full_precision
from vosbench.adapters.nn.unrolling import ABSENT, MEMORY_FRAMES, frames_first
from vosbench.contract import Unrolled
from vosbench.errors import UsageError

GAP = 2
"""Frames from one long-term write to the next in training (MAVOS, section 4.1: delta is 2 for training)."""


class AOTTraining:
    """A small network of the AOT family as the training bench sees it: the session's own `Engine`, over a batch.

    Objects take identities by chance, so that each identity learns from every object. While it learns, the identities
    that nobody took answer as well, and are wrong wherever they do: without them a clip of one object teaches only what
    is foreground. What a frame is remembered with is what the network answered, as hard labels. The long-term memory is
    written every second frame; where ``strategy`` keeps all frames seldom enough that at most three are read.
    """

    def __init__(self, network: AOTNetwork, strategy: Strategy, gap: Callable[[int], int]) -> None:
        self.network = network.to(memory_format=torch.channels_last)
        self._strategy = strategy
        self._gap = gap
        _begin(network)

    def load_backbone(self, state: Mapping[str, Any]) -> None:
        """Take torchvision's MobileNetV2 weights into the encoder; raises `CheckpointError` for others."""
        load_backbone(self.network, state)

    def trunk_parameters(self) -> Iterable[nn.Parameter]:
        """Gives back the parameters of the encoder that are trained."""
        return trunk_parameters(self.network)

    def unroll(self, images: Tensor, masks: Tensor, objects: Sequence[int], generator: torch.Generator) -> Unrolled:
        """Gives back the answers on (batch, frames, 3, height, width); see `Trainable`."""
        self._require_identities(objects)
        frames, size = images.shape[1], (images.shape[3], images.shape[4])
        numbers = drawn_identities(len(objects), self._most, generator).to(images.device)
        nobody = torch.arange(1 + self._most) > torch.tensor(list(objects))[:, None]
        nobody = nobody[:, :, None, None].to(images.device)
        engine = Engine(self.network, Schedule(gap=self._gap(frames), skip=1), self._strategy)
        features = self._encode(images)
        engine.refer(0, features[0], None, numbers.gather(1, masks[:, 0].flatten(1)).view_as(masks[:, 0]), self._most)
        answers = []
        for frame in range(1, frames):
            logits = self._upsampled(engine.match(features[frame], None), numbers, size)
            known = logits.masked_fill(nobody, ABSENT)
            answers.append(logits if self.network.training else known)
            if frame < frames - 1:
                labels = known.detach().argmax(1).flatten(1)
                engine.update(frame, numbers.gather(1, labels).view(-1, *size))
        return Unrolled(logits=torch.stack(answers, dim=1))

    @property
    def _most(self) -> int:
        return self.network.objects

    def _require_identities(self, objects: Sequence[int]) -> None:
        if max(objects) > self._most:
            raise UsageError(
                f"a clip has {max(objects)} objects, this network tells {self._most} apart",
                fix=f"let the recipe's clips have at most {self._most} objects",
            )

    def _encode(self, images: Tensor) -> list[Features]:
        """Gives back the features of every frame of the batch, all encoded in one pass."""
        f4, f8, f16, top = self.network.encoder(frames_first(images))
        # The streams of the transformer add up in single precision, whatever the precision of its products.
        projected = self.network.encoder_projector(top).float()
        maps = [part.unflatten(0, (images.shape[1], -1)) for part in (f4, f8, f16, batch_to_tokens(projected))]
        grid = (projected.shape[2], projected.shape[3])
        frames = zip(*maps, strict=True)
        return [Features(shortcuts=tuple(shortcuts), top=tokens, grid=grid) for *shortcuts, tokens in frames]

    def _upsampled(self, logits: Tensor, numbers: Tensor, size: tuple[int, int]) -> Tensor:
        """Gives back (batch, 1 + identities, height, width): each object's channel, whatever its identity."""
        with full_precision(logits.device):
            own = logits.float().gather(1, numbers[:, :, None, None].expand(-1, -1, *logits.shape[2:]))
            return functional.interpolate(own, size, mode="bilinear", align_corners=False)


def drawn_identities(clips: int, identities: int, generator: torch.Generator) -> Tensor:
    """Gives back (clips, 1 + identities), int64: the identity of each object by chance, 0 for the background.

    Those behind a clip's last object are the identities that nobody took.
    """
    rows = [torch.randperm(identities, generator=generator) + 1 for _ in range(clips)]
    return functional.pad(torch.stack(rows), (1, 0))


def seldom_enough(frames: int) -> int:
    """Gives back the gap at which a clip of ``frames`` frames reads at most three frames that are all kept."""
    return max(GAP, -(-(frames - 1) // MEMORY_FRAMES))


def trainable(settings: AOTSettings) -> AOTTraining:
    """Gives back the small DeAOT for training; raises `UsageError` for the published networks."""
    if settings.encoder != SMALL:
        raise UsageError(
            f"deaot-l is trained here with encoder={SMALL}, not {settings.encoder}", fix=f"set encoder: {SMALL}"
        )
    return AOTTraining(AOTNetwork(SMALL, gated=True), keep_all, seldom_enough)


def _begin(network: AOTNetwork) -> None:
    """Give the linear layers of transformer and fusion their beginning (official ``_init_weight``: Xavier's rule)."""
    for name, module in network.named_modules():
        if isinstance(module, nn.Linear) and not name.startswith("encoder."):
            nn.init.xavier_uniform_(module.weight)
            if module.bias is not None:
                nn.init.zeros_(module.bias)
