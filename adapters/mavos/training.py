"""MAVOS unrolled over clips for training (section 4.1)."""

from __future__ import annotations

from vosbench.adapters.aot.training import GAP, AOTTraining
from vosbench.adapters.aot.widths import SMALL
from vosbench.adapters.mavos.network import build_network, dynamic_frame
from vosbench.adapters.mavos.settings import MAVOSSettings
from vosbench.errors import UsageError


def trainable(settings: MAVOSSettings) -> AOTTraining:
    """Gives back the small MAVOS for training; raises `UsageError` for the published networks.

    The memory is what it is in use: the reference and one dynamic frame. A write every second frame lets a clip of
    eight fuse twice.
    """
    if settings.encoder != SMALL:
        raise UsageError(
            f"mavos is trained here with encoder={SMALL}, not {settings.encoder}", fix=f"set encoder: {SMALL}"
        )
    network = build_network(SMALL, fusion=settings.fusion, focal_levels=settings.focal_levels)
    return AOTTraining(network, dynamic_frame(network), lambda _frames: GAP)
