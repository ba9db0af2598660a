"""MobileInst with its weights in memory, ready for videos."""

from __future__ import annotations

import functools

from vosbench.adapters.mobileinst.instance_decoder import HEADS
from vosbench.adapters.mobileinst.network import Architecture, MobileInstNetwork
from vosbench.adapters.mobileinst.session import NOTHING, MobileInstSession, answered
from vosbench.adapters.mobileinst.settings import MobileInstSettings
from vosbench.adapters.nn.preparation import prepare_for_inference
from vosbench.adapters.nn.random_weights import Adjustment
from vosbench.adapters.nn.runtime import compile_modules
from vosbench.adapters.nn.weights import build_network
from vosbench.contract import Runtime, View, Weights
from vosbench.errors import UsageError

ADJUSTMENTS = {"mask_decoder.output.weight": (Adjustment(centred=True),)}
"""Random weights whose masks cover part of a frame."""


class MobileInstModel:
    """Good for many videos one after the other. ``trained`` says that the classes mean something."""

    def __init__(
        self, network: MobileInstNetwork, settings: MobileInstSettings, runtime: Runtime, *, trained: bool
    ) -> None:
        self._network = network
        self._settings = settings
        self._runtime = runtime
        self._trained = trained

    def open(self, view: View) -> MobileInstSession:
        """Begin a video."""
        known = answered(view, self._settings, trained=self._trained) if view.task == "vis" else NOTHING
        return MobileInstSession(view, self._network, self._settings, self._runtime, known)

    def networks(self) -> tuple[MobileInstNetwork]:
        """Gives back the one network."""
        return (self._network,)


def architecture(settings: MobileInstSettings) -> Architecture:
    """Gives back the network that ``settings`` ask for.

    Raises `UsageError` for a width that its heads cannot share.
    """
    if settings.hidden_dim % HEADS:
        raise UsageError(
            f"hidden_dim is {settings.hidden_dim}", where="mobileinst", fix=f"give a multiple of {HEADS}, its heads"
        )
    return Architecture(
        backbone=settings.backbone,
        channels=settings.hidden_dim,
        categories=settings.categories,
        queries=settings.num_queries,
        decoder=settings.decoder,
        pool=settings.local_pool,
        enhanced=settings.semantic_enhancers,
    )


def load_model(runtime: Runtime, weights: Weights, settings: MobileInstSettings) -> MobileInstModel:
    """Gives back the model; raises `CheckpointError` for weights that do not fit."""
    network = build_network(
        functools.partial(MobileInstNetwork, architecture(settings)),
        weights,
        name=f"mobileinst with {settings.backbone}",
        adjustments=ADJUSTMENTS,
    )
    prepare_for_inference(network, device=runtime.device, precision=runtime.precision)
    compile_modules(network, ("backbone", "mask_decoder"), runtime)
    return MobileInstModel(network, settings, runtime, trained=weights.trained)
