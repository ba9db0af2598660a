"""What suites of long videos set for methods, and ladders: planned, run and tabled."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from vosbench.config import find_places
from vosbench.machine import Machine
from vosbench.plan import Plan, Request, make_plan
from vosbench.registry import Registry

LONG = """\
schema: 1
name: long
title: Long
protocol: long-time-xmem
drawn: true
memory: {interval: 10, frames: 50}
stand_in: {videos: 1, frames: 120, objects: 1, height: 32, width: 48, truth_every: 40}
"""

LADDER = """\
schema: 1
name: ladder
title: Ladder
protocol: davis2017-semi
drawn: true
stand_in: {videos: 2, frames: 4, objects: 1, height: 32, width: 48, vary: speed, values: [1, 4]}
"""


@pytest.fixture
def plan(clean_environment: Path, tmp_path: Path, machine: Machine) -> Callable[..., Plan]:
    def make(*methods: str, suite: str = "long.yaml", **more: Any) -> Plan:
        (tmp_path / "long.yaml").write_text(LONG, encoding="utf-8")
        request = Request(suites=(str(tmp_path / suite),), methods=methods, weights=("random:0",), **more)
        return make_plan(request, Registry(), find_places((), {"VOSBENCH_CACHE": str(tmp_path)}), machine)

    return make


def given(plan: Plan) -> list[dict[str, Any]]:
    return [dict(spec.given) for spec in plan.cells]


def test_banks_that_forget_get_the_interval_and_those_that_do_not_get_fifty_memory_frames(plan: Any) -> None:
    expected = [{"mem_every": 10}, {"mem_every": 3}, {"mem_every": 3}, {}]
    assert expected == given(plan("xmem", "xmem@no-long-term", "stcn", "echo"))
    expected = [{"long_term_mem_gap": gap} for gap in (3, 10, 10, 3)]
    assert expected == given(plan("deaot-l", "deaot-l@2f", "mavos", "mavos@all"))


def test_a_video_played_three_times_gets_three_times_the_interval(plan: Any) -> None:
    assert [{"mem_every": 8}] == given(plan("stcn", suite="long.yaml@3x"))


def test_what_the_user_sets_wins(plan: Any) -> None:
    made = plan("xmem", settings=("xmem.mem_every=7",))
    assert [{}] == given(made)
    assert 7 == made.cells[0].method.settings["mem_every"]


def test_what_the_suite_sets_changes_the_key_but_not_the_folder_of_the_method(plan: Any) -> None:
    once, thrice = plan("stcn").cells[0], plan("stcn", suite="long.yaml@3x").cells[0]
    assert once.key != thrice.key
    assert {"mem_every": 5} != once.given


def test_a_ladder_has_a_row_for_each_value(vosbench: Any, tmp_path: Path) -> None:
    (tmp_path / "ladder.yaml").write_text(LADDER, encoding="utf-8")
    said = vosbench("run", "--suite", tmp_path / "ladder.yaml", "--methods", "echo", "--out", "run", "--threads", 1)
    assert 0 == said.status, said.err
    assert "speed-1.00: echo" in said.out
    assert "speed-4.00: echo" in said.out
    assert "Ladder (synthetic): 2 videos." in said.out


def test_a_method_runs_in_an_environment_of_its_own(vosbench: Any, tiny: Path, tmp_path: Path) -> None:
    """A second virtual environment that sees this one's packages stands for one with a torch of its own."""
    other = tmp_path / "other"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(other)], check=True)
    packages = next(path for path in map(Path, sys.path) if path.name == "site-packages")
    (next(other.glob("lib/python*/site-packages")) / "this.pth").write_text(
        f"import site; site.addsitedir({str(packages)!r})\n", encoding="utf-8"
    )
    python = other / "bin" / "python"
    log = "import sys; print('ran by', sys.prefix)"
    (next(other.glob("lib/python*/site-packages")) / "told.pth").write_text(f"{log}\n", encoding="utf-8")
    fixed = ["--data", tiny.parent, "--threads", 1, "--warm-up", 0, "--out", "run"]
    said = vosbench("run", "--suite", tiny, "--methods", "echo,null", "--python", f"echo={python}", *fixed)
    assert 0 == said.status, said.err
    logs = {path.stem.split("-")[0]: path.read_text(encoding="utf-8") for path in Path("run/logs").iterdir()}
    assert f"ran by {other}" in logs["echo"]
    assert str(other) not in logs["null"]


def test_an_interpreter_for_a_method_that_does_not_run_is_refused(vosbench: Any, tiny: Path) -> None:
    fixed = ["--data", tiny.parent, "--out", "run"]
    said = vosbench("run", "--suite", tiny, "--methods", "echo", "--python", "mavos=/usr/bin/python3", *fixed)
    assert 2 == said.status
    assert "--python mavos=/usr/bin/python3" in said.err
