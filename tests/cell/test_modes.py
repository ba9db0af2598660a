"""Cells in modes of their own: a camera that does not wait, one core, a memory budget; and what is noted of leaks."""

from __future__ import annotations

import itertools
import mmap
import os
import re
import resource
from pathlib import Path

import numpy as np
import pytest

from vosbench.cell.limits import _give_back_freed, pinned_to_one_core, within_budget
from vosbench.cell.worker import Worker
from vosbench.data.masks import read_mask
from vosbench.records import Job, Minimum, Mode
from vosbench.store.frames import read_frames
from vosbench.store.run import FRAMES_FILE, MASKS_FOLDER, Run

MIB = 1 << 20


@pytest.fixture
def run(tmp_path):
    return Run(tmp_path / "run")


@pytest.fixture
def work(run):
    """Gives back a function that works through cells and gives back the record of the first."""

    def go(cells):
        Worker(Job(run=run.path, cells=tuple(cells)), lambda _: None).run()
        return run.record(cells[0])

    return go


def _map(size):
    """Take private memory from the system itself: an allocator may have enough that others freed before."""
    mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS).close()


def _anonymous():
    """What this process holds of its own, without what earlier tests freed."""
    _give_back_freed()
    found = re.search(r"^RssAnon:\s+(\d+) kB", Path("/proc/self/status").read_text(), re.MULTILINE)
    return int(found[1]) * 1024


def test_frames_that_come_too_late_are_answered_with_the_masks_before(
    run, work, plan_cells, write_adapter, steps, monkeypatch
):
    moments = itertools.count(0, 90_000_000)  # every look at the clock is 90 ms later, and so is a step's end
    monkeypatch.setattr("vosbench.meters.clock.time.perf_counter_ns", lambda: next(moments))
    cells = plan_cells(write_adapter(), videos=("aa",), mode=Mode(realtime=50.0))
    record = work(cells)
    assert ["aa 0", "aa 5"] == [line for line in steps() if not line.endswith("closed")]
    assert ("ok", 6, 4, 6) == (record.outcome.status, record.frames, record.dropped, record.video_frames)
    seconds = read_frames(run.cell(cells[0]) / FRAMES_FILE).columns["seconds"]
    assert [True, False, False, False, False, True] == list(np.isfinite(seconds))
    assert 2 == record.timing.frames
    masks = [read_mask(run.cell(cells[0]) / MASKS_FOLDER / f"{i:05d}.png") for i in range(6)]
    assert all(np.array_equal(masks[0], mask) for mask in masks)


def test_a_method_that_keeps_up_drops_nothing(work, plan_cells, write_adapter):
    record = work(plan_cells(write_adapter(), videos=("aa",), mode=Mode(realtime=0.5)))
    assert (0, 6) == (record.dropped, record.timing.frames)


def test_a_budget_ends_with_the_frames():
    before = resource.getrlimit(resource.RLIMIT_DATA)
    with within_budget("cpu", _anonymous() + 100 * MIB):
        _map(20 * MIB)
        with pytest.raises(OSError, match="Cannot allocate memory"):
            _map(300 * MIB)
    assert before == resource.getrlimit(resource.RLIMIT_DATA)
    _map(300 * MIB)


def test_a_budget_that_is_spent_before_the_first_frame_is_out_of_memory_there(work, plan_cells):
    record = work(plan_cells(methods=["echo"], videos=("aa",), mode=Mode(memory_budget=MIB)))
    assert ("oom", 0, 0) == (record.outcome.status, record.outcome.frame, record.frames)
    assert "MiB are held before the first frame, the budget is 1 MiB" in record.outcome.reason


@pytest.mark.skipif(len(os.sched_getaffinity(0)) < 2, reason="this machine gives the tests one core")
def test_one_core_means_every_thread():
    allowed = os.sched_getaffinity(0)
    with pinned_to_one_core() as core:
        tasks = [int(task.name) for task in Path("/proc/self/task").iterdir()]
        assert [{core}] * len(tasks) == [os.sched_getaffinity(task) for task in tasks]
    assert allowed == os.sched_getaffinity(0)


def test_a_cell_of_the_one_core_profile_is_pinned_while_it_runs(work, plan_cells, write_adapter, monkeypatch):
    seen = []
    monkeypatch.setattr("vosbench.cell.worker.settle_writer", lambda: seen.append(len(os.sched_getaffinity(0))))
    work(plan_cells(write_adapter(), videos=("aa",), mode=Mode(one_core=True)))
    assert [1] == seen


def test_a_method_that_frees_nothing_is_reported_as_leaking(work, plan_cells):
    settings = ("fake-leak.block_kib=4096", "fake-leak.every=1")
    record = work(plan_cells(methods=["fake-leak"], videos=("aa",), settings=settings))
    if record.memory.series != "live":
        pytest.skip("this C library has no mallinfo2")
    assert record.memory.leaks
    assert 4 * MIB == pytest.approx(record.memory.left_behind, abs=MIB)
    assert any(note.startswith("leaks: close() left 4.") for note in record.notes)


def test_a_method_that_gives_back_what_it_took_does_not_leak(work, plan_cells):
    settings = ("fake-linear.block_kib=4096",)
    record = work(plan_cells(methods=["fake-linear"], videos=("aa",), settings=settings))
    assert not record.memory.leaks
    assert not any("leaks" in note for note in record.notes)


def test_five_numbers_stand_in_their_order(work, plan_cells):
    memory = work(plan_cells(methods=["fake-linear"], videos=("aa",), settings=("fake-linear.block_kib=4096",))).memory
    if memory.series != "live":
        pytest.skip("this C library has no mallinfo2")
    assert 24 * MIB == pytest.approx(memory.peak_allocated - memory.before_open, abs=MIB)
    assert memory.peak_allocated == memory.after_last
    assert memory.after_load <= memory.peak_allocated <= memory.peak_reserved
    assert memory.peak_host >= 24 * MIB
    assert memory.peak_process is None


def test_a_measurement_that_is_too_short_says_so(work, plan_cells, write_adapter):
    short = work(plan_cells(write_adapter(), videos=("aa",)))
    assert any("over 6 frames; a measurement takes at least 1 s and 10 frames" in note for note in short.notes)
    enough = work(plan_cells(write_adapter("other"), videos=("aa",), minimum=Minimum(frames=6, seconds=0)))
    assert () == enough.notes


def test_energy_is_measured_or_there_is_a_reason(work, plan_cells, write_adapter):
    energy = work(plan_cells(write_adapter(), videos=("aa",))).energy
    assert (energy.joules is None) == bool(energy.reason)


def test_a_method_without_a_network_has_no_operations_and_says_so(work, plan_cells, write_adapter):
    operations = work(plan_cells(write_adapter(), videos=("aa",))).operations
    assert (None, "the method shows no network") == (operations.macs, operations.reason)
