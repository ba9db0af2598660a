"""What a gate is taught with: the use that later frames make of tokens, or its own choice with a gradient."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from vosbench.adapters.sam2_lite.bank import Tokens, gumbel
from vosbench.adapters.sam2_lite.clip_memory import BankPolicy, ClipMemory
from vosbench.adapters.sam2_lite.network import Encoded, Sam2LiteNetwork
from vosbench.adapters.sam2_lite.reader import BankView
from vosbench.contract import GateTrace, Unrolled

EVERYWHERE = 0.3
"""What a position without an object counts, beside its share of objects.

With 0.02 objects fill the bank in time, and where no background is left to be looked at all of a frame becomes object.
"""
MOST_TIMES = 6
"""Frames of a clip at which the gate is asked."""
SHARE = 0.65
"""Of a frame's tokens, what the gate's own bank keeps in training: that of a budget of 256 at 240 x 432 pixels."""


def usage_trace(memory: ClipMemory, unrolled: Unrolled, generator: torch.Generator) -> GateTrace:
    """Gives back what the gate says of the tokens that compete at frames drawn by chance, and how much what reads them
    counts.

    ``memory`` holds every token of the clip, none of which has a gradient: the gate alone learns. Those that compete
    are a frame's own and those that the gate kept until then. Asked about all tokens of the past it would never learn
    that of two copies of one thing the older may go, and copies would fill its bank.
    """
    tokens = memory.tokens()
    frames = tokens.frame[0]
    last = int(frames[-1])
    budget = max(1, round(SHARE * int((frames == 0).sum())))
    competing = competitions(memory, last, budget)
    times = torch.randperm(last + 1, generator=generator)[:MOST_TIMES].sort().values
    return GateTrace(
        frames=frames,
        times=times.to(frames.device),
        scores=torch.stack([memory.score(tokens, int(time)) for time in times], dim=1),
        competing=competing[:, times.to(frames.device)],
        weights=position_weights(unrolled),
        budget=budget,
    )


@torch.no_grad()
def competitions(memory: ClipMemory, last: int, budget: int) -> Tensor:
    """Gives back (batch, last + 1, tokens) bool: which tokens compete at each frame if the gate keeps ``budget``."""
    tokens = memory.tokens()
    kept = torch.zeros_like(tokens.frame, dtype=torch.bool)
    rows = []
    for now in range(last + 1):
        competing = kept | (tokens.frame == now)
        rows.append(competing)
        scores = memory.score(tokens, now).masked_fill(~competing, -torch.inf)
        best = scores.topk(min(budget, int(competing[0].sum())), dim=1).indices
        kept = torch.zeros_like(kept).scatter_(1, best, value=True)
    return torch.stack(rows, dim=1)


def position_weights(unrolled: Unrolled) -> Tensor:
    """Gives back (batch, frames - 1, positions): the predicted share of objects at each position, and a little more."""
    foreground = 1 - torch.softmax(unrolled.logits.float(), dim=2)[:, :, 0]
    stride = int((foreground[0, 0].numel() / unrolled.reads[0].attention.shape[1]) ** 0.5)
    return functional.avg_pool2d(foreground, stride).flatten(2) + EVERYWHERE


class GumbelMemory(ClipMemory):
    """Equations 8 to 10 with a gradient: every token is stored, and those that the gate does not choose weigh nothing.

    The choice is the ``budget`` largest of score and Gumbel noise, its gradient that of a sigmoid around the threshold.
    Choices multiply, so that a dropped token stays dropped.
    """

    def __init__(
        self,
        network: Sam2LiteNetwork,
        slots: Tensor,
        present: Tensor,
        generator: torch.Generator,
        *,
        budget: int,
        temperature: float,
    ) -> None:
        policy = BankPolicy(pruning="unlimited", budget=budget)
        super().__init__(network, slots, present, generator, policy=policy)
        self._budget = budget
        self._temperature = temperature
        self._weights = torch.zeros(len(slots), 0, device=slots.device)
        self._scores: list[Tensor] = []
        self._kept: list[Tensor] = []

    def write(self, index: int, frame: Encoded, probabilities: Tensor, *, given: bool) -> None:
        """Remember a frame, then let its tokens compete; see `ClipMemory`."""
        super().write(index, frame, probabilities, given=given)
        tokens = self.tokens()
        fresh = len(tokens.frame[0]) - self._weights.shape[1]
        weights = functional.pad(self._weights, (0, fresh), value=1.0)
        scores = self.score(tokens, index)
        noise = gumbel(torch.rand(scores.shape, generator=self._generator)).to(scores.device)
        alive = weights.detach() > 0
        self._weights = weights * straight_through(scores + noise, alive, self._budget, self._temperature)
        self._scores.append(scores)
        self._kept.append(self._weights)

    def view(self, now: int) -> BankView:
        """Gives back every token with its weight."""
        whole = super().view(now)
        return BankView(keys=whole.keys, values=whole.values, ages=whole.ages, weights=self._weights)

    def trace(self) -> GateTrace | None:
        """Gives back what the gate said and chose at every frame that was written."""
        tokens: Tokens = self.tokens()
        most = tokens.frame.shape[1]
        scores, kept = (
            torch.stack([functional.pad(part, (0, most - part.shape[1])) for part in parts], dim=1)
            for parts in (self._scores, self._kept)
        )
        times = torch.arange(len(self._scores), device=scores.device)
        return GateTrace(frames=tokens.frame[0], times=times, scores=scores, kept=kept, budget=self._budget)


def straight_through(scores: Tensor, alive: Tensor, budget: int, temperature: float) -> Tensor:
    """Gives back (batch, tokens): 1 for the ``budget`` best of those ``alive``, else 0, with a gradient (equation 10).

    The gradient is that of sigmoid((score - threshold) / temperature), the threshold half way between the last that is
    kept and the first that is not; the paper's softmax over all tokens cannot say that a budget of them is kept.
    """
    if int(alive.sum(1).max()) <= budget:
        return alive.to(scores.dtype)
    known = scores.masked_fill(~alive, -torch.inf)
    best = known.detach().topk(budget + 1, dim=1).values
    threshold = (best[:, budget - 1 : budget] + best[:, budget:]) / 2
    soft = torch.sigmoid((scores - threshold) / temperature)
    return (known.detach() >= threshold).to(soft.dtype) + soft - soft.detach()
