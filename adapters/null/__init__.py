"""A method that does nothing: what it costs is the harness's own overhead."""

from __future__ import annotations

import numpy as np

from vosbench.contract import MethodCard, NoSettings, Runtime, View, Weights
from vosbench.types import Frame, LabelMap


class NullSession:
    """Answers every frame with background."""

    def __init__(self, view: View) -> None:
        self._shape = (view.height, view.width)

    def step(self, frame: Frame) -> LabelMap:  # noqa: ARG002 - the contract's signature
        """Gives back a label map (height, width) uint8 of zeros."""
        return np.zeros(self._shape, np.uint8)

    def finish(self) -> None:
        """Gives no late answer."""

    def close(self) -> None:
        """Has nothing to give back."""


class NullModel:
    """Has no weights."""

    def open(self, view: View) -> NullSession:
        """Begin a video."""
        return NullSession(view)


def load(_runtime: Runtime, _weights: Weights, _settings: NoSettings) -> NullModel:
    """Gives back the model."""
    return NullModel()


CARD = MethodCard(
    name="null",
    title="null",
    family="self-check",
    summary="answers background; shows what the harness itself costs",
    memory="none",
    licence="MIT",
    ranked=False,
    load=load,
)
