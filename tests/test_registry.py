"""Methods: entry points, single files, variants and settings."""

from __future__ import annotations

import dataclasses
import importlib
import importlib.metadata

import pytest

from vosbench.contract import MethodCard
from vosbench.errors import AdapterError, UsageError
from vosbench.registry import Registry, restore_settings, source_digest

PLUGIN = """\
from dataclasses import dataclass

from vosbench.contract import MethodCard, Variant, setting


@dataclass(frozen=True)
class Settings:
    top_k: int = setting(20, source="paper, section 3", help="how many", minimum=1)
    share: float = setting(0.5, source="ours", help="a share", minimum=0.0)
    rule: str = setting("usage", source="ours", help="which goes first", choices=("usage", "age"))
    long_term: bool = setting(True, source="ours", help="on or off")
    limit: int | None = setting(None, source="ours", help="a whole number", minimum=2)
    scales: tuple[int, ...] = setting((1, 2), source="ours", help="cannot be set as text")


def load(runtime, weights, settings):
    return settings


CARD = MethodCard(
    name="plug",
    summary="a plug-in",
    load=load,
    settings=Settings,
    checkpoints=("Plug.pth",),
    variants=(
        Variant(name="fifo", axis="rule", summary="age", settings={"rule": "age"}),
        Variant(name="lru", axis="rule", summary="usage", settings={"rule": "usage"}),
        Variant(name="small", axis="size", summary="own weights", settings={"top_k": 5}, retrained=True,
                checkpoints=("PlugSmall.pth",)),
    ),
)
"""

BUILT_IN = ("echo", "null", "stcn", "xmem")


@pytest.fixture
def plug(tmp_path):
    path = tmp_path / "plug.py"
    path.write_text(PLUGIN)
    return path


@pytest.fixture
def registry(plug):
    return Registry((plug,))


@pytest.fixture
def package(tmp_path, monkeypatch):
    """Gives back a function that installs a distribution with one entry point of the group of methods."""

    def install(name, value, **modules):
        info = tmp_path / "site" / f"{name}-1.0.dist-info"
        info.mkdir(parents=True)
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text(f"[vosbench.methods]\n{name} = {value}\n")
        for module, text in modules.items():
            (tmp_path / "site" / f"{module}.py").write_text(text)
        monkeypatch.syspath_prepend(str(tmp_path / "site"))

    return install


def test_the_built_in_methods_are_entry_points():
    registry = Registry()
    assert set(BUILT_IN) <= set(registry.names())
    assert sorted(registry.names()) == registry.names()
    assert all(name == registry.card(name).name for name in BUILT_IN)


def test_a_file_is_a_method_for_this_run_only(registry, plug):
    assert "plug" in registry.names()
    assert plug == registry.method("plug").adapter_file
    assert "plug" not in Registry().names()
    assert Registry().method("echo").adapter_file is None


def test_another_package_brings_a_method(package):
    package("elsewhere", "elsewhere_methods:CARD", elsewhere_methods=PLUGIN.replace('"plug"', '"elsewhere"'))
    assert "elsewhere" == Registry().card("elsewhere").name


def test_an_unknown_method_offers_the_nearest():
    with pytest.raises(UsageError, match="there is no method 'xmen'") as caught:
        Registry().card("xmen")
    assert "did you mean 'xmem'?" == caught.value.fix


@pytest.mark.parametrize(
    ("value", "modules", "reason"),
    [
        ("broken_absent:CARD", {}, "ModuleNotFoundError"),
        ("broken_raises:CARD", {"broken_raises": "1 / 0"}, "ZeroDivisionError"),
        ("broken_no_card:CARD", {"broken_no_card": "x = 1"}, "AttributeError"),
        ("broken_other:CARD", {"broken_other": "CARD = 3"}, "expected a vosbench.contract.MethodCard, found int"),
        ("broken_name:CARD", {"broken_name": PLUGIN}, "the card's name is 'plug', its entry point's 'broken'"),
    ],
)
def test_a_broken_package_breaks_its_own_method_only(package, value, modules, reason):
    package("broken", value, **modules)
    registry = Registry()
    assert "broken" in registry.names()
    assert "echo" == registry.card("echo").name
    with pytest.raises(AdapterError, match=reason) as caught:
        registry.card("broken")
    assert value in caught.value.where


