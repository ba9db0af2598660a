"""What is shown of a cell, and why it is or is not used again."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from vosbench.errors import StoreError, UsageError
from vosbench.plain import from_plain
from vosbench.records import Outcome, Record
from vosbench.show import cell_log, describe_cell, find_cells, reuse_reasons, slow_frames
from vosbench.store.frames import FrameSeries, read_frames
from vosbench.store.run import FRAMES_FILE


def test_a_cell_is_found_by_its_folder_or_by_words(made):
    folder = made.add("xmem", video="aa")
    made.add("xmem", video="bb")
    made.add("xmem@eager", video="aa")
    run = str(made.run.path)
    assert [folder] == [path for path, _ in find_cells(str(folder), ())]
    assert [folder] == [path for path, _ in find_cells(run, ("xmem", "aa"))]
    assert 3 == len(find_cells(run, ()))
    (_, record) = find_cells(run, ("xmem", "aa"))[0]
    assert [folder] == [path for path, _ in find_cells(run, (record.key[:10],))]


def test_a_word_that_fits_nothing_is_answered_with_the_nearest(made):
    made.add("xmem", video="blackswan")
    with pytest.raises(UsageError, match="no cell of this run fits 'blackswam'") as error:
        find_cells(str(made.run.path), ("xmem", "blackswam"))
    assert "blackswan" in error.value.fix
    with pytest.raises(StoreError, match="there is no run"):
        find_cells("nowhere", ())


def test_slow_frames_come_first_with_what_grew_on_them(made):
    folder = made.add(
        "xmem", frames=30, seconds=lambda t: np.where(t == 11, 0.5, 0.1), banks={"working": lambda t: 1.0 * (t >= 11)}
    )
    first, *others = slow_frames(read_frames(folder / FRAMES_FILE))
    assert (10, "00010", 1 << 20) == (first.index, first.name, first.bank_bytes)
    assert (500.0, 5.0) == (pytest.approx(first.milliseconds), pytest.approx(first.medians))
    assert [] == others


def test_a_series_without_times_has_no_slow_frame():
    series = FrameSeries(names=("a", "b"), columns={"seconds": np.full(2, np.nan)})
    assert [] == slow_frames(series)


def test_a_cell_is_described_with_outcome_score_and_memory(made):
    folder = made.add("xmem", video="aa", frames=20, jf=80.0)
    described = describe_cell(folder, find_cells(str(folder), ())[0][1])
    assert described["outcome"] == "ok"
    assert "J 80.0 %" in described["score"]
    assert "20.00 frames per second" in described["time"]
    assert "peak 405 MiB" in described["memory"]
    assert "20 frames answered" in described["video"]


def test_a_failure_shows_its_traceback_or_its_log(made):
    folder = made.add("xmem", outcome=Outcome(status="error", frame=3, reason="broken", detail="Traceback: broken"))
    _, record = find_cells(str(folder), ())[0]
    assert "error at frame 3: broken" == describe_cell(folder, record)["outcome"]
    assert "Traceback: broken" == cell_log(folder, record)
    killed = made.add("stcn", outcome=Outcome(status="killed", frame=3))
    log = made.run.path / "logs" / f"{killed.parent.name}.log"
    log.parent.mkdir()
    log.write_text("one\ntwo\n")
    assert "one\ntwo" == cell_log(killed, find_cells(str(killed), ())[0][1])


def test_every_part_of_a_cells_key_is_told_then_and_now(run_cell):
    folder, record = run_cell
    adapters = (record.spec.method.adapter_file,)
    reasons = {reason.part: reason for reason in reuse_reasons(record, adapters)}
    assert {True} == {reason.same for reason in reasons.values()}, reasons
    changed = json.loads((folder / "record.json").read_text())
    changed["spec"]["method"]["source"] = "0" * 64
    changed["spec"]["video_digest"] = "1" * 64
    changed["spec"]["fingerprint"] = "2" * 12
    changed["outcome"]["status"] = "timeout"
    reasons = {reason.part: reason.same for reason in reuse_reasons(from_plain(Record, changed), adapters)}
    different = {"adapter's source", "frames and prompts", "hardware, torch, threads", "outcome"}
    assert different == {part for part, same in reasons.items() if same is False}


@pytest.fixture
def run_cell(plan_cells, write_adapter, machine, tmp_path):
    """Gives back the folder and record of a cell as a run would publish it, without running it."""
    from vosbench.store.run import Run

    (spec, *_) = plan_cells(write_adapter())
    run = Run(tmp_path / "run")
    record = Record(
        key=spec.key,
        spec=spec,
        outcome=Outcome(status="ok"),
        frames=6,
        machine=machine,
        started="2026-01-01T00:00:00+00:00",
    )
    return run.publish(run.workspace(spec), record), record


def test_what_is_gone_is_not_known_instead_of_an_error(run_cell, tiny):
    _, record = run_cell
    (tiny.parent / "mine.py").unlink()
    reasons = {reason.part: reason for reason in reuse_reasons(record, (record.spec.method.adapter_file,))}
    assert reasons["adapter's source"].same is None
    assert "no such adapter file" in reasons["adapter's source"].now


def test_the_code_that_only_a_record_names_is_not_run(run_cell, tmp_path):
    _, record = run_cell
    evil, trace = tmp_path / "evil.py", tmp_path / "trace"
    evil.write_text(f"open({str(trace)!r}, 'w').close()\n")
    method = replace(record.spec.method, adapter_file=evil)
    reasons = reuse_reasons(replace(record, spec=replace(record.spec, method=method)))
    told = {reason.part: reason for reason in reasons}["adapter's source"]
    assert told.same is None
    assert f"--adapter {evil}" in told.now
    assert not trace.exists()
