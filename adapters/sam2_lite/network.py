"""SAM2-Lite's network: encoder, keys and values of memory tokens, reader, head and the gate that scores tokens."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from vosbench.adapters.nn.int8 import simulate_int8
from vosbench.adapters.sam2_lite.encoder import SelfAttention, build_encoder
from vosbench.adapters.sam2_lite.reader import CHANNELS, Attention, BankView, Read, Reader
from vosbench.adapters.sam2_lite.settings import SLOTS

PATCH_NUMBERS = 16
"""Numbers that say how a patch is covered by an object: its mask pooled by 4, 4 x 4 of them."""
PIXEL_CHANNELS = 64
LONGEST_AGE = 1000
"""Frames; the logarithm keeps ages apart on long videos, where a linear one saturates."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Encoded:
    """A frame: ``tokens`` and ``keys`` (batch, positions, 256), ``grid`` rows and columns, and the ``image``."""

    tokens: Tensor
    keys: Tensor
    grid: tuple[int, int]
    image: Tensor


class Gate(nn.Module):
    """The importance of a token (equation 8): 515 numbers, layers of 128 and 64; 74,369 parameters, not "50K"."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Linear(2 * CHANNELS + 3, 128), nn.ReLU(), nn.Linear(128, 64), nn.ReLU(), nn.Linear(64, 1)
        )

    def forward(self, keys: Tensor, values: Tensor, ages: Tensor, motion: Tensor, uncertainty: Tensor) -> Tensor:
        """Gives back (..., tokens) of keys and values (..., tokens, 256), ages in frames, motion and uncertainty in
        [0, 1] (..., tokens).
        """
        age = (torch.log1p(ages.float()) / math.log1p(LONGEST_AGE)).clamp(max=1)
        numbers = torch.stack([age, motion, uncertainty], dim=-1).to(keys.dtype)
        return self.layers(torch.cat([keys, values, numbers], dim=-1))[..., 0]


class PixelHead(nn.Module):
    """The small CNN head: tokens at stride 16 and a stem of the image at stride 4 make the pixels' embedding."""

    def __init__(self) -> None:
        super().__init__()
        self.coarse = nn.Conv2d(CHANNELS, 128, 3, padding=1)
        self.coarse_norm = nn.GroupNorm(8, 128)
        self.fine = nn.Conv2d(128, PIXEL_CHANNELS, 3, padding=1)
        self.stem = nn.Sequential(
            nn.Conv2d(3, 32, 3, stride=2, padding=1),
            nn.ReLU(inplace=True),
            nn.Conv2d(32, 48, 3, stride=2, padding=1),
            nn.ReLU(inplace=True),
        )
        self.skip = nn.Conv2d(48, PIXEL_CHANNELS, 1)
        self.fine_norm = nn.GroupNorm(8, PIXEL_CHANNELS)
        self.out = nn.Conv2d(PIXEL_CHANNELS, PIXEL_CHANNELS, 3, padding=1)
        self.query = nn.Linear(CHANNELS, PIXEL_CHANNELS)

    def forward(self, tokens: Tensor, queries: Tensor, image: Tensor) -> Tensor:
        """Gives back (batch, objects, height / 4, width / 4), logits, of tokens (batch, 256, height / 16, ...)."""
        coarse = functional.relu(self.coarse_norm(self.coarse(tokens)))
        up = functional.interpolate(coarse, scale_factor=4, mode="bilinear", align_corners=False)
        pixels = functional.relu(self.fine_norm(self.fine(up) + self.skip(self.stem(image))))
        return torch.einsum("bkc,bchw->bkhw", self.query(queries), self.out(pixels)) / 8


