"""The options of ``vosbench run`` that say how methods are computed and measured."""

from __future__ import annotations

import csv
import dataclasses
from pathlib import Path

import pytest

from vosbench.cli.measuring import device_of
from vosbench.errors import UsageError
from vosbench.store.frames import read_frames
from vosbench.store.run import FRAMES_FILE, MASKS_FOLDER, Run


def test_modes_and_minimum_reach_the_record_and_passes_the_tables(run_tiny):
    said = run_tiny(
        "echo", "--profile", "one-core", "--realtime", 1000, "--memory-budget", 64, "--repeats", 2, "--seed", 5,
        "--min-frames", 3, "--min-seconds", 0, "--videos", "aa",
    )  # fmt: skip
    assert (0, "") == (said.status, said.err)
    (_, record), (_, second) = Run(Path("run")).records()
    spec = record.spec
    assert (True, 1000.0, 64 << 30) == (spec.mode.one_core, spec.mode.realtime, spec.mode.memory_budget)
    assert ("cpu", 1, 5) == (spec.runtime.device, spec.runtime.threads, spec.runtime.seed)
    assert ((3, 0.0), {0, 1}) == ((spec.minimum.frames, spec.minimum.seconds), {spec.repeat, second.spec.repeat})
    assert "one pinned core, in real time at 1000 frames per second, within 64 GiB" in said.out
    (speed,) = csv.DictReader(Path("run/tables/tiny-speed.csv").read_text().splitlines())
    assert float(speed["frames_per_second_low"]) < float(speed["frames_per_second_high"])
    assert {"median_ms", "p90_ms", "p99_ms", "dropped_frames"} <= speed.keys()
    (memory,) = csv.DictReader(Path("run/tables/tiny-memory.csv").read_text().splitlines())
    assert {"after_load_mib", "allocated_mib", "reserved_mib", "host_mib", "growth_mib_per_minute"} <= memory.keys()


def test_a_method_that_ran_out_of_memory_has_a_marked_row_with_its_score_so_far(run_tiny, write_adapter):
    adapter = write_adapter(fault="memory", frame=4)
    said = run_tiny("mine", "--videos", "aa", "--memory-budget", 64, adapters=(adapter,))
    assert 1 == said.status
    assert "aa: out of memory at frame 4" in said.out
    assert "score so far: 67% of the frames were answered before memory ran out" in said.out
    row = Path("run/tables/tiny.csv").read_text().splitlines()[1]
    assert float(row.split(",")[2]) > 10


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--size", "480"], "'echo' has no setting for the size at which it sees frames"),
        (["--flip"], "'echo' gives no probabilities that could be averaged"),
        (["--scales", "1,1.3"], "'echo' gives no probabilities that could be averaged"),
        (["--scales", "1,large"], "--scales 1,large: expected numbers"),
        (["--scales", "0"], "a factor lies between 0.1 and 10"),
        (["--profile", "one-core", "--threads", "2"], "--profile one-core: device cpu with 2 threads"),
    ],
)
def test_what_cannot_be_is_refused_before_anything_runs(run_tiny, options, message):
    said = run_tiny("echo", *options)
    assert (False, True) == (said.status == 0, message in " ".join(said.err.split()))
    assert not list(Run(Path("run")).records())


def test_the_help_tells_every_option(vosbench):
    said = vosbench("run", "--help")
    assert 0 == said.status
    for option in (
        "--repeats", "--seed", "--precision", "--compile", "--threads", "--size", "--flip", "--scales", "--profile",
        "--realtime", "--memory-budget", "--core", "--warm-up", "--min-seconds", "--min-frames",
    ):  # fmt: skip
        assert option in said.out


def test_a_card_belongs_to_the_memory_table(vosbench, run_tiny):
    assert 0 == run_tiny("echo", "--videos", "aa").status
    assert "add --style memory" in vosbench("table", "run", "--card", "24GiB").err
    assert "--card RTX 9999: not known" in vosbench("table", "run", "--style", "memory", "--card", "RTX 9999").err
    assert 0 == vosbench("table", "run", "--style", "memory", "--card", "24GiB").status


def test_out_of_memory_is_a_result_with_what_was_answered(run_tiny):
    large = ("--set", f"fake-linear.block_kib={256 << 10}", "--memory-budget", 1)
    said = run_tiny("fake-linear", "--videos", "aa", *large)
    ((folder, record),) = Run(Path("run")).records()
    answered = record.outcome.frame
    assert ("oom", 6) == (record.outcome.status, record.video_frames)
    assert 1 <= answered == record.frames <= 4
    assert answered == len(list((folder / MASKS_FOLDER).iterdir()))
    assert answered == len(read_frames(folder / FRAMES_FILE).names)
    assert f"out of memory at frame {answered}" in said.out


def test_a_driver_that_failed_is_not_taken_for_a_machine_without_cards(machine):
    broken = dataclasses.replace(machine, gpus=(), card_trouble="NVML cannot be asked: version mismatch")
    with pytest.raises(UsageError, match="--device cuda:0: NVML cannot be asked: version mismatch"):
        device_of("cuda", broken)
    with pytest.raises(UsageError, match="this machine has 0 NVIDIA cards"):
        device_of("cuda", dataclasses.replace(broken, card_trouble=""))


@pytest.mark.parametrize("option", ["--memory-budget", "--realtime", "--min-seconds"])
@pytest.mark.parametrize("value", ["inf", "nan"])
def test_what_is_no_finite_number_is_refused(vosbench, option, value):
    said = vosbench("run", "--suite", "davis2016", "--methods", "null", option, value)
    assert 2 == said.status
    assert f"{option} {value}: expected a finite number" in said.err


def test_a_check_refuses_a_device_that_is_not_there(vosbench):
    said = vosbench("check", "null", "--device", "gpu")
    assert 2 == said.status
    assert "--device gpu: not known" in said.err
