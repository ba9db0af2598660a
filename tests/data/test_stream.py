"""Frames in order with their prompts, decoded between steps only."""

from __future__ import annotations

import dataclasses
import threading

import numpy as np
import pytest

from vosbench.data import stream as stream_module
from vosbench.data.masks import write_mask
from vosbench.data.stream import AHEAD, FrameStream
from vosbench.data.suite import load_suite
from vosbench.data.video import open_video, read_frame
from vosbench.errors import DataError

LENGTH = 2 * AHEAD + 3


@pytest.fixture
def video(tiny, write_video):
    write_video(tiny.parent / "Tiny", "long", frames=LENGTH, objects=2)
    return open_video(load_suite(tiny), tiny.parent / "Tiny", "long")


@pytest.fixture
def decoded(monkeypatch):
    """Gives back the indices that were decoded so far."""
    seen = []

    def reading(video, index):
        frame = read_frame(video, index)
        seen.append(index)
        return frame

    monkeypatch.setattr(stream_module, "read_frame", reading)
    return seen


def test_every_frame_comes_once_in_order_as_it_is_on_disk(video):
    with FrameStream(video, threads=3) as stream:
        frames = list(stream)
    assert list(range(LENGTH)) == [frame.index for frame in frames]
    assert list(video.names) == [frame.name for frame in frames]
    assert all(np.array_equal(read_frame(video, frame.index).image, frame.image) for frame in frames)


def test_the_prompt_comes_with_the_first_frame(video):
    with FrameStream(video) as stream:
        prompts = [frame.prompt for frame in stream]
    assert (1, 2) == prompts[0].ids
    assert [None] * (LENGTH - 1) == prompts[1:]


def test_late_objects_come_with_their_frame_and_only_once(video, tiny):
    masks = tiny.parent / "Tiny" / "Annotations" / "long"
    for index in range(LENGTH):
        labels = np.zeros((32, 48), np.uint8)
        labels[:4] = 3
        labels[8:12] = 1 if index >= AHEAD + 2 else 0
        write_mask(masks / f"{index:05d}.png", labels)
    late = dataclasses.replace(video, layout=dataclasses.replace(video.layout, prompt="at-first-appearance"))
    with FrameStream(late) as stream:
        prompts = {frame.index: frame.prompt.ids for frame in stream if frame.prompt is not None}
    assert {0: (3,), AHEAD + 2: (1,)} == prompts


def test_decoding_happens_when_a_batch_is_used_up_and_never_between(video, decoded):
    with FrameStream(video) as stream:
        counts = [len(decoded) for _ in stream]
    expected = [min(LENGTH, AHEAD * (index // AHEAD + 1)) for index in range(LENGTH)]
    assert expected == counts


def test_no_thread_decodes_while_a_frame_is_out(video, monkeypatch):
    running = []

    def slow(video, index):
        running.append(index)
        frame = read_frame(video, index)
        threading.Event().wait(0.002)
        running.remove(index)
        return frame

    monkeypatch.setattr(stream_module, "read_frame", slow)
    with FrameStream(video, threads=4) as stream:
        assert [[]] * LENGTH == [list(running) for _ in stream]


def test_what_is_held_is_at_most_a_batch_and_is_told(video):
    one = 32 * 48 * 3
    with FrameStream(video) as stream:
        assert 0 == stream.held_bytes()
        held = [stream.held_bytes() for _ in stream]
    assert [one * (AHEAD - 1 - index % AHEAD) for index in range(2 * AHEAD)] == held[: 2 * AHEAD]
    assert [2 * one, one, 0] == held[2 * AHEAD :]


def test_nothing_is_held_after_the_stream_is_left(video):
    with FrameStream(video) as stream:
        next(iter(stream))
    assert 0 == stream.held_bytes()
    assert [] == [thread.name for thread in threading.enumerate() if thread.name.startswith("ThreadPoolExecutor")]


def test_a_frame_that_cannot_be_read_is_named(video):
    video.images[3].write_bytes(video.images[3].read_bytes()[:-300])
    with FrameStream(video) as stream, pytest.raises(DataError, match="ends early") as caught:
        list(stream)
    assert "00003.jpg" in caught.value.where


def test_frames_before_a_broken_one_are_given(video):
    video.images[3].write_bytes(b"")
    with FrameStream(video) as stream:
        frames = iter(stream)
        assert [0, 1, 2] == [next(frames).index for _ in range(3)]
        with pytest.raises(DataError, match="ends early"):
            next(frames)


def test_every_thread_is_there_before_the_first_frame_is_asked_for(video):
    before = threading.active_count()
    with FrameStream(video, threads=3) as stream:
        assert before + 3 == threading.active_count()
        next(iter(stream))
        assert before + 3 == threading.active_count()
    assert before == threading.active_count()
