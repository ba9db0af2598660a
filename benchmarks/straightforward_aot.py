"""AOT-L, DeAOT-L and MAVOS computed the straightforward way, as their official code does: the benchmark's baseline.

Same weights, same rules, same sessions; but norms are not folded, tensors are channels first, the memory is
concatenated to be read, the window is unfolded and its weights are scattered into a row as long as the whole map, all
eleven identities are embedded and decoded, and labels come from a softmax.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from unittest import mock

import torch
from torch import Tensor
from torch.nn import functional

from vosbench.adapters.aot import block, gated_block, inference
from vosbench.adapters.aot.attention import KeyValue
from vosbench.adapters.aot.grid import Grid, to_tokens
from vosbench.adapters.aot.network import AOTNetwork, Features
from vosbench.adapters.aot.transformer import Propagation
from vosbench.adapters.aot.widths import OFFICIAL
from vosbench.adapters.aot.window import POSITIONS, REACH, SIDE
from vosbench.adapters.mavos import fusion

CLOSED = -1e10
OUTSIDE = 1e8


def attend(query: Tensor, pages: Sequence[KeyValue], *, heads: int = 1) -> Tensor:
    """Gives back what `vosbench.adapters.aot.attention.attend` does, from one softmax over everything."""
    key, value = torch.cat([page.key for page in pages]), torch.cat([page.value for page in pages])
    q, k, v = (tensor.view(len(tensor), heads, -1).transpose(0, 1) for tensor in (query, key, value))
    weights = torch.softmax(q @ k.transpose(1, 2), dim=-1)
    return (weights @ v).transpose(0, 1).flatten(1)


def attend_window(
    query: Tensor, memory: KeyValue, bias: Tensor, grid: Grid, value_bias: Tensor | None = None
) -> Tensor:
    """Gives back what `vosbench.adapters.aot.window.attend_window` does, from 225 copies of every key."""
    height, width = grid
    heads, tokens = len(bias), height * width
    key = memory.key.view(height, width, heads, -1).permute(2, 3, 0, 1)
    unfolded = functional.unfold(key, SIDE, padding=REACH).view(heads, -1, POSITIONS, tokens)
    on_the_map = functional.unfold(key.new_ones(1, 1, height, width), SIDE, padding=REACH)[0].T
    q = query.view(tokens, heads, -1).transpose(0, 1)
    logits = (q[:, :, None] @ unfolded.permute(0, 3, 1, 2))[:, :, 0] + bias - OUTSIDE * (1 - on_the_map)
    weights = torch.softmax(logits, dim=-1)
    value = memory.value.view(tokens, heads, -1).transpose(0, 1)
    out = _scattered(weights, grid) @ value
    if value_bias is not None:
        out = out + weights @ value_bias
    return out.transpose(0, 1).reshape(tokens, -1)


def _scattered(weights: Tensor, grid: Grid) -> Tensor:
    """Gives back (heads, tokens, tokens): each query's 225 weights where their keys are in the map."""
    height, width = grid
    columns = width + 2 * REACH
    y, x = (torch.arange(length) for length in grid)
    starts = (y[:, None] * columns + x).flatten()
    steps = (torch.arange(SIDE)[:, None] * columns + torch.arange(SIDE)).flatten()
    index = (starts[:, None] + steps).expand_as(weights)
    padded = weights.new_zeros(len(weights), len(starts), (height + 2 * REACH) * columns).scatter_(2, index, weights)
    inner = padded.view(len(weights), len(starts), -1, columns)[..., REACH : REACH + height, REACH : REACH + width]
    return inner.reshape(len(weights), len(starts), len(starts))


def identify(network: AOTNetwork, labels: Tensor, objects: int) -> Tensor:  # noqa: ARG001
    """Gives back what `AOTNetwork.identify` does, from eleven planes."""
    planes = functional.one_hot(labels.long(), OFFICIAL.identities).permute(2, 0, 1).float()
    tokens = to_tokens(network.patch_wise_id_bank(planes[None]))
    return network.id_norm(tokens) if network.gated else tokens


def decode(network: AOTNetwork, propagation: Propagation, features: Features, objects: int) -> Tensor:
    """Gives back (11, height / 4, width / 4) with the channels that nobody has shut off afterwards."""
    logits = network.decoder(propagation.decoder_input, features.shortcuts, OFFICIAL.identities)[0]
    logits[objects + 1 :] = CLOSED
    return logits


def merged_labels(logits: Sequence[Tensor], size: tuple[int, int], *, align_corners: bool) -> Tensor:
    """Gives back what `vosbench.adapters.aot.merging.merged_labels` does for one engine."""
    upsampled = functional.interpolate(logits[0][None], size, mode="bilinear", align_corners=align_corners)
    return torch.softmax(upsampled, dim=1)[0].argmax(0)


@contextlib.contextmanager
def straightforward() -> Iterator[None]:
    """Compute the straightforward way inside this block."""
    replaced = [
        (block, "attend", attend),
        (gated_block, "attend", attend),
        (fusion, "attend", attend),
        (block, "attend_window", attend_window),
        (gated_block, "attend_window", attend_window),
        (AOTNetwork, "identify", identify),
        (AOTNetwork, "decode", decode),
        (inference, "merged_labels", merged_labels),
    ]
    with contextlib.ExitStack() as stack:
        for owner, name, function in replaced:
            stack.enter_context(mock.patch.object(owner, name, function))
        yield
