"""What a command says of methods becomes a wish per row: settings, sweeps, curves."""

from __future__ import annotations

import pytest

from vosbench.errors import UsageError
from vosbench.registry import Registry
from vosbench.sweep import Asked, make_wishes, parse_row


def rows(*methods: str, **asked: object) -> list[str]:
    """Gives back the rows as tables label them, with the swept settings behind a stroke."""
    wishes, _ = make_wishes(Asked(methods=methods, **asked), Registry())
    texts = []
    for wish in wishes:
        settings = [f"{key}={value}" for key, value in wish.overrides.items()]
        texts.append(" ".join([wish.method, *settings, *["| " + ", ".join(wish.swept)] * bool(wish.swept)]))
    return texts


def test_a_method_is_one_row():
    assert ["stcn", "xmem@no-sensory"] == rows("stcn", "xmem@no-sensory")


def test_a_row_may_bring_settings_of_its_own():
    assert ["xmem top_k=7", "xmem top_k=9"] == rows("xmem top_k=7", "xmem  top_k=9")
    assert {"top_k": "7", "size": "96"} == parse_row("xmem top_k=7 size=96").overrides


def test_a_setting_goes_to_every_variant_or_to_the_one_that_is_named():
    assert ["xmem size=96", "xmem@no-sensory size=96"] == rows("xmem", "xmem@no-sensory", settings=("xmem.size=96",))
    named = rows("xmem", "xmem@no-sensory", settings=("xmem@no-sensory.size=96",))
    assert ["xmem", "xmem@no-sensory size=96"] == named


def test_the_flag_that_names_a_variant_wins_wherever_it_stands():
    flags = ("xmem@no-sensory.top_k=7", "xmem.top_k=9")
    for order in (flags, flags[::-1]):
        assert ["xmem top_k=9", "xmem@no-sensory top_k=7"] == rows("xmem", "xmem@no-sensory", settings=order)
    ladders = ("xmem@no-sensory.top_k=7,8", "xmem.top_k=9")
    swept = rows("xmem@no-sensory", sweeps=ladders)
    assert [f"xmem@no-sensory top_k={value} | top_k" for value in (7, 8)] == swept


@pytest.mark.parametrize("flag", ["settings", "sweeps"])
def test_a_flag_is_given_once(flag):
    assert 1 == len(rows("xmem", **{flag: ("xmem.top_k=20", "xmem.top_k=20")}))
    with pytest.raises(UsageError, match=r"xmem\.top_k is given as 20 and as 30"):
        rows("xmem", **{flag: ("xmem.top_k=20", "xmem.top_k=30")})


def test_a_sweep_gives_a_row_for_each_value_in_the_order_given():
    swept = rows("xmem", "stcn", sweeps=("xmem.num_prototypes=256, 64",))
    assert ["xmem num_prototypes=256 | num_prototypes", "xmem num_prototypes=64 | num_prototypes", "stcn"] == swept


def test_a_value_given_twice_is_one_row():
    assert 2 == len(rows("xmem", sweeps=("xmem.top_k=5,7,5",)))


def test_two_sweeps_of_one_method_give_every_combination():
    swept = rows("stcn", sweeps=("stcn.top_k=1,2", "stcn.mem_every=3,4"))
    pairs = [(1, 3), (1, 4), (2, 3), (2, 4)]
    assert [f"stcn top_k={k} mem_every={r} | top_k, mem_every" for k, r in pairs] == swept


def test_a_curve_goes_through_every_value_of_the_knob():
    curve = rows("stcn", curve=True)
    assert [f"stcn mem_every={value} | mem_every" for value in (1, 2, 5, 10, 20, 50)] == curve
    assert "mavos memory=reference+previous | memory" in rows("mavos", curve=True)


def test_a_method_without_a_knob_or_with_its_knob_given_stays_a_point_and_says_so():
    wishes, notices = make_wishes(
        Asked(methods=("echo", "stcn", "mavos@previous"), settings=("stcn.mem_every=3",), curve=True), Registry()
    )
    assert ["echo", "stcn", "mavos@previous"] == [wish.method for wish in wishes]
    assert (
        "echo: a point and no curve, because it has no memory knob",
        "stcn: a point and no curve, because it has its mem_every given",
        "mavos@previous: a point and no curve, because it has its memory given",
    ) == notices


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"sweeps": ("xmem.top_k=1,2",)}, "--sweep xmem.top_k=1,2: this run has no method 'xmem'"),
        ({"sweeps": ("top_k",)}, "--sweep top_k: not understood"),
        ({"sweeps": ("stcn.top_k=,",)}, "--sweep stcn.top_k=: there is no value"),
        ({"sweeps": ("stcn.top_k=1",), "settings": ("stcn.top_k=2",)}, "stcn: top_k is given and swept"),
        ({"methods": ("stcn top_k",)}, "'stcn top_k': 'top_k' is not understood"),
        (
            {"methods": ("stcn top_k=1",), "settings": ("stcn.top_k=2",)},
            "stcn: top_k is given as 1 and as 2",
        ),
    ],
)
def test_what_is_not_understood_is_refused(asked, message):
    with pytest.raises(UsageError) as caught:
        make_wishes(Asked(**{"methods": ("stcn",), **asked}), Registry())
    assert message == caught.value.what
