"""What a run shows where there is no terminal: a line per finished cell."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from vosbench.cli.progress import RunProgress
from vosbench.execute.supervisor import CLAIMED
from vosbench.records import Event, Outcome


@pytest.fixture
def cells(plan_cells):
    return plan_cells(methods=["null"])


@pytest.fixture
def told_lines(cells):
    """Gives back a function that tells a progress something and gives back the lines it printed."""

    def tell(act):
        stream = io.StringIO()
        with RunProgress(Console(file=stream, width=160, markup=False)) as progress:
            progress.begin(2, 0)
            act(progress)
        return stream.getvalue().splitlines()

    return tell


def _frames(progress, spec, count):
    progress.event(spec, Event(kind="video", key=spec.key, frames=count))
    for index in range(count):
        progress.event(spec, Event(kind="frame", key=spec.key, frame=index, seconds=0.5, bytes=1 << 20))


def test_a_finished_cell_is_a_line_with_its_frames_and_speed(told_lines, cells):
    def act(progress):
        _frames(progress, cells[0], 4)
        progress.ended(cells[0], Outcome(status="ok"))

    assert ["[1/2] tiny null aa: ok, 4 frames, 2.00 fps"] == told_lines(act)


def test_a_cell_of_another_process_does_not_get_this_ones_numbers(told_lines, cells):
    def act(progress):
        _frames(progress, cells[0], 4)
        progress.ended(cells[0], Outcome(status="ok"))
        progress.ended(cells[1], Outcome(status="ok"))

    assert "[2/2] tiny null bb: ok, run by another process" == told_lines(act)[1]


def test_a_cell_that_failed_says_where_and_why_in_one_line(told_lines, cells):
    outcome = Outcome(status="oom", frame=7, reason="MemoryError: no [/room]\nmore")
    lines = told_lines(lambda progress: progress.ended(cells[0], outcome))
    assert ["[1/2] tiny null aa: oom at frame 7: MemoryError: no [/room]"] == lines


def test_a_method_that_cannot_run_is_told(told_lines, cells):
    assert ["null cannot run: no such thing"] == told_lines(lambda progress: progress.failed(cells[0], "no such thing"))


WAITING = [
    (Event(kind="waiting"), "waiting for tiny null aa: another process holds the machine or its card"),
    (Event(kind="waiting", text=CLAIMED), "waiting for tiny null aa: another process works on it"),
]


@pytest.mark.parametrize(("event", "line"), WAITING)
def test_what_is_waited_for_is_told_once_when_waiting_begins(told_lines, cells, capsys, event, line):
    assert [] == told_lines(lambda progress: [progress.event(cells[0], event) for _ in range(5)])
    assert [line] == capsys.readouterr().err.splitlines()


def test_waiting_is_told_again_while_it_lasts_and_when_it_begins_again(told_lines, cells, capsys, monkeypatch):
    event, line = WAITING[0]
    told_lines(lambda progress: [progress.event(cells[0], e) for e in (event, Event(kind="loading"), event)])
    assert [line, line] == capsys.readouterr().err.splitlines()
    monkeypatch.setattr("vosbench.cli.progress.TELL_EVERY", 0.0)
    told_lines(lambda progress: [progress.event(cells[0], event) for _ in range(3)])
    assert [line, f"{line}, for 0 min", f"{line}, for 0 min"] == capsys.readouterr().err.splitlines()


def test_waiting_for_another_cell_is_another_line(told_lines, cells, capsys):
    def act(progress):
        for spec in cells[:2]:
            progress.event(spec, Event(kind="waiting", key=spec.key, text=CLAIMED))

    told_lines(act)
    assert 2 == len(capsys.readouterr().err.splitlines())


def test_a_live_line_needs_no_lines_of_waiting(cells, capsys):
    with RunProgress(Console(file=io.StringIO(), width=160, force_terminal=True)) as progress:
        progress.begin(2, 0)
        progress.event(cells[0], Event(kind="waiting"))
    assert "" == capsys.readouterr().err


def test_what_was_finished_before_is_told(cells):
    stream = io.StringIO()
    with RunProgress(Console(file=stream, width=160)) as progress:
        progress.begin(5, 3)
    assert "3 of 5 cells were finished before\n" == stream.getvalue()
