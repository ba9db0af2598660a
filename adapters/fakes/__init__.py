"""Methods whose memory is known: they prove that the meter and the verdict on growth say the truth.

Each holds a bank of blocks whose number follows a law of the frames answered, on the device that it runs on, and
answers background.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from vosbench.contract import MethodCard, Runtime, View, Weights, setting
from vosbench.types import Frame, LabelMap

Law = Callable[[int], int]
"""From the number of frames answered to the number of blocks held."""

LEAK_EVERY = 4
"""Frames from one forgotten block to the next: a slow leak, which a short video does not show."""

HERE = "a law made for the proof, no paper's"


@dataclass(frozen=True, slots=True, kw_only=True)
class FakeSettings:
    """How large a block is, and how many frames the law turns on."""

    block_kib: int = setting(64, source=HERE, help="KiB of one block, the unit of the bank", minimum=1)
    every: int = setting(
        40, source=HERE, help="frames that the bounded bank keeps, and from one step or clearing to the next", minimum=1
    )


class FakeSession:
    """A bank that follows a law; ``kept`` is the model's own list, which outlives the session."""

    def __init__(self, view: View, law: Law, block: Callable[[], Any], kept: list[Any], *, leaks: bool) -> None:
        self._shape = (view.height, view.width)
        self._law = law
        self._block = block
        self._bank: list[Any] = []
        self._kept = kept
        self._leaks = leaks
        self._frames = 0

    def step(self, frame: Frame) -> LabelMap:  # noqa: ARG002 - the contract's signature
        """Gives back a label map (height, width) uint8 of zeros, and lets the bank follow its law."""
        self._frames += 1
        wanted = self._law(self._frames)
        del self._bank[wanted:]
        while len(self._bank) < wanted:
            self._bank.append(self._block())
        if self._leaks and self._frames % LEAK_EVERY == 0:
            self._kept.append(self._block())
        return np.zeros(self._shape, np.uint8)

    def finish(self) -> None:
        """Gives no late answer."""

    def close(self) -> None:
        """Give back the bank; what leaks stays."""
        self._bank = []

    def footprint(self) -> dict[str, int]:
        """Gives back the bytes of the bank. What leaks is not in it: leaks are what no method counts."""
        return {"bank": sum(int(block.nbytes) for block in self._bank)}


class FakeModel:
    """Opens sessions of one law."""

    def __init__(self, law: Law, block: Callable[[], Any], *, leaks: bool) -> None:
        self._law = law
        self._block = block
        self._leaks = leaks
        self._kept: list[Any] = []

    def open(self, view: View) -> FakeSession:
        """Begin a video."""
        return FakeSession(view, self._law, self._block, self._kept, leaks=self._leaks)


def load_bounded(runtime: Runtime, _weights: Weights, settings: FakeSettings) -> FakeModel:
    """Gives back a bank of the last ``every`` frames."""
    return _model(runtime, settings, lambda frames: min(frames, settings.every))


def load_linear(runtime: Runtime, _weights: Weights, settings: FakeSettings) -> FakeModel:
    """Gives back a bank that keeps a block of every frame."""
    return _model(runtime, settings, lambda frames: frames)


def load_step(runtime: Runtime, _weights: Weights, settings: FakeSettings) -> FakeModel:
    """Gives back a bank that grows every ``every`` frames, by as many blocks."""
    return _model(runtime, settings, lambda frames: frames // settings.every * settings.every)


def load_sawtooth(runtime: Runtime, _weights: Weights, settings: FakeSettings) -> FakeModel:
    """Gives back a bank that fills up for ``every`` frames and is cleared, as a consolidated working memory is."""
    return _model(runtime, settings, lambda frames: frames % settings.every)


def load_logarithmic(runtime: Runtime, _weights: Weights, settings: FakeSettings) -> FakeModel:
    """Gives back a bank of ``every`` log(1 + frames) blocks: it grows ever more slowly, and never stops."""
    return _model(runtime, settings, lambda frames: int(settings.every * math.log1p(frames)))


def load_leak(runtime: Runtime, _weights: Weights, settings: FakeSettings) -> FakeModel:
    """Gives back a bounded bank beside which a block is forgotten every fourth frame, and never freed."""
    return _model(runtime, settings, lambda frames: min(frames, settings.every), leaks=True)


def _model(runtime: Runtime, settings: FakeSettings, law: Law, *, leaks: bool = False) -> FakeModel:
    return FakeModel(law, _allocator(runtime.device, settings.block_kib * 1024), leaks=leaks)


def _allocator(device: str, size: int) -> Callable[[], Any]:
    """Gives back what makes a block of ``size`` bytes whose pages are touched."""
    if device == "cpu":
        return lambda: np.ones(size, np.uint8)
    import torch

    return lambda: torch.ones(size, dtype=torch.uint8, device=device)


def _card(name: str, summary: str, load: Any, *, grows: bool) -> MethodCard:
    return MethodCard(
        name=f"fake-{name}",
        title=f"fake-{name}",
        family="self-check",
        summary=summary,
        memory="known: proves the memory meter",
        licence="MIT",
        settings=FakeSettings,
        grows=grows,
        ranked=False,
        load=load,
    )


BOUNDED = _card("bounded", "holds the last 40 frames", load_bounded, grows=False)
LINEAR = _card("linear", "holds a block of every frame", load_linear, grows=True)
STEP = _card("step", "grows every 40 frames", load_step, grows=True)
SAWTOOTH = _card("sawtooth", "fills up for 40 frames and is cleared", load_sawtooth, grows=False)
LOGARITHMIC = _card("logarithmic", "grows ever more slowly", load_logarithmic, grows=True)
LEAK = _card("leak", "forgets a block every fourth frame and never frees it", load_leak, grows=True)
