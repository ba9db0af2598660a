"""SAM2-Lite over a video, frame by frame."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from vosbench.adapters.nn.runtime import full_precision
from vosbench.adapters.sam2_lite.bank import Bank, Tokens
from vosbench.adapters.sam2_lite.motion import FrameMotion
from vosbench.adapters.sam2_lite.network import (
    Encoded,
    Sam2LiteNetwork,
    patch_coverage,
    patch_entropy,
    with_background,
)
from vosbench.adapters.sam2_lite.settings import Sam2LiteSettings

MASK_STRIDE = 4


@dataclass(slots=True, kw_only=True, eq=False)
class _Before:
    """The tokens of the frame before and their grid."""

    tokens: Tensor | None = None
    grid: tuple[int, int] = (0, 0)


class Sam2LiteInference:
    """One video. Every frame is written after its answer; a frame with a prompt is an anchor."""

    def __init__(
        self, network: Sam2LiteNetwork, settings: Sam2LiteSettings, *, device: torch.device, seed: int
    ) -> None:
        self._network = network
        self._device = device
        self._generator = torch.Generator().manual_seed(seed)
        self._before = _Before()
        self._motion = None if settings.motion == "features" else FrameMotion(settings.motion)
        self.objects = 0
        self.bank = Bank(
            budget=settings.tokens,
            pruning=settings.pruning,
            write=settings.write,
            score=self._score,
            noise=settings.noise,
        )

    def step(self, frame: int, image: Tensor, entering: Tensor | None, window: int | None) -> Tensor:
        """Gives back the probabilities (1 + objects, height / 4, width / 4) of frame number ``frame``.

        ``image`` is (1, 3, height, width), normalised, sides multiples of 16; ``entering`` (objects, height, width) of
        0 and 1 the masks of the objects that enter now; ``window`` limits how far back a frame reads, None not at all.
        """
        encoded = self._network.encode(image)
        predicted = self._predict(encoded, frame, window)
        given = None
        if entering is not None:
            given = functional.avg_pool2d(entering[None], MASK_STRIDE)
            predicted = _merged(predicted, given)
            self.objects += len(entering)
        with full_precision(self._device):
            fresh = self._fresh(encoded, predicted, given, frame)
            self.bank.add(fresh, frame)
        self._before = _Before(tokens=encoded.tokens, grid=encoded.grid)
        return predicted[0]

    def footprint(self) -> dict[str, int]:
        """Gives back the bytes of the bank."""
        return {"tokens": self.bank.nbytes()}

    def inspect(self, frame: int, height: int, width: int) -> dict[str, dict[str, NDArray[Any]]]:
        """Gives back each token's source frame, place in pixels of frames (height, width), age and, as usage, the
        gate's score.
        """
        tokens = self.bank.tokens
        if tokens is None:
            return {}
        y = (tokens.position // tokens.columns + 0.5) * height / tokens.rows
        x = (tokens.position % tokens.columns + 0.5) * width / tokens.columns
        source = tokens.frame.cpu().numpy()
        scores = self.bank.scores(frame).float().cpu().numpy()
        return {
            "tokens": {
                "frame": source,
                "y": y.cpu().numpy(),
                "x": x.cpu().numpy(),
                "age": frame - source,
                "usage": scores,
            }
        }

    def _predict(self, encoded: Encoded, frame: int, window: int | None) -> Tensor:
        """Gives back (1, 1 + objects, height / 4, width / 4); background alone where no object is known."""
        if not self.objects:
            height, width = (side // MASK_STRIDE for side in encoded.image.shape[2:])
            return encoded.tokens.new_ones(1, 1, height, width)
        slots = torch.arange(self.objects, device=self._device)[None]
        logits, _ = self._network.read(encoded, self.bank.view(frame, window), slots)
        return with_background(logits)

    def _fresh(self, encoded: Encoded, probabilities: Tensor, given: Tensor | None, frame: int) -> Tokens:
        """Gives back the frame's tokens with everything that the bank keeps of them."""
        slots = torch.arange(self.objects, device=self._device)[None]
        coverage = patch_coverage(probabilities[:, 1:])
        tokens = encoded.tokens.float()
        values = self._network.values(_in_full(encoded), coverage, slots)[0]
        unsure = patch_entropy(probabilities)
        if given is not None:
            unsure = unsure * (1 - functional.avg_pool2d(given.amax(1, keepdim=True), MASK_STRIDE).flatten(1))
        count = tokens.shape[1]
        return Tokens(
            keys=encoded.keys[0].float(),
            values=values,
            frame=torch.full((count,), frame, device=self._device),
            position=torch.arange(count, device=self._device),
            rows=torch.full((count,), encoded.grid[0], device=self._device),
            columns=torch.full((count,), encoded.grid[1], device=self._device),
            motion=self._moved(encoded)[0].float(),
            uncertainty=unsure[0],
            anchor=torch.full((count,), given is not None, device=self._device),
            draw=torch.rand(count, generator=self._generator).to(self._device),
        )

    def _moved(self, encoded: Encoded) -> Tensor:
        if self._motion is not None:
            return self._motion(encoded.image)
        return self._network.motion(encoded.tokens, encoded.grid, self._before.tokens, self._before.grid)

    def _score(self, tokens: Tokens, now: int) -> Tensor:
        with full_precision(self._device):
            return self._network.gate(tokens.keys, tokens.values, now - tokens.frame, tokens.motion, tokens.uncertainty)


def _in_full(encoded: Encoded) -> Encoded:
    """The bank is kept in single precision whatever the precision of the network."""
    return Encoded(tokens=encoded.tokens.float(), keys=encoded.keys.float(), grid=encoded.grid, image=encoded.image)


def _merged(predicted: Tensor, given: Tensor) -> Tensor:
    """Gives back the probabilities with the given masks (1, objects, height, width) laid over the predicted ones."""
    left = predicted * (1 - given.sum(1, keepdim=True).clamp(max=1))
    return torch.cat([left, given], dim=1)
