"""What a mode asks of methods, which cannot be, and the order of the passes."""

from __future__ import annotations

import dataclasses

import pytest

from vosbench.contract import MethodCard, Runtime, setting
from vosbench.errors import UsageError
from vosbench.modes import check_runtime, in_mode, mode_of_row, shuffled
from vosbench.records import Mode
from vosbench.registry import Method


@dataclasses.dataclass(frozen=True)
class Settings:
    size: int = setting(480, source="here", help="shorter side")


def _method(*, settings=None, **card):
    made = MethodCard(name="mine", summary="", load=lambda *_: None, settings=Settings, **card)
    return Method(card=made, variants=(), settings=settings or Settings(), label="mine")


def test_a_size_becomes_the_setting_that_the_card_names():
    found = in_mode(_method(size="size"), Runtime(), Mode(short_side=600), {})
    assert (600, "mine") == (found.settings.size, found.label)


def test_a_method_without_a_size_is_refused():
    with pytest.raises(UsageError, match=r"--size 600: 'mine' has no setting for the size"):
        in_mode(_method(), Runtime(), Mode(short_side=600), {})


def test_a_size_is_given_once():
    with pytest.raises(UsageError, match=r"--size and --set mine.size say the same"):
        in_mode(_method(size="size"), Runtime(), Mode(short_side=600), {"size": "480"})


@pytest.mark.parametrize("runtime", [Runtime(flip=True), Runtime(scales=(1.0, 1.3))])
def test_a_method_without_probabilities_cannot_average_them(runtime):
    with pytest.raises(UsageError, match="'mine' gives no probabilities that could be averaged"):
        in_mode(_method(), runtime, Mode(), {})
    method = _method(augments=True)
    assert method is in_mode(method, runtime, Mode(), {})


def test_a_size_set_by_hand_sets_the_rows_apart_as_the_option_does():
    method = _method(size="size", settings=Settings(size=240))
    assert 240 == mode_of_row(method, Mode(), {"size": "240"}).short_side
    assert mode_of_row(method, Mode(), {}).short_side is None
    assert 600 == mode_of_row(method, Mode(short_side=600), {}).short_side


@pytest.mark.parametrize("runtime", [Runtime(device="cuda:0"), Runtime(threads=2)])
def test_one_core_is_a_cpu_with_one_thread(runtime):
    with pytest.raises(UsageError, match="--profile one-core"):
        check_runtime(runtime, Mode(one_core=True))
    check_runtime(Runtime(), Mode(one_core=True))
    check_runtime(runtime, Mode())


@pytest.mark.parametrize(
    ("mode", "words"),
    [(Mode(one_core=True), "--profile one-core: Darwin"), (Mode(memory_budget=1), "--memory-budget: Darwin")],
)
def test_what_linux_alone_can_is_refused_elsewhere(mode, words):
    check_runtime(Runtime(), mode, system="Linux")
    with pytest.raises(UsageError, match=words):
        check_runtime(Runtime(), mode, system="Darwin")
    check_runtime(Runtime(device="cuda:0"), Mode(memory_budget=1), system="Darwin")


def test_one_pass_keeps_the_order_that_was_asked_for():
    assert ["a", "b", "c"] == shuffled(["a", "b", "c"], 0, repeats=1, seed=0)


def test_every_pass_has_an_order_of_its_own_and_the_same_again():
    members = list("abcdef")
    orders = [shuffled(members, repeat, repeats=4, seed=0) for repeat in range(4)]
    assert [members] * 4 == [sorted(order) for order in orders]
    assert 4 == len({tuple(order) for order in orders})
    assert orders == [shuffled(members, repeat, repeats=4, seed=0) for repeat in range(4)]
    assert orders != [shuffled(members, repeat, repeats=4, seed=1) for repeat in range(4)]
