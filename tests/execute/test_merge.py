"""Runs of several machines become one by copying their folders together."""

from __future__ import annotations

import dataclasses
import shutil

import pytest

from vosbench.cell.worker import Worker
from vosbench.config import find_places
from vosbench.contract import Runtime
from vosbench.plan import Request, make_plan
from vosbench.records import Job
from vosbench.registry import Registry
from vosbench.report.files import run_tables
from vosbench.store.run import Run


@pytest.fixture
def measure(tiny, machine, monkeypatch, tmp_path):
    """Gives back a function that measures methods on a machine into a folder of its own, and gives back the cells."""

    def go(folder, methods, cpu=machine.cpu):
        other = dataclasses.replace(machine, cpu=cpu)
        wish = Request(suites=(str(tiny),), methods=methods, runtime=Runtime(threads=1), warmup_frames=0)
        cells = make_plan(wish, Registry(), find_places((str(tiny.parent),)), other).cells
        monkeypatch.setattr("vosbench.cell.worker.read_machine", lambda: other)
        for method in methods:
            chosen = tuple(cell for cell in cells if cell.method.name == method)
            Worker(Job(run=tmp_path / folder, cells=chosen), lambda event: None).run()
        return cells

    return go


def test_the_union_of_two_machines_is_one_run(measure, tmp_path):
    first, second = measure("one", ("null",)), measure("two", ("echo",))
    shutil.copytree(tmp_path / "two", tmp_path / "one", dirs_exist_ok=True)
    merged = Run(tmp_path / "one")
    assert {cell.key for cell in first + second} == {record.key for _, record in merged.records()}
    assert merged.finished(first + second, well=True)


def test_rows_of_two_kinds_of_machine_stand_in_one_table_and_are_not_ranked(measure, tmp_path):
    same = measure("one", ("echo",))
    other = measure("two", ("echo",), cpu="Another CPU")
    assert not {cell.key for cell in same} & {cell.key for cell in other}
    shutil.copytree(tmp_path / "two", tmp_path / "one", dirs_exist_ok=True)
    merged = Run(tmp_path / "one")
    assert 4 == len(list(merged.records()))
    (table,) = run_tables(merged)
    assert 2 == len(table.lines)
    speed = next(place for place, column in enumerate(table.columns) if column.key == "frames_per_second")
    assert ["", ""] == [line.values[speed].mark for line in table.lines]
    assert any("not ranked" in footer for footer in table.footers)
    assert any("Another CPU" in footer for footer in table.footers)


def test_a_cell_is_not_measured_on_another_machine_than_it_was_planned_for(measure, tiny, machine, tmp_path):
    wish = Request(suites=(str(tiny),), methods=("echo",), runtime=Runtime(threads=1))
    elsewhere = dataclasses.replace(machine, cpu="Another CPU")
    cells = make_plan(wish, Registry(), find_places((str(tiny.parent),)), elsewhere).cells
    with pytest.raises(Exception, match="another machine than the run was planned for"):
        Worker(Job(run=tmp_path / "three", cells=cells), lambda event: None).run()
    assert [] == list(Run(tmp_path / "three").records())
