"""What rows say beside their headline, read from cells that really ran in this process."""

from __future__ import annotations

import dataclasses
import itertools

import pytest

from vosbench.cell.worker import Worker
from vosbench.contract import Runtime
from vosbench.gpus import find_graphics_memory
from vosbench.growth import Growth
from vosbench.records import Job, Minimum, Mode
from vosbench.report.measures import Measures, measures_of, mode_of
from vosbench.report.rows import method_rows, read_cells
from vosbench.report.table_footers import Origin
from vosbench.report.table_styles import build_tables
from vosbench.scorer import score_run
from vosbench.stats import Slope
from vosbench.store.frames import write_frames
from vosbench.store.run import FRAMES_FILE, Run

ORIGIN = Origin(machine="CPU x", versions="vosbench 0", date="2026-01-01")
MIB = 1 << 20


@pytest.fixture
def rows_of(tmp_path, monkeypatch):
    """Gives back a function that runs cells, one process's worth after the other, and gives back their rows.

    The clock is one on which the steps of pass n take n + 1 tenths of a second.
    """

    def go(cells):
        run = Run(tmp_path / "run")
        for spec in cells:
            moments = itertools.count(0, (spec.repeat + 1) * 100_000_000)
            monkeypatch.setattr("vosbench.meters.clock.time.perf_counter_ns", lambda moments=moments: next(moments))
            Worker(Job(run=run.path, cells=(spec,)), lambda _: None).run()
        assert [] == score_run(run)
        return method_rows(read_cells(run))

    return go


def test_frames_per_second_have_an_interval_over_the_passes(rows_of, plan_cells, write_adapter):
    (row,) = rows_of(plan_cells(write_adapter(), repeats=2))
    speed = row.measures.speed
    assert (2, pytest.approx(7.5)) == (speed.count, speed.mean)  # 10 and 5
    assert 7.5 - 12.7062 * 2.5 == pytest.approx(speed.low, abs=1e-3)
    assert (24 / 3.6, 200.0) == (pytest.approx(row.frames_per_second), pytest.approx(row.measures.p90_ms))
    (once,) = rows_of(plan_cells(write_adapter("other")))[1:]
    assert once.measures.speed is None


def test_short_measurements_are_said_and_long_ones_not(rows_of, plan_cells, write_adapter):
    (short,) = rows_of(plan_cells(write_adapter(), minimum=Minimum(frames=7, seconds=0.1)))
    assert short.measures.short.startswith("2 of 2 measurements are shorter than 0.1 s or 7 frames")
    enough = rows_of(plan_cells(write_adapter("other"), minimum=Minimum(frames=6, seconds=0.5)))[1]
    assert "" == enough.measures.short


def test_where_memory_ran_out_there_is_a_score_of_what_was_answered(rows_of, plan_cells, write_adapter):
    (row,) = rows_of(plan_cells(write_adapter(fault="memory", frame=4)))
    assert (1, 2, True) == (row.videos, row.planned, row.oom)
    assert 10 / 12 == pytest.approx(row.measures.coverage)
    assert {"J&F-Mean", "J-Mean"} <= set(row.measures.so_far)
    (table,) = build_tables([row], ORIGIN)
    index = [column.key for column in table.columns].index("J&F-Mean")
    value = table.lines[0].values[index]
    assert (row.measures.so_far["J&F-Mean"], "") == (value.number, value.mark)
    assert f"({value.note}) score so far: 83% of the frames were answered before memory ran out" in table.footers
    assert "out of memory at frame 4" in " ".join(table.footers)


def test_where_every_video_ran_out_the_row_is_still_marked_with_its_score(rows_of, plan_cells, write_adapter):
    (row,) = rows_of(plan_cells(write_adapter(fault="memory", frame=4), videos=("aa",)))
    assert (0, {}, pytest.approx(4 / 6)) == (row.videos, row.scores, row.measures.coverage)
    assert row.measures.so_far
    assert row.frames_per_second is None


def test_a_row_that_went_through_has_no_coverage(rows_of, plan_cells, write_adapter):
    (row,) = rows_of(plan_cells(write_adapter()))
    assert (None, {}, "") == (row.measures.coverage, row.measures.so_far, row.measures.leaks)
    assert row.measures.energy_reason or row.measures.joules_per_frame
    assert "the method shows no network" == row.measures.operations_reason


def test_dropped_frames_are_counted_and_not_timed(rows_of, plan_cells, write_adapter):
    (row,) = rows_of(plan_cells(write_adapter(), videos=("aa",), mode=Mode(realtime=20.0)))
    assert (3, 6) == (row.measures.dropped, row.measures.frames)  # a step of 0.1 s lets every second frame go
    assert 10.0 == pytest.approx(row.frames_per_second)
    assert "in real time at 20 frames per second" in row.mode


def _frees_nothing(row):
    if not row.measures.leaks:
        pytest.skip("this C library has no mallinfo2")
    (table,) = build_tables([row], ORIGIN)
    return " ".join(table.footers)


