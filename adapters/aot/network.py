"""The networks of AOT-L, DeAOT-L and MAVOS, with the official parameter names."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from vosbench.adapters.aot.attention import KeyValue
from vosbench.adapters.aot.block import Memory
from vosbench.adapters.aot.decoder import PyramidDecoder
from vosbench.adapters.aot.encoders import ENCODERS
from vosbench.adapters.aot.grid import Grid, batch_to_tokens, to_tokens
from vosbench.adapters.aot.identity_bank import FactoredBank
from vosbench.adapters.aot.transformer import BLOCKS, GatedTransformer, Propagation, Transformer
from vosbench.adapters.aot.widths import widths_of
from vosbench.adapters.nn.random_weights import Adjustment

ADJUSTMENTS: dict[str, tuple[Adjustment, ...]] = {
    **{
        f"LSTT.layers.{block}.{name}.weight": (Adjustment(scale=3),)
        for block in range(BLOCKS)
        for name in ("linear_Q", "linear_QV", "linear_V", "linear_ID_V")
    },
    **{
        f"decoder.{name}.conv.weight": (Adjustment(centred=True),)
        for name in ("conv_in", "conv_16x", "conv_8x", "conv_4x")
    },
    **{f"decoder.adapter_{stride}x.weight": (Adjustment(scale=0.1),) for stride in (4, 8, 16)},
    "decoder.conv_out.weight": (Adjustment(centred=True, scale=3),),
}
"""Random weights whose attention is not all the same and whose decoder does not see common levels, so that masks are
neither empty nor full."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Features:
    """What one frame is encoded to, for all its objects.

    ``shortcuts`` of strides 4, 8 and 16; ``top`` (tokens, 256), the projected map that the transformer starts from;
    ``grid``, its rows and columns. In training they are those of a batch, and ``top`` is (batch, tokens, channels).
    """

    shortcuts: tuple[Tensor, Tensor, Tensor]
    top: Tensor
    grid: Grid


class AOTNetwork(nn.Module):
    """Encoder, transformer, decoder and the bank of identities; ``fusion``, where it is there, belongs to MAVOS.

    ``gated`` chooses DeAOT's transformer; the encoder ``mini`` stands for the small network. ``objects`` is the most
    objects of one engine.
    """

    def __init__(self, encoder: str, *, gated: bool, fusion: nn.Module | None = None) -> None:
        super().__init__()
        chosen, widths = ENCODERS[encoder], widths_of(encoder)
        self.align_corners = chosen.align_corners
        self.objects = widths.identities - 1
        self.encoder = chosen.build()
        self.encoder_projector = nn.Conv2d(chosen.channels[3], widths.channels, 1)
        self.LSTT: Transformer | GatedTransformer = GatedTransformer(widths) if gated else Transformer()
        self.decoder = PyramidDecoder(
            self.LSTT.decoder_channels, chosen.channels[:3], align_corners=chosen.align_corners, widths=widths
        )
        side = 17 if chosen.align_corners else 16
        self.patch_wise_id_bank = (
            FactoredBank(widths.identities, widths.channels, widths.patches)
            if widths.patches
            else nn.Conv2d(widths.identities, widths.channels, side, stride=16, padding=8 if side == 17 else 0)
        )
        if gated:
            self.id_norm = nn.LayerNorm(widths.channels)
        if fusion is not None:
            self.long_term_memory_attention = fusion

    @property
    def gated(self) -> bool:
        """True for DeAOT and MAVOS."""
        return isinstance(self.LSTT, GatedTransformer)

    def encode(self, image: Tensor) -> Features:
        """Gives back the features of ``image`` (1, 3, height, width), normalised and aligned."""
        f4, f8, f16, top = self.encoder(image)
        projected = self.encoder_projector(top)
        return Features(shortcuts=(f4, f8, f16), top=to_tokens(projected), grid=tuple(projected.shape[2:]))

    def identify(self, labels: Tensor, objects: int) -> Tensor:
        """Gives back the identity embedding (tokens, 256) of ``labels`` (height, width), 0 to ``objects``.

        The bank is a convolution of one-hot planes; planes that nobody has are zeros and left out. Label maps with a
        batch before them give (batch, tokens, 256).
        """
        bank = self.patch_wise_id_bank
        numbers = torch.arange(objects + 1, device=labels.device, dtype=labels.dtype)
        weight = bank.weight
        planes = (labels.reshape(-1, 1, *labels.shape[-2:]) == numbers[:, None, None]).to(weight.dtype)
        weight = weight[:, : objects + 1]
        embedding = functional.conv2d(planes, weight, bank.bias, stride=bank.stride, padding=bank.padding)
        tokens = batch_to_tokens(embedding) if labels.ndim == 3 else to_tokens(embedding)
        return self.id_norm(tokens) if self.gated else tokens

    def positions(self, features: Features) -> Tensor | None:
        """Gives back the position embedding (tokens, 256) of every frame of this size, for networks that use one."""
        return self.LSTT.positions(features.grid, features.top)

    def refer(self, features: Features, positions: Tensor | None, identity: Tensor) -> Propagation:
        """Gives back the pass of a frame whose objects ``identity`` tells: it reads nothing but itself."""
        return self.LSTT(features.top, features.grid, positions, memories=None, identity=identity)

    def match(self, features: Features, positions: Tensor | None, memories: Sequence[Memory]) -> Propagation:
        """Gives back the pass of a frame whose objects are sought, with a memory for each block."""
        return self.LSTT(features.top, features.grid, positions, memories=memories, identity=None)

    def remember(self, propagation: Propagation, identity: Tensor) -> list[KeyValue]:
        """Gives back each block's memory of a frame that was matched, now that its objects are known."""
        pairs = zip(self.LSTT.layers, propagation.states, strict=True)
        return [block.remember(state, identity) for block, state in pairs]

    def decode(self, propagation: Propagation, features: Features, objects: int) -> Tensor:
        """Gives back the logits (1 + objects, height / 4, width / 4), background first, with a batch in training."""
        logits = self.decoder(propagation.decoder_input, features.shortcuts, 1 + objects)
        return logits if features.top.ndim == 3 else logits[0]