class Sam2LiteNetwork(nn.Module):
    """5.58 M (tiny), 12.46 M (small) and 39.50 M (base) parameters, within 7 % of the paper's 5.2, 12.8 and 38.4 M.

    The paper's totals are smaller than the encoders that it names; ``*-full`` has those (10.27, 26.46, 90.69 M).
    """

    def __init__(self, size: str) -> None:
        super().__init__()
        full = size.endswith("-full")
        self.encoder = build_encoder(size)
        self.encoder_norm = nn.LayerNorm(self.encoder.channels)
        self.projection = nn.Linear(self.encoder.channels, CHANNELS)
        self.slots = nn.Embedding(SLOTS, CHANNELS)
        self.identity = nn.Linear(CHANNELS, CHANNELS)
        self.key = nn.Linear(CHANNELS, CHANNELS)
        self.value = nn.Linear(CHANNELS, CHANNELS)
        self.coverage = nn.Linear(PATCH_NUMBERS, CHANNELS)
        self.reader = Reader(1024 if full else 512, among_queries=full)
        self.head = PixelHead()
        self.gate = Gate()

    def encode(self, image: Tensor) -> Encoded:
        """Gives back a frame's tokens and keys; ``image`` (batch, 3, height, width), normalised, multiples of 16."""
        features = self.encoder(image)
        tokens = self.projection(self.encoder_norm(features.flatten(2).mT))
        return Encoded(tokens=tokens, keys=self.key(tokens), grid=tuple(features.shape[2:]), image=image)

    def values(self, frame: Encoded, coverage: Tensor, slots: Tensor, present: Tensor | None = None) -> Tensor:
        """Gives back (batch, positions, 256): what is remembered at each position (the mask embedding is added).

        ``coverage`` (batch, objects, positions, 16) in [0, 1] are of `patch_coverage`, ``slots`` (batch, objects) the
        objects' queries, ``present`` (batch, objects), 0 or 1, which of them a clip has, None where it has all.
        """
        identities = self.identity(self.slots(slots))
        if present is not None:
            identities = identities * present[..., None]
        return self.value(frame.tokens) + (self.coverage(coverage) * identities[:, :, None]).sum(1)

    def read(
        self, frame: Encoded, bank: BankView, slots: Tensor, present: Tensor | None = None, *, tell: bool = False
    ) -> tuple[Tensor, Read]:
        """Gives back logits (batch, objects, height / 4, width / 4), background at 0, and what the layers gave."""
        read = self.reader(frame.tokens, frame.keys, self.slots(slots), bank, present, tell=tell)
        tokens = read.tokens.mT.unflatten(2, frame.grid)
        return self.head(tokens, read.queries, frame.image), read

    def motion(
        self, tokens: Tensor, grid: tuple[int, int], before: Tensor | None, grid_before: tuple[int, int]
    ) -> Tensor:
        """Gives back (batch, positions) in [0, 1]: half of 1 - cosine to the frame before, 0 where there is none."""
        if before is None:
            return tokens.new_zeros(tokens.shape[:2])
        if grid_before != grid:
            maps = before.mT.unflatten(2, grid_before)
            before = functional.interpolate(maps, grid, mode="bilinear", align_corners=False).flatten(2).mT
        return (1 - functional.cosine_similarity(tokens, before, dim=2)) / 2


def make_network(size: str, *, int8: bool = False) -> Sam2LiteNetwork:
    """Gives back a new network; with ``int8`` all but attention and the keys that it compares is simulated INT8."""
    network = Sam2LiteNetwork(size)
    if int8:
        simulate_int8(network, lambda name, module: name == "key" or isinstance(module, Attention | SelfAttention))
    return network


def patch_coverage(masks: Tensor) -> Tensor:
    """Gives back (batch, objects, positions, 16) of masks or probabilities (batch, objects, height / 4, width / 4)."""
    return functional.pixel_unshuffle(masks.flatten(0, 1)[:, None], 4).flatten(2).mT.unflatten(0, masks.shape[:2])


def with_background(logits: Tensor) -> Tensor:
    """Gives back the probabilities (batch, 1 + objects, height, width) of logits whose background is 0."""
    return torch.softmax(functional.pad(logits.float(), (0, 0, 0, 0, 1, 0)), dim=1)


def patch_entropy(probabilities: Tensor) -> Tensor:
    """Gives back (batch, positions) in [0, 1]: mean entropy over a patch's pixels at stride 4, of log(1 + objects)."""
    entropy = torch.special.entr(probabilities).sum(1, keepdim=True) / math.log(probabilities.shape[1])
    return functional.avg_pool2d(entropy, 4).flatten(1)
