"""Synthetic videos: random access, exact masks, and each thing that a scene can ask for."""

from __future__ import annotations

import dataclasses

import cv2
import numpy as np
import pytest

from vosbench.data.synthetic import Absence, Scene, SyntheticVideo
from vosbench.digest import digest_array
from vosbench.errors import UsageError

SMALL = Scene(id="small", seed=3, height=96, width=160, length=400)
STILL_LIGHT = {"light": 0.0, "blur": 0.0, "noise": 0.0}


def areas(video: SyntheticVideo, index: int) -> list[int]:
    return np.bincount(video.labels(index).reshape(-1), minlength=video.scene.objects + 1).tolist()


def test_frame_and_labels_have_the_scenes_size_and_types() -> None:
    video = SyntheticVideo(dataclasses.replace(SMALL, height=33, width=47))
    assert ((33, 47, 3), np.uint8) == (video.frame(0).shape, video.frame(0).dtype)
    assert ((33, 47), np.uint8) == (video.labels(0).shape, video.labels(0).dtype)


def test_a_frame_is_the_same_whatever_was_asked_before() -> None:
    scene = dataclasses.replace(SMALL, cuts=(40, 90, 200), occlusion=0.2, distractors=1)
    wandering, fresh = SyntheticVideo(scene), SyntheticVideo(scene)
    for index in (399, 0, 250, 41, 95):
        wandering.frame(index)
    expected = fresh.frame(120), fresh.labels(120)
    np.testing.assert_array_equal(expected[0], wandering.frame(120))
    np.testing.assert_array_equal(expected[1], wandering.labels(120))


def test_a_frame_does_not_depend_on_the_length() -> None:
    longer = SyntheticVideo(dataclasses.replace(SMALL, length=100_000))
    np.testing.assert_array_equal(SyntheticVideo(SMALL).frame(7), longer.frame(7))
    assert longer.labels(99_999).shape == (96, 160)


def test_masks_are_the_same_bytes_on_every_machine() -> None:
    video = SyntheticVideo(dataclasses.replace(SMALL, occlusion=0.3, distractors=2, cuts=(100,), entries=(0, 0, 30)))
    digests = [digest_array(video.labels(index))[:12] for index in (0, 31, 150)]
    assert ["0cd989cd364f", "526e64a6a7ae", "7776c7dddf60"] == digests


def test_two_seeds_give_two_videos() -> None:
    first, second = (SyntheticVideo(dataclasses.replace(SMALL, seed=seed)) for seed in (1, 2))
    assert not np.array_equal(first.frame(0), second.frame(0))
    assert not np.array_equal(first.labels(0), second.labels(0))


def test_every_object_is_seen_at_frame_0_and_moves() -> None:
    for seed in range(6):
        video = SyntheticVideo(dataclasses.replace(SMALL, seed=seed))
        assert min(areas(video, 0)[1:]) > 30
        assert not np.array_equal(video.labels(0), video.labels(10))


def test_pictures_and_masks_agree() -> None:
    scene = dataclasses.replace(SMALL, objects=2, **STILL_LIGHT)
    with_objects = SyntheticVideo(scene)
    scenery = SyntheticVideo(dataclasses.replace(scene, objects=0))
    for index in (0, 60):
        mask = (with_objects.labels(index) > 0).astype(np.uint8)
        changed = np.abs(with_objects.frame(index).astype(int) - scenery.frame(index).astype(int)).max(axis=2)
        reach = cv2.dilate(mask, np.ones((19, 19), np.uint8)) > 0
        core = cv2.erode(mask, np.ones((3, 3), np.uint8)) > 0
        assert changed[~reach].max() == 0
        assert np.mean(changed[core] > 8) > 0.9


def test_surfaces_are_textured() -> None:
    video = SyntheticVideo(dataclasses.replace(SMALL, height=240, width=428, **STILL_LIGHT))
    picture, labels = video.frame(0), video.labels(0)
    for number in (0, 1, 2, 3):
        assert picture[labels == number].std(axis=0).max() > 12


def test_an_absent_object_is_gone_and_comes_back() -> None:
    absence = Absence(object=2, first=50, last=300)
    video = SyntheticVideo(dataclasses.replace(SMALL, absences=(absence,)))
    assert [0, 0, 0] == [areas(video, index)[2] for index in (50, 170, 300)]
    assert areas(video, 20)[2] > 30
    assert areas(video, 330)[2] > 30


def test_a_late_object_is_seen_from_its_frame_on() -> None:
    video = SyntheticVideo(dataclasses.replace(SMALL, entries=(0, 25)))
    assert 0 == areas(video, 24)[2]
    assert areas(video, 25)[2] > 30


