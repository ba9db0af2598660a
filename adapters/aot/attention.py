"""Attention over memory frames that lie where they were written: nothing is concatenated to be read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from vosbench.adapters.nn.runtime import full_precision

CHUNK_ROWS = 256
"""Rows of weights, over all heads, held at a time on a CPU: enough for its products, and few enough for its caches."""
SMALLEST_CHUNK = 64
"""Queries in a chunk at the least."""
CHUNK_BYTES_DEVICE = 256 * 2**20
"""Weights held at a time on an accelerator."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class KeyValue:
    """What one block keeps of one frame: ``key`` and ``value``, (tokens, channels) each, contiguous.

    In training both have the clips of a batch before them, (batch, tokens, channels).
    """

    key: Tensor
    value: Tensor

    @property
    def nbytes(self) -> int:
        """The bytes of both."""
        return self.key.nbytes + self.value.nbytes


def attend(query: Tensor, pages: Sequence[KeyValue], *, heads: int = 1) -> Tensor:
    """Gives back (queries, value channels): softmax(query key^T) value over the tokens of all ``pages`` together.

    ``query`` (queries, channels) is already scaled. With several heads, channels are counted head by head. The
    softmax is taken over chunks of queries, so that its size does not grow with their number. A batch of queries
    (batch, queries, channels), as in training, reads its pages whole and in single precision.
    """
    if query.ndim == 3:
        return _attend_batch(query, pages, heads)
    with full_precision(query.device):
        queries = _by_head(query.to(pages[0].key.dtype), heads)
        keys = [_by_head(page.key, heads).transpose(1, 2) for page in pages]
        values = [_by_head(page.value, heads) for page in pages]
        tokens = sum(len(page.key) for page in pages)
        chunk = _chunk(query, heads, tokens)
        parts = [_attend_chunk(part, keys, values, tokens) for part in queries.split(chunk, dim=1)]
        out = parts[0] if len(parts) == 1 else torch.cat(parts, dim=1)
        return _joined(out)


def _attend_batch(query: Tensor, pages: Sequence[KeyValue], heads: int) -> Tensor:
    """Gives back (batch, queries, value channels), with gradients."""
    with full_precision(query.device):
        parts = (
            query,
            torch.cat([page.key for page in pages], dim=1),
            torch.cat([page.value for page in pages], dim=1),
        )
        queries, keys, values = (part.float().unflatten(2, (heads, -1)).transpose(1, 2) for part in parts)
        weights = torch.softmax(queries @ keys.transpose(2, 3), dim=-1)
        return (weights @ values).transpose(1, 2).flatten(2)


def _attend_chunk(queries: Tensor, keys: Sequence[Tensor], values: Sequence[Tensor], tokens: int) -> Tensor:
    """Gives back (heads, queries, value channels of a head)."""
    logits = queries.new_empty(*queries.shape[:2], tokens)
    begin = 0
    for key in keys:
        torch.bmm(queries, key, out=logits[:, :, begin : begin + key.shape[2]])
        begin += key.shape[2]
    weights = torch.softmax(logits, dim=-1)
    return _sum_pages(weights, values)


def _sum_pages(weights: Tensor, values: Sequence[Tensor]) -> Tensor:
    """Gives back ``weights`` (heads, queries, tokens) times the values of all pages.

    Half precision is added up in single precision: rounded page by page, its error would grow with the bank.
    """
    out = weights[:, :, : values[0].shape[1]] @ values[0]
    if len(values) == 1:
        return out
    total, begin = out.to(torch.promote_types(out.dtype, torch.float32)), values[0].shape[1]
    for value in values[1:]:
        part = weights[:, :, begin : begin + value.shape[1]]
        begin += value.shape[1]
        if total is out:
            total.baddbmm_(part, value)
        else:
            total += part @ value
    return total.to(out.dtype)


def _by_head(tokens: Tensor, heads: int) -> Tensor:
    """Gives back a view (heads, tokens, channels / heads)."""
    return tokens.view(len(tokens), heads, -1).transpose(0, 1)


def _joined(out: Tensor) -> Tensor:
    """Gives back (tokens, channels) of (heads, tokens, channels / heads)."""
    return out[0] if len(out) == 1 else out.transpose(0, 1).flatten(1)


def _chunk(query: Tensor, heads: int, tokens: int) -> int:
    if query.device.type == "cpu":
        return max(SMALLEST_CHUNK, CHUNK_ROWS // heads)
    return max(SMALLEST_CHUNK, CHUNK_BYTES_DEVICE // (heads * tokens * query.element_size()))
