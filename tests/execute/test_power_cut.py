"""A run that is killed at random times: nothing torn, nothing lost, and the same command completes it."""

from __future__ import annotations

import json
import random
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from vosbench.data.masks import read_mask
from vosbench.store.frames import read_frames
from vosbench.store.run import FRAMES_FILE, MASKS_FOLDER, RECORD_FILE, Run

VOSBENCH = [sys.executable, "-c", "from vosbench.cli import main; main()"]
FRAMES = 3
LONGEST = 0.3
"""Seconds from a run's first sign of life to the kill, at most: a cell takes some hundredths."""


@pytest.fixture
def command(clean_environment, write_video, write_adapter):
    """Gives back a function that makes the command of a run over many small videos."""

    def make(videos, out):
        root = clean_environment / "Many"
        for index in range(videos):
            write_video(root, f"v{index:03d}", frames=FRAMES, height=24, width=32)
        suite = clean_environment / "many.yaml"
        suite.write_text("schema: 1\nname: many\ntitle: Many\nprotocol: davis2017-semi\nlayout: {roots: [Many]}\n")
        named = ["--suite", suite, "--data", clean_environment, "--adapter", write_adapter(), "--methods", "mine"]
        fixed = ["--out", out, "--threads", "1", "--warm-up", "0"]
        return [*VOSBENCH, "run", *map(str, [*named, *fixed])]

    return make


def _records(out):
    return sorted(out.glob(f"*/*/*/{RECORD_FILE}"))


def _check_whole(path):
    """A record that is there is whole, with its series and every mask."""
    assert "ok" == json.loads(path.read_bytes())["outcome"]["status"]
    assert FRAMES == len(read_frames(path.parent / FRAMES_FILE).names)
    masks = sorted((path.parent / MASKS_FOLDER).iterdir())
    assert [f"{index:05d}.png" for index in range(FRAMES)] == [mask.name for mask in masks]
    assert all(np.any(read_mask(mask)) for mask in masks)


def _cut(command, out, journal, delay):
    """Start the run, and kill it ``delay`` seconds after it answered its first frame; True where it was still going."""
    before = journal.stat().st_size if journal.is_file() else 0
    with (out.parent / "said").open("wb") as said:
        process = subprocess.Popen(command, stdout=said, stderr=subprocess.STDOUT)
    while process.poll() is None and (not journal.is_file() or journal.stat().st_size == before):
        time.sleep(0.005)
    time.sleep(delay)
    going = process.poll() is None
    process.send_signal(signal.SIGKILL)
    process.wait()
    return going


def test_power_cuts_tear_and_lose_nothing_and_the_same_command_completes(command, tmp_path, request, steps):
    cuts = request.config.getoption("power_cuts")
    out, journal, draw = tmp_path / "run", tmp_path / "mine.journal", random.Random(0)
    line = command(12 * cuts, out)
    known: dict[str, int] = {}
    survived = 0
    for _ in range(cuts):
        survived += _cut(line, out, journal, draw.uniform(0, LONGEST))
        time.sleep(0.05)  # the system ends the cell right after its run
        found = _records(out)
        assert known == {str(path): path.stat().st_mtime_ns for path in found if str(path) in known}
        for path in found:
            if str(path) not in known:
                _check_whole(path)
                known[str(path)] = path.stat().st_mtime_ns
    assert survived > cuts // 2
    done = subprocess.run(line, capture_output=True, check=False)
    assert 0 == done.returncode, done.stderr.decode()
    records = list(Run(out).records())
    assert 12 * cuts == len(records)
    assert 12 * cuts == len({record.spec.video for _, record in records})
    assert set(known) <= {str(folder / RECORD_FILE) for folder, _ in records}
    finished = [entry for entry in steps() if entry.endswith(f" {FRAMES - 1}")]
    assert len(finished) <= 12 * cuts + cuts  # a cut costs the cell in flight, and no other
