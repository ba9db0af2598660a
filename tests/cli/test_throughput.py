"""The suite of random frames: planned without a file, run with random weights, one line per method."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from vosbench.config import find_places
from vosbench.errors import UsageError
from vosbench.method_groups import WITH_NETWORKS, expand_groups
from vosbench.plan import Request, make_plan
from vosbench.registry import Registry

SUITE = """\
schema: 1
name: noisy
title: Noisy
protocol: none
noise: {height: 24, width: 40, frames: [4, 12], objects: [1, 3]}
"""


@pytest.fixture
def noisy(clean_environment):
    path = clean_environment / "noisy.yaml"
    path.write_text(SUITE)
    return path


@pytest.fixture
def plan(machine):
    def make(suites, methods, adapters=(), **request):
        wish = Request(suites=suites, methods=methods, **request)
        return make_plan(wish, Registry(adapters), find_places(), machine)

    return make


def test_a_run_gives_one_line_per_method_with_speed_and_memory_and_no_score(vosbench, noisy):
    said = vosbench("run", "--suite", noisy, "--methods", "echo", "--threads", 1, "--warm-up", 0, "--out", "run")
    assert 0 == said.status, said.err
    assert "[4/4] noisy echo frames-12-objects-3: ok, 12 frames" in said.out
    assert "no scores" in said.out
    rows = list(csv.DictReader(Path("run/tables/noisy.csv").read_text().splitlines()))
    assert ["echo"] == [row["method"].split()[0] for row in rows]
    videos = [f"frames-{frames}-objects-{objects}" for frames in (4, 12) for objects in (1, 3)]
    speeds = [key for key in rows[0] if key.endswith("frames_per_second")]
    assert [f"{video} frames_per_second" for video in videos] == speeds
    assert all(float(row[key]) > 0 for row in rows for key in speeds)
    memory = list(csv.DictReader(Path("run/tables/noisy-memory.csv").read_text().splitlines()))
    assert all(float(row[f"{video} peak_mib"]) > 0 for row in memory for video in videos)
    assert not any("J&F" in key for key in rows[0])


def test_weights_are_random_on_random_frames_and_as_ever_elsewhere(plan, noisy, tiny, write_adapter):
    adapter = write_adapter(needs_weights=True)
    cells = plan((str(noisy),), ("mine", "echo"), (adapter,)).cells
    assert {("mine", "random"), ("echo", "none")} == {(cell.method.name, cell.method.weights.kind) for cell in cells}
    (seed,) = {cell.method.weights.seed for cell in plan((str(noisy),), ("mine",), (adapter,)).cells}
    assert 0 == seed
    named = plan((str(noisy),), ("mine",), (adapter,), weights=("mine=random:7",)).cells
    assert {7} == {cell.method.weights.seed for cell in named}


def test_the_table_of_the_paper_is_planned_in_no_time_for_every_network(plan, machine):
    made = plan(("throughput",), (WITH_NETWORKS,))
    names = {cell.method.name for cell in made.cells}
    assert {"stcn", "xmem", "aot-l", "deaot-l", "deaot-l@swinb", "mavos"} <= names
    assert not {"null", "echo", "aot-l@2f"} & names
    assert {"random"} == {cell.method.weights.kind for cell in made.cells}
    assert 8 * len(names) == len(made.cells)
    assert {False} == {cell.suite.has_truth for cell in made.cells}


def test_a_group_is_each_network_once_and_names_what_it_leaves_out(clean_environment, write_adapter):
    class Half(Registry):
        def names(self):
            return ["null", "stcn", "broken"]

    half = Half()
    half._points |= {"broken": next(iter(half._points.values()))}
    methods, notices = expand_groups(("stcn", WITH_NETWORKS, "echo"), half)
    assert ("stcn", "echo") == methods
    assert 1 == len(notices)
    assert "broken is left out" in notices[0]


def test_random_frames_are_not_played_twice(plan):
    with pytest.raises(UsageError, match="random frames are as many as the suite says"):
        plan(("throughput@3x",), ("null",))
