"""Swin Transformer (Liu et al., ICCV 2021) as a trunk to stride 16, with the official parameter names."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

WINDOW = 7
SHIFT = WINDOW // 2
FORBIDDEN = -100.0
"""Added to the logits between tokens that only the cyclic shift has brought together (official ``attn_mask``)."""


def position_index() -> Tensor:
    """Gives back (49, 49): for each pair of tokens of a window the row of the bias table, (dy + 6) * 13 + dx + 6."""
    axis = torch.arange(WINDOW)
    y, x = (axis.flatten() for axis in torch.meshgrid(axis, axis, indexing="ij"))
    return (y[:, None] - y + WINDOW - 1) * (2 * WINDOW - 1) + x[:, None] - x + WINDOW - 1


class WindowAttention(nn.Module):
    """Self-attention inside each window, with a learned bias for each relative position."""

    def __init__(self, channels: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.relative_position_bias_table = nn.Parameter(torch.zeros((2 * WINDOW - 1) ** 2, heads))
        self.register_buffer("relative_position_index", position_index())
        self.qkv = nn.Linear(channels, 3 * channels)
        self.proj = nn.Linear(channels, channels)

    def forward(self, windows: Tensor, forbidden: Tensor | None) -> Tensor:
        """Gives back (windows, 49, channels); ``forbidden`` (windows, 49, 49) is added to the logits."""
        count, tokens, channels = windows.shape
        query, key, value = self.qkv(windows).view(count, tokens, 3, self.heads, -1).permute(2, 0, 3, 1, 4)
        logits = (query * query.shape[-1] ** -0.5) @ key.transpose(-2, -1)
        bias = self.relative_position_bias_table[self.relative_position_index.flatten()]
        logits = logits + bias.view(tokens, tokens, self.heads).permute(2, 0, 1)
        if forbidden is not None:
            logits = logits + forbidden[:, None]
        out = torch.softmax(logits, dim=-1).to(value.dtype) @ value
        return self.proj(out.transpose(1, 2).reshape(count, tokens, channels))


class Mlp(nn.Module):
    """Two linear layers with a GELU between them."""

    def __init__(self, channels: int, hidden: int) -> None:
        super().__init__()
        self.fc1 = nn.Linear(channels, hidden)
        self.fc2 = nn.Linear(hidden, channels)

    def forward(self, x: Tensor) -> Tensor:
        """Gives back ``x``'s shape."""
        return self.fc2(functional.gelu(self.fc1(x)))


class SwinBlock(nn.Module):
    """Attention in windows, shifted in every second block, then an MLP; pre-norm with skips."""

    def __init__(self, channels: int, heads: int, *, shifted: bool) -> None:
        super().__init__()
        self.shifted = shifted
        self.norm1 = nn.LayerNorm(channels)
        self.attn = WindowAttention(channels, heads)
        self.norm2 = nn.LayerNorm(channels)
        self.mlp = Mlp(channels, 4 * channels)

    def forward(self, x: Tensor, forbidden: Tensor) -> Tensor:
        """Gives back (height, width, channels) of (height, width, channels)."""
        height, width, _ = x.shape
        # Padding follows the norm, so that padded tokens are zeros; they take part as keys.
        y = functional.pad(self.norm1(x), (0, 0, 0, -width % WINDOW, 0, -height % WINDOW))
        padded = y.shape[:2]
        if self.shifted:
            y = torch.roll(y, (-SHIFT, -SHIFT), dims=(0, 1))
        y = from_windows(self.attn(to_windows(y), forbidden if self.shifted else None), padded)
        if self.shifted:
            y = torch.roll(y, (SHIFT, SHIFT), dims=(0, 1))
        x = x + y[:height, :width]
        return x + self.mlp(self.norm2(x))


