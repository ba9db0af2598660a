"""MobileVOS with its weights in memory, ready for videos."""

from __future__ import annotations

import functools
import sys

import torch

from vosbench.adapters.mobilevos.network import ADJUSTMENTS, STUDENTS, MobileVOSNetwork
from vosbench.adapters.mobilevos.queue import QueueBank
from vosbench.adapters.mobilevos.settings import MobileVOSSettings
from vosbench.adapters.nn.preparation import prepare_for_inference
from vosbench.adapters.nn.prompted import PromptedSession
from vosbench.adapters.nn.runtime import compile_modules
from vosbench.adapters.nn.weights import build_network
from vosbench.adapters.stcn.inference import STCNInference
from vosbench.adapters.stcn.settings import STCNSettings
from vosbench.contract import Runtime, View, Weights


class MobileVOSModel:
    """Good for many videos one after the other."""

    def __init__(self, network: MobileVOSNetwork, settings: MobileVOSSettings, runtime: Runtime) -> None:
        self._network = network
        self._settings = settings
        self._runtime = runtime

    def open(self, view: View) -> PromptedSession:
        """Begin a video."""
        return PromptedSession(
            view, inference=self._inference, runtime=self._runtime, size=self._settings.size, resize="area"
        )

    def networks(self) -> tuple[MobileVOSNetwork]:
        """Gives back the one network."""
        return (self._network,)

    def _inference(self) -> STCNInference:
        device, length = torch.device(self._runtime.device), self._settings.queue_length
        bank = None if length is None else QueueBank(length)
        return STCNInference(self._network, schedule(self._settings), device=device, bank=bank)


def load_model(runtime: Runtime, weights: Weights, settings: MobileVOSSettings) -> MobileVOSModel:
    """Gives back the model; raises `CheckpointError` for weights that do not fit."""
    network = build_network(
        functools.partial(MobileVOSNetwork, STUDENTS[settings.student]),
        weights,
        name=f"mobilevos@{settings.student}",
        adjustments=ADJUSTMENTS,
        adapt=dict,
    )
    prepare_for_inference(network, device=runtime.device, precision=runtime.precision)
    compile_modules(network, ("key_encoder", "value_encoder"), runtime)
    return MobileVOSModel(network, settings, runtime)


def schedule(settings: MobileVOSSettings) -> STCNSettings:
    """Gives back when STCN's loop writes: the previous frame always, and it stays where it is due.

    A queue of the first frame alone is written when objects enter, and never else.
    """
    first_only = settings.queue_length == 1
    return STCNSettings(
        mem_every=sys.maxsize if first_only else settings.mem_every,
        mem_offset=0 if first_only else settings.mem_offset,
        top_k=settings.top_k,
        include_last=not first_only,
        size=settings.size,
    )
