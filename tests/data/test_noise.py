"""Videos of random frames: any frame at any time, always the same one, and no file."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from vosbench.data.noise import NoiseVideo
from vosbench.data.opening import SuiteVideos
from vosbench.data.prompts import prompt_at
from vosbench.data.stream import FrameStream
from vosbench.data.suite import at_split, find_suite, load_suite
from vosbench.data.video import video_digest
from vosbench.errors import UsageError

SUITE = """\
schema: 1
name: noisy
title: Noisy
protocol: none
noise: {height: 24, width: 40, frames: [3, 12], objects: [1, 5]}
"""


@pytest.fixture
def videos(tmp_path):
    (tmp_path / "noisy.yaml").write_text(SUITE)
    return SuiteVideos(at_split(load_suite(tmp_path / "noisy.yaml"), "val"), Path("nowhere"), "val")


def test_a_frame_is_the_same_whenever_it_is_asked_for_and_no_two_are_alike():
    video = NoiseVideo(frames=9, objects=1, height=24, width=40)
    frames = [video.image(index) for index in (5, 0, 5)]
    assert np.array_equal(frames[0], frames[2])
    assert not np.array_equal(frames[0], frames[1])
    assert ((24, 40, 3), np.uint8, True) == (frames[0].shape, frames[0].dtype, frames[0].flags.writeable)
    assert 100 < frames[0].mean() < 155


@pytest.mark.parametrize("objects", [1, 2, 4, 8, 30])
def test_every_object_has_pixels(objects):
    mask = NoiseVideo(frames=1, objects=objects, height=48, width=91).mask()
    counts = np.bincount(mask.ravel())
    assert objects + 1 == counts.size
    assert counts.min() > 0


def test_there_is_a_video_for_each_number_of_frames_and_objects(videos):
    expected = ("frames-3-objects-1", "frames-3-objects-5", "frames-12-objects-1", "frames-12-objects-5")
    assert expected == videos.names
    lengths = [len(videos.open(name).names) for name in videos.names]
    assert [3, 3, 12, 12] == lengths
    assert 2 == len(videos.open("frames-12-objects-1", max_frames=2).names)


def test_a_stream_gives_the_frames_and_prompts_the_first(videos):
    video = videos.open("frames-12-objects-5")
    with FrameStream(video) as stream:
        frames = list(stream)
    assert [f"{index:05d}" for index in range(12)] == [frame.name for frame in frames]
    assert (1, 2, 3, 4, 5) == frames[0].prompt.ids
    assert [None] * 11 == [frame.prompt for frame in frames[1:]]
    assert np.array_equal(frames[7].image, video.noise.image(7))
    assert prompt_at(video, 3, frozenset()) is None


def test_length_objects_and_cut_are_in_the_digest(videos):
    digests = {video_digest(videos.open(name)) for name in videos.names}
    assert 4 == len(digests)
    assert video_digest(videos.open("frames-12-objects-1", max_frames=3)) == video_digest(
        videos.open("frames-3-objects-1")
    )


@pytest.mark.parametrize("wrong", ["objects: []", "objects: [0]", "frames: [0]", "objects: [256]", "width: 0"])
def test_random_frames_that_cannot_be_are_refused(tmp_path, wrong):
    key, _, value = wrong.partition(": ")
    noise = {"height": "24", "width": "40", "frames": "[3]", "objects": "[1]"} | {key: value}
    text = ", ".join(f"{name}: {entry}" for name, entry in noise.items())
    (tmp_path / "noisy.yaml").write_text(SUITE.rpartition("noise:")[0] + f"noise: {{{text}}}\n")
    with pytest.raises(UsageError, match="random frames need"):
        load_suite(tmp_path / "noisy.yaml")


@pytest.mark.parametrize(("name", "size"), [("throughput", (480, 910)), ("throughput-240", (240, 455))])
def test_the_suites_have_the_frames_and_objects_of_the_paper(name, size):
    suite, _ = find_suite(name)
    noise = suite.noise
    assert (size, (50, 500), (1, 2, 4, 8)) == ((noise.height, noise.width), noise.frames, noise.objects)
