"""The channels of STCN's and XMem's networks: the official ones, and those of the small models."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Widths:
    """Channels of a network's features.

    ``f16``, ``f8``, ``f4`` are the trunk's at strides 16, 8 and 4, ``mask`` those of the trunk over masks at stride 16;
    ``thin`` what STCN thins ``f16`` to for its decoder; ``value`` a memory value's; ``decoder`` the decoder's at
    strides 16, 8 and 4; ``update`` those that XMem's sensory memory is updated from. ``skip_kernel`` is the kernel of
    residual blocks' skips where channels change.
    """

    f16: int
    f8: int
    f4: int
    mask: int
    thin: int
    value: int
    decoder: tuple[int, int, int]
    update: int
    skip_kernel: int = 3


OFFICIAL = Widths(f16=1024, f8=512, f4=256, mask=256, thin=512, value=512, decoder=(512, 256, 256), update=256)
"""STCN and XMem as published (ResNet-50 and ResNet-18 trunks)."""
MINI = Widths(f16=96, f8=32, f4=24, mask=96, thin=96, value=128, decoder=(128, 64, 64), update=64, skip_kernel=1)
"""The small models on MobileNetV2 trunks."""

WIDTHS = {"resnet": OFFICIAL, "mini": MINI}
"""By the setting ``trunk``."""
TRUNK_NAMES = tuple(WIDTHS)
TRUNK_HELP = (
    "resnet: the published network; mini: a small one on MobileNetV2 trunks, with the same memory and the same loop"
)
