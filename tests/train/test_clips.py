"""Clips: sizes, ids, motion, and the same clip for the same seed."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest
import torch

from vosbench.errors import UsageError
from vosbench.train.batches import Sampler, batches, draw_share, stacked
from vosbench.train.clips import TrainClip, Wish, composite_clip, draw_clip, photo_clip, real_clip
from vosbench.train.drawn import FIRST_SEED, draw_videos, scene_of
from vosbench.train.library import Photo, RealClip, read_library
from vosbench.train.recipe import DataPlan, HeldBack, Shares, StartPlan, generation, load_recipe

WISH = Wish(frames=4, height=32, width=48, objects=2, gap=(1, 2))


@pytest.fixture(scope="module")
def library(tiny_data):
    return read_library(tiny_data, HeldBack())


@pytest.fixture(scope="module")
def videos():
    return draw_videos(1, 6, 0)


def _sampler(library, videos, **shares):
    return Sampler(DataPlan(shares=Shares(**shares), objects=2), library, videos)


@pytest.mark.parametrize("source", ["real", "photo", "composite", "synthetic"])
def test_a_clip_shows_its_objects_from_the_first_frame_numbered_from_one(library, videos, source):
    sampler = _sampler(library, videos, **{source: 1.0})
    for seed in range(8):
        clip = sampler.clip(np.random.default_rng(seed), WISH)
        assert (4, 32, 48, 3) == clip.images.shape
        assert (4, 32, 48) == clip.masks.shape
        assert set(range(1, clip.objects + 1)) == set(np.unique(clip.masks[0])) - {0}
        assert clip.masks.max() <= clip.objects <= 2


@pytest.mark.parametrize("source", ["real", "photo", "composite", "synthetic"])
def test_a_seed_gives_the_same_clip(library, videos, source):
    sampler = _sampler(library, videos, **{source: 1.0})
    first, second, other = (sampler.clip(np.random.default_rng(seed), WISH) for seed in (5, 5, 6))
    np.testing.assert_array_equal(first.images, second.images)
    np.testing.assert_array_equal(first.masks, second.masks)
    assert not np.array_equal(first.images, other.images)


def test_one_object_is_given_where_one_is_wished(library):
    wish = Wish(frames=3, height=32, width=48, objects=1)
    clips = [photo_clip(np.random.default_rng(seed), wish, library.photos[0]) for seed in range(10)]
    assert {1} == {clip.objects for clip in clips if clip is not None}


def test_mask_and_image_move_together():
    mask = np.zeros((64, 96), np.uint8)
    mask[20:44, 30:66] = 1
    photo = Photo(name="p", source="s", image=np.repeat(mask[..., None] * np.uint8(200), 3, axis=2), mask=mask)
    wish = Wish(frames=3, height=64, width=96)
    shares = []
    for seed in range(6):
        clip = photo_clip(np.random.default_rng(seed), wish, photo)
        if clip is not None:
            bright = clip.images.mean(axis=3) > 100.0
            shares.append(np.mean(bright == (clip.masks > 0)))
    assert len(shares) > 2
    assert min(shares) > 0.93


def _numbered(length):
    """A clip whose frame n has the grey value 8 n and one object that fills the left half."""
    mask = np.zeros((32, 48), np.uint8)
    mask[:, :24] = 1
    images = tuple(np.full((32, 48, 3), 8 * number, np.uint8) for number in range(length))
    return RealClip(name="n", source="s", images=images, masks=(mask,) * length)


def _picked(clip):
    return [int(word) for word in clip.origin[clip.origin.index("[") + 1 : -1].split(",")]


@pytest.mark.parametrize(("length", "gap", "steps"), [(30, (2, 4), {2, 3, 4}), (5, (3, 3), {1}), (4, (1, 1), {1})])
def test_frames_of_a_real_clip_stand_the_gap_apart_or_as_far_as_the_clip_lets(length, gap, steps):
    wish = Wish(frames=4, height=32, width=48, gap=gap)
    ways = [
        _picked(draw_clip(np.random.default_rng(s), wish, lambda r, w: real_clip(r, w, [_numbered(length)])))
        for s in range(12)
    ]
    assert {abs(b - a) for way in ways for a, b in itertools.pairwise(way)} <= steps
    assert any(way[0] < way[-1] for way in ways)
    assert any(way[0] > way[-1] for way in ways)


def test_a_clip_shorter_than_wished_turns_back_at_its_ends():
    wish = Wish(frames=6, height=32, width=48, gap=(1, 1))
    clip = draw_clip(np.random.default_rng(0), wish, lambda r, w: real_clip(r, w, [_numbered(3)]))
    assert {0, 1, 2} == set(_picked(clip))


def _solid(name, value):
    """A photo with one object of 40 x 40 pixels, all of one grey value, over black."""
    mask = np.zeros((64, 96), np.uint8)
    mask[12:52, 28:68] = 1
    return Photo(name=name, source="s", image=np.repeat(mask[..., None] * np.uint8(value), 3, axis=2), mask=mask)


def test_what_a_composite_labels_is_what_it_shows():
    """Brightness tells the cut-outs apart whatever the light: 60 is the darker object, 230 the brighter."""
    wish = Wish(frames=3, height=64, width=96, objects=2)
    photos = [_solid("behind", 0), _solid("dark", 60), _solid("bright", 230)]
    clips = [composite_clip(np.random.default_rng(seed), wish, photos) for seed in range(30)]
    two = [clip for clip in clips if clip is not None and clip.objects == 2]
    assert len(two) > 5
    for clip in two:
        grey = clip.images[0].mean(axis=2)
        means = [float(np.median(grey[clip.masks[0] == number])) for number in (1, 2)]
        assert abs(means[0] - means[1]) > 40.0


def test_in_a_third_of_composites_the_object_behind_is_the_target():
    wish = Wish(frames=3, height=64, width=96, objects=2)
    photos = [_solid("behind", 250), _solid("front", 90)]
    clips = [composite_clip(np.random.default_rng(seed), wish, photos) for seed in range(60)]
    bright = [np.median(clip.images[0][clip.masks[0] == 1]) > 150.0 for clip in clips if clip is not None]
    assert 0.15 < np.mean(bright) < 0.55


def test_a_source_without_objects_still_gives_a_clip():
    clip = draw_clip(np.random.default_rng(0), WISH, lambda random, wish: None)
    assert ("ellipse", 1) == (clip.origin, clip.objects)
    assert {0, 1} == set(np.unique(clip.masks[0]))


@pytest.mark.parametrize(
    ("sources", "what"), [({"ccp": 0.5, "pascal": 0.5}, "comes from pascal"), ({"ccp": 0.0}, "has a share above 0")]
)
def test_photos_that_a_recipe_weighs_and_the_folder_lacks_are_missed(library, sources, what):
    photos = tuple(replace(photo, source="ccp") for photo in library.photos)
    plan = DataPlan(shares=Shares(photo=1.0), photo_sources=sources)
    with pytest.raises(UsageError, match=what) as caught:
        Sampler(plan, replace(library, photos=photos), ())
    assert "the folder holds ccp" in caught.value.fix


def test_a_batch_is_normalised_as_the_backbone_wants_it():
    grey = np.full((2, 16, 16, 3), 124, np.uint8)
    batch = stacked([TrainClip(origin="o", images=grey, masks=np.zeros((2, 16, 16), np.uint8), objects=1)])
    expected = [
        (124 / 255 - mean) / deviation
        for mean, deviation in zip((0.485, 0.456, 0.406), (0.229, 0.224, 0.225), strict=True)
    ]
    assert (1, 2, 3, 16, 16) == tuple(batch.images.shape)
    assert expected == pytest.approx(batch.images[0, 0, :, 0, 0].tolist(), abs=1e-5)


def test_the_batch_is_the_same_for_any_number_of_processes(tiny_recipe, library, videos):
    recipe = tiny_recipe()
    sampler = Sampler(recipe.data, library, videos)
    whole = draw_share(recipe, sampler, 7, rank=0, processes=1)
    parts = [draw_share(recipe, sampler, 7, rank=rank, processes=2) for rank in (0, 1)]
    assert whole.origins == (*parts[0].origins, *parts[1].origins)
    assert whole.images[2:].equal(parts[1].images)


class Spy:
    """Keeps what every clip may show, and the first number that it would be drawn with."""

    def __init__(self):
        self.heard = []

    def clip(self, random, wish):
        self.heard.append((wish.objects, random.random()))
        shape = (wish.frames, wish.height, wish.width)
        return TrainClip(origin="", images=np.zeros((*shape, 3), np.uint8), masks=np.zeros(shape, np.uint8), objects=1)


def test_whether_a_batch_may_show_several_objects_says_nothing_of_its_first_clip(tiny_recipe):
    """Both were drawn by one generator once: a batch of several objects always began with a filmed clip."""
    recipe, spy = tiny_recipe(), Spy()
    for seed in range(60):
        draw_share(replace(recipe, seed=seed), spy, 3, rank=0, processes=2)
    first = [number for objects, number in spy.heard if objects > 1]
    assert 15 < len(first) < 45
    assert min(first) < recipe.data.several < max(first)


def test_a_training_that_goes_on_from_another_draws_other_clips(tiny_recipe, library, videos, monkeypatch):
    recipe = tiny_recipe()
    sampler = Sampler(recipe.data, library, videos)
    further = replace(recipe, start=StartPlan(recipe="stcn-base"))
    alike = replace(recipe, start=StartPlan(recipe="deaot-base"))
    first, second, third = (draw_share(one, sampler, 3, rank=0, processes=1).images for one in (recipe, further, alike))
    assert not torch.equal(first, second)
    assert torch.equal(second, third)
    assert (0, 1, 3) == tuple(generation(one) for one in (recipe, further, load_recipe("stcn-all-clips")))


def test_batches_are_those_of_the_iterations_left(tiny_recipe, library, videos):
    recipe = tiny_recipe()
    sampler = Sampler(recipe.data, library, videos)
    left = [batch.origins for batch in batches(recipe, sampler, 7)]
    assert [draw_share(recipe, sampler, step, rank=0, processes=1).origins for step in (7, 8, 9)] == left


def test_synthetic_videos_to_train_on_are_no_suite_s(shared_seeds=range(1000, 2000)):
    scenes = [scene_of(number, 24, 0) for number in range(50)]
    assert min(scene.seed for scene in scenes) >= FIRST_SEED > max(shared_seeds)
    assert 50 == len({scene.seed for scene in scenes})
    assert any(scene.absences for scene in scenes)
    assert any(scene.objects > 1 for scene in scenes)
