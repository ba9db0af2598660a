"""A tiny method whose every virtue can be broken, for the checks to find."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

from vosbench.contract import Fixture, MethodCard, NoSettings, ReferenceFrame, Runtime, View, Weights
from vosbench.registry import Method
from vosbench.types import Frame, LabelMap


class HonestSession:
    """Repeats each object where it entered; subclasses break one promise each."""

    def __init__(self, model: HonestModel, view: View) -> None:
        self.model = model
        self.labels = np.zeros((view.height, view.width), np.uint8)
        self.frames = 0

    def step(self, frame: Frame) -> Any:
        if frame.prompt is not None:
            self.labels = np.where(frame.prompt.mask > 0, frame.prompt.mask, self.labels)
        self.frames += 1
        return self.answer(frame, self.labels.copy())

    def answer(self, frame: Frame, labels: LabelMap) -> Any:
        return labels

    def finish(self) -> Any:
        return None

    def close(self) -> None:
        self.labels = np.zeros((0, 0), np.uint8)

    def footprint(self) -> dict[str, Any]:
        return {"labels": self.labels.nbytes}


class HonestModel:
    """Opens sessions of the class it is given; ``state`` outlives them."""

    def __init__(self, session: type[HonestSession]) -> None:
        self.session = session
        self.state: list[Any] = []

    def open(self, view: View) -> HonestSession:
        return self.session(self, view)


@pytest.fixture
def method_of() -> Callable[..., Method]:
    """Gives back a function that makes a method of a session class."""

    def build(session: type[HonestSession] = HonestSession, **card: Any) -> Method:
        def load(_runtime: Runtime, _weights: Weights, _settings: NoSettings) -> HonestModel:
            return HonestModel(session)

        fields = {"name": "fake", "summary": "", "load": load} | card
        return Method(card=MethodCard(**fields), variants=(), settings=NoSettings(), label="fake")

    return build


@pytest.fixture
def honest_session() -> type[HonestSession]:
    return HonestSession


@pytest.fixture
def replaying(method_of: Callable[..., Method]) -> Callable[..., Method]:
    """Gives back a function that makes a method which replays fixtures of ``network`` by ``replay``."""

    def build(replay: Callable[[Fixture], Iterator[ReferenceFrame]], **fixtures: str) -> Method:
        return method_of(fixtures=fixtures or {"stcn": ""}, replay=replay)

    return build
