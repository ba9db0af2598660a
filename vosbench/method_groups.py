"""Words that stand for many methods: ``all-with-networks``."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from vosbench.errors import AdapterError
from vosbench.registry import Registry

WITH_NETWORKS = "all-with-networks"
"""Every method that needs weights, and each of its variants that is a network of its own."""


def expand_groups(methods: Sequence[str], registry: Registry) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Gives back the methods with every group replaced by its members, each once, and what a reader should know.

    A group takes methods that follow objects they are given, which every suite of label maps can use. An adapter that
    does not load is left out of a group and named.
    """
    found: dict[str, None] = {}
    notices: list[str] = []
    for text in methods:
        members = _with_networks(registry, notices) if text == WITH_NETWORKS else [text]
        found |= dict.fromkeys(members)
    return tuple(found), tuple(notices)


def _with_networks(registry: Registry, notices: list[str]) -> Iterator[str]:
    for name in registry.names():
        try:
            card = registry.card(name)
        except AdapterError as error:
            notices.append(f"{name} is left out: {error.what}")
            continue
        if not card.needs_weights:
            continue
        if "vos" not in card.tasks:
            notices.append(f"{name} is left out: it finds instances itself")
            continue
        yield name
        yield from (f"{name}@{variant.name}" for variant in card.variants if variant.retrained)
