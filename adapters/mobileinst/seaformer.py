"""SeaFormer (Wan et al., ICLR 2023): inverted residuals with squeeze-enhanced axial attention at the coarse strides."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from vosbench.adapters.mobileinst.layers import Block, Blocks, ConvBN, Pyramid, Residual

POSITIONS = 16
"""Length of a learned position embedding, which is interpolated to the side of the map."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Transformer:
    """The transformer behind a stage: blocks, key channels of a head, and the width of the MLP in channels."""

    stage: int
    depth: int
    key_channels: int
    mlp_ratio: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Design:
    """One size of the family: five stages of inverted residuals and the transformers behind some of them."""

    stem: int
    stages: tuple[tuple[Residual, ...], ...]
    heads: int
    transformers: tuple[Transformer, ...]


def _small_design(channels: tuple[int, ...], *, heads: int, depth: int, expansion: int) -> Design:
    """Gives back tiny, small or base: one table with other channels, and another ``expansion`` in the fourth stage."""
    c1, c2, c3, c4, c5 = channels
    return Design(
        stem=16,
        stages=(
            (Residual(3, 1, 16, 1), Residual(3, 4, c1, 2), Residual(3, 3, c1, 1)),
            (Residual(5, 3, c2, 2), Residual(5, 3, c2, 1)),
            (Residual(3, 3, c3, 2), Residual(3, 3, c3, 1)),
            (Residual(5, expansion, c4, 2),),
            (Residual(3, 6, c5, 2),),
        ),
        heads=heads,
        transformers=(
            Transformer(stage=4, depth=depth, key_channels=16, mlp_ratio=2),
            Transformer(stage=5, depth=depth, key_channels=24, mlp_ratio=4),
        ),
    )


DESIGNS: Mapping[str, Design] = {
    "tiny": _small_design((16, 32, 64, 128, 160), heads=4, depth=2, expansion=3),
    "small": _small_design((24, 48, 96, 160, 192), heads=6, depth=3, expansion=4),
    "base": _small_design((32, 64, 128, 192, 256), heads=8, depth=4, expansion=4),
    "large": Design(
        stem=32,
        stages=(
            (Residual(3, 3, 32, 1), Residual(3, 4, 64, 2), Residual(3, 4, 64, 1)),
            (Residual(5, 4, 128, 2), Residual(5, 4, 128, 1)),
            (Residual(3, 4, 192, 2), Residual(3, 4, 192, 1)),
            (Residual(5, 4, 256, 2),),
            (Residual(3, 6, 320, 2),),
        ),
        heads=8,
        transformers=(
            Transformer(stage=3, depth=3, key_channels=16, mlp_ratio=2),
            Transformer(stage=4, depth=3, key_channels=20, mlp_ratio=4),
            Transformer(stage=5, depth=3, key_channels=24, mlp_ratio=6),
        ),
    ),
}


class PositionEmbedding(nn.Module):
    """A learned embedding along one axis."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.pos_embed = nn.Parameter(torch.zeros(1, channels, POSITIONS))

    def forward(self, x: Tensor) -> Tensor:
        """Gives back ``x`` (batch, channels, length) with the embedding, interpolated to its length, added."""
        return x + functional.interpolate(self.pos_embed, x.shape[2], mode="linear", align_corners=False)


class AxialAttention(nn.Module):
    """Attention among the means of rows and among those of columns, enhanced by a convolution of query, key, value.

    Section 3.2 of the paper. Where TopFormer forgets the scale, this network applies it.
    """

    def __init__(self, channels: int, heads: int, key_channels: int) -> None:
        super().__init__()
        keys, values = heads * key_channels, heads * 2 * key_channels
        self._heads = heads
        self._scale = key_channels**-0.5
        self.to_q = ConvBN(channels, keys)
        self.to_k = ConvBN(channels, keys)
        self.to_v = ConvBN(channels, values)
        self.proj = nn.Sequential(nn.ReLU6(), ConvBN(values, channels))
        self.proj_encode_row = nn.Sequential(nn.ReLU6(), ConvBN(values, values))
        self.pos_emb_rowq = PositionEmbedding(keys)
        self.pos_emb_rowk = PositionEmbedding(keys)
        self.proj_encode_column = nn.Sequential(nn.ReLU6(), ConvBN(values, values))
        self.pos_emb_columnq = PositionEmbedding(keys)
        self.pos_emb_columnk = PositionEmbedding(keys)
        self.dwconv = ConvBN(2 * keys + values, 2 * keys + values, 3, groups=2 * keys + values)
        self.act = nn.ReLU6()
        self.pwconv = ConvBN(2 * keys + values, channels)

    def forward(self, x: Tensor) -> Tensor:
        """Gives back (batch, channels, height, width)."""
        query, key, value = self.to_q(x), self.to_k(x), self.to_v(x)
        detail = self.pwconv(self.act(self.dwconv(torch.cat([query, key, value], dim=1))))
        rows = self._attend(self.pos_emb_rowq(query.mean(3)), self.pos_emb_rowk(key.mean(3)), value.mean(3))
        columns = self._attend(self.pos_emb_columnq(query.mean(2)), self.pos_emb_columnk(key.mean(2)), value.mean(2))
        rows = self.proj_encode_row(rows[:, :, :, None])
        columns = self.proj_encode_column(columns[:, :, None, :])
        return functional.hardsigmoid(self.proj(value + rows + columns)) * detail

    def _attend(self, query: Tensor, key: Tensor, value: Tensor) -> Tensor:
        """Gives back (batch, value channels, length) of three (batch, channels, length)."""
        query, key, value = (x.unflatten(1, (self._heads, -1)) for x in (query, key, value))
        weights = torch.softmax(query.mT @ key * self._scale, dim=-1)
        return (weights @ value.mT).mT.flatten(1, 2)


class SeaFormer(nn.Module):
    """SeaFormer's backbone; its maps at strides 8 to 64 are the stages ``smb2`` to ``smb5``, transformers included.

    ``channels`` are those of the four maps. Parameter names are the official ones.
    """

    def __init__(self, size: str) -> None:
        super().__init__()
        design = DESIGNS[size]
        channels = 3
        for number, blocks in enumerate(design.stages, 1):
            first = number == 1
            stage = Pyramid(channels, blocks, stem="stem_block" * first, stem_channels=design.stem * first)
            setattr(self, f"smb{number}", stage)
            channels = blocks[-1].channels
        self._transformers: dict[int, str] = {}
        for number, transformer in enumerate(design.transformers, 1):
            channels = design.stages[transformer.stage - 1][-1].channels
            blocks = [_block(channels, design.heads, transformer) for _ in range(transformer.depth)]
            setattr(self, f"trans{number}", Blocks(blocks))
            self._transformers[transformer.stage] = f"trans{number}"
        self.channels = tuple(blocks[-1].channels for blocks in design.stages[1:])

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Gives back the maps at strides 8, 16, 32 and 64 of ``image`` (batch, 3, height, width), normalised."""
        x, maps = image, []
        for number in range(1, 6):
            x = getattr(self, f"smb{number}")(x)[-1]
            if number in self._transformers:
                x = getattr(self, self._transformers[number])(x)
            maps.append(x)
        return tuple(maps[1:])


def _block(channels: int, heads: int, transformer: Transformer) -> Block:
    attention = AxialAttention(channels, heads, transformer.key_channels)
    return Block(attention, channels, transformer.mlp_ratio)
