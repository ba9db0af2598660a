from __future__ import annotations

import pytest
import torch
from torch import Tensor

from vosbench.adapters.aot import attention, window
from vosbench.adapters.aot.attention import KeyValue, attend
from vosbench.adapters.aot.grid import sine_positions, to_map, to_tokens
from vosbench.adapters.aot.window import attend_window


def random(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed + sum(shape)), dtype=torch.float64)


@pytest.mark.parametrize("heads", [1, 4])
@pytest.mark.parametrize("rows", [2, 1000])
def test_pages_are_read_as_if_they_were_one(heads: int, rows: int, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(attention, "CHUNK_ROWS", rows)
    monkeypatch.setattr(attention, "SMALLEST_CHUNK", 1)
    pages = [KeyValue(key=random(count, 8), value=random(count, 12)) for count in (5, 1, 7)]
    query = random(6, 8)
    key, value = torch.cat([page.key for page in pages]), torch.cat([page.value for page in pages])
    expected = []
    for head in range(heads):
        columns, values = slice(head * 8 // heads, (head + 1) * 8 // heads), value.chunk(heads, dim=1)[head]
        expected.append(torch.softmax(query[:, columns] @ key[:, columns].T, dim=1) @ values)
    torch.testing.assert_close(torch.cat(expected, dim=1), attend(query, pages, heads=heads))


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_many_pages_in_half_precision_err_no_more_than_one(dtype: torch.dtype):
    tokens, pages = 1600, 400
    key, value = 0.1 * random(tokens, 8), 1 + random(tokens, 12)
    query = random(6, 8)
    exact = attend(query, [KeyValue(key=key, value=value)])
    whole = KeyValue(key=key.to(dtype), value=value.to(dtype))
    parts = zip(whole.key.split(tokens // pages), whole.value.split(tokens // pages), strict=True)
    error_of_one = (attend(query, [whole]).double() - exact).abs().max()
    read = attend(query, [KeyValue(key=key, value=value) for key, value in parts])
    assert dtype == read.dtype
    assert (read.double() - exact).abs().max() < 2 * error_of_one


def literal_window(
    query: Tensor, memory: KeyValue, bias: Tensor, grid: tuple[int, int], value_bias: Tensor | None
) -> Tensor:
    """The rule, position by position: 225 logits, those outside the map shut off, softmax, sum of the values there."""
    height, width = grid
    heads = len(bias)
    q, k = query.view(height, width, heads, -1), memory.key.view(height, width, heads, -1)
    v = memory.value.view(height, width, heads, -1)
    out = torch.zeros_like(v)
    for y in range(height):
        for x in range(width):
            for head in range(heads):
                logits, values = [], []
                for position in range(225):
                    ky, kx = y + position // 15 - 7, x + position % 15 - 7
                    if 0 <= ky < height and 0 <= kx < width:
                        logits.append(q[y, x, head] @ k[ky, kx, head] + bias[head, y * width + x, position])
                        extra = 0 if value_bias is None else value_bias[head, position]
                        values.append(v[ky, kx, head] + extra)
                weights = torch.softmax(torch.stack(logits), dim=0)
                out[y, x, head] = weights @ torch.stack(values)
    return out.view(height * width, -1)


@pytest.mark.parametrize("grid", [(1, 1), (1, 9), (3, 2), (17, 3), (4, 18)])
@pytest.mark.parametrize("heads", [1, 2])
@pytest.mark.parametrize("elements", [1, 2**20])
def test_the_band_is_the_window(grid: tuple[int, int], heads: int, elements: int, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(window, "BAND_ELEMENTS", elements)
    tokens = grid[0] * grid[1]
    memory = KeyValue(key=random(tokens, 4), value=random(tokens, 6))
    query, bias = random(tokens, 4, seed=1), random(heads, tokens, 225)
    value_bias = None if heads == 1 else random(heads, 225, 6 // heads)
    expected = literal_window(query, memory, bias, grid, value_bias)
    torch.testing.assert_close(expected, attend_window(query, memory, bias, grid, value_bias))


def test_tokens_are_the_grid_row_by_row():
    features = random(1, 3, 2, 5)
    tokens = to_tokens(features)
    assert torch.equal(features[0, :, 1, 3], tokens[1 * 5 + 3])
    assert torch.equal(features, to_map(tokens, (2, 5)))


def test_positions_follow_the_formula():
    grid, channels = (3, 4), 256
    positions = sine_positions(grid, channels, device=torch.device("cpu"), dtype=torch.float64).view(3, 4, 256)
    for y, x, k in [(0, 0, 0), (2, 3, 0), (1, 2, 5), (2, 1, 126), (2, 2, 127)]:
        wavelength = 10000 ** (2 * (k // 2) / 128)
        wave = torch.cos if k % 2 else torch.sin
        for offset, place, length in ((0, y, 3), (128, x, 4)):
            angle = torch.tensor(place / (length - 1 + 1e-6) * 2 * torch.pi / wavelength, dtype=torch.float64)
            torch.testing.assert_close(wave(angle), positions[y, x, offset + k])


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_positions_in_half_precision_are_the_exact_ones_rounded(dtype: torch.dtype):
    exact = sine_positions((30, 54), 256, device=torch.device("cpu"), dtype=torch.float32)
    assert torch.equal(exact.to(dtype), sine_positions((30, 54), 256, device=torch.device("cpu"), dtype=dtype))
