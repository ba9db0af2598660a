"""How much memory the graphics cards have that people name."""

from __future__ import annotations

import re
from dataclasses import dataclass

from vosbench.errors import UsageError, nearest

GIB = 1 << 30

CAPACITIES = {
    "RTX 2080 Ti": 11,
    "RTX 3060": 12,
    "RTX 3080": 10,
    "RTX 3090": 24,
    "RTX 4070": 12,
    "RTX 4080": 16,
    "RTX 4090": 24,
    "RTX 5080": 16,
    "RTX 5090": 32,
    "RTX A6000": 48,
    "Tesla T4": 16,
    "Tesla P100": 16,
    "V100": 16,
    "V100 32GB": 32,
    "A10": 24,
    "A40": 48,
    "A100": 40,
    "A100 80GB": 80,
    "L4": 24,
    "L40S": 48,
    "H100": 80,
}
"""GiB by name, from NVIDIA's data sheets; the variant without a size in its name is the one papers mean by it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GraphicsMemory:
    """A card's memory in bytes, and what to call the card."""

    name: str
    bytes: int


def find_graphics_memory(text: str) -> GraphicsMemory:
    """Gives back the memory that ``text`` names: a size (``24GiB``, ``24GB``) or a card (``RTX 4090``).

    Case, spaces and dashes do not matter. Raises `UsageError` for what is neither.
    """
    size = re.fullmatch(r"\s*([0-9]+(?:\.[0-9]+)?)\s*(GiB|GB|MiB|MB)\s*", text, re.IGNORECASE)
    if size is not None:
        unit = {"gib": GIB, "gb": 10**9, "mib": 1 << 20, "mb": 10**6}[size[2].lower()]
        return GraphicsMemory(name=text.strip(), bytes=int(float(size[1]) * unit))
    known = {_plain(name): name for name in CAPACITIES}
    name = known.get(_plain(text)) or known.get(_plain(f"RTX {text}")) or known.get(_plain(f"Tesla {text}"))
    if name is None:
        raise UsageError(
            f"--card {text}: not known", fix=f"write a size, as 24GiB, or a card: {nearest(text, CAPACITIES)}"
        )
    return GraphicsMemory(name=name, bytes=CAPACITIES[name] * GIB)


def _plain(name: str) -> str:
    return "".join(c for c in name.lower() if c.isalnum()).removeprefix("nvidia").removeprefix("geforce")
