"""A batch norm whose statistics and affine values never change."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional


class FrozenBatchNorm2d(nn.Module):
    """y = (x - mean) / sqrt(variance + eps) * weight + bias, with all four as buffers.

    A network that was trained with frozen norms has no parameter and no counter of batches there, which its
    checkpoints show (official AOT, ``FrozenBatchNorm2d``).
    """

    def __init__(self, channels: int, eps: float = 1e-5) -> None:
        super().__init__()
        self.register_buffer("weight", torch.ones(channels))
        self.register_buffer("bias", torch.zeros(channels))
        self.register_buffer("running_mean", torch.zeros(channels))
        self.register_buffer("running_var", torch.ones(channels))
        self.eps = eps

    def forward(self, x: Tensor) -> Tensor:
        """Gives back (batch, channels, height, width)."""
        return functional.batch_norm(
            x, self.running_mean, self.running_var, self.weight, self.bias, training=False, eps=self.eps
        )
