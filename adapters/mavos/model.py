"""MAVOS with its weights in memory, ready for videos."""

from __future__ import annotations

import functools

from vosbench.adapters.aot.engine import Schedule
from vosbench.adapters.aot.geometry import aligned_geometry
from vosbench.adapters.aot.model import AOTModel, load_network
from vosbench.adapters.aot.strategies import named_strategy
from vosbench.adapters.aot.widths import SMALL
from vosbench.adapters.mavos.network import build_network, dynamic_frame
from vosbench.adapters.mavos.settings import MAVOSSettings
from vosbench.contract import Runtime, Weights


def load_model(runtime: Runtime, weights: Weights, settings: MAVOSSettings) -> AOTModel:
    """Gives back the model; raises `CheckpointError` for weights that do not fit.

    The weights hold the fusion whatever the memory strategy is.
    """
    build = functools.partial(
        build_network, settings.encoder, fusion=settings.fusion, focal_levels=settings.focal_levels
    )
    network = load_network(build, weights, runtime, encoder=settings.encoder, name=network_name(settings))
    mca = settings.memory == "mca"
    return AOTModel(
        network,
        runtime,
        schedule=Schedule(
            gap=settings.long_term_mem_gap,
            skip=settings.short_term_mem_skip,
            offset=settings.long_term_mem_offset,
        ),
        strategy=dynamic_frame(network) if mca else named_strategy(settings.memory, settings.memory_frames),
        place=functools.partial(
            aligned_geometry,
            max_short_edge=settings.max_short_edge,
            max_long_edge=settings.max_long_edge,
            size=settings.size,
            align_corners=network.align_corners,
            area=settings.encoder == SMALL,
        ),
    )


def network_name(settings: MAVOSSettings) -> str:
    """Gives back what messages call the network that ``settings`` ask for."""
    name = f"mavos@{settings.encoder}"
    if settings.fusion != "mca":
        name += f"@{settings.fusion}"
    if settings.focal_levels != 2 and settings.fusion != "cross-attention":
        name += f" with focal_levels={settings.focal_levels}"
    return name
