"""A run's folder: records, claims, publishing."""

from __future__ import annotations

import dataclasses
import errno
import json
import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from vosbench.errors import StoreError
from vosbench.records import Outcome, Record
from vosbench.store import locks
from vosbench.store.atomic import DiskFullError
from vosbench.store.run import PLAN_FILE, RECORD_FILE, RUNS, Run, find_run, plan_digest, read_record, unfinished_run


@pytest.fixture
def cells(plan_cells, write_adapter):
    return plan_cells(write_adapter())


@pytest.fixture
def run(tmp_path):
    return Run(tmp_path / "run")


@pytest.fixture
def publish(run, machine):
    """Gives back a function that publishes a record of a cell with one file beside it."""

    def put(spec, status="ok", frame=None):
        workspace = run.workspace(spec)
        (workspace / "masks" / "00000.png").write_text(status)
        outcome = Outcome(status=status, frame=frame)
        record = Record(key=spec.key, spec=spec, outcome=outcome, frames=6, machine=machine, started="now")
        return run.publish(workspace, record)

    return put


def test_a_published_cell_is_found_again_as_it_was(run, cells, publish):
    folder = publish(cells[0])
    assert run.path / cells[0].folder == folder
    record = run.record(cells[0])
    assert (cells[0], "ok") == (record.spec, record.outcome.status)
    assert "ok" == (folder / "masks" / "00000.png").read_text()
    assert run.record(cells[1]) is None
    assert [(folder, record)] == list(run.records())


def test_nothing_is_left_where_the_cell_was_filled(run, cells, publish):
    publish(cells[0])
    assert [] == list((run.path / ".unfinished").iterdir())


def test_records_come_in_the_order_of_their_names(run, cells, publish):
    for spec in reversed(cells):
        publish(spec)
    assert ["aa", "bb"] == [record.spec.video for _, record in run.records()]


def test_what_is_not_published_is_not_there(run, cells):
    workspace = run.workspace(cells[0])
    (workspace / RECORD_FILE).write_text("{}")
    assert run.record(cells[0]) is None
    assert [] == list(run.records())


def test_a_workspace_is_fresh(run, cells):
    (run.workspace(cells[0]) / "left over").write_text("")
    assert ["masks"] == [path.name for path in run.workspace(cells[0]).iterdir()]


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "cannot be read"),
        (b'{"schema": 1, "key"', "cannot be read"),
        (b"[]", "cannot be read"),
        (b"\xff\xfe", "cannot be read"),
        (b"[" * 200_000, "cannot be read"),
        (b'{"schema": 1, "load_seconds": 1' + b"0" * 400 + b"}", "cannot be read"),
        (b'{"schema": 2}', "written by another version"),
        (b'{"schema": 1, "keys": 3}', "unknown key 'keys'"),
    ],
)
def test_a_torn_record_is_refused_with_what_to_do(run, cells, publish, data, message):
    folder = publish(cells[0])
    (folder / RECORD_FILE).write_bytes(data)
    for read in (lambda: run.record(cells[0]), lambda: list(run.records()), lambda: read_record(folder)):
        with pytest.raises(StoreError, match=message) as caught:
            read()
        assert str(folder / RECORD_FILE) == caught.value.where
        assert caught.value.fix


def test_a_wrong_value_in_a_record_is_named(run, cells, publish):
    folder = publish(cells[0])
    value = json.loads((folder / RECORD_FILE).read_text())
    value["spec"]["runtime"]["threads"] = "many"
    (folder / RECORD_FILE).write_text(json.dumps(value))
    with pytest.raises(StoreError, match=r"spec\.runtime\.threads: expected int, found str"):
        run.record(cells[0])


def test_a_finished_cell_is_never_overwritten(run, cells, publish):
    first = publish(cells[0], "error", 3)
    publish(cells[0], "ok")
    assert "ok" == run.record(cells[0]).outcome.status
    aside = list((run.path / ".set-aside").rglob(RECORD_FILE))
    assert ["error"] == [read_record(path.parent).outcome.status for path in aside]
    assert first == run.cell(cells[0])


def test_cells_set_aside_keep_each_attempt_and_count_for_nothing(run, cells, publish):
    for status in ("error", "timeout"):
        publish(cells[0], status, 1)
        run.set_aside(cells[0])
    assert run.record(cells[0]) is None
    assert [] == list(run.records())
    assert 2 == len(list((run.path / ".set-aside").rglob(RECORD_FILE)))


def test_a_cell_is_set_aside_whatever_its_video_is_called_and_wherever_there_is_room(run, cells, publish):
    spec = dataclasses.replace(cells[0], video="clip[1]")
    for _ in range(3):
        publish(spec, "error", 1)
        run.set_aside(spec)
    attempts = run.path / ".set-aside" / spec.folder.parent
    names = [f"{spec.folder.name}-{number}" for number in (1, 2, 3)]
    assert names == sorted(path.name for path in attempts.iterdir())
    (attempts / names[0]).rename(attempts / "elsewhere")
    publish(spec, "error", 1)
    run.set_aside(spec)
    assert {*names, "elsewhere"} == {path.name for path in attempts.iterdir()}


