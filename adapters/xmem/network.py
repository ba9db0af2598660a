"""The network of XMem (Cheng and Schwing 2022): key encoder, value encoder, decoder and sensory updates."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from vosbench.adapters.nn.aggregation import others
from vosbench.adapters.nn.blocks import FeatureFusionBlock, SharedResBlock, UpsampleBlock, in_turn
from vosbench.adapters.nn.mini_trunk import MiniMaskTrunk, MiniTrunk, encode_image
from vosbench.adapters.nn.random_weights import Adjustment
from vosbench.adapters.nn.resnet import ResNet18MaskTrunk, ResNet50Trunk
from vosbench.adapters.nn.widths import MINI, OFFICIAL, Widths

KEY_CHANNELS = 64

ADJUSTMENTS = {
    "key_proj.key_proj.weight": (Adjustment(scale=0.35),),
    "key_proj.d_proj.weight": (Adjustment(scale=0.1),),
    "key_proj.e_proj.weight": (Adjustment(scale=0.15),),
    "value_encoder.conv1.weight": (Adjustment(scale=0.3, channels=(0, 3)), Adjustment(scale=8, channels=(3, 5))),
    "value_encoder.fuser.block1.conv1.weight": (Adjustment(scale=0.08, channels=(0, 1024)),),
    "value_encoder.fuser.block1.downsample.weight": (Adjustment(scale=0.08, channels=(0, 1024)),),
    "decoder.fuser.block1.conv1.weight": (Adjustment(scale=0.08, channels=(0, 1024)),),
    "decoder.fuser.block1.downsample.weight": (Adjustment(scale=0.08, channels=(0, 1024)),),
    "decoder.up_16_8.skip_conv.weight": (Adjustment(scale=0.2),),
    "decoder.up_8_4.skip_conv.weight": (Adjustment(scale=0.3),),
    "decoder.pred.weight": (Adjustment(centred=True, scale=0.6),),
    "decoder.pred.bias": (Adjustment(shift=-0.5),),
}
"""Random weights that let the mask weigh more than the image and similarities differ, so that masks are not empty."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ImageFeatures:
    """What one frame is encoded to, (1, channels, height, width) each.

    ``key`` (64), ``shrinkage`` (1, at least 1) and ``selection`` (64, in [0, 1]) of the similarity (section 3.2);
    features ``f16`` (1024), ``f8`` (512), ``f4`` (256) at strides 16, 8 and 4. ``source`` is what the value encoder
    begins with: the image itself, or the early features of a small trunk, whose other widths are `MINI`'s.
    """

    source: Tensor
    key: Tensor
    shrinkage: Tensor
    selection: Tensor
    f16: Tensor
    f8: Tensor
    f4: Tensor


class KeyProjection(nn.Module):
    """Key, shrinkage and selection of every position."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.key_proj = nn.Conv2d(channels, KEY_CHANNELS, 3, padding=1)
        self.d_proj = nn.Conv2d(channels, 1, 3, padding=1)
        self.e_proj = nn.Conv2d(channels, KEY_CHANNELS, 3, padding=1)

    def forward(self, f16: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Gives back key (1, 64, h, w), shrinkage (1, 1, h, w) and selection (1, 64, h, w)."""
        return self.key_proj(f16), self.d_proj(f16).square() + 1, torch.sigmoid(self.e_proj(f16))


def gated_update(transform: nn.Conv2d, features: Tensor, hidden: Tensor) -> Tensor:
    """Gives back the next hidden state (objects, hidden, h, w).

    XMem's GRU (section 3.5, official ``_forward``): forget and update gates and a candidate made from the hidden
    state before it is gated.
    """
    forget, update, candidate = transform(torch.cat([features, hidden], dim=1)).chunk(3, dim=1)
    update = torch.sigmoid(update)
    return torch.sigmoid(forget) * hidden * (1 - update) + update * torch.tanh(candidate)


