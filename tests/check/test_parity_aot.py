"""AOT-L, DeAOT-L and MAVOS replay the stored outputs of the official code."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest

from vosbench.adapters.aot import AOT_L, DEAOT_L
from vosbench.adapters.mavos import CARD as MAVOS
from vosbench.check import check_parity
from vosbench.contract import MethodCard
from vosbench.registry import Method, Registry

FIXTURES = [
    (AOT_L, "r50_aotl_vspw_3obj"),
    (DEAOT_L, "deaotl_vspw_3obj"),
    (DEAOT_L, "r50_deaotl_judo_newobj"),
    (MAVOS, "mavos_judo_newobj"),
    (MAVOS, "mavos_vspw_3obj"),
    (MAVOS, "r50_mavos_judo_newobj"),
    (MAVOS, "r50_mavos_swan_1obj"),
    (MAVOS, "swinb_mavos_swan_1obj"),
]


pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.mark.parametrize(("card", "fixture"), FIXTURES, ids=[fixture for _, fixture in FIXTURES])
def test_the_network_agrees_with_the_official_code(shared: Path, card: MethodCard, fixture: str):
    method = Method(card=card, variants=(), settings=card.settings(), label=card.name)
    (result,) = check_parity(method, shared / "parity" / "networks" / fixture)
    assert "" == result.problem
    assert [] == [comparison for comparison in result.comparisons if not comparison.within]


def test_every_stored_fixture_of_the_family_is_replayed(shared: Path):
    folder = shared / "parity" / "networks"
    networks = {path.parent.name: json.loads(path.read_text())["network"] for path in folder.glob("*/fixture.json")}
    family = {name for name, network in networks.items() if network.startswith(("AOT:", "MAVOS:"))}
    assert family == {fixture for _, fixture in FIXTURES}


@pytest.mark.parametrize("card", [AOT_L, DEAOT_L, MAVOS], ids=lambda card: card.name)
def test_each_network_is_replayed_by_the_variant_of_its_encoder(card: MethodCard):
    assert {"mnv2", "r50", "swinb"} == set(card.fixtures.values())
    for network, variant in card.fixtures.items():
        chosen = Registry().method(f"{card.name}@{variant}")
        assert variant == chosen.settings.encoder
        assert network.partition(":")[2].startswith({"mnv2": "", "r50": "r50_", "swinb": "swinb_"}[variant])
        assert dataclasses.asdict(chosen.settings) | {"encoder": "mnv2"} == dataclasses.asdict(card.settings())