@pytest.mark.parametrize("data", [b"[]", b"{}", b"[" * 200_000, b"torn"])
def test_a_torn_plan_is_no_plan(run, data):
    run.path.mkdir()
    (run.path / PLAN_FILE).write_bytes(data)
    assert "" == run.plan()


def test_the_same_video_with_other_frames_is_refused(run, cells, publish):
    publish(cells[0])
    changed = dataclasses.replace(cells[0], video_digest="other frames")
    assert run.cell(cells[0]) == run.cell(changed)
    with pytest.raises(StoreError, match="video 'aa' was run on other frames or prompts") as caught:
        run.record(changed)
    assert "--out" in caught.value.fix


def test_a_cell_that_failed_on_other_frames_is_run_again(run, cells, publish):
    publish(cells[0], "error", 0)
    changed = dataclasses.replace(cells[0], video_digest="mended frames")
    assert run.record(changed) is None
    publish(changed)
    assert "ok" == run.record(changed).outcome.status


def test_a_full_disk_loses_nothing_that_was_finished(run, cells, publish, monkeypatch):
    publish(cells[0])

    def full(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("vosbench.store.atomic.os.fsync", full)
    with pytest.raises(DiskFullError):
        publish(cells[1])
    assert run.record(cells[1]) is None
    assert "ok" == run.record(cells[0]).outcome.status
    monkeypatch.undo()
    publish(cells[1])
    assert 2 == len(list(run.records()))


@pytest.mark.parametrize("act", [Run.claim, Run.workspace])
def test_a_folder_that_cannot_be_written_says_so(tmp_path, cells, act):
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="cannot write") as caught:
        act(Run(tmp_path / "file" / "run"), cells[0])
    assert "--out" in caught.value.fix


def test_a_claim_excludes_others_until_it_is_released(run, cells):
    claim = run.claim(cells[0])
    assert run.claim(cells[0]) is None
    other = run.claim(cells[1])
    assert other is not None
    claim.release()
    again = run.claim(cells[0])
    assert again is not None
    for held in (other, again):
        held.release()


HOLDER = """\
import json, pathlib, sys, time
from vosbench.plain import from_plain
from vosbench.records import CellSpec
from vosbench.store.run import Run

claim = Run(pathlib.Path(sys.argv[1])).claim(from_plain(CellSpec, json.load(sys.stdin)))
print("held" if claim else "refused", flush=True)
time.sleep(60)
"""


def test_a_claim_of_another_process_excludes_and_is_given_back_when_it_dies(run, cells):
    from vosbench.plain import to_plain

    with subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(HOLDER), str(run.path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        process.stdin.write(json.dumps(to_plain(cells[0])).encode())
        process.stdin.close()
        assert b"held\n" == process.stdout.readline()
        assert run.claim(cells[0]) is None
        process.send_signal(signal.SIGKILL)
        process.wait()
    claim = run.claim(cells[0])
    assert claim is not None
    claim.release()


def test_a_claim_ends_with_its_process_whatever_that_forked(run, cells):
    claim = run.claim(cells[0])
    assert claim.stream in locks._HELD
    claim.release()


def test_a_run_is_found_by_folder_or_by_name(clean_environment):
    (RUNS / "2026-01-01-000000").mkdir(parents=True)
    Path("elsewhere").mkdir()
    assert clean_environment / "elsewhere" == find_run("elsewhere").path
    assert clean_environment / RUNS / "2026-01-01-000000" == find_run("2026-01-01-000000").path
    with pytest.raises(StoreError, match="there is no run '2026-01-01'") as caught:
        find_run("2026-01-01")
    assert "did you mean '2026-01-01-000000'?" == caught.value.fix


def test_without_runs_none_is_found(clean_environment):
    with pytest.raises(StoreError, match="there is no run 'x'"):
        find_run("x")


def test_an_unfinished_run_of_the_same_cells_is_found_again(clean_environment, cells, machine):
    assert unfinished_run(cells, well=False) is None
    for name, plan in (("1", cells), ("2", cells), ("3", cells[:1])):
        Run(RUNS / name).save_plan(plan)
    found = unfinished_run(cells, well=False)
    assert "2" == found.path.name
    for spec, status in zip(cells, ("ok", "error"), strict=True):
        record = Record(
            key=spec.key, spec=spec, outcome=Outcome(status=status), frames=1, machine=machine, started="now"
        )
        found.publish(found.workspace(spec), record)
    assert unfinished_run(cells, well=False) is None
    assert "2" == unfinished_run(cells, well=True).path.name


def test_the_digest_of_a_plan_does_not_depend_on_its_order(cells):
    assert plan_digest(cells) == plan_digest(cells[::-1])
    assert plan_digest(cells) != plan_digest(cells[:1])
