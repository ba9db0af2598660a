"""A camera that does not wait."""

from __future__ import annotations

import numpy as np
import pytest

from vosbench.meters.camera import Camera
from vosbench.types import Frame, Prompt

IMAGE = np.zeros((2, 2, 3), np.uint8)
PROMPT = Prompt(ids=(1,), mask=np.ones((2, 2), np.uint8))


def _frame(index, *, prompted=False):
    return Frame(index=index, name=str(index), image=IMAGE, prompt=PROMPT if prompted else None)


def _computed(rate, seconds, frames, prompts=(0,)):
    """The indices of the frames that are computed where every step takes ``seconds``."""
    camera, computed = Camera(rate), []
    for index in range(frames):
        frame = _frame(index, prompted=index in prompts)
        if not camera.drops(frame):
            computed.append(index)
            camera.took(frame, seconds)
    return computed


def test_a_method_that_keeps_up_drops_nothing():
    assert list(range(8)) == _computed(10, 0.09, 8)


def test_a_step_that_ends_as_the_next_frame_comes_is_in_time():
    assert list(range(4)) == _computed(8, 0.125, 4)


@pytest.mark.parametrize(("seconds", "every"), [(0.11, 2), (0.19, 2), (0.21, 3), (0.55, 6)])
def test_a_slow_method_computes_every_nth_frame(seconds, every):
    assert list(range(0, 24, every)) == _computed(10, seconds, 24)


def test_a_frame_with_a_prompt_waits_and_delays_what_follows():
    # frame 0 until 0.25, frame 1 waits until then and takes until 0.5, frame 5 comes at 0.5
    assert [0, 1, 5] == _computed(10, 0.25, 7, prompts=(0, 1))


def test_idle_time_is_not_saved_up():
    camera = Camera(10)
    camera.took(_frame(0), 0.01)
    camera.took(_frame(5), 0.15)
    assert camera.drops(_frame(6))
    assert not camera.drops(_frame(7))
