"""A video on disk: frames, truth, prompts and digest."""

from __future__ import annotations

import dataclasses
import shutil

import cv2
import numpy as np
import pytest

from vosbench.data.masks import write_mask
from vosbench.data.prompts import prompt_at
from vosbench.data.suite import load_suite
from vosbench.data.video import open_video, read_frame, read_truth, video_digest
from vosbench.errors import DataError


@pytest.fixture
def root(tiny):
    return tiny.parent / "Tiny"


@pytest.fixture
def opened(tiny, root):
    """Gives back a function that opens a video of the tiny suite, its layout changed."""

    def go(name="bb", *, max_frames=None, times=1, **layout):
        suite = load_suite(tiny)
        changed = dataclasses.replace(suite, layout=dataclasses.replace(suite.layout, **layout), times=times)
        return open_video(changed, root, name, max_frames=max_frames)

    return go


def _labels(*ids, shape=(32, 48)):
    labels = np.zeros(shape, np.uint8)
    for place, number in enumerate(ids):
        labels[2 * place : 2 * place + 2] = number
    return labels


def test_a_video_has_its_frames_in_order_and_their_size(opened, root):
    video = opened()
    assert tuple(f"{i:05d}" for i in range(6)) == video.names
    assert root / "JPEGImages" / "bb" / "00003.jpg" == video.images[3]
    assert (32, 48) == (video.height, video.width)
    assert ("bb", 32, 48, None) == (video.view.id, video.view.height, video.view.width, video.view.fps)
    frame = read_frame(video, 2)
    assert (2, "00002", None, (32, 48, 3)) == (frame.index, frame.name, frame.prompt, frame.image.shape)


def test_a_view_tells_neither_length_nor_truth(opened):
    assert {"id", "height", "width", "fps", "task", "categories"} == {
        field.name for field in dataclasses.fields(opened().view)
    }


def test_a_video_is_cut_to_its_first_frames(opened):
    video = opened(max_frames=2)
    assert ("00000", "00001") == video.names == tuple(video.masks)
    assert 2 == len(video.images)


def test_a_video_played_twice_comes_back_and_keeps_its_truth(opened):
    once, twice = opened(), opened(times=2)
    assert tuple(f"{i:05d}" for i in range(12)) == twice.names
    assert once.images + once.images[::-1] == twice.images
    assert np.array_equal(read_truth(once, "00004"), read_truth(twice, "00007"))
    assert 4 == len(opened(times=2, max_frames=4).names)


def test_hidden_and_other_files_are_passed_over(opened, root):
    for name in (".00000.jpg", "Thumbs.db", "notes.txt"):
        (root / "JPEGImages" / "bb" / name).write_bytes(b"x")
    (root / "Annotations" / "bb" / ".00001.png.tmp").write_bytes(b"x")
    assert 6 == len(opened().names)


@pytest.mark.parametrize("folder", ["JPEGImages", "Annotations"])
def test_a_missing_folder_is_an_error(opened, root, folder):
    shutil.rmtree(root / folder / "bb")
    with pytest.raises(DataError, match="there is no folder of") as caught:
        opened()
    assert "suite tiny, video bb" in caught.value.where


def test_an_empty_folder_of_frames_is_an_error(opened, root):
    for folder in ("JPEGImages", "Annotations"):
        shutil.rmtree(root / folder / "bb")
        (root / folder / "bb").mkdir()
    with pytest.raises(DataError, match="the folder holds no frames"):
        opened()


def test_two_frames_of_one_stem_are_an_error(opened, root):
    shutil.copy(root / "JPEGImages" / "bb" / "00002.jpg", root / "JPEGImages" / "bb" / "00002.png")
    with pytest.raises(DataError, match=r"two frames have the stem 00002: 00002\.jpg and 00002\.png"):
        opened()


def test_numbers_of_different_lengths_are_an_error_as_10_would_play_before_2(opened, root):
    for folder, suffix in (("JPEGImages", ".jpg"), ("Annotations", ".png")):
        for index in range(6):
            path = root / folder / "bb" / f"{index:05d}{suffix}"
            path.rename(path.with_stem(str(index + 5)))
    with pytest.raises(DataError, match="numbers of different lengths, from 5 to 10") as caught:
        opened()
    assert "pad the names of frames and masks: 00001" == caught.value.fix
    for path in [*(root / "JPEGImages" / "bb").iterdir(), *(root / "Annotations" / "bb").iterdir()]:
        path.rename(path.with_stem(f"frame{path.stem}"))  # whatever else they are called, their names are the order
    assert "frame10" == opened().names[0]


def test_a_mask_without_a_frame_is_an_error(opened, root):
    (root / "JPEGImages" / "bb" / "00004.jpg").unlink()
    with pytest.raises(DataError, match="1 masks have no frame, the first is 00004"):
        opened()


def test_a_first_frame_without_a_mask_is_an_error_where_it_prompts(opened, root):
    (root / "Annotations" / "bb" / "00000.png").unlink()
    with pytest.raises(DataError, match="the first frame has no mask") as caught:
        opened()
    assert "Annotations/bb/00000.png" in caught.value.where
    assert "00000" not in opened(prompt="at-first-appearance").masks


def test_a_frame_without_a_mask_is_an_error_where_the_data_set_has_all(opened, root):
    for name in ("00002", "00004"):
        (root / "Annotations" / "bb" / f"{name}.png").unlink()
    assert 4 == len(opened().masks)
    with pytest.raises(DataError, match="2 of 6 frames have no mask, the first is 00002") as caught:
        opened(dense_masks=True)
    assert "Annotations/bb/00002.png" in caught.value.where
    for name in ("00002", "00004"):
        (root / "JPEGImages" / "bb" / f"{name}.jpg").unlink()
    assert 4 == len(opened(dense_masks=True).names)


