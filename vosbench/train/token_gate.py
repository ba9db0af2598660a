"""What teaches a gate over memory tokens: the use that later frames make of them, and SAM2-Lite's budget (eq. 10)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor
from torch.nn import functional

from vosbench.contract import GateTrace, TokenRead
from vosbench.errors import UsageError
from vosbench.train.losses import LossInput, LossPart

BudgetForm = Literal["repaired", "literal"]
SPARSITY = 0.01
"""Weight of the scores in equation 10."""
ROUNDS = 8
SERVED = 0.1
"""Share of a position's attention that the tokens chosen have before there are any: how soon it counts less."""
SMALLEST = 1e-6


def gate_usage(*, rounds: int = ROUNDS) -> LossPart:
    """Gives back how badly a gate tells the tokens that later frames will need from those it competes with.

    Not the paper's: its gate learns from the masks through its own choice, which failed in a small training; this one
    is told what attention, with every token kept, says of each token (memory-aware distillation of the bank). With one
    of ``rounds`` the tokens that are looked at most are needed, with more those that together are looked at by all.
    """
    if rounds < 1:
        raise UsageError(f"gate-usage: {rounds} rounds", fix="give a round at least")

    def part(given: LossInput) -> Tensor:
        trace = _traced(given)
        if trace.weights is None or trace.competing is None:
            raise UsageError("the gate's use of tokens was not taken", fix="train with gate_training=usage")
        losses = []
        for place, time in enumerate(trace.times):
            competing = trace.competing[:, place]
            if trace.budget < int(competing[0].sum()):
                attention, weights = later_attention(given.answer.reads, trace.weights, competing, int(time))
                targets = needed_tokens(attention, weights, trace.budget, rounds)
                losses.append(usage_loss(of_clips(trace.scores[:, place], competing), targets))
        return torch.stack(losses).mean() if losses else trace.scores.sum() * 0.0

    return part


def of_clips(values: Tensor, chosen: Tensor) -> Tensor:
    """Gives back (batch, ..., number): the last axis of ``values`` where ``chosen`` (batch, tokens), so many in each
    clip, is True.
    """
    places = chosen.nonzero()[:, 1].view(len(chosen), *[1] * (values.dim() - 2), -1)
    return values.gather(-1, places.expand(*values.shape[:-1], -1))


def later_attention(reads: Sequence[TokenRead], weights: Tensor, chosen: Tensor, time: int) -> tuple[Tensor, Tensor]:
    """Gives back what frames behind ``time`` give the tokens ``chosen``: (batch, all their positions, tokens).

    Of each position its attention is divided among those tokens alone, as if there were no others. With it how much
    each position counts (batch, positions). ``reads`` are those of the frames behind the first, ``weights`` (batch,
    frames, positions), ``chosen`` (batch, tokens) bool, as many in each clip and none later than ``time``.
    """
    shares = []
    for read in reads[time:]:
        share = of_clips(read.attention.float(), chosen[:, : read.attention.shape[2]])
        shares.append(share / share.sum(2, keepdim=True).clamp(min=SMALLEST))
    return torch.cat(shares, dim=1), weights[:, time:].flatten(1)


def needed_tokens(attention: Tensor, weights: Tensor, budget: int, rounds: int) -> Tensor:
    """Gives back (batch, tokens), 0 or 1: the ``budget`` tokens that serve the positions best.

    ``attention`` (batch, positions, tokens) sums to 1 over the tokens, ``weights`` (batch, positions). In each round a
    part of the budget goes to the tokens with the most attention, where a position counts the less the more of its
    attention the tokens chosen before have (the greedy choice for the sum of w log(floor + share)). Else copies of one
    thing on many frames fill the bank.
    """
    chosen = torch.zeros_like(attention[:, 0])
    served = torch.zeros_like(weights)
    for number in range(rounds):
        part = budget * (number + 1) // rounds - budget * number // rounds
        gains = torch.einsum("bp,bpt->bt", weights / (served + SERVED), attention)
        best = gains.masked_fill(chosen > 0, -1.0).topk(part, dim=1).indices
        chosen.scatter_(1, best, 1.0)
        served = torch.einsum("bpt,bt->bp", attention, chosen)
    return chosen


def usage_loss(scores: Tensor, targets: Tensor) -> Tensor:
    """Gives back the binary cross-entropy of scores (batch, tokens), those to keep and those to drop counting alike."""
    losses = functional.binary_cross_entropy_with_logits(scores.float(), targets, reduction="none")
    means = [(losses * group).sum() / group.sum().clamp(min=1) for group in (targets, 1 - targets)]
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
