"""SAM2-Lite's image encoders: a plain vision transformer with patches of 16, and the small models' trunk."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from vosbench.adapters.nn.mini_trunk import MiniTrunk

PATCH = 16
POSITIONS = 14
"""Side of the learned position embedding (224 / 16), resized to the grid."""


class SelfAttention(nn.Module):
    """Multi-head self-attention with one projection for query, key and value."""

    def __init__(self, channels: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(channels, 3 * channels)
        self.proj = nn.Linear(channels, channels)

    def forward(self, x: Tensor) -> Tensor:
        """Gives back (batch, tokens, channels)."""
        query, key, value = self.qkv(x).unflatten(2, (3, self.heads, -1)).permute(2, 0, 3, 1, 4)
        read = functional.scaled_dot_product_attention(query, key, value)
        return self.proj(read.transpose(1, 2).flatten(2))


class Block(nn.Module):
    """Pre-norm attention and a GELU network four times as wide (Dosovitskiy et al. 2021)."""

    def __init__(self, channels: int, heads: int) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(channels)
        self.attn = SelfAttention(channels, heads)
        self.norm2 = nn.LayerNorm(channels)
        self.mlp = nn.Sequential(nn.Linear(channels, 4 * channels), nn.GELU(), nn.Linear(4 * channels, channels))

    def forward(self, x: Tensor) -> Tensor:
        """Gives back (batch, tokens, channels)."""
        x = x + self.attn(self.norm1(x))
        return x + self.mlp(self.norm2(x))


class VisionTransformer(nn.Module):
    """Patches of 16 x 16, no class token, a position embedding of 14 x 14 resized bicubically to the grid."""

    def __init__(self, channels: int, heads: int, depth: int) -> None:
        super().__init__()
        self.channels = channels
        self.patch_embed = nn.Conv2d(3, channels, PATCH, stride=PATCH)
        self.pos_embed = nn.Parameter(torch.zeros(1, channels, POSITIONS, POSITIONS))
        self.blocks = nn.ModuleList(Block(channels, heads) for _ in range(depth))

    def forward(self, image: Tensor) -> Tensor:
        """Gives back (batch, channels, height / 16, width / 16) of ``image`` (batch, 3, height, width), normalised."""
        patches = self.patch_embed(image)
        grid = patches.shape[2:]
        positions = functional.interpolate(self.pos_embed, grid, mode="bicubic", align_corners=False)
        tokens = (patches + positions).flatten(2).mT
        for block in self.blocks:
            tokens = block(tokens)
        return tokens.mT.unflatten(2, grid)


class MiniEncoder(nn.Module):
    """MobileNetV2 to stride 16, as every small model has it."""

    def __init__(self) -> None:
        super().__init__()
        self.channels = 96
        self.trunk = MiniTrunk()

    def forward(self, image: Tensor) -> Tensor:
        """Gives back (batch, 96, height / 16, width / 16)."""
        return self.trunk.late(self.trunk.early(image))[0]


VIT = {"tiny": (192, 3), "small": (384, 6), "base": (768, 12)}
"""Channels and heads of ViT-Tiny, ViT-Small and ViT-Base."""

DEPTH = 5
FULL_DEPTH = 12


def build_encoder(size: str) -> VisionTransformer | MiniEncoder:
    """Gives back the encoder of a size; ``*-full`` has the whole depth."""
    if size == "mini":
        return MiniEncoder()
    channels, heads = VIT[size.removesuffix("-full")]
    return VisionTransformer(channels, heads, FULL_DEPTH if size.endswith("-full") else DEPTH)
