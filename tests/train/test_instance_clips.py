"""Clips with categories: every instance is labelled, keeps its number, and no held-back video is trained on."""

from __future__ import annotations

import numpy as np
import pytest

from vosbench.data.synthetic import SyntheticVideo
from vosbench.data.synthetic_shapes import family_names
from vosbench.train.batches import Sampler, stacked
from vosbench.train.clips import Wish
from vosbench.train.drawn import FIRST_SEED as OTHER_TRAININGS
from vosbench.train.instance_clips import (
    EVERY,
    FIRST_SEED,
    HELD_BACK_VIDEOS,
    draw_instance_videos,
    held_back_scene,
    instance_clip,
    instance_scene,
)
from vosbench.train.library import Library
from vosbench.train.recipe import DataPlan, Shares

WISH = Wish(frames=2, height=64, width=64, gap=(1, 2))


@pytest.fixture(scope="module")
def videos():
    return draw_instance_videos(2, 4, 0)


def test_a_video_shows_every_third_frame_of_its_scene_with_the_categories_of_its_objects(videos):
    scene = instance_scene(1, 4 * EVERY, 0)
    source = SyntheticVideo(scene)
    assert np.array_equal(source.labels(2 * EVERY), videos[1].masks[2])
    assert [source.category(number) for number in range(1, scene.objects + 1)] == [
        family_names()[category] for category in videos[1].categories
    ]


def test_no_scene_holds_a_copy_that_nobody_labels():
    assert {0} == {instance_scene(number, 24, 1).distractors for number in range(20)}


def test_held_back_videos_stand_ins_and_trainings_have_seeds_of_their_own():
    held = {held_back_scene(number, 24).seed for number in range(HELD_BACK_VIDEOS)}
    trained = {instance_scene(number, 24, seed).seed for number in range(2000) for seed in (0, 1, 50)}
    assert not held & trained
    assert min(trained) >= FIRST_SEED > OTHER_TRAININGS + 10_000 * 100
    assert min(held) > max(trained)
    assert HELD_BACK_VIDEOS == len(held)


def test_a_clip_is_drawn_by_its_generator_alone(videos):
    one, other = (instance_clip(np.random.default_rng(5), WISH, videos) for _ in range(2))
    assert np.array_equal(one.images, other.images)
    assert np.array_equal(one.masks, other.masks)
    assert one.categories == other.categories
    assert one.origin == other.origin


def test_a_clip_keeps_the_numbers_of_all_objects_and_drops_specks(videos):
    for seed in range(20):
        clip = instance_clip(np.random.default_rng(seed), WISH, videos)
        assert clip.objects == len(clip.categories)
        assert clip.masks.max() <= clip.objects
        for mask in clip.masks:
            counts = np.bincount(mask.reshape(-1), minlength=clip.objects + 1)[1:]
            assert not ((counts > 0) & (counts < 12)).any()


def test_a_batch_hands_on_the_categories(videos):
    sampler = Sampler(DataPlan(shares=Shares(synthetic=1.0)), Library(photos=(), clips=()), videos, instances=True)
    clips = [sampler.clip(np.random.default_rng(seed), WISH) for seed in range(3)]
    assert tuple(clip.categories for clip in clips) == stacked(clips).categories
    assert all(clip.origin.startswith("instances ") for clip in clips)
