"""What teaches a gate over memory tokens: the use that later frames make of them, and SAM2-Lite's budget (eq. 10)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor
from torch.nn import functional

from vosbench.contract import GateTrace
from vosbench.errors import UsageError
from vosbench.train.losses import LossInput, LossPart

BudgetForm = Literal["repaired", "literal"]
SPARSITY = 0.01
"""Weight of the scores in equation 10."""


def gate_usage(*, budgets: Sequence[int] = (96,)) -> LossPart:
    """Gives back how badly a gate tells the tokens that later frames will look at, the mean over ``budgets``.

    Not the paper's: its gate learns from the masks through its own choice, which failed in a small training; this one
    is told what attention, with every token kept, says of each token (memory-aware distillation of the bank).
    """
    if not budgets or min(budgets) < 1:
        raise UsageError(f"gate-usage: budgets {list(budgets)}", fix="give one number of tokens or more, each above 0")

    def part(given: LossInput) -> Tensor:
        trace = _traced(given)
        if trace.usage is None:
            raise UsageError("the gate's use of tokens was not taken", fix="train with gate_training=usage")
        losses = [
            usage_loss(trace.scores[:, place], *usage_targets(trace.usage, trace.frames, int(time), budget))
            for place, time in enumerate(trace.times)
            for budget in budgets
        ]
        return torch.stack(losses).mean()

    return part


def usage_targets(usage: Tensor, frames: Tensor, time: int, budget: int) -> tuple[Tensor, Tensor]:
    """Gives back (batch, tokens), 0 or 1: is a token among the ``budget`` that frames behind ``time`` look at most?

    ``usage`` (batch, frames, tokens) is the attention that each frame gives each token, ``frames`` (tokens) where each
    is from. With it which tokens there are at ``time`` (tokens) bool; none where they all fit, so that nothing is
    asked.
    """
    known = frames <= time
    if int(known.sum()) <= budget:
        return torch.zeros_like(usage[:, 0]), torch.zeros_like(known)
    mass = usage[:, time + 1 :].sum(1).masked_fill(~known, -1.0)
    best = mass.topk(budget, dim=1).indices
    return torch.zeros_like(mass).scatter_(1, best, 1.0), known


def usage_loss(scores: Tensor, targets: Tensor, known: Tensor) -> Tensor:
    """Gives back the binary cross-entropy of scores (batch, tokens), those to keep and those to drop counting alike."""
    losses = functional.binary_cross_entropy_with_logits(scores.float(), targets, reduction="none") * known
    kept = targets * known
    dropped = (1 - targets) * known
    means = [(losses * group).sum() / group.sum().clamp(min=1) for group in (kept, dropped)]
    return (means[0] + means[1]) / 2


def token_budget(*, form: BudgetForm = "repaired", sparsity: float = SPARSITY) -> LossPart:
    """Gives back the loss that keeps a gate that chooses within its budget (equation 10), the mean over its choices."""
    if form not in ("repaired", "literal"):
        raise UsageError(f"token-budget: there is no form '{form}'", fix="repaired or literal")

    def part(given: LossInput) -> Tensor:
        trace = _traced(given)
        if trace.kept is None:
            raise UsageError("the gate's choice was not taken", fix="train with gate_training=gumbel")
        losses = []
        for place, time in enumerate(trace.times):
            known = trace.frames <= int(time)
            scores, kept = trace.scores[:, place, known], trace.kept[:, place, known]
            if form == "literal":
                losses.append(literal_budget_loss(scores, kept, trace.budget, sparsity))
            else:
                losses.append(repaired_budget_loss(scores, trace.budget, sparsity))
        return torch.stack(losses).mean()

    return part


def literal_budget_loss(scores: Tensor, kept: Tensor, budget: int, sparsity: float = SPARSITY) -> Tensor:
    """Gives back max(0, sum m - B)^2 + 0.01 sum s (equation 10), the mean over clips.

    ``scores`` and the choice ``kept`` are (batch, tokens). With a hard top-B the first term is 0 whatever the gate
    says, and the second has no lower bound: it drives every score down and so changes no choice.
    """
    excess = (kept.sum(1) - budget).clamp(min=0).square()
    return (excess + sparsity * scores.sum(1)).mean()


def repaired_budget_loss(scores: Tensor, budget: int, sparsity: float = SPARSITY) -> Tensor:
    """Gives back max(0, sum p - B)^2 / B^2 + 0.01 mean p with p = sigmoid(s), the mean over clips (vosbench).

    ``scores`` (batch, tokens). Probabilities are bounded, and more of them than the budget have a gradient.
    """
    probability = torch.sigmoid(scores.float())
    excess = (probability.sum(1) - budget).clamp(min=0).square() / budget**2
    return (excess + sparsity * probability.mean(1)).mean()


def _traced(given: LossInput) -> GateTrace:
    trace = given.answer.gate
    if trace is None:
        raise UsageError("this network tells nothing of a gate", fix="train sam2-lite with training=gate")
    return trace
