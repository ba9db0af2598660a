"""The bundled networks replay the stored outputs of the official code."""

from __future__ import annotations

import importlib
from pathlib import Path

import pytest

from vosbench.check import check_parity
from vosbench.registry import Method

FIXTURES = [
    ("stcn", "stcn_judo_newobj"),
    ("stcn", "stcn_vspw_3obj"),
    ("xmem", "xmem_cows_longterm"),
    ("xmem", "xmem_judo_newobj"),
    ("xmem", "xmem_swan_1obj"),
]


@pytest.mark.parametrize(("name", "fixture"), FIXTURES)
def test_the_network_agrees_with_the_official_code(shared: Path, name: str, fixture: str) -> None:
    card = importlib.import_module(f"vosbench.adapters.{name}").CARD
    method = Method(card=card, variants=(), settings=card.settings(), label=name)
    (result,) = check_parity(method, shared / "parity" / "networks" / fixture)
    assert "" == result.problem
    assert [] == [comparison for comparison in result.comparisons if not comparison.within]
