"""MobileInst's network (Zhang et al., AAAI 2024): backbone, mask decoder, instance decoder, heads.

The paper has no code; section 3 of it leaves forms open that its FLOPs (tables 3 to 6) decide.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from torch import Tensor, nn
from torch.nn import functional

from vosbench.adapters.mobileinst.instance_decoder import Decoded, InstanceDecoder
from vosbench.adapters.mobileinst.mask_decoder import MaskDecoder
from vosbench.adapters.mobileinst.mini_backbone import MiniBackbone
from vosbench.adapters.mobileinst.seaformer import SeaFormer
from vosbench.adapters.mobileinst.topformer import TopFormer

STRIDE = 64
"""Sides of an image are multiples of it, so that the pooled mask features and the coarsest map have one grid."""

DECODERS = {
    "global-local": ("global", "local"),
    "local-local": ("local", "local"),
    "global-global": ("global", "global"),
    "global": ("global",),
    "local": ("local",),
}
POOLS = {"max8": 8, "max4": 4, "avg8": 8, "none": 1}

RARE = 0.01
"""What a class is believed to be before anything was learned (SparseInst, after focal loss)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Architecture:
    """What changes the network; each has weights of its own. ``channels`` are those of masks, queries and kernels."""

    backbone: str = "topformer-base"
    channels: int = 256
    categories: int = 80
    queries: int = 100
    decoder: str = "global-local"
    pool: str = "max8"
    enhanced: bool = True


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Maps:
    """One frame's maps: mask features (batch, channels, height / 8, width / 8) and the two that queries read.

    ``global_map`` is None where no half of the decoder reads it.
    """

    masks: Tensor
    global_map: Tensor | None
    local_map: Tensor


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Instances:
    """What N queries say: class logits (batch, N, categories), objectness (batch, N), kernels (batch, N, channels)."""

    classes: Tensor
    objectness: Tensor
    kernels: Tensor


class Heads(nn.Module):
    """Class, kernel and objectness of each query: one linear layer each."""

    def __init__(self, channels: int, categories: int) -> None:
        super().__init__()
        self.classes = nn.Linear(channels, categories)
        self.kernels = nn.Linear(channels, channels)
        self.objectness = nn.Linear(channels, 1)

    def forward(self, queries: Tensor) -> Instances:
        """Gives back what ``queries`` (batch, N, channels) say."""
        return Instances(
            classes=self.classes(queries), objectness=self.objectness(queries)[..., 0], kernels=self.kernels(queries)
        )


class MobileInstNetwork(nn.Module):
    """11.0 M parameters and 8.79 GFLOPs at 320 x 640 with TopFormer-base and 80 categories (table 5)."""

    def __init__(self, architecture: Architecture) -> None:
        super().__init__()
        self.backbone = build_backbone(architecture.backbone)
        *fine, coarse = self.backbone.channels
        self.mask_decoder = MaskDecoder(fine, coarse, architecture.channels, enhanced=architecture.enhanced)
        reads = DECODERS[architecture.decoder]
        self.global_projection = nn.Conv2d(coarse, architecture.channels, 1) if "global" in reads else None
        self.instance_decoder = InstanceDecoder(architecture.queries, architecture.channels, reads)
        self.heads = Heads(architecture.channels, architecture.categories)
        self._pool = architecture.pool

    def initialise(self) -> None:
        """Let every class begin as rare; everything else keeps torch's initial values."""
        nn.init.constant_(self.heads.classes.bias, -math.log((1 - RARE) / RARE))

    def encode(self, image: Tensor) -> Maps:
        """Gives back the maps of ``image`` (batch, 3, height, width), normalised, sides multiples of 64."""
        *fine, coarse = self.backbone(image)
        masks = self.mask_decoder(fine, coarse)
        global_map = None if self.global_projection is None else self.global_projection(coarse)
        return Maps(masks=masks, global_map=global_map, local_map=self._pooled(masks))

    def decode(self, maps: Maps) -> tuple[Decoded, Instances]:
        """Gives back the decoded queries and what they say."""
        decoded = self.instance_decoder(maps.global_map, maps.local_map)
        return decoded, self.heads(decoded.queries)

    def _pooled(self, masks: Tensor) -> Tensor:
        side = POOLS[self._pool]
        if side == 1:
            return masks
        pool = functional.avg_pool2d if self._pool.startswith("avg") else functional.max_pool2d
        return pool(masks, side)


def mask_logits(kernels: Tensor, masks: Tensor) -> Tensor:
    """Gives back (batch, N, height / 4, width / 4): M = K X_mask, doubled bilinearly (section 3.3; SparseInst)."""
    logits = (kernels @ masks.flatten(2)).unflatten(2, masks.shape[2:])
    return functional.interpolate(logits, scale_factor=2, mode="bilinear", align_corners=False)


def build_backbone(name: str) -> TopFormer | SeaFormer | MiniBackbone:
    """Gives back the backbone that ``name`` says: ``topformer-base``, ``seaformer-tiny`` and so on, or ``mini``."""
    if name == "mini":
        return MiniBackbone()
    family, _, size = name.partition("-")
    return TopFormer(size) if family == "topformer" else SeaFormer(size)
