"""Intervals and insertion offsets follow from a video's length; the plan works them out, a method never sees it."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from vosbench.config import find_places
from vosbench.data.suite import Memory, Suite
from vosbench.insertion import given_interval, offset_count, shift_of
from vosbench.plan import Request, make_plan
from vosbench.registry import Registry

SHORT = Suite(schema=1, name="short", title="Short", protocol="davis2017-semi")
LONG = Suite(schema=1, name="long", title="Long", protocol="davis2017-semi", memory=Memory(interval=10, frames=50))


def method(text: str, **overrides: str):
    return Registry().method(text, overrides)


@pytest.mark.parametrize(
    ("text", "suite", "length", "expected"),
    [
        ("xmem", LONG, 2400, {"mem_every": 10}),
        ("stcn", LONG, 2400, {"mem_every": 48}),
        ("stcn", LONG, 2401, {"mem_every": 49}),
        ("aot-l@2f", LONG, 2400, {"long_term_mem_gap": 10}),
        ("echo", LONG, 2400, {}),
        ("stcn", SHORT, 2400, {}),
    ],
)
def test_a_suite_of_long_videos_sets_the_interval(text, suite, length, expected):
    assert expected == given_interval(suite, method(text), length, {})


def test_what_the_user_sets_wins():
    assert {} == given_interval(LONG, method("stcn", mem_every="3"), 2400, {"mem_every": "3"})


def _row(frames: int | None, interval: int = 5) -> SimpleNamespace:
    """A method whose variant may bring along how many memory frames a video leaves."""
    card = SimpleNamespace(interval="every", offset="shift")
    return SimpleNamespace(
        card=card, variants=(), settings=SimpleNamespace(every=interval), frames=frames, grows=frames is not None
    )


def test_a_variant_of_so_many_memory_frames_keeps_to_them_on_every_suite():
    assert {"every": 48} == given_interval(LONG, _row(50), 2400, {})
    assert {"every": 24} == given_interval(LONG, _row(100), 2400, {})
    assert {"every": 48} == given_interval(SHORT, _row(50), 2400, {})
    assert {} == given_interval(SHORT, _row(50), 100, {})


def test_offsets_shift_by_equal_parts_of_the_interval():
    given = {"every": 10}
    shifts = [shift_of(_row(None), given, k, 5).get("shift", 0) for k in range(5)]
    assert [0, 2, 4, 6, 8] == shifts
    assert [0, 1, 3] == [shift_of(_row(None), {}, k, 3).get("shift", 0) for k in range(3)]


def test_a_bank_has_no_more_offsets_than_frames_between_writes():
    videos = {"a": {"every": 10}, "b": {"every": 4}}
    assert 3 == offset_count(_row(None), videos, 3, {})
    assert 4 == offset_count(_row(None), videos, 5, {})
    assert 5 == offset_count(_row(None), {"a": {}}, 9, {})


def test_a_method_that_cannot_shift_or_whose_shift_is_set_has_one_offset():
    assert 1 == offset_count(method("echo"), {"a": {}}, 5, {})
    assert 1 == offset_count(method("stcn", mem_offset="2"), {"a": {}}, 5, {"mem_offset": "2"})


@pytest.fixture
def plan(tiny, machine):
    """Gives back a function that plans methods on the tiny suite."""

    def make(*methods, **request):
        wish = Request(suites=(str(tiny),), methods=methods, weights=("random:0",), videos=("aa",), **request)
        return make_plan(wish, Registry(), find_places((str(tiny.parent),)), machine)

    return make


def test_an_offset_is_a_cell_of_its_own(plan):
    made = plan("stcn", "echo", offsets=3)
    shifted = [cell for cell in made.cells if cell.method.name == "stcn"]
    assert [{}, {"mem_offset": 1}, {"mem_offset": 3}] == [cell.shift for cell in shifted]
    assert ["aa.0", "aa.0.1of3", "aa.0.2of3"] == [cell.folder.name for cell in shifted]
    assert 3 == len({cell.key for cell in shifted})
    assert 1 == sum(cell.method.name == "echo" for cell in made.cells)
    assert ("echo has 1 of 3 insertion offsets: it cannot shift its insertions",) == made.notices[-1:]


def test_the_first_offset_is_the_run_without_offsets(plan):
    """Asking for offsets later does only what is missing."""
    assert plan("stcn").cells[0].key == plan("stcn", offsets=5).cells[0].key


def test_rows_that_come_out_the_same_are_one(plan):
    made = plan("xmem", sweeps=("xmem.num_prototypes=64,128",))
    assert ["xmem num_prototypes=64", "xmem num_prototypes=128"] == [cell.method.label for cell in made.cells]
    made = plan("xmem", "xmem num_prototypes=128")
    assert ["xmem"] == [cell.method.label for cell in made.cells]
    assert "xmem num_prototypes=128 is the same as xmem: one row" in made.notices


def test_a_swept_setting_is_told_to_the_figures(plan):
    assert {("top_k",)} == {cell.method.swept for cell in plan("xmem", sweeps=("xmem.top_k=5,6",)).cells}
    assert () == plan("xmem").cells[0].method.swept
