"""The fusion operators against the paper's equations, written out."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from vosbench.adapters.aot.attention import KeyValue
from vosbench.adapters.mavos.fusion import HEADS, OPERATORS, JointModulation, MemoryFusion

GRID = (3, 5)
CHANNELS = 8


@pytest.fixture(autouse=True)
def no_gradients():
    with torch.inference_mode():
        yield


def module(build, *args) -> nn.Module:
    made = build(*args).double()
    generator = torch.Generator().manual_seed(4)
    for tensor in made.state_dict().values():
        tensor.uniform_(-0.6, 0.6, generator=generator)
    return made


def tokens(seed: int, channels: int = CHANNELS) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(GRID[0] * GRID[1], channels, generator=generator, dtype=torch.float64)


def literal_modulator(attn: nn.Module, context: Tensor, levels: int) -> Tensor:
    """Equations 3 to 5, (channels, height, width)."""
    projected = attn.f_context(context)
    level = projected[:, :CHANNELS].T.reshape(1, CHANNELS, *GRID)
    gates = projected[:, CHANNELS:].T.reshape(levels + 1, *GRID)
    total = torch.zeros(CHANNELS, *GRID, dtype=torch.float64)
    for index in range(levels):
        kernel = attn.focal_layers[index][0].weight
        level = functional.gelu(functional.conv2d(level, kernel, padding=kernel.shape[-1] // 2, groups=CHANNELS))
        total += level[0] * gates[index]
    total += functional.gelu(level[0].mean((1, 2)))[:, None, None] * gates[levels]
    return attn.h(total[None])[0]


def literal_attention(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
    """Equation 2, head by head."""
    size = CHANNELS // HEADS
    heads = []
    for head in range(HEADS):
        part = slice(head * size, (head + 1) * size)
        heads.append(torch.softmax(query[:, part] @ key[:, part].T / size**0.5, dim=1) @ value[:, part])
    return torch.cat(heads, dim=1)


@pytest.mark.parametrize("levels", [1, 2, 3])
def test_mca_is_attention_over_the_modulator_read_as_the_official_code_reads_it(levels: int):
    attn = module(OPERATORS["mca"], CHANNELS, levels)
    latents, context = tokens(1), tokens(2)
    value = literal_modulator(attn, context, levels).flatten().view(-1, CHANNELS)
    expected = attn.proj(literal_attention(attn.q(latents), attn.k(context), value))
    torch.testing.assert_close(expected, attn(latents, context, GRID))


def test_cross_attention_is_equation_2():
    attn = module(OPERATORS["cross-attention"], CHANNELS, 2)
    latents, context = tokens(1), tokens(2)
    expected = attn.proj(literal_attention(attn.q(latents), attn.k(context), attn.v(context)))
    torch.testing.assert_close(expected, attn(latents, context, GRID))


@pytest.mark.parametrize("levels", [1, 2, 3])
def test_focal_modulation_is_equation_3(levels: int):
    attn = module(OPERATORS["focal-modulation"], CHANNELS, levels)
    latents, context = tokens(1), tokens(2)
    value = literal_modulator(attn, context, levels).flatten(1).T
    torch.testing.assert_close(attn.proj(attn.q(latents) * value), attn(latents, context, GRID))


def test_the_new_frame_goes_on_and_the_dynamic_one_enters_by_the_operator_alone():
    block = module(JointModulation, OPERATORS["mca"], CHANNELS, 2)
    new, dynamic = tokens(1), tokens(2)
    first = new + block.attn(block.norm_l(new), block.norm_c(dynamic), GRID)
    expected = first + block.mlp.fc2(functional.gelu(block.mlp.fc1(block.norm2(first))))
    torch.testing.assert_close(expected, block(new, dynamic, GRID))


def test_both_branches_are_modulated_by_slots_of_their_own():
    fusion = module(MemoryFusion, "mca", 2)
    new = KeyValue(key=tokens(1, 128), value=tokens(2, 1024))
    dynamic = KeyValue(key=tokens(3, 128), value=tokens(4, 1024))
    fused = fusion.fuse(1, new, dynamic, GRID)
    slots = fusion[1]
    torch.testing.assert_close(slots["0"](new.key, dynamic.key, GRID), fused.key)
    visual = slots["1"](new.value[:, :512], dynamic.value[:, :512], GRID)
    identity = slots["3"](new.value[:, 512:], dynamic.value[:, 512:], GRID)
    torch.testing.assert_close(torch.cat([visual, identity], dim=1), fused.value)
