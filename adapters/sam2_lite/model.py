"""SAM2-Lite with its weights in memory, ready for videos."""

from __future__ import annotations

import functools

from vosbench.adapters.nn.preparation import prepare_for_inference
from vosbench.adapters.nn.random_weights import Adjustment
from vosbench.adapters.nn.runtime import compile_modules
from vosbench.adapters.nn.weights import build_network
from vosbench.adapters.sam2_lite.network import Sam2LiteNetwork, make_network
from vosbench.adapters.sam2_lite.session import Sam2LiteSession
from vosbench.adapters.sam2_lite.settings import Sam2LiteSettings, check_settings
from vosbench.contract import Runtime, View, Weights

ADJUSTMENTS = {
    "key.weight": (Adjustment(scale=0.3),),
    "coverage.weight": (Adjustment(scale=4),),
    "head.query.weight": (Adjustment(scale=4),),
    "head.out.weight": (Adjustment(centred=True, scale=2),),
}
"""Random weights whose attention is not all the same and whose masks are neither empty nor full."""


class Sam2LiteModel:
    """Good for many videos one after the other."""

    def __init__(self, network: Sam2LiteNetwork, settings: Sam2LiteSettings, runtime: Runtime) -> None:
        self._network = network
        self._settings = settings
        self._runtime = runtime

    def open(self, view: View) -> Sam2LiteSession:
        """Begin a video."""
        return Sam2LiteSession(view, self._network, self._settings, self._runtime)

    def networks(self) -> tuple[Sam2LiteNetwork]:
        """Gives back the one network."""
        return (self._network,)


def load_model(runtime: Runtime, weights: Weights, settings: Sam2LiteSettings) -> Sam2LiteModel:
    """Gives back the model; raises `CheckpointError` for weights that do not fit."""
    check_settings(settings)
    network = build_network(
        functools.partial(make_network, settings.preset, int8=settings.int8),
        weights,
        name=f"sam2-lite@{settings.preset}" + ("@int8" if settings.int8 else ""),
        adjustments=ADJUSTMENTS,
    )
    prepare_for_inference(network, device=runtime.device, precision=runtime.precision)
    compile_modules(network, ("encoder",), runtime)
    return Sam2LiteModel(network, settings, runtime)