class HiddenReinforcer(nn.Module):
    """The deep update of the sensory memory, from the value features of a memory frame."""

    def __init__(self, values: int, hidden: int) -> None:
        super().__init__()
        self.transform = nn.Conv2d(values + hidden, 3 * hidden, 3, padding=1)

    def forward(self, value: Tensor, hidden: Tensor) -> Tensor:
        """Gives back the next hidden state (objects, hidden, h, w)."""
        return gated_update(self.transform, value, hidden)


class HiddenUpdater(nn.Module):
    """The update of the sensory memory at every frame, from the decoder's features of three scales."""

    def __init__(self, widths: Widths, hidden: int) -> None:
        super().__init__()
        wide, middle, narrow = widths.decoder
        self.g16_conv = nn.Conv2d(wide, widths.update, 1)
        self.g8_conv = nn.Conv2d(middle, widths.update, 1)
        self.g4_conv = nn.Conv2d(narrow + 1, widths.update, 1)
        self.transform = nn.Conv2d(widths.update + hidden, 3 * hidden, 3, padding=1)

    def forward(self, g16: Tensor, g8: Tensor, g4: Tensor, logits: Tensor, hidden: Tensor) -> Tensor:
        """Gives back the next hidden state (objects, hidden, h, w); ``logits`` are those of stride 4."""
        # Pooling before the concatenation spares a copy of the stride-4 features.
        fine = torch.cat([functional.avg_pool2d(g4, 4), functional.avg_pool2d(logits, 4)], dim=1)
        features = self.g16_conv(g16) + self.g8_conv(functional.avg_pool2d(g8, 2)) + self.g4_conv(fine)
        return gated_update(self.transform, features, hidden)


class ValueEncoder(ResNet18MaskTrunk):
    """Encodes an image with the mask of each object and, unless ``single_object``, the sum of the others' masks."""

    def __init__(self, hidden: int, *, single_object: bool) -> None:
        super().__init__(mask_channels=1 if single_object else 2, bias=False)
        self._single_object = single_object
        self.fuser = FeatureFusionBlock(OFFICIAL.mask, OFFICIAL.f16, OFFICIAL.value, shared_first=True)
        self.hidden_reinforce = HiddenReinforcer(OFFICIAL.value, hidden) if hidden else None

    def forward(self, source: Tensor, f16: Tensor, masks: Tensor) -> Tensor:
        """Gives back (objects, 512, h, w); ``masks`` is (objects, height, width) in [0, 1]."""
        planes = masks[:, None] if self._single_object else torch.stack([masks, others(masks)], dim=1)
        return self.fuser(self.trunk(source, planes), f16)


class MiniValueEncoder(nn.Module):
    """The value encoder of the small model: a second trunk from stride 4 on.

    Its parts are named and ordered as those of the small STCN, so that one can begin with the other's weights.
    """

    def __init__(self, hidden: int, *, single_object: bool) -> None:
        super().__init__()
        self._single_object = single_object
        self.trunk = MiniMaskTrunk(planes=1 if single_object else 2)
        self.fuser = SharedResBlock(MINI.mask, MINI.f16, MINI.value, shared_first=False, skip_kernel=MINI.skip_kernel)
        self.hidden_reinforce = HiddenReinforcer(MINI.value, hidden) if hidden else None

    def forward(self, source: Tensor, f16: Tensor, masks: Tensor) -> Tensor:
        """Gives back (objects, 128, h, w); ``masks`` is (objects, height, width) in [0, 1]."""
        return self.encode(source, f16, torch.stack([masks, others(masks)], dim=1))

    def encode(self, source: Tensor, f16: Tensor, planes: Tensor) -> Tensor:
        """Gives back (objects, 128, h, w) of objects of one image or of an image for each.

        ``planes`` (objects, 2, height, width) hold the mask of each object and the sum of the others'.
        """
        return self.fuser(self.trunk(source, planes[:, :1] if self._single_object else planes), f16)


