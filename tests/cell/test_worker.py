"""Working through the cells of a job, in this process."""

from __future__ import annotations

import dataclasses
import errno
import os

import numpy as np
import pytest

from vosbench.cell.worker import Worker
from vosbench.data.masks import read_mask
from vosbench.errors import AdapterError, UsageError
from vosbench.meters.device import CpuDevice
from vosbench.records import Job
from vosbench.store.atomic import DiskFullError
from vosbench.store.frames import read_frames
from vosbench.store.run import FRAMES_FILE, MASKS_FOLDER, Run


@pytest.fixture
def run(tmp_path):
    return Run(tmp_path / "run")


@pytest.fixture
def work(run):
    """Gives back a function that works through cells and gives back what was told."""

    def go(cells):
        events = []
        Worker(Job(run=run.path, cells=tuple(cells)), events.append).run()
        return events

    return go


def test_a_cell_leaves_masks_series_and_record(run, work, plan_cells, write_adapter, tiny):
    cells = plan_cells(write_adapter())
    work(cells)
    record = run.record(cells[1])
    folder = run.cell(cells[1])
    assert ("ok", 6, 32, 48) == (record.outcome.status, record.frames, record.height, record.width)
    assert [f"{i:05d}.png" for i in range(6)] == sorted(path.name for path in (folder / MASKS_FOLDER).iterdir())
    truth = read_mask(tiny.parent / "Tiny" / "Annotations" / "bb" / "00000.png")
    assert np.array_equal(truth, read_mask(folder / MASKS_FOLDER / "00005.png"))
    series = read_frames(folder / FRAMES_FILE)
    assert tuple(f"{i:05d}" for i in range(6)) == series.names
    assert record.timing.seconds == pytest.approx(series.columns["seconds"].sum())
    assert [2.0] * 6 == list(series.columns["trace.objects"])
    assert np.isnan(series.columns["core_seconds"]).all()
    assert np.isnan(series.columns["allocated"]).all()


def test_the_method_is_loaded_once_and_videos_come_in_order(work, plan_cells, write_adapter, steps):
    events = work(plan_cells(write_adapter()))
    kinds = [event.kind for event in events]
    assert ["loading", "loaded", "video", *["frame"] * 6, "finished", "video", *["frame"] * 6, "finished"] == kinds
    answered = [line for line in steps() if not line.endswith("closed")]
    assert [f"{video} {i}" for video in ("aa", "bb") for i in range(6)] == answered
    assert "bb closed" == steps()[-1]


def test_each_frame_size_is_warmed_up_once_on_the_first_frames(work, plan_cells, write_adapter, steps):
    cells = [dataclasses.replace(spec, warmup_frames=2) for spec in plan_cells(write_adapter())]
    work(cells)
    assert ["aa 0", "aa 1", "aa closed", "aa 0"] == steps()[:4]
    assert 1 == steps().count("bb 0")


@pytest.mark.parametrize(
    ("trouble", "words"), [("", "this machine has no card for cuda:0"), ("NVML failed: lost", "failed: lost")]
)
def test_a_worker_without_its_card_says_why(work, plan_cells, write_adapter, machine, monkeypatch, trouble, words):
    bare = dataclasses.replace(machine, gpus=(), gpu_uuids=(), gpu_bytes=(), card_trouble=trouble)
    monkeypatch.setattr("vosbench.cell.worker.read_machine", lambda: bare)
    cells = plan_cells(write_adapter())
    on_card = dataclasses.replace(cells[0].runtime, device="cuda:0")
    with pytest.raises(UsageError, match=words):
        work([dataclasses.replace(spec, runtime=on_card) for spec in cells])


def test_compiled_parts_are_warmed_up_for_each_number_of_objects(work, plan_cells, write_adapter, steps):
    cells = plan_cells(write_adapter())
    compiled = dataclasses.replace(cells[0].runtime, compile=True)
    work([dataclasses.replace(spec, warmup_frames=2, runtime=compiled) for spec in cells])
    assert 2 == steps().count("bb 0")


def test_what_earlier_videos_left_reserved_is_released_before_a_video_is_measured(
    run, work, plan_cells, write_adapter, steps, monkeypatch
):
    released, read = [], CpuDevice.read

    class Caching(CpuDevice):
        """A device that keeps 5 MiB of every session until it is told to release it."""

        def release_unused(self):
            released.append(len(steps()))

        def read(self):
            return dataclasses.replace(read(self), reserved=0 if released else 5 << 20)

    monkeypatch.setattr("vosbench.cell.worker.open_device", lambda name: Caching())
    cells = [dataclasses.replace(spec, warmup_frames=2) for spec in plan_cells(write_adapter(), videos=("aa",))]
    work(cells)
    assert [len(["aa 0", "aa 1", "aa closed"])] == released
    assert {0.0} == set(read_frames(run.cell(cells[0]) / FRAMES_FILE).columns["reserved"])


