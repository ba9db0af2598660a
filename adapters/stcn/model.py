"""STCN with its weights in memory, ready for videos."""

from __future__ import annotations

import functools

import torch

from vosbench.adapters.nn.checkpoint import with_others_plane
from vosbench.adapters.nn.preparation import prepare_for_inference
from vosbench.adapters.nn.prompted import PromptedSession
from vosbench.adapters.nn.runtime import compile_modules
from vosbench.adapters.nn.weights import build_network
from vosbench.adapters.nn.widths import WIDTHS
from vosbench.adapters.stcn.inference import STCNInference
from vosbench.adapters.stcn.network import ADJUSTMENTS, STCNNetwork
from vosbench.adapters.stcn.settings import STCNSettings
from vosbench.contract import Runtime, View, Weights


class STCNModel:
    """Good for many videos one after the other."""

    def __init__(self, network: STCNNetwork, settings: STCNSettings, runtime: Runtime) -> None:
        self._network = network
        self._settings = settings
        self._runtime = runtime

    def open(self, view: View) -> PromptedSession:
        """Begin a video."""
        device = torch.device(self._runtime.device)
        return PromptedSession(
            view,
            inference=lambda: STCNInference(self._network, self._settings, device=device),
            runtime=self._runtime,
            size=self._settings.size,
            resize="bicubic" if self._settings.trunk == "resnet" else "area",
        )

    def networks(self) -> tuple[STCNNetwork]:
        """Gives back the one network."""
        return (self._network,)


def load_model(runtime: Runtime, weights: Weights, settings: STCNSettings) -> STCNModel:
    """Gives back the model; raises `CheckpointError` for weights that do not fit."""
    network = build_network(
        functools.partial(STCNNetwork, WIDTHS[settings.trunk]),
        weights,
        name="stcn" if settings.trunk == "resnet" else "the small stcn",
        adjustments=ADJUSTMENTS,
        adapt=with_others_plane,
    )
    # The small network's maps are too small for Winograd's transforms to pay.
    direct = ("value_encoder",) if settings.trunk == "resnet" else ("value_encoder", "decoder")
    prepare_for_inference(network, device=runtime.device, precision=runtime.precision, direct=direct)
    compile_modules(network, ("key_encoder", "value_encoder"), runtime)
    return STCNModel(network, settings, runtime)