def test_prompts_name_each_object_once_at_its_first_appearance() -> None:
    video = SyntheticVideo(dataclasses.replace(SMALL, entries=(0, 25, 25)))
    prompts = video.prompts()
    assert {0: (1,), 25: (2, 3)} == {index: prompt.ids for index, prompt in prompts.items()}
    labels = video.labels(25)
    np.testing.assert_array_equal(np.where(labels > 1, labels, 0), prompts[25].mask)


def test_an_object_too_small_to_be_seen_has_no_prompt() -> None:
    video = SyntheticVideo(dataclasses.replace(SMALL, length=5))
    assert {} == video.prompts(minimum_pixels=96 * 160)


def test_occlusion_is_about_the_share_of_time_in_which_an_object_is_covered() -> None:
    shares = []
    for occlusion in (0.2, 0.5, 0.8):
        covered = []
        for seed in range(4):
            scene = dataclasses.replace(SMALL, seed=seed, objects=1, length=600, speed=4.0)
            free, hidden = SyntheticVideo(scene), SyntheticVideo(dataclasses.replace(scene, occlusion=occlusion))
            covered += [areas(hidden, index)[1] < 0.9 * areas(free, index)[1] for index in range(0, 600, 15)]
        shares.append(float(np.mean(covered)))
    assert sorted(shares) == shares
    assert [0.2, 0.5, 0.8] == pytest.approx(shares, abs=0.15)


def test_distractors_look_alike_and_are_not_labelled() -> None:
    scene = dataclasses.replace(SMALL, objects=1, **STILL_LIGHT)
    plain, crowded = SyntheticVideo(scene), SyntheticVideo(dataclasses.replace(scene, distractors=3))
    assert {0, 1} == set(np.unique(crowded.labels(0)).tolist())
    assert set(zip(*np.nonzero(crowded.labels(0)), strict=True)) <= set(zip(*np.nonzero(plain.labels(0)), strict=True))
    assert np.mean(plain.frame(0) != crowded.frame(0)) > 0.01


def test_a_cut_changes_scenery_and_places() -> None:
    scene = dataclasses.replace(SMALL, cuts=(30,))
    cut, uncut = SyntheticVideo(scene), SyntheticVideo(SMALL)
    np.testing.assert_array_equal(uncut.frame(29), cut.frame(29))
    assert np.mean(uncut.frame(30) != cut.frame(30)) > 0.5
    assert not np.array_equal(uncut.labels(30), cut.labels(30))


def test_many_cuts_keep_a_bounded_number_of_sceneries() -> None:
    video = SyntheticVideo(dataclasses.replace(SMALL, height=32, width=48, cuts=tuple(range(1, 20))))
    for index in range(20):
        video.frame(index)
    assert len(video._canvases) <= 2
    assert len(video._stage._shots) <= 2


def test_size_and_speed_scale_the_objects_and_their_ways() -> None:
    small, large = (SyntheticVideo(dataclasses.replace(SMALL, objects=1, size=size)) for size in (0.2, 0.5))
    assert areas(large, 0)[1] > 3 * areas(small, 0)[1]
    still, fast = (SyntheticVideo(dataclasses.replace(SMALL, objects=1, speed=speed)) for speed in (0.0, 3.0))
    np.testing.assert_array_equal(still.labels(0), still.labels(300))
    assert np.mean(fast.labels(0) != fast.labels(4)) > 0.005


def test_more_than_255_objects_have_16_bit_labels() -> None:
    video = SyntheticVideo(Scene(id="many", seed=0, height=64, width=64, length=1, objects=300, size=0.05))
    assert np.uint16 == video.labels(0).dtype
    assert video.labels(0).max() > 255


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"height": 0}, "height"),
        ({"speed": -1.0}, "speed"),
        ({"objects": 0, "distractors": 1}, "distractors"),
        ({"objects": 70_000}, "16 bits"),
        ({"occlusion": 1.5}, "occlusion"),
        ({"size": 0.0}, "size"),
        ({"entries": (0, 0, 0, 0)}, "entries"),
        ({"cuts": (5, 5)}, "cuts"),
        ({"absences": (Absence(object=9, first=0, last=1),)}, "Absence"),
    ],
)
def test_an_impossible_scene_is_refused(change: dict[str, object], word: str) -> None:
    with pytest.raises(UsageError, match=word):
        SyntheticVideo(dataclasses.replace(SMALL, **change))


def test_a_frame_beyond_the_end_is_refused() -> None:
    with pytest.raises(UsageError, match="frame 400 does not exist"):
        SyntheticVideo(SMALL).frame(400)