def test_leaks_stand_beside_the_method(rows_of, plan_cells):
    settings = ("fake-leak.block_kib=4096", "fake-leak.every=1")
    (row,) = rows_of(plan_cells(methods=["fake-leak"], settings=settings))
    said = _frees_nothing(row)
    assert "leaks: close() left up to 4." in said
    assert f"MiB behind, in {row.videos} of {row.videos} videos" in said


def test_one_video_is_not_called_a_leak_but_told(rows_of, plan_cells):
    settings = ("fake-leak.block_kib=4096", "fake-leak.every=1")
    (row,) = rows_of(plan_cells(methods=["fake-leak"], videos=("aa",), settings=settings))
    said = _frees_nothing(row)
    assert "its only video left 4." in said
    assert "leaks:" not in said


def test_what_a_library_keeps_from_its_first_video_is_no_leak(rows_of, plan_cells, tmp_path):
    rows_of(plan_cells(methods=["echo"]))
    first, second = read_cells(Run(tmp_path / "run"))
    kept = dataclasses.replace(first.record.memory, before_open=0, after_last=8 * MIB, after_close=4 * MIB)
    first = dataclasses.replace(first, record=dataclasses.replace(first.record, memory=kept))
    assert kept.leaks
    assert "" == measures_of([first, second]).leaks
    assert "leaks: close() left up to 4.0 MiB behind, in 2 of 2 videos" == measures_of([first, first]).leaks


def test_every_part_of_the_mode_is_in_its_words(plan_cells):
    (plain, *_) = plan_cells(methods=["echo"])
    assert "fp32, cpu, 1 thread" == mode_of(plain)
    (spec, *_) = plan_cells(
        methods=["echo"], mode=Mode(one_core=True, realtime=30.0, memory_budget=3 << 29), max_frames=2
    )
    assert "fp32, cpu, 1 thread, one pinned core, in real time at 30 frames per second, within 1.5 GiB" == mode_of(spec)


def test_augmentations_and_size_are_in_the_words_of_the_mode(plan_cells):
    (spec, *_) = plan_cells(methods=["echo"])
    runtime = Runtime(device="cuda:1", precision="bf16", compile=True, threads=4, flip=True, scales=(1.0, 1.15))
    changed = dataclasses.replace(spec, runtime=runtime, mode=Mode(short_side=600))
    assert "bf16, cuda, compiled, short side 600, flip, scales 1 and 1.15" == mode_of(changed)


def test_energy_is_told_for_ten_minutes_at_30_frames_per_second():
    assert 10.0 == pytest.approx(Measures(joules_per_frame=2.0).wh_per_ten_minutes)
    assert Measures().wh_per_ten_minutes is None


def test_a_card_is_full_after_so_many_frames_or_never(row):
    growing = Growth(frames_100_to_200=None, tail=Slope(value=MIB, low=MIB, high=MIB), verdict="growing")
    bounded = Growth(frames_100_to_200=None, tail=Slope(value=0, low=0, high=0), verdict="bounded")
    held = Measures(held_bytes=1 << 30, held_frames=200)
    rows = [row("a", growth=growing, measures=held), row("b", growth=bounded, measures=held)]
    (table,) = build_tables(rows, ORIGIN, style="memory", card=find_graphics_memory("2 GiB"))
    index = [column.title for column in table.columns].index("frames to fill 2 GiB")
    first, second = (line.values[index] for line in table.lines)
    assert (200 + 1024, None, "never") == (first.number, second.number, second.text)
    assert any(f"({first.note}) extrapolated to 2 GiB from frame 200" in footer for footer in table.footers)


def test_a_row_of_an_adaptive_method_says_the_mean_scale_of_its_frames(made):
    for video, scales in (("aa", [1.0, 0.5, None]), ("bb", [0.9, 0.9, 0.9])):
        folder = made.add("sam2-lite@adaptive", title="SAM2-Lite@adaptive", video=video, frames=3)
        columns = {"seconds": [0.1] * 3, "live": [1.0] * 3, "trace.scale": scales, "trace.window": [8.0] * 3}
        write_frames(folder / FRAMES_FILE, ["00000", "00001", "00002"], columns)
    made.add("stcn")
    rows = method_rows(read_cells(made.run))
    assert [pytest.approx(4.2 / 5), None] == [row.measures.scale for row in rows]
    (table,) = build_tables(rows, ORIGIN)
    assert "SAM2-Lite@adaptive (adaptive, mean scale 0.84)" == table.lines[0].label
    assert "adaptive" not in table.lines[1].label
    (side_by_side,) = build_tables(rows, ORIGIN, style="methods")
    assert "(Tiny: adaptive, mean scale 0.84)" in side_by_side.lines[0].label


def test_rows_stand_in_the_order_of_the_numbers_in_their_labels(made):
    labels = ["stcn mem_every=2", "stcn mem_every=2.5", "stcn mem_every=12", "xmem"]
    for label in reversed(labels):
        made.add(label, title=label)
    assert labels == [row.label for row in method_rows(read_cells(made.run))]
