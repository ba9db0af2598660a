"""AOT-L, DeAOT-L or MAVOS with its weights in memory, ready for videos."""

from __future__ import annotations

import functools
from collections.abc import Callable

from torch import nn

from vosbench.adapters.aot.checkpoints import without_unused
from vosbench.adapters.aot.encoders import ENCODERS
from vosbench.adapters.aot.engine import Schedule
from vosbench.adapters.aot.geometry import AlignedGeometry, aligned_geometry
from vosbench.adapters.aot.inference import AOTInference
from vosbench.adapters.aot.network import ADJUSTMENTS, AOTNetwork
from vosbench.adapters.aot.session import AOTSession
from vosbench.adapters.aot.settings import AOTSettings
from vosbench.adapters.aot.strategies import Strategy, named_strategy
from vosbench.adapters.aot.widths import SMALL
from vosbench.adapters.nn.preparation import prepare_for_inference
from vosbench.adapters.nn.runtime import compile_modules
from vosbench.adapters.nn.swin import restore_position_indices
from vosbench.adapters.nn.weights import build_network
from vosbench.contract import Precision, Runtime, View, Weights
from vosbench.errors import UsageError

Place = Callable[..., AlignedGeometry]
"""From a frame's height and width, and how much it is ``enlarged``, to its geometry."""


class AOTModel:
    """Good for many videos one after the other."""

    def __init__(
        self, network: AOTNetwork, runtime: Runtime, *, schedule: Schedule, strategy: Strategy, place: Place
    ) -> None:
        self._network = network
        self._runtime = runtime
        self._schedule = schedule
        self._strategy = strategy
        self._place = place

    def open(self, view: View) -> AOTSession:
        """Begin a video."""
        return AOTSession(
            view,
            place=lambda enlarged: self._place(view.height, view.width, enlarged=enlarged),
            inference=lambda place: AOTInference(self._network, self._schedule, self._strategy, place),
            runtime=self._runtime,
        )

    def networks(self) -> tuple[AOTNetwork]:
        """Gives back the one network."""
        return (self._network,)


def load_model(runtime: Runtime, weights: Weights, settings: AOTSettings, *, method: str) -> AOTModel:
    """Gives back AOT-L or DeAOT-L; raises `CheckpointError` for weights that do not fit."""
    if settings.encoder == SMALL and method != "deaot-l":
        raise UsageError(f"there is no small network of {method}", fix="run deaot-l or mavos, or another encoder")
    build = functools.partial(AOTNetwork, settings.encoder, gated=method == "deaot-l")
    return AOTModel(
        load_network(build, weights, runtime, encoder=settings.encoder, name=f"{method}@{settings.encoder}"),
        runtime,
        schedule=Schedule(
            gap=settings.long_term_mem_gap,
            skip=settings.short_term_mem_skip,
            offset=settings.long_term_mem_offset,
        ),
        strategy=named_strategy(settings.memory, settings.memory_frames),
        place=functools.partial(
            aligned_geometry,
            max_short_edge=settings.max_short_edge,
            max_long_edge=settings.max_long_edge,
            size=settings.size,
            align_corners=ENCODERS[settings.encoder].align_corners,
            area=settings.encoder == SMALL,
        ),
    )


def load_network(
    build: Callable[[], nn.Module], weights: Weights, runtime: Runtime, *, encoder: str, name: str
) -> AOTNetwork:
    """Gives back the network of ``build`` with ``weights``, on its device, ready for inference."""
    network = build_network(build, weights, name=name, adjustments=ADJUSTMENTS, adapt=without_unused(encoder))
    prepare_network(network, device=runtime.device, precision=runtime.precision)
    compile_modules(network, ("encoder", "decoder"), runtime)
    return network


def prepare_network(network: nn.Module, *, device: str, precision: Precision = "fp32") -> None:
    """Fold, lay out and move a network whose weights are loaded."""
    restore_position_indices(network)
    prepare_for_inference(network, device=device, precision=precision)
