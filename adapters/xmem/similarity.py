"""XMem's anisotropic L2 similarity as one matrix product.

S(m, q) = shrinkage_m / sqrt(64) * -sum_c selection_qc (key_mc - key_qc)^2 (section 3.2, Eq. 2). Multiplied out,
it is the product of a row of the memory, [-s m^2, 2 s m, -s] / 8, and a column of the query, [e, e q, sum e q^2]:
129 channels instead of 64, and no other pass over the (tokens, queries) matrix.
"""

from __future__ import annotations

import torch
from torch import Tensor

from vosbench.adapters.xmem.network import KEY_CHANNELS

ROW_CHANNELS = 2 * KEY_CHANNELS + 1
SCALE = KEY_CHANNELS**0.5


def memory_rows(keys: Tensor, shrinkage: Tensor) -> Tensor:
    """Gives back (tokens, 129) from keys (tokens, 64) and shrinkage (tokens, 1)."""
    scaled = shrinkage / SCALE
    return torch.cat([-scaled * keys * keys, 2 * scaled * keys, -scaled], dim=1)


def query_columns(keys: Tensor, selection: Tensor) -> Tensor:
    """Gives back (queries, 129) from keys and selection (queries, 64)."""
    selected = selection * keys
    return torch.cat([selection, selected, (selected * keys).sum(1, keepdim=True)], dim=1)


def shrinkage_of(rows: Tensor) -> Tensor:
    """Gives back (tokens, 1) from memory rows."""
    return -SCALE * rows[:, -1:]


def keys_of(rows: Tensor) -> Tensor:
    """Gives back (tokens, 64) from memory rows."""
    return rows[:, KEY_CHANNELS : 2 * KEY_CHANNELS] / (-2 * rows[:, -1:])


def tokens_of(features: Tensor) -> Tensor:
    """Gives back (h w, objects x channels) from (objects, channels, h, w)."""
    objects, channels, height, width = features.shape
    return features.permute(2, 3, 0, 1).reshape(height * width, objects * channels)
