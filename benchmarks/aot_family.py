"""Speed of AOT-L, DeAOT-L and MAVOS against the straightforward computation.

    python benchmarks/aot_family.py --threads 1
    python benchmarks/aot_family.py --methods deaot-l@r50 --memory-frames 20

Both sides get the same random weights, the same frames and a long-term memory filled synthetically (the reference
frame and noise) to so many frames; MAVOS's holds two. Frames are timed in turn, one of each side, host image in and
label map out; the fastest of each counts.
"""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import time
from contextlib import AbstractContextManager
from unittest import mock

import cv2
import numpy as np
import torch
from straightforward_aot import straightforward

from vosbench.adapters.aot import model as aot_model
from vosbench.adapters.aot.attention import KeyValue
from vosbench.adapters.aot.strategies import MemoryFrame
from vosbench.adapters.nn.swin import restore_position_indices
from vosbench.contract import Runtime, View, Weights
from vosbench.registry import Registry
from vosbench.types import Frame, Image, Prompt

NEVER = 10**6
METHODS = "mavos,mavos@r50,deaot-l@r50"
NOISE = 0.05


class Side:
    """One of the two computations on one video."""

    def __init__(self, method: str, size: tuple[int, int], objects: int, *, baseline: bool) -> None:
        self._scope = straightforward if baseline else contextlib.nullcontext
        chosen = Registry().method(method, {"long_term_mem_gap": str(NEVER)})
        with _unprepared() if baseline else contextlib.nullcontext():
            model = chosen.card.load(Runtime(), Weights(kind="random", seed=1), chosen.settings)
        self._session = model.open(View(id="benchmark", height=size[0], width=size[1]))
        self.inference = self._session._sights[0].inference
        mask = np.zeros(size, np.uint8)
        step = size[1] // (objects + 1)
        for number in range(1, objects + 1):
            mask[size[0] // 8 : -size[0] // 8, number * step - step // 2 : number * step + step // 3] = number
        self.seconds(0, picture(size, 0), Prompt(ids=tuple(range(1, objects + 1)), mask=mask))

    def fill(self, frames: int) -> None:
        """Let long-term memory hold the reference frame and ``frames`` - 1 noisy copies."""
        (engine,) = self.inference.engines
        (reference,) = engine.long_term
        generator = torch.Generator().manual_seed(0)
        copies = [_noisy(reference, generator) for _ in range(frames - 1)]
        engine.long_term = (*copies, reference)

    def seconds(self, index: int, image: Image, prompt: Prompt | None = None) -> float:
        """Gives back what frame ``index`` took."""
        frame = Frame(index=index, name=str(index), image=image, prompt=prompt)
        with self._scope(), torch.inference_mode():
            begin = time.perf_counter()
            self._session.step(frame)
            return time.perf_counter() - begin


def picture(size: tuple[int, int], index: int) -> Image:
    """Gives back a smooth random picture that moves by two pixels a frame."""
    coarse = np.random.default_rng(0).integers(0, 256, (size[0] // 8, size[1] // 8, 3), dtype=np.uint8)
    return np.roll(cv2.resize(coarse, size[::-1], interpolation=cv2.INTER_CUBIC), 2 * index, axis=1)


def _noisy(reference: MemoryFrame, generator: torch.Generator) -> MemoryFrame:
    blocks = tuple(
        KeyValue(
            key=kept.key + NOISE * torch.randn(kept.key.shape, generator=generator),
            value=kept.value + NOISE * torch.randn(kept.value.shape, generator=generator),
        )
        for kept in reference.blocks
    )
    return dataclasses.replace(reference, blocks=blocks)


def _unprepared() -> AbstractContextManager[object]:
    """Leave networks as they are loaded: norms unfolded, channels first."""

    def prepare(network: torch.nn.Module, **_: object) -> None:
        restore_position_indices(network)
        network.eval().requires_grad_(requires_grad=False)

    return mock.patch.object(aot_model, "prepare_network", prepare)


def compare(method: str, size: tuple[int, int], objects: int, frames: int, repeats: int) -> str:
    """Gives back a line: milliseconds of both sides, their ratio, and how far their logits are apart."""
    sides = [Side(method, size, objects, baseline=baseline) for baseline in (False, True)]
    for side in sides:
        side.fill(frames)
    best = [float("inf"), float("inf")]
    for index in range(1, repeats + 1):
        for number, side in enumerate(sides):
            best[number] = min(best[number], side.seconds(index, picture(size, index)))
        if index == 1:
            ours, theirs = (side.inference.logits[0] for side in sides)
            apart = float((ours - theirs[: len(ours)]).abs().max())
    new, baseline = (1000 * seconds for seconds in best)
    return f"{method:<16}{frames:>7}{new:>10.0f}{baseline:>16.0f}{baseline / new:>8.2f}{apart:>12.1e}"


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--methods", default=METHODS)
    parser.add_argument("--memory-frames", type=int, help="of long-term memory (default: 2 for mavos, else 20)")
    parser.add_argument("--objects", type=int, default=3)
    parser.add_argument("--height", type=int, default=480)
    parser.add_argument("--width", type=int, default=854)
    parser.add_argument("--repeats", type=int, default=4)
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    cv2.setNumThreads(options.threads)
    print(f"{'method':<16}{'frames':>7}{'new ms':>10}{'baseline ms':>16}{'ratio':>8}{'logits':>12}")
    for method in options.methods.split(","):
        frames = options.memory_frames or (2 if method.startswith("mavos") else 20)
        print(compare(method, (options.height, options.width), options.objects, frames, options.repeats), flush=True)


if __name__ == "__main__":
    main()
