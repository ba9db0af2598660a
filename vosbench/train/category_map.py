"""A part of the loss that looks at the features of masks alone: each pixel shall tell its category."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from vosbench.train.instance_losses import InstanceLossInput


class CategoryMap(nn.Module):
    """Cross-entropy of every pixel's category, by a 1 x 1 convolution that is used in training only.

    Without it the features learn categories through the few queries that were matched: in a short training masks are
    then good long before categories are (YOLACT, Bolya et al. 2019, adds such a loss for the same reason). Pixels of
    the background count ``background`` times.
    """

    def __init__(self, *, channels: int, categories: int, background: float = 0.1) -> None:
        super().__init__()
        self.classify = nn.Conv2d(channels, categories + 1, 1)
        self.register_buffer("weights", torch.tensor([background, *[1.0] * categories]))

    def forward(self, given: InstanceLossInput) -> Tensor:
        """Gives back the mean over pixels, each weighed by its category."""
        if given.answer.features is None:
            raise ValueError("the network gives no features of masks")
        logits = self.classify(given.answer.features.flatten(0, 1).float())
        truth = functional.interpolate(given.category_map[:, None].float(), logits.shape[2:], mode="nearest-exact")
        return functional.cross_entropy(logits, truth[:, 0].long(), weight=self.get_buffer("weights"))
