"""Short-term attention: every query looks at the 15 x 15 positions around it (AOT, section 3.3; DeAOT, LGP).

The official code unfolds keys and values (225 copies of each), or scatters the 225 weights of every query into a row
as long as the whole map. Here a strip of rows meets the rows that its windows reach, where they lie in memory: one
product gives the logits of a band, the learned bias is laid out in the band with what is outside the window shut
off, and one product sums the values.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from vosbench.adapters.aot.attention import KeyValue
from vosbench.adapters.aot.grid import Grid
from vosbench.adapters.nn.runtime import full_precision

REACH = 7
"""The window's radius (official ``max_dis``)."""
SIDE = 2 * REACH + 1
POSITIONS = SIDE * SIDE

BAND_ELEMENTS = 2**18
"""Weights of a strip's band on a CPU, over all heads: narrow strips waste less of it, wide ones multiply faster."""
BAND_ELEMENTS_DEVICE = 2**24
"""Weights of a strip's band on an accelerator, over all heads."""


def attend_window(
    query: Tensor, memory: KeyValue, bias: Tensor, grid: Grid, value_bias: Tensor | None = None
) -> Tensor:
    """Gives back (queries, value channels): each query's softmax over its window, times the values there.

    ``query`` (tokens, channels) is scaled; ``bias`` (heads, tokens, 225) is added to the logits, position (dy, dx) of
    the window at (dy + 7) * 15 + dx + 7. Positions outside the map weigh nothing. ``value_bias`` (heads, 225, value
    channels of a head) adds a value for each position of the window.

    A batch of queries (batch, tokens, channels) with one head, as in training, comes with ``bias`` (1, batch, tokens,
    225); it meets the whole map.
    """
    if query.ndim == 3:
        return _attend_batch(query, memory, bias[0], grid)
    with full_precision(query.device):
        dtype, heads = memory.key.dtype, len(bias)
        queries = query.to(dtype).view(*grid, heads, -1)
        bias = bias.to(dtype).view(heads, *grid, SIDE, SIDE)
        out = memory.value.new_empty(*grid, heads, memory.value.shape[1] // heads)
        rows = _rows_per_strip(grid, heads, query.device)
        for top in range(0, grid[0], rows):
            bottom = min(top + rows, grid[0])
            read = _attend_strip(queries[top:bottom], memory, bias[:, top:bottom], grid, top, value_bias)
            out[top:bottom] = read.view(heads, bottom - top, grid[1], -1).permute(1, 2, 0, 3)
        return out.view(len(query), -1)


def _attend_batch(query: Tensor, memory: KeyValue, bias: Tensor, grid: Grid) -> Tensor:
    """Gives back (batch, queries, value channels), with gradients, in single precision."""
    with full_precision(query.device):
        positions = _positions_in_window(grid, query.device)
        lowest = torch.finfo(torch.float32).min
        shut = functional.pad(bias.float(), (0, 1), value=lowest)
        band = shut.gather(2, positions.expand(len(bias), -1, -1))
        logits = query.float() @ memory.key.float().transpose(1, 2)
        return torch.softmax(logits + band, dim=-1) @ memory.value.float()


def _positions_in_window(grid: Grid, device: torch.device) -> Tensor:
    """Gives back (queries, keys), int64: where each key lies in the window of each query, 225 where outside."""
    y = torch.arange(grid[0], device=device).repeat_interleave(grid[1])
    x = torch.arange(grid[1], device=device).repeat(grid[0])
    down, across = y[None] - y[:, None] + REACH, x[None] - x[:, None] + REACH
    inside = (down >= 0) & (down < SIDE) & (across >= 0) & (across < SIDE)
    return torch.where(inside, down * SIDE + across, POSITIONS)


def _attend_strip(
    queries: Tensor, memory: KeyValue, bias: Tensor, grid: Grid, top: int, value_bias: Tensor | None
) -> Tensor:
    """Gives back (heads, rows * width, value channels of a head) for ``queries`` (rows, width, heads, channels)."""
    heads, rows, width = bias.shape[:3]
    first, stop = max(0, top - REACH), min(grid[0], top + rows + REACH)
    reached = slice(first * width, stop * width)
    key = memory.key[reached].view(-1, heads, memory.key.shape[1] // heads).permute(1, 2, 0)
    value = memory.value[reached].view(-1, heads, memory.value.shape[1] // heads).transpose(0, 1)
    above = first - (top - REACH)
    band = _band(bias, above, stop - first)
    flat = queries.permute(2, 0, 1, 3).reshape(heads, rows * width, -1)
    weights = torch.softmax(torch.baddbmm(band, flat, key), dim=-1)
    out = weights @ value
    if value_bias is not None:
        out = out.baddbmm_(_window(weights, rows, width, above), value_bias.to(out.dtype))
    return out


def _band(bias: Tensor, above: int, reached: int) -> Tensor:
    """Gives back (heads, rows * width, reached * width): the bias of each query at the keys in its window.

    Elsewhere it is the lowest number there is. ``reached`` rows of keys lie on the map, ``above`` would lie over it.
    """
    heads, rows, width = bias.shape[:3]
    lowest = torch.finfo(bias.dtype).min
    band = bias.new_full((heads, rows, width, rows + 2 * REACH, width + 2 * REACH), lowest)
    _windows_of(band).copy_(bias)
    on_the_map = band[:, :, :, above : above + reached, REACH : REACH + width]
    return on_the_map.reshape(heads, rows * width, reached * width)


def _window(weights: Tensor, rows: int, width: int, above: int) -> Tensor:
    """Gives back (heads, rows * width, 225): the weights of a band by position in the window, 0 outside the map."""
    heads = len(weights)
    reached = weights.shape[2] // width
    below = rows + 2 * REACH - above - reached
    padded = functional.pad(weights.view(heads, rows, width, reached, width), (REACH, REACH, above, below))
    return _windows_of(padded).reshape(heads, rows * width, POSITIONS)


def _windows_of(band: Tensor) -> Tensor:
    """Gives back a view (heads, rows, width, 15, 15) of a padded band (heads, rows, width, rows + 14, width + 14).

    The window of the query at (y, x) begins at row y and column x of the padded keys.
    """
    heads, rows, width, _, columns = band.shape
    strides = band.stride()
    return band.as_strided(
        (heads, rows, width, SIDE, SIDE), (strides[0], strides[1] + columns, strides[2] + 1, columns, 1)
    )


def _rows_per_strip(grid: Grid, heads: int, device: torch.device) -> int:
    limit = BAND_ELEMENTS if device.type == "cpu" else BAND_ELEMENTS_DEVICE
    height, width = grid
    rows = 1
    while rows < height and heads * (rows + 1) * width * (rows + 1 + 2 * REACH) * width <= limit:
        rows += 1
    return rows
