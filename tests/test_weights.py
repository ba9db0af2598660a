"""Which weights a method runs with."""

from __future__ import annotations

import pytest

from vosbench.contract import MethodCard, NoSettings, Variant, Weights
from vosbench.digest import digest_bytes
from vosbench.errors import CheckpointError, UsageError
from vosbench.registry import Method
from vosbench.weights import parse_weights, resolve_weights, weights_label


def _method(*variants, needs=True):
    card = MethodCard(name="m", summary="", load=lambda *_: None, needs_weights=needs, checkpoints=("A.pth", "B.pth"))
    return Method(card=card, variants=variants, settings=NoSettings(), label="m")


def test_flags_are_read_per_method_and_the_named_one_wins():
    methods = ("xmem", "xmem@fast", "stcn")
    assert dict.fromkeys(methods, "random:3") == parse_weights(("random:3",), methods)
    chosen = parse_weights(("random:0", "xmem@fast=F", "stcn=S"), methods)
    assert {"xmem": "random:0", "xmem@fast": "F", "stcn": "S"} == chosen
    assert {"xmem": "X", "xmem@fast": "X", "stcn": "random:1"} == parse_weights(("xmem=X", "random:1"), methods)


def test_a_flag_for_a_method_that_is_not_there_offers_the_nearest():
    with pytest.raises(UsageError, match="no method 'xmen'") as caught:
        parse_weights(("xmen=P",), ("xmem",))
    assert "did you mean 'xmem'?" == caught.value.fix


def test_a_flag_without_a_method_is_refused():
    with pytest.raises(UsageError, match="which method is it for"):
        parse_weights(("a.pth",), ("xmem",))


def test_random_weights_carry_their_seed():
    assert Weights(kind="random", seed=7) == resolve_weights(_method(), "random:7", None)


@pytest.mark.parametrize("choice", ["random:", "random:x", "random:-1", "random:²"])
def test_a_seed_is_a_whole_number(choice):
    with pytest.raises(UsageError, match="the seed is a whole number"):
        resolve_weights(_method(), choice, None)


def test_a_named_checkpoint_carries_path_and_sha256(tmp_path):
    path = tmp_path / "mine.pth"
    path.write_bytes(b"weights")
    expected = Weights(kind="checkpoint", path=path, sha256=digest_bytes(b"weights"))
    assert expected == resolve_weights(_method(), str(path), None)


def test_a_named_checkpoint_that_is_missing_is_an_error_even_where_the_folder_has_one(tmp_path):
    (tmp_path / "A.pth").write_bytes(b"")
    with pytest.raises(CheckpointError, match=r"there is no checkpoint absent\.pth") as caught:
        resolve_weights(_method(), "absent.pth", tmp_path)
    assert "random:0" in caught.value.fix


def test_official_names_are_looked_up_in_the_weights_folder_in_their_order(tmp_path):
    (tmp_path / "B.pth").write_bytes(b"b")
    assert tmp_path / "B.pth" == resolve_weights(_method(), None, tmp_path).path
    (tmp_path / "A.pth").write_bytes(b"a")
    assert tmp_path / "A.pth" == resolve_weights(_method(), None, tmp_path).path


def test_a_retrained_variant_looks_for_its_own_checkpoint(tmp_path):
    (tmp_path / "A.pth").write_bytes(b"a")
    variant = Variant(name="v", axis="x", summary="", retrained=True, checkpoints=("V.pth",))
    with pytest.raises(CheckpointError, match="needs weights and none are configured") as caught:
        resolve_weights(_method(variant), None, tmp_path)
    assert "V.pth" in caught.value.where
    (tmp_path / "V.pth").write_bytes(b"v")
    assert tmp_path / "V.pth" == resolve_weights(_method(variant), None, tmp_path).path


def test_without_any_weights_the_three_ways_out_are_named(tmp_path):
    with pytest.raises(CheckpointError) as caught:
        resolve_weights(_method(), None, tmp_path)
    assert "A.pth, B.pth" in caught.value.where
    assert all(way in caught.value.fix for way in ("--weights m=PATH", "VOSBENCH_WEIGHTS", "random:0"))


def test_a_method_without_weights_needs_none():
    assert Weights(kind="none") == resolve_weights(_method(needs=False), None, None)


def test_tables_say_what_the_weights_are():
    assert "random weights 3" == weights_label(Weights(kind="random", seed=3))
    assert "mini" == weights_label(Weights(kind="mini"))
    assert "" == weights_label(Weights(kind="checkpoint"))


def test_only_random_weights_show_no_accuracy():
    kinds = ("checkpoint", "mini", "random", "none")
    assert [True, True, False, True] == [Weights(kind=kind).trained for kind in kinds]