class Decoder(nn.Module):
    """From what was read, and the sensory memory, to one logit per object and pixel."""

    def __init__(self, widths: Widths, hidden: int) -> None:
        super().__init__()
        wide, middle, narrow = widths.decoder
        kernel = widths.skip_kernel
        self.fuser = (
            SharedResBlock(widths.value + hidden, widths.f16, wide, shared_first=False, skip_kernel=kernel)
            if widths == MINI
            else FeatureFusionBlock(widths.value + hidden, widths.f16, wide, shared_first=True)
        )
        self.hidden_update = HiddenUpdater(widths, hidden) if hidden else None
        self.up_16_8 = UpsampleBlock(widths.f8, wide, middle, kernel)
        self.up_8_4 = UpsampleBlock(widths.f4, middle, narrow, kernel)
        self.pred = nn.Conv2d(narrow, 1, 3, padding=1)
        self.objects_at_once = 0

    def forward(
        self, readout: Tensor, features: ImageFeatures, hidden: Tensor | None, *, update: bool
    ) -> tuple[Tensor, Tensor | None]:
        """Gives back logits (objects, height, width) and the hidden state, updated where ``update``.

        ``readout`` is (objects, 512, h, w), ``hidden`` (objects, hidden, h, w) or None without sensory memory.
        """
        g16 = self.fuse(readout, features.f16, hidden)
        skips = self.skips(features)
        parts = in_turn(g16, self.objects_at_once)
        states = [None] * len(parts) if hidden is None else in_turn(hidden, self.objects_at_once)
        answers = [self.upsample(*part, skips, update=update) for part in zip(parts, states, strict=True)]
        logits = torch.cat([logits for logits, _ in answers])
        return logits, None if hidden is None else torch.cat([state for _, state in answers])

    def fuse(self, readout: Tensor, f16: Tensor, hidden: Tensor | None) -> Tensor:
        """Gives back the features of stride 16 (objects, 512, h, w)."""
        own = readout if hidden is None else torch.cat([readout, hidden], dim=1)
        return self.fuser(own, f16)

    def skips(self, features: ImageFeatures) -> tuple[Tensor, Tensor]:
        """Gives back what the image adds at strides 8 and 4, for all its objects."""
        return self.up_16_8.skip_conv(features.f8), self.up_8_4.skip_conv(features.f4)

    def upsample(
        self, g16: Tensor, hidden: Tensor | None, skips: tuple[Tensor, Tensor], *, update: bool
    ) -> tuple[Tensor, Tensor | None]:
        """Gives back logits (objects, height, width) and the hidden state from the features of `fuse`."""
        g8 = self.up_16_8(skips[0], g16)
        g4 = self.up_8_4(skips[1], g8)
        logits = self.pred(functional.relu(g4))
        if update and self.hidden_update is not None:
            hidden = self.hidden_update(g16, g8, g4, logits, hidden)
        upsampled = functional.interpolate(logits, scale_factor=4, mode="bilinear", align_corners=False)
        return upsampled[:, 0], hidden


class XMemNetwork(nn.Module):
    """XMem with the official parameter names (62.2 M parameters), or small on MobileNetV2 trunks."""

    def __init__(self, widths: Widths = OFFICIAL, *, hidden_dim: int = 64, single_object: bool = False) -> None:
        super().__init__()
        small = widths == MINI
        self.key_encoder = MiniTrunk() if small else ResNet50Trunk()
        self.value_encoder = (MiniValueEncoder if small else ValueEncoder)(hidden_dim, single_object=single_object)
        self.key_proj = KeyProjection(widths.f16)
        self.decoder = Decoder(widths, hidden_dim)

    def encode_key(self, image: Tensor) -> ImageFeatures:
        """Gives back the features of ``image`` (1, 3, height, width), normalised, sides multiples of 16."""
        source, (f16, f8, f4) = encode_image(self.key_encoder, image)
        key, shrinkage, selection = self.key_proj(f16)
        return ImageFeatures(source=source, key=key, shrinkage=shrinkage, selection=selection, f16=f16, f8=f8, f4=f4)
