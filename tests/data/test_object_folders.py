"""Masks in a folder per object: SA-V."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from vosbench.data.masks import write_mask
from vosbench.data.object_folders import object_masks
from vosbench.data.prompts import prompt_at
from vosbench.data.suite import at_split, find_suite
from vosbench.data.video import open_video
from vosbench.errors import DataError


def test_objects_and_frames_come_in_order(tmp_path):
    for name in ("010/00004.png", "010/00000.png", "002/00000.png", "002/.hidden.png", "002/note.txt", ".x/0.png"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    found = object_masks(tmp_path, "video a")
    assert [2, 10] == list(found)
    assert ["00000", "00004"] == list(found[10])
    assert {"00000": tmp_path / "002" / "00000.png"} == found[2]


def test_an_ending_in_capitals_is_one_too(tmp_path):
    for name in ("00000.png", "00004.PNG"):
        (tmp_path / "000").mkdir(exist_ok=True)
        (tmp_path / "000" / name).touch()
    assert ["00000", "00004"] == list(object_masks(tmp_path, "video a")[0])
    (tmp_path / "000" / "00004.png").touch()
    with pytest.raises(DataError, match=r"the stem 00004: 00004\.PNG and 00004\.png"):
        object_masks(tmp_path, "video a")


@pytest.mark.parametrize("names", [(), ("x",), ("²",), ("1", "01"), ("9" * 30,)])
def test_what_is_no_object_is_refused(tmp_path, names):
    for name in names:
        (tmp_path / name).mkdir()
    with pytest.raises(DataError, match="object") as caught:
        object_masks(tmp_path, "video a")
    assert "video a" in caught.value.where


def test_a_missing_folder_is_named(tmp_path):
    with pytest.raises(DataError, match="no folder of masks") as caught:
        object_masks(tmp_path / "b", "video b")
    assert str(tmp_path / "b") in caught.value.where


def test_an_object_that_others_cover_at_first_enters_there_and_never_later(tmp_path):
    """Object 000 has the mask of 001 at first and pixels of its own on the last frame, where 002 enters."""
    covered, grown, third = (np.zeros((12, 16), np.uint8) for _ in range(3))
    covered[2:6, 2:9] = grown[2:9, 2:9] = 255
    third[9:11] = 255
    masks = {0: (covered, grown), 1: (covered, covered), 2: (np.zeros_like(third), third)}
    (tmp_path / "JPEGImages_24fps" / "v").mkdir(parents=True)
    for number, frames in masks.items():
        folder = tmp_path / "Annotations_6fps" / "v" / f"{number:03d}"
        folder.mkdir(parents=True)
        for index, mask in enumerate(frames):
            cv2.imwrite(str(tmp_path / "JPEGImages_24fps" / "v" / f"{index:05d}.jpg"), np.zeros((12, 16, 3), np.uint8))
            write_mask(folder / f"{index:05d}.png", mask)
    video = open_video(at_split(find_suite("sa-v")[0], "val"), tmp_path, "v")
    first = prompt_at(video, 0, frozenset())
    assert ((1, 2), {0, 2}) == (first.ids, set(np.unique(first.mask)))
    later = prompt_at(video, 1, frozenset(first.ids))
    assert ((3,), {0, 3}) == (later.ids, set(np.unique(later.mask)))
