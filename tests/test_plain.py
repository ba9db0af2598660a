"""Typed records to plain values and back."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import pytest

from vosbench.contract import Runtime, Weights
from vosbench.data.suite import Layout, Splits, StandIn, Suite
from vosbench.plain import PlainError, from_plain, to_plain
from vosbench.records import Event, Job, MemorySummary, MethodSpec, Outcome, Record, Timing


@dataclass(frozen=True, slots=True, kw_only=True)
class Inner:
    size: int
    share: float = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Outer:
    name: str
    kind: Literal["a", "b"] = "a"
    inner: Inner | None = None
    sizes: tuple[int, ...] = ()
    pair: tuple[str, float] = ("x", 1.0)
    by_name: Mapping[str, Inner] = field(default_factory=dict)
    path: Path | None = None
    either: int | str = 0
    on: bool = False


def _through_json(cls, value):
    return from_plain(cls, json.loads(json.dumps(to_plain(value))))


@pytest.fixture
def every_record(plan_cells, write_adapter, machine):
    spec = plan_cells(write_adapter(), max_frames=4, repeats=2)[-1]
    return [
        spec,
        spec.suite,
        spec.method,
        machine,
        Runtime(device="cuda:1", precision="bf16", compile=True, threads=3, seed=7),
        Weights(kind="checkpoint", path=Path("weights/a.pth"), sha256="ab"),
        Outcome(status="oom", frame=7, reason="a", detail="b\nc"),
        Timing(frames=2, seconds=0.5, frames_per_second=4.0, median_ms=1.0, p90_ms=2.0, p99_ms=3.0),
        Event(kind="frame", key="k", frame=3, frames=9, seconds=0.25, bytes=None, text="t"),
        Job(run=Path("r"), cells=(spec,)),
        MethodSpec(name="m", label="m", title="M", settings={"k": 3}, weights=Weights(kind="none"), source="s"),
        Suite(
            schema=1,
            name="s",
            title="S",
            protocol="p",
            layout=Layout(void=255),
            splits=Splits(official={"val": "v"}),
            stand_in=StandIn(videos=1, frames=2, objects=3, height=4, width=5),
        ),
        Record(
            key=spec.key,
            spec=spec,
            outcome=Outcome(status="ok"),
            frames=4,
            memory=MemorySummary(
                series="live",
                before_load=1,
                after_load=2,
                peak=3,
                peak_reserved=None,
                peak_process=None,
                peak_host=4,
                before_open=5,
                after_close=6,
            ),
            machine=machine,
            started="2026-01-01T00:00:00+00:00",
            notes=("one", "two"),
        ),
    ]


def test_every_record_comes_back_from_json_as_it_was(every_record):
    for record in every_record:
        assert record == _through_json(type(record), record)


def test_a_cell_that_went_through_json_has_the_same_keys(every_record):
    spec = every_record[0]
    again = _through_json(type(spec), spec)
    assert (spec.key, spec.method_key, spec.folder) == (again.key, again.method_key, again.folder)


def test_nested_values_come_back_typed():
    outer = Outer(
        name="n",
        kind="b",
        inner=Inner(size=1, share=0.25),
        sizes=(1, 2),
        pair=("y", 2.0),
        by_name={"k": Inner(size=9)},
        path=Path("a/b"),
        either="word",
        on=True,
    )
    assert outer == _through_json(Outer, outer)


def test_a_whole_number_is_a_float_where_a_float_is_asked_for():
    inner = from_plain(Inner, {"size": 1, "share": 1})
    assert (float, 1.0) == (type(inner.share), inner.share)


@pytest.mark.parametrize(
    ("value", "path", "message"),
    [
        ({"name": "n", "nmae": 1}, ("nmae",), "unknown key 'nmae'; did you mean 'name'"),
        ({}, (), "the key 'name' is missing"),
        ({"name": "n", "inner": {}}, ("inner",), "the key 'size' is missing"),
        ({"name": 3}, ("name",), "expected str, found int '3'"),
        ({"name": "n", "inner": {"size": 1.5}}, ("inner", "size"), "expected int, found float"),
        ({"name": "n", "inner": {"size": True}}, ("inner", "size"), "expected int, found bool"),
        ({"name": "n", "on": 1}, ("on",), "expected bool, found int"),
        ({"name": "n", "inner": [1]}, ("inner",), "expected keys and values, found list"),
        ({"name": "n", "kind": "c"}, ("kind",), "expected one of a, b"),
        ({"name": "n", "sizes": [1, "x"]}, ("sizes", 1), "expected int, found str"),
        ({"name": "n", "sizes": 4}, ("sizes",), "expected a list, found int"),
        ({"name": "n", "pair": ["x"]}, ("pair",), "expected 2 values, found 1"),
        ({"name": "n", "by_name": [1]}, ("by_name",), "expected keys and values"),
        ({"name": "n", "by_name": {"k": {"size": None}}}, ("by_name", "k", "size"), "expected int, found NoneType"),
        (["name"], (), "expected keys and values, found list"),
    ],
)
def test_what_does_not_fit_is_named_with_the_way_to_it(value, path, message):
    with pytest.raises(PlainError) as caught:
        from_plain(Outer, value)
    assert path == caught.value.path
    assert message in caught.value.message
