"""Kernel association and reuse."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from vosbench.adapters.mobileinst import load
from vosbench.adapters.mobileinst.model import architecture
from vosbench.adapters.mobileinst.session import answered, maskness, padded_geometry
from vosbench.adapters.mobileinst.settings import MobileInstSettings
from vosbench.adapters.mobileinst.tracks import Tracks
from vosbench.contract import Runtime, View, Weights
from vosbench.errors import AdapterError, UsageError
from vosbench.types import Frame, Prompt

CATEGORIES = {3: "cat", 5: "dog", 9: "owl"}
SETTINGS = {"backbone": "topformer-tiny", "num_queries": 6, "categories": 3, "size": 64, "mask_threshold": 0.45}


def _tracks(association="one-to-one", kernel_memory=0.0):
    return Tracks(association=association, kernel_memory=kernel_memory)


@pytest.mark.parametrize("association", ["one-to-one", "greedy"])
def test_exchanging_queries_between_keyframes_changes_nothing(association):
    generator = torch.Generator().manual_seed(1)
    kernels, scores = torch.randn(8, 16, generator=generator), torch.rand(8, 4, generator=generator)
    later = kernels + 0.01 * torch.randn(8, 16, generator=generator)
    order = torch.randperm(8, generator=generator)
    straight, exchanged = _tracks(association), _tracks(association)
    for tracks in (straight, exchanged):
        tracks.update(kernels, scores)
    straight.update(later, scores)
    assert torch.argsort(order).tolist() == exchanged.update(later[order], scores[order]).tolist()
    assert torch.equal(straight.kernels, exchanged.kernels)
    assert straight.best(3) == exchanged.best(3)


def test_one_to_one_finds_the_best_assignment_where_greedy_does_not():
    first = torch.eye(2)
    # Both new kernels resemble the first track; the best pair alone would leave the second with nothing like it.
    later = torch.tensor([[0.9, 0.8], [1.0, 0.0]])
    best, greedy = _tracks(), _tracks("greedy")
    for tracks in (best, greedy):
        tracks.update(first, torch.zeros(2, 1))
    assert [1, 0] == best.update(later, torch.zeros(2, 1)).tolist()
    assert [1, 0] == greedy.update(later, torch.zeros(2, 1)).tolist()
    crossed = torch.tensor([[1.0, 1.0], [0.8, 0.6]])
    best.update(first, torch.zeros(2, 1))
    greedy.update(first, torch.zeros(2, 1))
    assert [1, 0] == best.update(crossed, torch.zeros(2, 1)).tolist()


def test_scores_are_means_over_keyframes_and_ties_go_to_the_lower_number():
    tracks = _tracks()
    tracks.update(torch.eye(3), torch.tensor([[0.2, 0.8], [0.4, 0.4], [0.0, 0.6]]))
    tracks.update(torch.eye(3), torch.tensor([[0.6, 0.4], [0.4, 0.4], [0.0, 0.6]]))
    expected = [(0, 1, 0.6), (2, 1, 0.6), (1, 0, 0.4)]
    assert [(track, category) for track, category, _ in expected] == [(s.track, s.category) for s in tracks.best(5)]
    assert [score for *_, score in expected] == pytest.approx([standing.score for standing in tracks.best(5)])
    assert [0.4, 0.6, 0.4] == pytest.approx([standing.now for standing in tracks.best(5)])


class _Reads(TorchDispatchMode):
    """Counts the numbers that are read from a tensor one by one, each a wait for the device."""

    count = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        self.count += func is torch.ops.aten._local_scalar_dense.default
        return func(*args, **(kwargs or {}))


@pytest.mark.parametrize("inference", ["video", "image"])
def test_a_frame_between_keyframes_reads_no_number_by_itself(inference):
    settings = MobileInstSettings(**SETTINGS, inference=inference, reuse=3)
    session = load(Runtime(), Weights(kind="random", seed=3), settings).open(_view())
    counts = []
    for frame in _frames(3):
        with _Reads() as reads:
            assert session.step(frame)
        counts.append(reads.count)
    assert 0 == counts[1] == counts[2]
    assert counts[0] <= 1, "whether the answer is finite"


def test_kernel_memory_compares_with_older_kernels_but_segments_with_the_new():
    tracks = _tracks(kernel_memory=0.5)
    first, second = torch.eye(2), torch.tensor([[1.0, 0.2], [0.2, 1.0]])
    tracks.update(first, torch.zeros(2, 1))
    tracks.update(second, torch.zeros(2, 1))
    assert torch.equal(second, tracks.kernels)
    assert 2 * 2 * 2 * 4 == tracks.footprint()["kernels"]


def test_the_longer_side_is_bounded_and_sides_are_padded_below_and_right():
    place = padded_geometry(480, 1152, 360, 640)
    assert (267, 640) == (place.network_height, place.network_width)
    assert (320, 640) == place.padded
    assert (0, 0, 0, 53) == place.padding


@pytest.fixture(scope="module")
def model():
    return load(Runtime(), Weights(kind="random", seed=3), MobileInstSettings(**SETTINGS, reuse=3))


def _frames(count, prompts=None):
    generator = np.random.default_rng(0)
    image = generator.integers(0, 255, (96, 128, 3), dtype=np.uint8)
    return [
        Frame(index=index, name=f"{index:05d}", image=np.roll(image, index, axis=1), prompt=(prompts or {}).get(index))
        for index in range(count)
    ]


def _view(task="vis", categories=CATEGORIES):
    return View(id="video", height=96, width=128, task=task, categories=categories)


def test_instances_name_the_suites_categories_and_keyframes_come_every_third_frame(model):
    session = model.open(_view())
    keyframes = []
    for frame in _frames(5):
        instances = session.step(frame)
        assert {instance.category for instance in instances} <= set(CATEGORIES)
        assert all(instance.mask.shape == (96, 128) and instance.mask.any() for instance in instances)
        keyframes.append(session.trace()["keyframe"])
    assert [1, 0, 0, 1, 0] == keyframes
    final = session.finish()
    assert 6 == len(final)
    assert sorted((track.score for track in final), reverse=True) == [track.score for track in final]


def test_one_frame_is_enough_for_tracks(model):
    session = model.open(_view())
    session.step(_frames(1)[0])
    assert 6 == len(session.finish())


def test_maskness_is_the_mean_probability_of_a_maps_own_pixels():
    maps = torch.tensor([[[0.9, 0.5], [0.4, 0.1]], [[0.2, 0.1], [0.3, 0.4]]])
    assert [0.7, 0.0] == pytest.approx(maskness(maps, 0.45))


def test_an_image_is_answered_by_every_query_whose_score_counts_with_its_maskness():
    weights = Weights(kind="random", seed=3)
    view, (frame,) = _view(), _frames(1)
    of_video = load(Runtime(), weights, MobileInstSettings(**SETTINGS)).open(view)
    of_image = load(Runtime(), weights, MobileInstSettings(**SETTINGS, inference="image", tracks=2)).open(view)
    plain = {one.track_id: one for one in of_video.step(frame)}
    found = of_image.step(frame)
    assert plain.keys() == {one.track_id for one in found}
    for one in found:
        assert np.array_equal(plain[one.track_id].mask, one.mask)
        assert 0.45 < one.score / plain[one.track_id].score < 1.0
    assert of_image.finish() is None


def test_a_prompted_frame_is_a_keyframe_and_its_pixels_are_the_given_ones(model):
    mask = np.zeros((96, 128), np.uint8)
    mask[10:40, 20:60] = 7
    prompts = {0: Prompt(ids=(7,), mask=mask), 2: Prompt(ids=(4,), mask=np.roll(mask, 30, axis=1) // 7 * 4)}
    session = model.open(_view(task="vos"))
    keyframes = []
    for frame in _frames(4, prompts):
        labels = session.step(frame)
        keyframes.append(session.trace()["keyframe"])
        if frame.prompt is not None:
            assert np.array_equal(frame.prompt.mask > 0, labels == frame.prompt.ids[0])
    assert [1, 0, 1, 0] == keyframes
    assert session.finish() is None


def test_more_objects_than_queries_are_refused(model):
    mask = np.repeat(np.arange(1, 9, dtype=np.uint8), 16)[None].repeat(96, axis=0)
    session = model.open(_view(task="vos"))
    with pytest.raises(AdapterError, match="8 objects enter and only 6 of 6 queries are free"):
        session.step(_frames(1, {0: Prompt(ids=tuple(range(1, 9)), mask=mask)})[0])


def test_a_suite_with_other_categories_is_refused_but_for_random_weights(model):
    fewer, more = _view(categories={7: "cat"}), _view(categories=dict.fromkeys(range(4), "cat"))
    with pytest.raises(AdapterError, match="the head knows 3 categories, the suite has 1"):
        answered(fewer, MobileInstSettings(**SETTINGS))
    with pytest.raises(AdapterError, match="the head knows 3 categories, the suite has 4"):
        model.open(more)
    assert {7} == {instance.category for instance in model.open(fewer).step(_frames(1)[0])}


def test_named_classes_answer_the_suites_categories_of_those_names_alone():
    view = _view(categories={7: "dog", 9: "cat", 11: "boat"})
    settings = MobileInstSettings(**SETTINGS, category_names="cat, horse, dog")
    assert ((2, 0), (7, 9)) == answered(view, settings)
    session = load(Runtime(), Weights(kind="random", seed=3), settings).open(view)
    assert {instance.category for instance in session.step(_frames(1)[0])} <= {7, 9}
    assert {track.category for track in session.finish()} <= {7, 9}


@pytest.mark.parametrize(
    ("names", "what"),
    [("cat,horse,dog", "the suite has none of them"), ("cat,dog", "knows 3 categories, their names are 2")],
)
def test_names_that_fit_nothing_are_refused(names, what):
    with pytest.raises(AdapterError, match=what):
        answered(_view(categories={1: "boat"}), MobileInstSettings(**SETTINGS, category_names=names))


def test_a_video_without_any_found_pixel_has_no_tracks():
    settings = MobileInstSettings(**{**SETTINGS, "mask_threshold": 1.0})
    session = load(Runtime(), Weights(kind="random", seed=3), settings).open(_view())
    assert [(), ()] == [session.step(frame) for frame in _frames(2)]
    assert () == session.finish()


@pytest.mark.parametrize("size", [(5, 7), (6, 400), (300, 4)])
def test_very_small_and_very_wide_frames_are_answered_at_their_size(model, size):
    session = model.open(View(id="video", height=size[0], width=size[1], task="vis", categories=CATEGORIES))
    image = np.random.default_rng(0).integers(0, 255, (*size, 3), dtype=np.uint8)
    for instance in session.step(Frame(index=0, name="0", image=image)):
        assert size == instance.mask.shape


def test_a_width_that_the_heads_cannot_share_is_refused():
    with pytest.raises(UsageError, match="hidden_dim is 60"):
        architecture(MobileInstSettings(hidden_dim=60))


def test_a_track_is_left_out_where_its_keyframe_scores_it_lower_than_presence():
    weights = Weights(kind="random", seed=3)
    every = load(Runtime(), weights, MobileInstSettings(**SETTINGS)).open(_view())
    answered_all = every.step(_frames(1)[0])
    bound = sorted(instance.score for instance in answered_all)[len(answered_all) // 2]
    some = load(Runtime(), weights, MobileInstSettings(**SETTINGS, presence=bound)).open(_view())
    expected = [instance.track_id for instance in answered_all if instance.score >= bound]
    assert expected == [instance.track_id for instance in some.step(_frames(1)[0])]
    assert 0 < len(expected) < len(answered_all)
    assert set(expected) == {track.track_id for track in some.finish()}
