"""Bundled small models: when a run uses one, with which settings, and what it says."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from vosbench.cli import main
from vosbench.config import find_places
from vosbench.contract import Weights
from vosbench.digest import digest_bytes
from vosbench.errors import AdapterError, CheckpointError
from vosbench.plan import Request, make_plan
from vosbench.registry import Registry
from vosbench.weights import equip, parse_weights, weights_label

ADAPTER = '''
"""A method with bundled models."""

from dataclasses import dataclass

from vosbench.contract import MethodCard, Mini, Variant, setting


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    trunk: str = setting("large", source="", help="")
    size: int = setting(480, source="", help="")
    every: int = setting(5, source="", help="")


def load(runtime, weights, settings):
    raise NotImplementedError


CARD = MethodCard(
    name="mine",
    title="Mine",
    summary="",
    load=load,
    settings=Settings,
    needs_weights=True,
    checkpoints=("Mine.pth",),
    variants=(
        Variant(name="rare", axis="memory", summary="", settings={"every": 50}),
        Variant(name="other", axis="network", summary="", retrained=True),
        Variant(name="student", axis="network", summary="", retrained=True),
    ),
    minis=(
        Mini(name="mine-mini", file="mine.safetensors", settings={"trunk": "mini", "size": 240, "every": 3}),
        Mini(
            name="student-mini",
            file="student.safetensors",
            settings={"trunk": "mini"},
            variant="student",
            marks=("distilled",),
        ),
    ),
)
'''


@pytest.fixture
def adapter(tmp_path: Path) -> Path:
    """Gives back the adapter's file; of its two models one is there."""
    (tmp_path / "weights").mkdir()
    (tmp_path / "weights" / "mine.safetensors").write_bytes(b"small")
    (tmp_path / "mine.py").write_text(ADAPTER)
    return tmp_path / "mine.py"


def test_where_nothing_is_configured_the_bundled_model_runs_with_its_settings(adapter: Path):
    method, weights = equip(Registry((adapter,)).method("mine"), None, None)
    expected = adapter.parent / "weights" / "mine.safetensors"
    assert Weights(kind="mini", path=expected.resolve(), sha256=digest_bytes(b"small")) == weights
    assert ("mini", 240, 3) == (method.settings.trunk, method.settings.size, method.settings.every)


def test_variants_and_the_users_settings_win_over_the_models(adapter: Path):
    method, _ = equip(Registry((adapter,)).method("mine@rare", {"size": "300"}), None, None)
    assert ("mini", 300, 50) == (method.settings.trunk, method.settings.size, method.settings.every)


def test_an_official_file_goes_before_and_an_empty_folder_does_not(adapter: Path, tmp_path: Path):
    method = Registry((adapter,)).method("mine")
    folder = tmp_path / "official"
    folder.mkdir()
    assert "mini" == equip(method, None, folder)[1].kind
    (folder / "Mine.pth").write_bytes(b"large")
    found, weights = equip(method, None, folder)
    assert ("checkpoint", "large", 480) == (weights.kind, found.settings.trunk, found.settings.size)
    assert "mini" == equip(method, "mini", folder)[1].kind


def test_random_weights_and_checkpoints_run_without_the_models_settings(adapter: Path):
    method = Registry((adapter,)).method("mine")
    for choice in ("random:0", str(adapter)):
        assert "large" == equip(method, choice, None)[0].settings.trunk


@pytest.mark.parametrize("choice", [None, "mini"])
def test_a_variant_without_a_model_offers_those_with_one_and_random_weights(adapter: Path, choice: str | None):
    with pytest.raises(CheckpointError) as caught:
        equip(Registry((adapter,)).method("mine@other"), choice, None)
    assert "random:0" in caught.value.fix
    assert caught.value.fix.endswith("with a bundled small model: mine, mine@student")


def test_a_model_whose_file_is_missing_is_an_error_where_it_is_used(adapter: Path):
    registry = Registry((adapter,))
    assert "mine@student" == registry.method("mine@student").name
    with pytest.raises(CheckpointError, match=r"'student-mini' is not there: .*student\.safetensors"):
        equip(registry.method("mine@student"), None, None)


def test_a_model_names_settings_that_there_are(adapter: Path):
    adapter.write_text(ADAPTER.replace('"every": 3', '"evry": 3'))
    with pytest.raises(AdapterError, match="the bundled model 'mine-mini' sets 'evry'") as caught:
        equip(Registry((adapter,)).method("mine"), None, None)
    assert "did you mean 'every'?" == caught.value.fix


def test_a_flag_asks_for_the_model_of_one_method_or_of_all():
    methods = ("xmem", "xmem@fast", "stcn")
    assert {"xmem": "mini", "xmem@fast": "mini"} == parse_weights(("xmem=mini",), methods)
    assert {"xmem": "X", "xmem@fast": "X", "stcn": "mini"} == parse_weights(("xmem=X", "mini"), methods)


def test_tables_say_that_it_is_small_and_what_sets_it_apart():
    assert "mini" == weights_label(Weights(kind="mini"))
    assert "mini, distilled" == weights_label(Weights(kind="mini", marks=("distilled",)))


def test_bundled_models_beside_the_controlled_comparison_are_marked_as_on_their_cards():
    registry = Registry()
    marked = {}
    for name in ("deaot-l", "mavos", "mobileinst", "mobilevos", "sam2-lite", "stcn", "xmem"):
        for mini in registry.card(name).minis:
            _, weights = equip(registry.method("@".join(filter(None, (name, mini.variant)))), "mini", None)
            card = json.loads(weights.path.with_suffix(".json").read_text())
            assert mini.marks == weights.marks == tuple(card["marks"])
            marked[mini.name] = mini.marks
    beside = {name: marks for name, marks in marked.items() if marks}
    assert {"mobileinst-mini", "mobilevos-mini", "sam2-lite-mini"} == set(beside)
    assert ("own stages",) == beside["sam2-lite-mini"]


def test_a_plan_records_the_models_weights_and_settings_and_tells_the_reader(adapter: Path, tiny: Path, machine):
    places = find_places((str(tiny.parent),))
    request = Request(suites=(str(tiny),), methods=("mine",))
    plan = make_plan(request, Registry((adapter,)), places, machine)
    spec = plan.cells[0].method
    assert ("mini", 240) == (spec.weights.kind, spec.settings["size"])
    assert "mine: no weights are configured, so this is its bundled small model (mini)" in plan.notices
    random = make_plan(
        Request(suites=(str(tiny),), methods=("mine",), weights=("random:0",)), Registry((adapter,)), places, machine
    )
    assert 480 == random.cells[0].method.settings["size"]
    assert plan.cells[0].key != random.cells[0].key
    assert not any("bundled" in notice for notice in random.notices)


def test_the_listing_shows_the_models_and_what_is_missing(adapter: Path, capsys: pytest.CaptureFixture[str]):
    main(["methods", "mine", "--adapter", str(adapter)])
    said = " ".join(capsys.readouterr().out.split())
    assert "mine-mini mine trunk=mini, size=240, every=3" in said
    assert "student-mini mine@student (file missing) trunk=mini distilled" in said
