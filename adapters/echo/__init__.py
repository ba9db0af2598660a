"""A method that repeats the last mask it was given: the score that doing nothing gets."""

from __future__ import annotations

import numpy as np

from vosbench.contract import MethodCard, NoSettings, Runtime, View, Weights
from vosbench.types import Frame, LabelMap


class EchoSession:
    """Holds one label map: every object where it was when it entered."""

    def __init__(self, view: View) -> None:
        self._labels: LabelMap = np.zeros((view.height, view.width), np.uint8)

    def step(self, frame: Frame) -> LabelMap:
        """Gives back a label map (height, width) with all objects that have entered, each where it entered."""
        if frame.prompt is not None:
            mask = frame.prompt.mask
            wide = np.promote_types(mask.dtype, self._labels.dtype)
            self._labels = np.where(mask > 0, mask, self._labels).astype(wide)
        return self._labels.copy()

    def finish(self) -> None:
        """Gives no late answer."""

    def close(self) -> None:
        """Give back the label map."""
        self._labels = np.zeros((0, 0), np.uint8)

    def footprint(self) -> dict[str, int]:
        """Gives back the bytes of the one label map."""
        return {"last mask": self._labels.nbytes}


class EchoModel:
    """Has no weights."""

    def open(self, view: View) -> EchoSession:
        """Begin a video."""
        return EchoSession(view)


def load(_runtime: Runtime, _weights: Weights, _settings: NoSettings) -> EchoModel:
    """Gives back the model."""
    return EchoModel()


CARD = MethodCard(
    name="echo",
    title="echo",
    family="self-check",
    summary="repeats the mask each object entered with",
    memory="the last mask given",
    licence="MIT",
    ranked=False,
    load=load,
)
