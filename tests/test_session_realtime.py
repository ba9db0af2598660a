"""The frame loop with a camera that does not wait."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from vosbench.contract import View
from vosbench.meters.camera import Camera
from vosbench.meters.device import CpuDevice
from vosbench.session import Ending, run_video
from vosbench.types import Frame, Instance, Prompt

VIEW = View(id="clip", height=4, width=6)
PROMPT = Prompt(ids=(1, 2, 3, 4, 5, 6), mask=np.ones((4, 6), np.uint8))


class Overwrites:
    """Answers with one array that each step writes anew."""

    def __init__(self, *, instances=False):
        self.labels = np.zeros((4, 6), np.uint8)
        self.instances = instances

    def open(self, _view):
        return self

    def step(self, frame):
        self.labels[:] = frame.index + 1
        if not self.instances:
            return self.labels
        self.mask = self.labels > 0
        return (Instance(track_id=1, category=frame.index + 1, score=1.0, mask=self.mask),)

    def finish(self):
        return None

    def close(self):
        self.labels = np.zeros((4, 6), np.uint8)


@pytest.fixture
def answered(monkeypatch):
    """Gives back a function that runs 6 frames on a camera of 10 a second, each step 0.15 s long."""
    moments = itertools.count(0, 150_000_000)
    monkeypatch.setattr("vosbench.meters.clock.time.perf_counter_ns", lambda: next(moments))

    def go(model, prompts=(0,)):
        image = np.zeros((4, 6, 3), np.uint8)
        frames = [Frame(index=i, name=str(i), image=image, prompt=PROMPT if i in prompts else None) for i in range(6)]
        answers = {}
        rows = run_video(
            model,
            VIEW,
            frames,
            CpuDevice(),
            core=False,
            harness_bytes=lambda: 0,
            answer=lambda frame, prediction: answers.setdefault(frame.index, prediction),
            camera=Camera(10.0),
        )
        return answers, [row for row in rows if not isinstance(row, Ending)]

    return go


def test_a_dropped_frame_has_the_answer_before_and_no_time(answered):
    answers, rows = answered(Overwrites())
    assert [False, True] * 3 == [row.dropped for row in rows]
    assert [0.15, 0.0] * 3 == [row.seconds for row in rows]
    assert list(range(6)) == [row.index for row in rows]
    assert sorted(answers) == list(range(6))


def test_the_answer_before_is_kept_from_what_the_method_writes_next(answered):
    answers, _ = answered(Overwrites())
    assert [1, 3, 5] == [answers[i][0, 0] for i in (1, 3, 5)]


def test_instances_are_repeated_as_well(answered):
    answers, _ = answered(Overwrites(instances=True))
    assert [1, 1, 3, 3, 5, 5] == [answers[i][0].category for i in range(6)]


def test_a_frame_that_brings_a_prompt_is_never_dropped(answered):
    _, rows = answered(Overwrites(), prompts=(0, 1, 2, 3))
    assert [False, False, False, False, True, True] == [row.dropped for row in rows]
