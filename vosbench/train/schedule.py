"""What changes in the course of a training: learning rates and the average of the weights."""

from __future__ import annotations

import math
from collections.abc import Iterable

import torch
from torch import Tensor, nn

from vosbench.train.recipe import OptimizerPlan


def rate_at(step: int, steps: int, plan: OptimizerPlan) -> float:
    """Gives back the share of its learning rate that iteration ``step`` (from 0) of ``steps`` has."""
    if step < plan.warm_up:
        return (step + 1) / plan.warm_up
    done = (step - plan.warm_up) / max(1, steps - plan.warm_up)
    return plan.final + (1.0 - plan.final) * 0.5 * (1.0 + math.cos(math.pi * min(1.0, done)))


def make_optimizer(
    parameters: Iterable[nn.Parameter], trunk: Iterable[nn.Parameter], plan: OptimizerPlan
) -> torch.optim.AdamW:
    """Gives back AdamW over the parameters that learn: group 0 the new layers, group 1 the backbone's."""
    slow = {id(parameter) for parameter in trunk}
    learning = [parameter for parameter in parameters if parameter.requires_grad]
    groups = [
        {"params": [parameter for parameter in learning if id(parameter) not in slow], "lr": plan.rate},
        {"params": [parameter for parameter in learning if id(parameter) in slow], "lr": plan.trunk_rate},
    ]
    return torch.optim.AdamW(groups, weight_decay=plan.decay)


def set_rates(optimizer: torch.optim.Optimizer, share: float, plan: OptimizerPlan) -> None:
    """Give both groups their learning rate of this iteration."""
    for group, rate in zip(optimizer.param_groups, (plan.rate, plan.trunk_rate), strict=True):
        group["lr"] = rate * share


class Average:
    """The exponential moving average of a network's weights, which is what is scored and exported.

    At update n it keeps min(``most``, (1 + n) / (10 + n)) of itself: it follows fast at first. Buffers are taken over.
    """

    def __init__(self, network: nn.Module, most: float) -> None:
        self._most = most
        self.updates = 0
        self.state: dict[str, Tensor] = {name: value.detach().clone() for name, value in network.state_dict().items()}

    @torch.no_grad()
    def update(self, network: nn.Module) -> None:
        """Move towards the network's weights of now."""
        keep = min(self._most, (1.0 + self.updates) / (10.0 + self.updates))
        self.updates += 1
        mine, theirs = [], []
        for name, value in network.state_dict().items():
            if value.is_floating_point():
                mine.append(self.state[name])
                theirs.append(value.detach())
            else:
                self.state[name].copy_(value)
        torch._foreach_lerp_(mine, theirs, 1.0 - keep)