@pytest.mark.parametrize(
    ("fault", "status", "reason"),
    [
        ("raises", "error", "ValueError: broken on purpose"),
        ("memory", "oom", "MemoryError: no memory left, on purpose"),
        ("shape", "error", "the label map has shape (2, 3), the frame (32, 48)"),
        ("dtype", "error", "the label map has dtype int64"),
        ("unknown id", "error", "ids [9] that no prompt announced"),
    ],
)
def test_a_cell_that_fails_is_recorded_with_frame_and_reason(
    run, work, plan_cells, write_adapter, fault, status, reason
):
    cells = plan_cells(write_adapter(fault=fault))
    work(cells)
    record = run.record(cells[0])
    assert (status, 3, 3) == (record.outcome.status, record.outcome.frame, record.frames)
    assert reason in record.outcome.reason
    assert "Traceback" in record.outcome.detail
    masks = run.cell(cells[0]) / MASKS_FOLDER
    assert ["00000.png", "00001.png", "00002.png"] == sorted(path.name for path in masks.iterdir())
    assert 3 == len(read_frames(run.cell(cells[0]) / FRAMES_FILE).names)


def test_after_a_failure_the_process_takes_no_other_video(run, work, plan_cells, write_adapter):
    cells = plan_cells(write_adapter(fault="raises"))
    assert "error" == work(cells)[-1].text
    assert run.record(cells[1]) is None


def test_a_failed_session_is_closed(work, plan_cells, write_adapter, steps):
    work(plan_cells(write_adapter(fault="raises")))
    assert "aa closed" == steps()[-1]


def test_broken_data_is_recorded_with_its_frame(run, work, plan_cells, write_adapter, tiny):
    path = tiny.parent / "Tiny" / "JPEGImages" / "aa" / "00004.jpg"
    path.write_bytes(path.read_bytes()[:-300])
    cells = plan_cells(write_adapter())
    work(cells)
    outcome = run.record(cells[0]).outcome
    assert ("error", 4) == (outcome.status, outcome.frame)
    assert "ends early" in outcome.reason
    assert str(path) in outcome.reason


def test_what_is_finished_or_claimed_is_passed_over(run, work, plan_cells, write_adapter, steps):
    cells = plan_cells(write_adapter())
    work(cells[:1])
    count = len(steps())
    claim = run.claim(cells[1])
    assert [("finished", "found"), ("busy", "")] == [(event.kind, event.text) for event in work(cells)]
    claim.release()
    assert count == len(steps())


def test_a_method_that_changed_since_the_plan_is_refused(work, plan_cells, write_adapter):
    cells = plan_cells(write_adapter())
    write_adapter(fault="raises")
    with pytest.raises(AdapterError, match="the adapter's source changed"):
        work(cells)


def test_the_same_answers_have_the_same_digest(run, work, plan_cells, write_adapter):
    cells = plan_cells(write_adapter(), write_adapter("other"), videos=("aa",), repeats=2)
    for spec in cells:
        work([spec])
    assert 1 == len({run.record(spec).masks_digest for spec in cells})


def test_a_method_that_does_nothing_has_taken_nothing(run, work, plan_cells, write_video, tiny):
    write_video(tiny.parent / "Tiny", "big", frames=20, height=240, width=320)
    (tiny.parent / "Tiny" / "ImageSets" / "val.txt").write_text("aa\nbig\n")
    cells = plan_cells(methods=["null"])
    work(cells)
    record = run.record(cells[1])
    if record.memory.before_open is None:
        pytest.skip("this system does not tell its memory")
    assert 0 == pytest.approx(record.memory.after_close - record.memory.before_open, abs=64 << 10)
    live = read_frames(run.cell(cells[1]) / FRAMES_FILE).columns["live"]
    if not np.isnan(live).any():
        assert 0 == pytest.approx(np.ptp(live[2:]), abs=64 << 10)


def test_a_method_that_keeps_a_mebibyte_a_frame_shows_it(run, work, plan_cells, write_adapter):
    cells = plan_cells(write_adapter(fault="leak"), videos=("aa",))
    work(cells)
    series = read_frames(run.cell(cells[0]) / FRAMES_FILE)
    assert [(1 << 20) * (i + 1) for i in range(6)] == list(series.banks()["held"])
    if not np.isnan(series.columns["live"]).any():
        assert np.allclose(1.0, np.diff(series.columns["live"]) / (1 << 20), atol=0.1)


@pytest.mark.parametrize("target", ["vosbench.store.atomic.os.fsync", "os.write"])
def test_a_full_disk_is_no_failure_of_the_method(run, work, plan_cells, write_adapter, monkeypatch, target):
    cells = plan_cells(write_adapter())

    def full(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(target, full)
    with pytest.raises(DiskFullError):
        work(cells)
    monkeypatch.undo()
    assert run.record(cells[0]) is None
    work(cells)
    assert ["ok", "ok"] == [run.record(spec).outcome.status for spec in cells]
