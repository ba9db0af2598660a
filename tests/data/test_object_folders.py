"""Masks in a folder per object: SA-V."""

from __future__ import annotations

import pytest

from vosbench.data.object_folders import object_masks
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
