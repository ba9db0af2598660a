"""XMem with its weights in memory, ready for videos."""

from __future__ import annotations

import functools

import torch

from vosbench.adapters.nn.checkpoint import with_others_plane
from vosbench.adapters.nn.preparation import prepare_for_inference
from vosbench.adapters.nn.prompted import PromptedSession
from vosbench.adapters.nn.runtime import compile_modules
from vosbench.adapters.nn.weights import build_network
from vosbench.adapters.nn.widths import WIDTHS
from vosbench.adapters.xmem.inference import XMemInference
from vosbench.adapters.xmem.network import ADJUSTMENTS, XMemNetwork
from vosbench.adapters.xmem.settings import XMemSettings, check_settings
from vosbench.contract import Runtime, View, Weights


class XMemModel:
    """Good for many videos one after the other."""

    def __init__(self, network: XMemNetwork, settings: XMemSettings, runtime: Runtime) -> None:
        self._network = network
        self._settings = settings
        self._runtime = runtime

    def open(self, view: View) -> PromptedSession:
        """Begin a video."""
        device = torch.device(self._runtime.device)
        return PromptedSession(
            view,
            inference=lambda: XMemInference(self._network, self._settings, device=device, seed=self._runtime.seed),
            runtime=self._runtime,
            size=self._settings.size,
            resize="bilinear" if self._settings.trunk == "resnet" else "area",
        )

    def networks(self) -> tuple[XMemNetwork]:
        """Gives back the one network."""
        return (self._network,)


def load_model(runtime: Runtime, weights: Weights, settings: XMemSettings) -> XMemModel:
    """Gives back the model; raises `CheckpointError` for weights that do not fit."""
    check_settings(settings)
    network = build_network(
        functools.partial(
            XMemNetwork,
            WIDTHS[settings.trunk],
            hidden_dim=settings.hidden_dim,
            single_object=settings.single_object,
        ),
        weights,
        name=network_name(settings),
        adjustments=ADJUSTMENTS,
        adapt=None if settings.single_object else with_others_plane,
    )
    # The small network's maps are too small for Winograd's transforms to pay.
    direct = ("value_encoder",) if settings.trunk == "resnet" else ("value_encoder", "decoder")
    prepare_for_inference(network, device=runtime.device, precision=runtime.precision, direct=direct)
    compile_modules(network, ("key_encoder", "value_encoder"), runtime)
    return XMemModel(network, settings, runtime)


def network_name(settings: XMemSettings) -> str:
    """Gives back what messages call the network that ``settings`` ask for."""
    small = "the small " if settings.trunk == "mini" else ""
    if settings.single_object:
        return f"{small}xmem@single-object"
    return f"{small}xmem" if settings.hidden_dim else f"{small}xmem@no-sensory"
