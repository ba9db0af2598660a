"""The banks of a batch of clips, as a run would keep them, with gradients through what is written."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields

import torch
from torch import Tensor
from torch.nn import functional

from vosbench.adapters.sam2_lite.bank import Bank, Tokens
from vosbench.adapters.sam2_lite.network import Encoded, Sam2LiteNetwork, patch_coverage, patch_entropy
from vosbench.adapters.sam2_lite.reader import BankView
from vosbench.contract import GateTrace

CELLS = 4
"""Cells of a frame to each side, in which attention is compared between banks (vosbench; see `GRID` there)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BankPolicy:
    """What a bank keeps; as in the settings."""

    pruning: str
    budget: int
    write: str = "token"


class ClipMemory:
    """A `Bank` for each clip of a batch. ``slots`` (batch, objects) are its objects' queries, ``present`` those there.

    All banks have one policy and frames of one size, and so as many tokens.
    """

    def __init__(
        self,
        network: Sam2LiteNetwork,
        slots: Tensor,
        present: Tensor,
        generator: torch.Generator,
        *,
        policy: BankPolicy,
    ) -> None:
        self.slots = slots
        self.present = present
        self._network = network
        self._generator = generator
        self._before: Encoded | None = None
        self._banks = tuple(
            Bank(budget=policy.budget, pruning=policy.pruning, write=policy.write, score=self.score) for _ in slots
        )

    def write(self, index: int, frame: Encoded, probabilities: Tensor, *, given: bool) -> None:
        """Remember frame number ``index`` with ``probabilities`` (batch, 1 + objects, height / 4, width / 4).

        ``given`` says that they are its prompt.
        """
        coverage = patch_coverage(probabilities[:, 1:])
        values = self._network.values(frame, coverage, self.slots, self.present).float()
        with torch.no_grad():
            motion, unsure = self._motion(frame), self._uncertainty(probabilities, given=given)
        for clip, bank in enumerate(self._banks):
            known = self._known(index, frame, given=given)
            own = {"keys": frame.keys, "values": values, "motion": motion, "uncertainty": unsure}
            bank.add(Tokens(**{name: part[clip] for name, part in own.items()}, **known), index)
        self._before = frame

    def view(self, now: int) -> BankView:
        """Gives back what frame number ``now`` reads: (batch, tokens, ...)."""
        tokens = self.tokens()
        return BankView(keys=tokens.keys, values=tokens.values, ages=now - tokens.frame)

    def tokens(self) -> Tokens:
        """Gives back what the banks hold, each field (batch, tokens, ...)."""
        banks = [bank.tokens for bank in self._banks]
        held = [tokens for tokens in banks if tokens is not None]
        names = [field.name for field in fields(Tokens)]
        return Tokens(**{name: torch.stack([getattr(one, name) for one in held]) for name in names})

    def score(self, tokens: Tokens, now: int) -> Tensor:
        """Gives back the gate's score of each token at frame number ``now``; one still to come counts as new."""
        ages = (now - tokens.frame).clamp(min=0)
        return self._network.gate(tokens.keys, tokens.values, ages, tokens.motion, tokens.uncertainty).float()

    def trace(self) -> GateTrace | None:
        """Gives back what a gate that chooses said and chose; None of banks that keep by a rule."""
        return None

    def _known(self, index: int, frame: Encoded, *, given: bool) -> dict[str, Tensor]:
        """Gives back what is known of a frame's tokens whatever they show."""
        count, device = math.prod(frame.grid), frame.tokens.device
        numbers = {"frame": index, "rows": frame.grid[0], "columns": frame.grid[1], "anchor": given}
        return {
            **{name: torch.full((count,), number, device=device) for name, number in numbers.items()},
            "position": torch.arange(count, device=device),
            "draw": torch.rand(count, generator=self._generator).to(device),
        }

    def _motion(self, frame: Encoded) -> Tensor:
        before = None if self._before is None else self._before.tokens
        return self._network.motion(frame.tokens, frame.grid, before, frame.grid).float()

    def _uncertainty(self, probabilities: Tensor, *, given: bool) -> Tensor:
        """Gives back (batch, positions): the entropy over the logarithm of the clip's own number of objects, and
        nothing where a mask was given.
        """
        own = torch.log1p(self.present.sum(1, keepdim=True))
        unsure = patch_entropy(probabilities) * (math.log(probabilities.shape[1]) / own)
        if not given:
            return unsure
        return unsure * (1 - functional.avg_pool2d(probabilities[:, 1:].amax(1, keepdim=True), 4).flatten(1))


def grid_cells(position: Tensor, rows: Tensor, columns: Tensor) -> Tensor:
    """Gives back the cell of a 4 x 4 grid, row by row, of each position of frames of so many rows and columns."""
    row, column = position // columns, position % columns
    return CELLS * (row * CELLS // rows) + column * CELLS // columns