def test_a_frame_of_another_size_is_an_error(opened, root):
    cv2.imwrite(str(root / "JPEGImages" / "bb" / "00003.jpg"), np.zeros((30, 48, 3), np.uint8))
    with pytest.raises(DataError, match="the frame is 48 x 30, the first 48 x 32") as caught:
        read_frame(opened(), 3)
    assert "video bb, frame 3 (00003)" in caught.value.where


def test_a_truncated_frame_is_an_error(opened, root):
    path = root / "JPEGImages" / "bb" / "00003.jpg"
    path.write_bytes(path.read_bytes()[:-200])
    with pytest.raises(DataError, match="ends early"):
        read_frame(opened(), 3)


def test_a_mask_of_another_size_is_an_error(opened, root):
    write_mask(root / "Annotations" / "bb" / "00003.png", _labels(1, shape=(30, 48)))
    with pytest.raises(DataError, match="the mask is 48 x 30, its frame 48 x 32") as caught:
        read_truth(opened(), "00003")
    assert "video bb, frame 3 (00003)" in caught.value.where


def test_an_id_above_the_suites_largest_is_an_error(opened, root):
    write_mask(root / "Annotations" / "bb" / "00000.png", _labels(1, 7))
    with pytest.raises(DataError, match="object id 7; this suite allows ids up to 6"):
        read_truth(opened(largest_id=6), "00000")
    assert (1, 7) == prompt_at(opened(largest_id=7), 0, frozenset()).ids


def test_void_is_no_object_and_not_too_large(opened, root):
    write_mask(root / "Annotations" / "bb" / "00000.png", _labels(1, 255))
    prompt = prompt_at(opened(void=255, largest_id=254), 0, frozenset())
    assert ((1,), {0, 1}) == (prompt.ids, set(np.unique(prompt.mask)))
    with pytest.raises(DataError, match="object id 255"):
        prompt_at(opened(void=None, largest_id=254), 0, frozenset())


def test_single_objects_are_every_pixel_that_is_not_zero(opened, root):
    write_mask(root / "Annotations" / "bb" / "00000.png", _labels(3, 255))
    video = opened(objects="single", largest_id=1)
    assert {0, 1} == set(np.unique(read_truth(video, "00000")))
    assert (1,) == prompt_at(video, 0, frozenset()).ids


def test_the_first_frame_prompts_with_all_its_objects_and_no_other_frame_does(opened):
    video = opened()
    prompt = prompt_at(video, 0, frozenset())
    assert (1, 2) == prompt.ids
    assert np.array_equal(read_truth(video, "00000"), prompt.mask)
    assert [None] * 5 == [prompt_at(video, index, frozenset()) for index in range(1, 6)]


def test_an_empty_first_mask_prompts_with_no_object(opened, root):
    write_mask(root / "Annotations" / "bb" / "00000.png", _labels())
    assert () == prompt_at(opened(), 0, frozenset()).ids


def test_at_first_appearance_only_the_new_objects_are_given(opened, root):
    write_mask(root / "Annotations" / "bb" / "00000.png", _labels(2))
    write_mask(root / "Annotations" / "bb" / "00003.png", _labels(2, 5, 1))
    video = opened(prompt="at-first-appearance")
    assert (2,) == prompt_at(video, 0, frozenset()).ids
    later = prompt_at(video, 3, frozenset({2}))
    assert ((1, 5), {0, 1, 5}) == (later.ids, set(np.unique(later.mask)))
    assert prompt_at(video, 4, frozenset({1, 2, 5})) is None


def test_at_first_appearance_frames_without_a_mask_give_nothing(opened, root):
    (root / "Annotations" / "bb" / "00001.png").unlink()
    assert prompt_at(opened(prompt="at-first-appearance"), 1, frozenset()) is None


def test_the_digest_changes_with_frames_and_prompting_masks_and_with_nothing_else(opened, root):
    before = {kind: video_digest(opened(prompt=kind)) for kind in ("first-frame", "at-first-appearance")}
    assert 2 == len(set(before.values()))
    for folder in ("JPEGImages", "Annotations"):
        for path in sorted((root / folder / "bb").iterdir()):
            data = path.read_bytes()
            path.write_bytes(data + b"\0")
            prompts = folder == "JPEGImages" or path.stem == "00000"
            assert prompts == (before["first-frame"] != video_digest(opened()))
            assert before["at-first-appearance"] != video_digest(opened(prompt="at-first-appearance"))
            path.write_bytes(data)
    assert before["first-frame"] == video_digest(opened())


def test_the_digest_does_not_depend_on_where_the_video_lies(opened, tiny, root):
    before = video_digest(opened())
    moved = tiny.parent / "moved"
    root.rename(moved)
    assert before == video_digest(open_video(load_suite(tiny), moved, "bb"))


@pytest.mark.parametrize("change", [{"max_frames": 5}, {"times": 2}, {"void": None}, {"objects": "single"}])
def test_the_digest_changes_with_what_is_shown_of_the_video(opened, change):
    assert video_digest(opened()) != video_digest(opened(**change))


def test_a_renamed_frame_changes_the_digest(opened, root):
    before = video_digest(opened())
    for folder, suffix in (("JPEGImages", ".jpg"), ("Annotations", ".png")):
        (root / folder / "bb" / f"00005{suffix}").rename(root / folder / "bb" / f"00009{suffix}")
    assert before != video_digest(opened())
