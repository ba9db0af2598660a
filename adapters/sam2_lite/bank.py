"""SAM2-Lite's memory: one bank of tokens for all objects, from which all but the budget is deleted at every frame."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields

import torch
from torch import Tensor

from vosbench.adapters.sam2_lite.reader import BankView

FRAME_TOKENS = 32
"""Tokens of a frame that compete with ``write="frame32"``."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Tokens:
    """Memory tokens: ``keys`` and ``values`` (tokens, 256), and what is known of each.

    Its ``frame``, its ``position`` on the frame's grid, row by row, and that grid's ``rows`` and ``columns``;
    ``motion`` and ``uncertainty`` in [0, 1] when it was written; ``anchor``, whether its frame had a prompt; ``draw``,
    a random number in [0, 1).
    """

    keys: Tensor
    values: Tensor
    frame: Tensor
    position: Tensor
    rows: Tensor
    columns: Tensor
    motion: Tensor
    uncertainty: Tensor
    anchor: Tensor
    draw: Tensor

    def __len__(self) -> int:
        return len(self.keys)

    @property
    def nbytes(self) -> int:
        """The bytes of all of it."""
        return sum(getattr(self, field.name).nbytes for field in fields(self))

    def take(self, index: Tensor) -> Tokens:
        """Gives back copies of the tokens ``index``: what is not taken can be freed."""
        return Tokens(**{field.name: getattr(self, field.name)[index] for field in fields(self)})

    def joined(self, later: Tokens) -> Tokens:
        """Gives back these tokens and ``later`` ones behind them."""
        pairs = ((field.name, getattr(self, field.name), getattr(later, field.name)) for field in fields(self))
        return Tokens(**{name: torch.cat([first, second]) for name, first, second in pairs})


Score = Callable[[Tokens, int], Tensor]
"""The gate's scores (tokens) of tokens at a frame's number."""


class Bank:
    """The tokens that are kept. ``pruning``, ``write`` and ``noise`` are those of the settings."""

    def __init__(self, *, budget: int, pruning: str, write: str, score: Score, noise: float = 0.0) -> None:
        self._budget = budget
        self._pruning = pruning
        self._write = write
        self._score = score
        self._noise = noise
        self.tokens: Tokens | None = None

    def add(self, fresh: Tokens, now: int) -> None:
        """Let a frame's tokens compete with the bank's at frame number ``now``; the rest is deleted."""
        if self._write == "frame32" and len(fresh) > FRAME_TOKENS:
            merit = self._merit(fresh, now) if self._pruning == "learned" else fresh.draw
            fresh = fresh.take(merit.topk(FRAME_TOKENS).indices.sort().values)
        candidates = fresh if self.tokens is None else self.tokens.joined(fresh)
        self.tokens = candidates if self._fits(candidates) else candidates.take(self._kept(candidates, now))

    def view(self, now: int, window: int | None) -> BankView:
        """Gives back what frame number ``now`` may read: with a ``window`` the last frames' tokens and all anchors."""
        tokens = self._known()
        if window is not None:
            near = ((tokens.frame >= now - window) | tokens.anchor).nonzero()[:, 0]
            tokens = tokens.take(near)
        ages = now - tokens.frame
        return BankView(keys=tokens.keys[None], values=tokens.values[None], ages=ages[None])

    def nbytes(self) -> int:
        """The bytes in use."""
        return 0 if self.tokens is None else self.tokens.nbytes

    def scores(self, now: int) -> Tensor:
        """Gives back the gate's score of every token."""
        return self._score(self._known(), now)

    def _fits(self, candidates: Tokens) -> bool:
        return self._pruning == "unlimited" or len(candidates) <= self._budget

    def _kept(self, candidates: Tokens, now: int) -> Tensor:
        """Gives back the columns that stay, in order."""
        rules: dict[str, Callable[[], Tensor]] = {
            "learned": lambda: self._merit(candidates, now).topk(self._budget).indices,
            "fifo": lambda: newest(candidates)[: self._budget],
            "random": lambda: candidates.draw.topk(self._budget).indices,
            "anchor": lambda: anchored(candidates, self._budget),
        }
        return rules[self._pruning]().sort().values

    def _merit(self, tokens: Tokens, now: int) -> Tensor:
        """Gives back the gate's scores and the noise that each token drew when it was written."""
        scores = self._score(tokens, now)
        return scores + self._noise * gumbel(tokens.draw) if self._noise else scores

    def _known(self) -> Tokens:
        if self.tokens is None:
            raise ValueError("nothing was written yet")
        return self.tokens


def gumbel(draw: Tensor) -> Tensor:
    """Gives back -log(-log(u)): the standard Gumbel distribution's of uniform draws in [0, 1) (equation 9)."""
    return -torch.log(-torch.log(draw.clamp(1e-7, 1 - 1e-7)))


def newest(tokens: Tokens) -> Tensor:
    """Gives back all tokens, the newest frames' first, those of one frame by their random number."""
    by_draw = torch.argsort(tokens.draw, descending=True)
    return by_draw[torch.argsort(tokens.frame[by_draw], descending=True, stable=True)]


def anchored(tokens: Tokens, budget: int) -> Tensor:
    """Gives back ``budget`` tokens: half of prompted frames by their random number, half the newest others.

    Places that one half cannot fill go to the other.
    """
    anchors = torch.argsort(tokens.draw.where(tokens.anchor, -1.0), descending=True)[: int(tokens.anchor.sum())]
    order = newest(tokens)
    others = order[~tokens.anchor[order]]
    first = max(budget // 2, budget - len(others))
    chosen = anchors[:first]
    return torch.cat([chosen, others[: budget - len(chosen)]])