@pytest.mark.parametrize(
    ("text", "error", "message"),
    [
        (None, UsageError, "there is no such adapter file"),
        ("x = 1\n", AdapterError, "the file defines no CARD"),
        ("CARD = 'plug'\n", AdapterError, "expected a vosbench.contract.MethodCard, found str"),
        ("import no_such_module_anywhere\n", AdapterError, "the file does not import: ModuleNotFoundError"),
        ("def (:\n", AdapterError, "the file does not import: SyntaxError"),
    ],
)
def test_a_file_that_is_no_adapter_is_refused(tmp_path, text, error, message):
    path = tmp_path / "mine.py"
    if text is not None:
        path.write_text(text)
    with pytest.raises(error, match=message) as caught:
        Registry((path,))
    assert str(path) in caught.value.where


def test_a_file_that_is_no_python_file_is_refused(tmp_path):
    path = tmp_path / "mine.txt"
    path.write_text(PLUGIN)
    with pytest.raises(UsageError, match="an adapter is a Python file"):
        Registry((path,))


def test_defaults_stand_until_a_variant_and_then_a_flag_changes_them(registry):
    default = registry.method("plug").settings
    varied = registry.method("plug@small@fifo").settings
    assert (20, "usage") == (default.top_k, default.rule)
    assert (5, "age") == (varied.top_k, varied.rule)
    assert 9 == registry.method("plug@small", {"top_k": "9"}).settings.top_k


def test_a_method_is_labelled_as_it_was_asked_for(registry):
    method = registry.method(" plug@fifo ", {"top_k": "9"})
    assert ("plug@fifo", "plug@fifo top_k=9") == (method.name, method.label)


def test_a_retrained_variant_brings_its_own_checkpoints(registry):
    assert ("Plug.pth",) == registry.method("plug@fifo").checkpoints
    assert ("PlugSmall.pth",) == registry.method("plug@small@fifo").checkpoints


def test_an_unknown_variant_offers_the_nearest(registry):
    with pytest.raises(UsageError, match="'plug' has no variant 'fifa'") as caught:
        registry.method("plug@fifa")
    assert "did you mean 'fifo'?" == caught.value.fix


@pytest.mark.parametrize("text", ["plug@fifo@lru", "plug@fifo@fifo"])
def test_two_variants_of_one_axis_are_refused(registry, text):
    with pytest.raises(UsageError, match="both change the rule"):
        registry.method(text)


@pytest.mark.parametrize(
    ("key", "text", "expected"),
    [
        ("top_k", "1", 1),
        ("share", "0.25", 0.25),
        ("share", "1", 1.0),
        ("rule", "age", "age"),
        ("long_term", "off", False),
        ("long_term", "True", True),
        ("limit", "7", 7),
        ("limit", "none", None),
    ],
)
def test_settings_are_read_as_their_type(registry, key, text, expected):
    value = getattr(registry.method("plug", {key: text}).settings, key)
    assert (type(expected), expected) == (type(value), value)


@pytest.mark.parametrize(
    ("key", "text", "message"),
    [
        ("top_k", "1.5", "plug.top_k=1.5: expected int"),
        ("top_k", "", "plug.top_k=: expected int"),
        ("top_k", "0", "plug.top_k=0: the smallest value is 1"),
        ("share", "x", "plug.share=x: expected float"),
        ("share", "-0.1", "the smallest value is 0"),
        ("share", "nan", "plug.share=nan: expected a finite number"),
        ("share", "inf", "plug.share=inf: expected a finite number"),
        ("rule", "random", "plug.rule=random: expected one of usage, age"),
        ("long_term", "2", "plug.long_term=2: expected bool"),
        ("limit", "1", "plug.limit=1: the smallest value is 2"),
        ("limit", "x", "plug.limit=x: expected int or none"),
        ("scales", "1,2", "plug.scales=1,2: this setting cannot be given as text"),
    ],
)
def test_a_value_that_does_not_fit_is_refused(registry, key, text, message):
    with pytest.raises(UsageError) as caught:
        registry.method("plug", {key: text})
    assert message in caught.value.what


