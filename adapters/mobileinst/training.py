"""MobileInst as the training bench sees it: every frame by itself, and the queries of one frame passed on to others."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from vosbench.adapters.mobileinst.model import architecture
from vosbench.adapters.mobileinst.network import STRIDE, Maps, MobileInstNetwork, mask_logits
from vosbench.adapters.mobileinst.settings import MobileInstSettings
from vosbench.adapters.nn.mini_trunk import load_backbone, trunk_parameters, trunks_of
from vosbench.contract import FoundInstances
from vosbench.errors import UsageError


class MobileInstTraining:
    """The network under training; see `vosbench.contract.TrainableInstances`."""

    def __init__(self, settings: MobileInstSettings) -> None:
        self.network = MobileInstNetwork(architecture(settings))
        self.network.initialise()

    def load_backbone(self, state: Mapping[str, Any]) -> None:
        """Take torchvision's MobileNetV2 weights into the mini's trunk.

        Raises `CheckpointError` for weights that do not fit, `UsageError` for a backbone of another kind.
        """
        if not trunks_of(self.network):
            raise UsageError(
                "this backbone takes no weights of MobileNetV2",
                where="mobileinst",
                fix="write `backbone: false` into the recipe, or settings: {backbone: mini}",
            )
        load_backbone(self.network, state)

    def trunk_parameters(self) -> Iterable[nn.Parameter]:
        """Gives back the parameters of the backbone that are trained."""
        if trunks_of(self.network):
            return trunk_parameters(self.network)
        return self.network.backbone.parameters()

    def find(self, images: Tensor, *, passing: bool) -> FoundInstances:
        """Gives back what the queries say of every frame, and, with ``passing``, of later frames those of the first.

        ``images`` is (batch, frames, 3, height, width). All frames go through the network together. Queries that are
        passed on read the later frame and give kernels for it; gradients flow back into the first (section 3.5).
        """
        clips, frames, _, height, width = images.shape
        if height % STRIDE or width % STRIDE:
            raise UsageError(
                f"clips of {height} x {width} pixels do not fit MobileInst",
                where="mobileinst",
                fix=f"give stages: size: in multiples of {STRIDE}",
            )
        maps = self.network.encode(images.flatten(0, 1).contiguous(memory_format=torch.channels_last))
        decoded, said = self.network.decode(maps)
        masks = mask_logits(said.kernels, maps.masks)
        passed = None
        if passing:
            first = decoded.passing.unflatten(0, (clips, frames))[:, :1]
            queries = first.expand(-1, frames - 1, -1, -1).flatten(0, 1)
            passed = self._passed(queries, _behind(maps, clips)).unflatten(0, (clips, frames - 1))
        return FoundInstances(
            classes=said.classes.unflatten(0, (clips, frames)),
            objectness=said.objectness.unflatten(0, (clips, frames)),
            masks=masks.unflatten(0, (clips, frames)),
            passed=passed,
            features=maps.masks.unflatten(0, (clips, frames)),
        )

    def _passed(self, queries: Tensor, maps: Maps) -> Tensor:
        passed = self.network.instance_decoder.pass_on(queries, maps.global_map, maps.local_map)
        return mask_logits(self.network.heads.kernels(passed), maps.masks)


def _behind(maps: Maps, clips: int) -> Maps:
    """Gives back the maps of the frames behind the first of each clip."""

    def cut(x: Tensor) -> Tensor:
        return x.unflatten(0, (clips, -1))[:, 1:].flatten(0, 1)

    return Maps(
        masks=cut(maps.masks),
        global_map=None if maps.global_map is None else cut(maps.global_map),
        local_map=cut(maps.local_map),
    )
