"""Which methods a plan lets onto suites of instances, and which it refuses before anything runs."""

from __future__ import annotations

import json

import pytest

from vosbench.config import find_places
from vosbench.contract import Runtime
from vosbench.data.suite import load_suite
from vosbench.errors import UsageError
from vosbench.plan import Request, make_plan
from vosbench.registry import Registry


@pytest.fixture
def plan(things, machine):
    """Gives back a function that plans adapters or methods of the harness on a suite."""

    def make(*adapters, methods=(), suite=things, **request):
        names = (*(path.stem for path in adapters), *methods)
        wish = Request(suites=(str(suite),), methods=names, runtime=Runtime(threads=1), **request)
        return make_plan(wish, Registry(adapters), find_places((str(things.parent),)), machine)

    return make


def test_only_methods_of_label_maps_are_prompted(plan, write_finder):
    cells = plan(write_finder(), methods=("echo",)).cells
    expected = {("finder", False), ("echo", True)}
    assert expected == {(spec.method.name, spec.prompted) for spec in cells}
    assert {("vis", True)} == {(spec.suite.task, spec.suite.has_truth) for spec in cells}


def test_a_method_that_finds_instances_is_refused_on_a_suite_that_gives_objects(plan, write_finder, tiny):
    with pytest.raises(UsageError, match="'finder' finds instances itself, and 'tiny'"):
        plan(write_finder(), suite=tiny)


def test_without_annotations_only_methods_that_find_instances_run(plan, write_finder, things):
    path = things.parent / "val.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"annotations": None}))
    things.write_text(things.read_text().replace("[hidden]", "[val]"))
    assert {False} == {spec.suite.has_truth for spec in plan(write_finder()).cells}
    with pytest.raises(UsageError, match="'echo' follows objects that it is given") as caught:
        plan(methods=("echo",))
    assert "--split" in caught.value.fix


def test_annotations_of_a_server_s_split_that_are_here_are_scored(plan, write_finder, things):
    things.write_text(things.read_text().replace("[hidden]", "[val]"))
    assert {True} == {spec.suite.has_truth for spec in plan(write_finder()).cells}


def test_tracks_are_not_played_back_and_forth(plan, things, machine, write_finder, monkeypatch):
    monkeypatch.setattr("vosbench.plan.find_suite", lambda _: (load_suite(things), things))
    with pytest.raises(UsageError, match="over a video as it is"):
        plan(write_finder(), suite="things@2x")


def test_the_key_of_a_cell_follows_the_annotations(plan, things):
    before = {spec.video: spec.key for spec in plan(methods=("echo",)).cells}
    path = things.parent / "val.json"
    data = json.loads(path.read_text())
    data["annotations"][0]["category_id"] = 2
    path.write_text(json.dumps(data))
    after = {spec.video: spec.key for spec in plan(methods=("echo",)).cells}
    assert (True, False) == (before["bb"] == after["bb"], before["aa"] == after["aa"])