def test_an_unknown_setting_offers_the_nearest(registry):
    with pytest.raises(UsageError, match="'plug' has no setting 'topk'") as caught:
        registry.method("plug", {"topk": "3"})
    assert "did you mean 'top_k'?" == caught.value.fix


def test_settings_come_back_from_a_record_as_they_were(registry):
    method = registry.method("plug@fifo", {"limit": "3"})
    plain = {"top_k": 20, "share": 0.5, "rule": "age", "long_term": True, "limit": 3, "scales": [1, 2]}
    assert method.settings == restore_settings(method.card, plain)


def test_the_source_digest_of_a_file_changes_with_that_file_only(tmp_path, plug):
    before = source_digest(Registry((plug,)).card("plug"))
    (tmp_path / "neighbour.py").write_text("x = 1\n")
    assert before == source_digest(Registry((plug,)).card("plug"))
    plug.write_text(PLUGIN + "# changed\n")
    assert before != source_digest(Registry((plug,)).card("plug"))


def test_the_source_digest_does_not_depend_on_where_the_file_lies(tmp_path, plug):
    moved = tmp_path / "elsewhere.py"
    moved.write_text(PLUGIN)
    assert source_digest(Registry((plug,)).card("plug")) == source_digest(Registry((moved,)).card("plug"))


@pytest.fixture
def card_of_package(tmp_path, monkeypatch):
    """Gives back a function that writes the package of a method and gives back its card."""

    def write(name, shares=()):
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text("def load(*_): return None\n")
        (tmp_path / name / "network.py").write_text("x = 1\n")
        monkeypatch.syspath_prepend(str(tmp_path))
        return MethodCard(name=name, summary="", load=importlib.import_module(name).load, shares=shares)

    return write


def test_the_source_digest_of_a_package_covers_its_whole_folder(tmp_path, card_of_package):
    card = card_of_package("digested_package")
    before = source_digest(card)
    (tmp_path / "notes.py").write_text("beside the package\n")
    (tmp_path / "digested_package" / "notes.txt").write_text("no source\n")
    assert before == source_digest(card)
    (tmp_path / "digested_package" / "network.py").write_text("x = 2\n")
    assert before != source_digest(card)


@pytest.mark.parametrize("shares", ["shared_layers", "shared_layers.blocks"])
def test_the_source_digest_covers_what_the_card_shares(tmp_path, card_of_package, shares):
    (tmp_path / "shared_layers").mkdir()
    (tmp_path / "shared_layers" / "__init__.py").write_text("")
    (tmp_path / "shared_layers" / "blocks.py").write_text("x = 1\n")
    card = card_of_package("sharing_" + shares.replace(".", "_"), (shares,))
    before = source_digest(card)
    (tmp_path / "shared_layers" / "blocks.py").write_text("x = 2\n")
    assert before != source_digest(card)


def test_the_source_digest_covers_the_versions_of_the_cards_libraries_where_it_names_some(card_of_package):
    card = card_of_package("without_libraries")
    assert source_digest(card) == source_digest(card, {"numpy": "1.0"})
    resting = dataclasses.replace(card, libraries=("numpy",))
    assert source_digest(resting) == source_digest(resting, {"numpy": importlib.metadata.version("numpy")})
    assert source_digest(resting) != source_digest(resting, {"numpy": "1.0"})
    assert source_digest(resting) != source_digest(card)
    absent = dataclasses.replace(card, libraries=("no-such-library-anywhere",))
    assert source_digest(absent) == source_digest(absent, {"no-such-library-anywhere": ""})


@pytest.mark.parametrize("shares", ["no_such_module_anywhere", "no_such_module_anywhere.part"])
def test_a_shared_module_that_is_not_there_is_an_error(card_of_package, shares):
    card = card_of_package("misspelling_" + shares.replace(".", "_"), (shares,))
    with pytest.raises(AdapterError, match="the card shares a module that is not there"):
        source_digest(card)


def test_the_defaults_of_every_built_in_method_have_a_source_and_help():
    registry = Registry()
    fields = [
        field for name in BUILT_IN for field in vars(registry.card(name).settings)["__dataclass_fields__"].values()
    ]
    assert len(fields) > 10
    assert [] == [field.name for field in fields if not (field.metadata["source"] and field.metadata["help"])]