class PatchMerging(nn.Module):
    """Halves the grid: four neighbours become one token of twice the channels."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.reduction = nn.Linear(4 * channels, 2 * channels, bias=False)
        self.norm = nn.LayerNorm(4 * channels)

    def forward(self, x: Tensor) -> Tensor:
        """Gives back (ceil(height / 2), ceil(width / 2), 2 channels) of (height, width, channels)."""
        height, width, _ = x.shape
        x = functional.pad(x, (0, 0, 0, width % 2, 0, height % 2))
        neighbours = [x[0::2, 0::2], x[1::2, 0::2], x[0::2, 1::2], x[1::2, 1::2]]
        return self.reduction(self.norm(torch.cat(neighbours, dim=-1)))


class SwinStage(nn.Module):
    """Blocks of one resolution, and the merging behind them where a stage follows."""

    def __init__(self, channels: int, depth: int, heads: int, *, last: bool) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(SwinBlock(channels, heads, shifted=index % 2 == 1) for index in range(depth))
        self.downsample = None if last else PatchMerging(channels)

    def forward(self, x: Tensor) -> Tensor:
        """Gives back (height, width, channels), before the merging."""
        forbidden = shift_mask(x.shape[0], x.shape[1], x)
        for block in self.blocks:
            x = block(x, forbidden)
        return x


class PatchEmbedding(nn.Module):
    """One token for each 4 x 4 pixels."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.proj = nn.Conv2d(3, channels, 4, stride=4)
        self.norm = nn.LayerNorm(channels)

    def forward(self, image: Tensor) -> Tensor:
        """Gives back (ceil(height / 4), ceil(width / 4), channels) of (1, 3, height, width)."""
        height, width = image.shape[2:]
        image = functional.pad(image, (0, -width % 4, 0, -height % 4))
        return self.norm(self.proj(image)[0].permute(1, 2, 0))


class SwinTrunk(nn.Module):
    """Three stages of Swin, each normalised on its way out (but not on its way on)."""

    def __init__(self, channels: int, depths: tuple[int, int, int], heads: tuple[int, int, int]) -> None:
        super().__init__()
        self.patch_embed = PatchEmbedding(channels)
        self.layers = nn.ModuleList(
            SwinStage(channels * 2**stage, depths[stage], heads[stage], last=stage == 2) for stage in range(3)
        )
        for stage in range(3):
            self.add_module(f"norm{stage}", nn.LayerNorm(channels * 2**stage))

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Gives back the features of strides 4, 8 and 16, (1, channels, ...) each, of (1, 3, height, width)."""
        x = self.patch_embed(image)
        features = []
        for stage, layer in enumerate(self.layers):
            x = layer(x)
            norm: nn.Module = self.get_submodule(f"norm{stage}")
            features.append(norm(x).permute(2, 0, 1)[None])
            if layer.downsample is not None:
                x = layer.downsample(x)
        return features[0], features[1], features[2]


def restore_position_indices(network: nn.Module) -> None:
    """Give every window its index of relative positions: a constant that checkpoints carry along as a buffer."""
    for module in network.modules():
        if isinstance(module, WindowAttention):
            module.relative_position_index = position_index().to(module.relative_position_bias_table.device)


def to_windows(x: Tensor) -> Tensor:
    """Gives back (windows, 49, channels), row by row, of a grid (height, width, channels) of whole windows."""
    height, width, channels = x.shape
    x = x.view(height // WINDOW, WINDOW, width // WINDOW, WINDOW, channels)
    return x.transpose(1, 2).reshape(-1, WINDOW * WINDOW, channels)


def from_windows(windows: Tensor, shape: tuple[int, int]) -> Tensor:
    """Gives back the grid (height, width, channels) whose windows these are."""
    height, width = shape
    x = windows.view(height // WINDOW, width // WINDOW, WINDOW, WINDOW, -1)
    return x.transpose(1, 2).reshape(height, width, -1)


def shift_mask(height: int, width: int, like: Tensor) -> Tensor:
    """Gives back (windows, 49, 49): 0 between tokens that are neighbours without the cyclic shift too, else -100.

    The grid is the padded one; padding itself is not masked (official ``BasicLayer.forward``).
    """
    rows = _labels(height + -height % WINDOW, like.device)
    columns = _labels(width + -width % WINDOW, like.device)
    regions = to_windows((3 * rows[:, None] + columns)[..., None])[..., 0]
    apart = regions[:, :, None] != regions[:, None, :]
    return torch.zeros(apart.shape, dtype=like.dtype, device=like.device).masked_fill_(apart, FORBIDDEN)


def _labels(length: int, device: torch.device) -> Tensor:
    """Gives back which part of an axis each position is in: before the last window, in it, rolled over."""
    labels = torch.zeros(length, dtype=torch.int64, device=device)
    labels[length - WINDOW :] = 1
    labels[length - SHIFT :] = 2
    return labels
