"""Runs of real processes: outcomes as data, nothing run twice, nothing lost."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

from vosbench.errors import StoreError
from vosbench.execute.process import CellProcess, SilenceError
from vosbench.execute.supervisor import CLAIMED, Limits, Supervisor, run_log
from vosbench.plain import to_plain
from vosbench.records import Event, Job
from vosbench.store.run import MASKS_FOLDER, Run

VOSBENCH = [sys.executable, "-c", "from vosbench.cli import main; main()"]


@pytest.fixture
def run(tmp_path):
    return Run(tmp_path / "run")


@pytest.fixture
def execute(run, machine, told, monkeypatch):
    """Gives back a function that sees cells through and gives back the result."""
    monkeypatch.setattr("vosbench.execute.supervisor.PATIENCE", 0.05)

    def go(cells, *, first_frame=60.0, frame=60.0, interpreters=None):
        limits = Limits(first_frame=first_frame, frame=frame)
        return Supervisor(run, machine, told, limits=limits, interpreters=interpreters).execute(cells)

    return go


def _statuses(run, cells):
    return [record.outcome.status if (record := run.record(spec)) else None for spec in cells]


def _answered(lines):
    """How often each frame was answered."""
    return Counter(line for line in lines if not line.endswith("closed"))


def _gone(process):
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return True
    return b"\0" not in Path(f"/proc/{process}/cmdline").read_bytes()  # a zombie nobody has waited for yet


def _until(true, seconds=20.0):
    deadline = time.monotonic() + seconds
    while not true() and time.monotonic() < deadline:
        time.sleep(0.02)
    return true()


def test_every_cell_runs_once_and_is_recorded(execute, run, told, plan_cells, write_adapter, steps):
    cells = plan_cells(write_adapter(), write_adapter("other"))
    result = execute(cells)
    assert ["ok"] * 4 == _statuses(run, cells)
    assert {spec.key for spec in cells} == set(result.records)
    assert ({}, (4, 0), 4) == (result.failures, told.begun, len(told.outcomes))
    assert {1} == set(_answered(steps("mine")).values()) == set(_answered(steps("other")).values())


def test_what_is_finished_is_not_run_again(execute, run, told, plan_cells, write_adapter, steps):
    cells = plan_cells(write_adapter())
    execute(cells[:1])
    assert 6 == sum(_answered(steps()).values())
    execute(cells)
    assert ((2, 1), ["ok", "ok"]) == (told.begun, _statuses(run, cells))
    assert {1} == set(_answered(steps()).values())


@pytest.mark.parametrize(
    ("fault", "status", "reason"),
    [
        ("raises", "error", "ValueError: broken on purpose"),
        ("memory", "oom", "MemoryError"),
        ("kill", "killed", "killed by signal 9"),
        ("exit", "killed", "ended by itself with status 0 in the middle of the video"),
    ],
)
def test_a_cell_that_ends_early_is_recorded_and_the_next_video_runs(
    execute, run, told, plan_cells, write_adapter, fault, status, reason
):
    cells = plan_cells(write_adapter(fault=fault, frame=3))
    result = execute(cells)
    outcome = run.record(cells[0]).outcome
    assert (status, 3, 3) == (outcome.status, outcome.frame, run.record(cells[0]).frames)
    assert reason in outcome.reason
    assert ("ok", {}) == (run.record(cells[1]).outcome.status, result.failures)
    masks = run.cell(cells[0]) / MASKS_FOLDER
    assert ["00000.png", "00001.png", "00002.png"] == sorted(path.name for path in masks.iterdir())
    assert {"mine aa.0": status, "mine bb.0": "ok"} == {name: told.outcomes[name].status for name in told.outcomes}


def test_what_was_published_before_its_process_fell_silent_stays_as_it_is(
    execute, run, told, plan_cells, write_adapter, monkeypatch
):
    events = CellProcess.events

    def unheard(self, *limits):
        for event in events(self, *limits):
            if event.kind == "finished":
                raise SilenceError(1.0)
            yield event

    monkeypatch.setattr(CellProcess, "events", unheard)
    cells = plan_cells(write_adapter())
    result = execute(cells)
    assert ["ok", "ok"] == _statuses(run, cells) == [told.outcomes[name].status for name in told.outcomes]
    assert ({}, []) == (result.failures, list(run.path.glob(".set-aside/**/*")))


def test_a_method_that_hangs_is_ended_at_the_limit_and_the_next_video_runs(execute, run, plan_cells, write_adapter):
    cells = plan_cells(write_adapter(fault="hang", frame=2))
    execute(cells, frame=1.0)
    outcome = run.record(cells[0]).outcome
    assert ("timeout", 2) == (outcome.status, outcome.frame)
    assert "no answer within 1 s; raise the limit with --frame-limit" in outcome.reason
    assert "ok" == run.record(cells[1]).outcome.status


def test_a_method_that_hangs_on_the_first_frame_names_that_limit(execute, run, plan_cells, write_adapter):
    cells = plan_cells(write_adapter(fault="hang", frame=0), videos=("aa",))
    execute(cells, first_frame=2.5)
    outcome = run.record(cells[0]).outcome
    assert ("timeout", 0) == (outcome.status, outcome.frame)
    assert "--first-frame-limit" in outcome.reason


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        ("load raises", "ValueError: broken on purpose"),
        ("load kill", "its process ended with status -9"),
        ("load exit", "its process ended with status 0"),
        ("load memory", "MemoryError"),
    ],
)
def test_a_method_that_does_not_load_is_reported_and_the_others_run(
    execute, run, told, plan_cells, write_adapter, fault, reason
):
    cells = plan_cells(write_adapter("broken", fault), write_adapter("other"), videos=("aa",))
    result = execute(cells)
    assert [None, "ok"] == _statuses(run, cells)
    assert [cells[0].method_key] == list(result.failures)
    assert reason in result.failures[cells[0].method_key]
    assert 1 == len(told.failures)


def test_a_method_that_hangs_while_it_loads_is_reported(execute, run, plan_cells, write_adapter):
    cells = plan_cells(write_adapter(fault="load hang"))
    result = execute(cells, first_frame=2.5)
    assert ["no answer within 2.5 s while it was loading"] == list(result.failures.values())
    assert [None, None] == _statuses(run, cells)


def test_an_interpreter_that_is_not_there_is_the_failure_of_its_method(execute, run, plan_cells, write_adapter):
    cells = plan_cells(write_adapter(), write_adapter("other"), videos=("aa",))
    result = execute(cells, interpreters={"mine": "/no/such/python"})
    assert [None, "ok"] == _statuses(run, cells)
    assert "/no/such/python" in result.failures[cells[0].method_key]


def test_what_an_adapter_prints_goes_to_its_log(execute, run, plan_cells, write_adapter):
    cells = plan_cells(write_adapter(fault="prints"), videos=("aa",))
    result = execute(cells)
    assert (["ok"], {}) == (_statuses(run, cells), result.failures)
    log = run_log(run, cells[0]).read_text()
    assert 6 == log.count("not an event")
    assert len(log) > 6 * 70000


def test_a_thread_that_is_left_behind_holds_nothing_up(execute, run, plan_cells, write_adapter):
    cells = plan_cells(write_adapter(fault="thread"), videos=("aa",))
    began = time.monotonic()
    result = execute(cells)
    assert (["ok"], {}) == (_statuses(run, cells), result.failures)
    assert time.monotonic() - began < 30  # the thread sleeps for a minute


def test_a_child_that_is_left_behind_holds_no_claim(execute, run, plan_cells, write_adapter):
    cells = plan_cells(write_adapter(fault="fork", frame=2))
    execute(cells)
    assert ["killed", "ok"] == _statuses(run, cells)
    assert 2 == run.record(cells[0]).outcome.frame


def test_a_worker_that_dies_between_two_videos_costs_neither(execute, run, told, plan_cells, write_adapter, steps):
    cells = plan_cells(write_adapter(fault="between", video="aa"))
    result = execute(cells)
    assert (["ok", "ok"], {}) == (_statuses(run, cells), result.failures)
    assert {1} == set(_answered(steps()).values())
    assert 2 == sum(event.kind == "loaded" for event in told.events)


def test_a_cell_that_failed_stays_as_it_is_until_it_is_set_aside(execute, run, plan_cells, write_adapter, steps):
    cells = plan_cells(write_adapter(fault="once"))
    execute(cells)
    assert ["error", "ok"] == _statuses(run, cells)
    count = len(steps())
    execute(cells)
    assert count == len(steps())
    run.set_aside(cells[0])
    execute(cells)
    assert ["ok", "ok"] == _statuses(run, cells)
    assert 1 == _answered(steps())["bb 0"]


def test_a_full_disk_ends_the_run(execute, run, plan_cells, write_adapter, monkeypatch):
    cells = plan_cells(write_adapter())
    execute(cells[:1])

    def disk_full(self, first_limit, frame_limit):
        yield Event(kind="disk full", text="the disk is full")

    monkeypatch.setattr(CellProcess, "events", disk_full)
    with pytest.raises(StoreError, match="the disk is full"):
        execute(cells)
    assert ["ok", None] == _statuses(run, cells)


def test_cells_of_another_process_are_waited_for(execute, run, told, plan_cells, write_adapter):
    """The claim of the first is held by somebody else, who then gives it up."""
    cells = plan_cells(write_adapter())
    claim = run.claim(cells[0])

    def ended(spec, outcome):
        if spec is cells[1]:
            claim.release()

    told.ended = ended
    execute(cells)
    assert ["ok", "ok"] == _statuses(run, cells)


def test_a_cell_that_another_process_has_is_told_while_it_is_waited_for(execute, run, told, plan_cells, write_adapter):
    cells = plan_cells(write_adapter())
    claim = run.claim(cells[0])
    waited = []

    def event(spec, event):
        if event.kind == "waiting" and event.text == CLAIMED:
            waited.append((spec.key, event.key))
            claim.release()

    told.event = event
    execute(cells)
    assert [(cells[0].key, cells[0].key)] == waited[:1]
    assert ["ok", "ok"] == _statuses(run, cells)


def _command(tiny, adapter, run, *more):
    return [
        *VOSBENCH,
        "run",
        "--suite",
        str(tiny),
        "--data",
        str(tiny.parent),
        "--adapter",
        str(adapter),
        "--methods",
        adapter.stem,
        "--out",
        str(run.path),
        "--threads",
        "1",
        "--warm-up",
        "0",
        *more,
    ]


def test_two_processes_on_one_folder_share_the_work(run, tiny, write_adapter, steps):
    command = _command(tiny, write_adapter(fault="slow"), run)
    processes = [subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) for _ in range(2)]
    said = [process.communicate(timeout=60)[0].decode() for process in processes]
    assert [0, 0] == [process.returncode for process in processes], said
    assert ["ok", "ok"] == [record.outcome.status for _, record in run.records()]
    assert (12, {1}) == (len(_answered(steps())), set(_answered(steps()).values()))


def test_a_run_that_was_killed_goes_on_and_repeats_only_the_cell_in_flight(run, tiny, write_adapter, steps):
    command = _command(tiny, write_adapter(fault="slow"), run)
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    assert _until(lambda: "bb 2" in steps())
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert ["aa"] == [record.spec.video for _, record in run.records()]
    time.sleep(0.3)
    before = len(steps())
    done = subprocess.run(command, capture_output=True, check=False)
    assert 0 == done.returncode, done.stderr.decode()
    assert ["aa", "bb"] == [record.spec.video for _, record in run.records()]
    assert [f"bb {i}" for i in range(6)] == [line for line in steps()[before:] if not line.endswith("closed")]
    assert {"aa": 1, "bb": 2} == {video: _answered(steps())[f"{video} 0"] for video in ("aa", "bb")}


def test_an_interrupted_run_says_how_to_go_on(run, tiny, write_adapter, steps):
    command = _command(tiny, write_adapter(fault="slow"), run)
    process = subprocess.Popen(
        command,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        # whoever runs the tests in the background ignores the signal, and children inherit that
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    assert _until(lambda: "aa 2" in steps())
    process.send_signal(signal.SIGINT)
    said = process.communicate(timeout=20)[1].decode()
    assert 130 == process.returncode
    assert "interrupted; what was finished is kept" in said
    assert "Traceback" not in said


def test_a_cell_ends_when_the_run_that_wanted_it_dies(run, plan_cells, write_adapter, steps, tmp_path):
    if sys.platform != "linux":
        pytest.skip("only Linux tells a process that its parent died")
    cells = plan_cells(write_adapter(fault="hang", frame=1), videos=("aa",))
    job = tmp_path / "job.json"
    job.write_text(json.dumps(to_plain(Job(run=run.path, cells=cells))))
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT, str(job), str(tmp_path / "log")], stdout=subprocess.PIPE, text=True
    )
    cell = int(parent.stdout.readline())
    assert _until(lambda: "aa 1" in steps())
    parent.kill()
    parent.communicate()
    assert _until(lambda: _gone(cell))


PARENT = """\
import json, pathlib, sys
from vosbench.execute.process import CellProcess
from vosbench.plain import from_plain
from vosbench.records import Job

job = from_plain(Job, json.loads(pathlib.Path(sys.argv[1]).read_text()))
process = CellProcess(job, pathlib.Path(sys.argv[2]))
print(process._process.pid, flush=True)
for event in process.events(60, 60):
    pass
"""


def test_a_log_that_cannot_be_written_is_not_the_interpreters_fault(tmp_path, plan_cells, write_adapter):
    (tmp_path / "logs").write_text("")
    job = Job(run=tmp_path, cells=tuple(plan_cells(write_adapter())))
    with pytest.raises(StoreError, match="cannot write") as caught:
        CellProcess(job, tmp_path / "logs" / "mine.log")
    assert str(tmp_path / "logs" / "mine.log") == caught.value.where
