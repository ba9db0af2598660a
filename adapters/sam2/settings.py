"""What can be set of SAM 2 and EdgeTAM: little, because a checkpoint brings its own configuration."""

from __future__ import annotations

from dataclasses import dataclass

from vosbench.contract import setting

SIZES = ("tiny", "small", "base-plus", "large")


@dataclass(frozen=True, slots=True, kw_only=True)
class Sam2Settings:
    """SAM 2's settings. ``trunk`` and ``image_size`` shape random weights only: a checkpoint brings its own."""

    trunk: str = setting(
        "tiny", source="official code (facebookresearch/sam2), configs/sam2.1", help="the Hiera trunk", choices=SIZES
    )
    image_size: int = setting(
        1024,
        source="official code (facebookresearch/sam2), configs/sam2.1: image_size",
        help="side of the square that a frame is resized to, with random weights; a multiple of 64",
        minimum=64,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class EdgeTamSettings:
    """EdgeTAM has nothing to set: its checkpoint brings all of it."""
