"""Cards by name, and sizes."""

from __future__ import annotations

import pytest

from vosbench.errors import UsageError
from vosbench.gpus import CAPACITIES, GIB, find_graphics_memory


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("24GiB", 24 * GIB),
        ("24 gb", 24 * 10**9),
        ("1.5 GiB", GIB * 3 // 2),
        ("512MiB", 512 << 20),
        ("RTX 4090", 24 * GIB),
        ("rtx-4090", 24 * GIB),
        ("NVIDIA GeForce RTX 4090", 24 * GIB),
        ("2080ti", 11 * GIB),
        ("a100 80GB", 80 * GIB),
        ("V100", 16 * GIB),
        ("t4", 16 * GIB),
    ],
)
def test_a_size_or_a_card_is_bytes(text, expected):
    assert expected == find_graphics_memory(text).bytes


def test_what_is_neither_is_refused_with_the_nearest():
    with pytest.raises(UsageError, match="RTX 4090"):
        find_graphics_memory("RTX 4091")


def test_every_card_is_found_by_its_own_name():
    assert {name: size * GIB for name, size in CAPACITIES.items()} == {
        name: find_graphics_memory(name).bytes for name in CAPACITIES
    }
