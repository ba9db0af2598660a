"""A recipe's loss: its parts found by name, weighed and added."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from torch import Tensor, nn

from vosbench.contract import Trainable
from vosbench.errors import UsageError, nearest
from vosbench.plain import PlainError
from vosbench.train.instance_losses import InstanceLossInput
from vosbench.train.losses import LossInput
from vosbench.train.recipe import LossPlan

PARTS: Mapping[str, str] = {
    "attention-matching": "vosbench.train.token_distillation:attention_matching",
    "bootstrapped-cross-entropy": "vosbench.train.losses:bootstrapped_cross_entropy",
    "bootstrapped-poly-cross-entropy": "vosbench.train.taught:bootstrapped_poly",
    "binary-cross-entropy": "vosbench.train.losses:binary_cross_entropy",
    "dice": "vosbench.train.losses:dice",
    "edges": "vosbench.train.token_edges:edges",
    "gate-usage": "vosbench.train.token_gate:gate_usage",
    "logit-distillation": "vosbench.train.taught:logit_distillation",
    "readout-matching": "vosbench.train.token_distillation:readout_matching",
    "representation-distillation": "vosbench.train.taught:representation_distillation",
    "soft-jaccard": "vosbench.train.losses:soft_jaccard",
    "token-budget": "vosbench.train.token_gate:token_budget",
}
"""Name in recipes -> ``module:factory``. The factory takes the part's options by keyword and gives a `LossPart`; one
with a parameter ``context`` is handed a `PartContext`. A part that is a torch module learns with the network."""

INSTANCE_PARTS: Mapping[str, str] = {
    "class-focal": "vosbench.train.instance_losses:class_focal",
    "category-map": "vosbench.train.category_map:CategoryMap",
    "mask-dice": "vosbench.train.instance_losses:mask_dice",
    "mask-binary-cross-entropy": "vosbench.train.instance_losses:mask_binary_cross_entropy",
    "iou-objectness": "vosbench.train.instance_losses:iou_objectness",
    "passed-dice": "vosbench.train.instance_losses:passed_dice",
    "passed-binary-cross-entropy": "vosbench.train.instance_losses:passed_binary_cross_entropy",
}
"""The same for networks that find instances; their factories give an `InstancePart`."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PartContext:
    """The networks that a part is made for."""

    student: Trainable | None
    teacher: Trainable | None
    where: str


class Loss(nn.Module):
    """The weighted sum of a recipe's parts, which ``known`` has by name."""

    def __init__(self, plans: Sequence[LossPlan], context: PartContext, known: Mapping[str, str] = PARTS) -> None:
        super().__init__()
        self._plans = tuple(plans)
        self._parts = tuple(_part(plan, context, known) for plan in plans)
        self.learning = nn.ModuleDict(
            {str(at): part for at, part in enumerate(self._parts) if isinstance(part, nn.Module)}
        )

    def names(self) -> tuple[str, ...]:
        """Gives back the parts' names in order."""
        return tuple(plan.part for plan in self._plans)

    def of(self, given: LossInput | InstanceLossInput) -> tuple[Tensor, tuple[Tensor, ...]]:
        """Gives back the sum, and each part before it is weighed, without gradient."""
        values = [part(given) for part in self._parts]
        total = values[0] * self._plans[0].weight
        for value, plan in zip(values[1:], self._plans[1:], strict=True):
            total = total + value * plan.weight
        return total, tuple(value.detach() for value in values)


def _part(plan: LossPlan, context: PartContext, parts: Mapping[str, str]) -> Callable[[Any], Tensor]:
    if plan.part not in parts:
        raise UsageError(
            f"there is no part of a loss '{plan.part}'", where=context.where, fix=nearest(plan.part, parts)
        )
    module, _, name = parts[plan.part].partition(":")
    factory: Callable[..., Callable[[Any], Tensor]] = getattr(importlib.import_module(module), name)
    known = inspect.signature(factory).parameters
    open_ended = any(parameter.kind is inspect.Parameter.VAR_KEYWORD for parameter in known.values())
    for key, value in plan.options.items():
        if not open_ended and (key not in known or key == "context"):
            raise UsageError(
                f"the part '{plan.part}' has no option '{key}'", where=context.where, fix=nearest(key, known)
            )
        if key in known and known[key].annotation == "float" and type(value) not in {int, float}:
            raise UsageError(f"the part '{plan.part}': {key} is {value!r}", where=context.where, fix="give a number")
    options = {"context": context} if "context" in known else {}
    try:
        return factory(**options, **plan.options)
    except PlainError as error:
        raise UsageError(f"the part '{plan.part}': {error.message}", where=context.where) from error
