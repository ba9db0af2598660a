"""The library: what is held back is never trained on, and data that does not match is refused by name."""

from __future__ import annotations

import shutil

import cv2
import numpy as np
import pytest

from vosbench.data.masks import write_mask
from vosbench.errors import DataError, UsageError
from vosbench.train.library import read_library, read_sources
from vosbench.train.recipe import HeldBack


def _names(items):
    return [item.name for item in items]


def test_what_is_held_back_is_not_trained_on(tiny_data):
    library = read_library(tiny_data, HeldBack(clips=("two",), photos=2))
    assert (["one"], ["two"]) == (_names(library.clips), _names(library.held_clips))
    assert ["p2", "p4"] == _names(library.held_photos)  # every second of each source: p0 is another source's only one
    assert ["p0", "p1", "p3", "p5"] == _names(library.photos)


def test_an_excluded_clip_is_neither_trained_on_nor_scored(tiny_data):
    library = read_library(tiny_data, HeldBack(exclude=("one",)))
    assert ["two"] == _names(library.clips)
    assert [] == _names(library.held_clips)


def test_sources_come_from_the_index_and_are_unknown_without(tiny_data):
    library = read_library(tiny_data, HeldBack())
    assert {"one": "davis2016-train", "two": "unknown"} == {clip.name: clip.source for clip in library.clips}
    assert {"ccp", "unknown"} == {photo.source for photo in library.photos}
    assert ("ccp", "davis2016-train", "unknown") == read_sources(tiny_data, photos=True, clips=True)


def test_images_and_masks_are_decoded_once_at_their_own_size(tiny_data):
    photo = read_library(tiny_data, HeldBack()).photos[0]
    assert ((32, 48, 3), np.uint8) == (photo.image.shape, photo.image.dtype)
    assert ((32, 48), np.uint8) == (photo.mask.shape, photo.mask.dtype)
    assert [0, 1, 2] == np.unique(photo.mask).tolist()


def test_a_photo_that_is_held_back_is_not_trained_on_under_another_name(copied):
    for folder in ("images", "masks"):
        shutil.copy(copied / "static" / folder / "p2.png", copied / "static" / folder / "p2b.png")
    library = read_library(copied, HeldBack(photos=2))
    assert "p2" in _names(library.held_photos)
    assert not {"p2", "p2b"} & set(_names(library.photos))


def test_an_unknown_held_back_clip_is_answered_with_the_nearest(tiny_data):
    with pytest.raises(UsageError, match="no clip 'tow' to hold back") as caught:
        read_library(tiny_data, HeldBack(clips=("tow",)))
    assert "two" in caught.value.fix


@pytest.fixture
def copied(tiny_data, tmp_path):
    return shutil.copytree(tiny_data, tmp_path / "train")


@pytest.mark.parametrize(
    ("file", "message"),
    [
        ("static/images/p3.png", "1 files have no image, the first is p3"),
        ("static/masks/p3.png", "1 files have no mask, the first is p3"),
        ("clips/Annotations/one/00002.png", "1 files have no mask, the first is 00002"),
    ],
)
def test_unmatched_masks_are_refused_by_name(copied, file, message):
    (copied / file).unlink()
    with pytest.raises(DataError, match=message):
        read_library(copied, HeldBack())


def test_masks_of_a_clip_without_images_are_refused(copied):
    shutil.copytree(copied / "clips" / "Annotations" / "one", copied / "clips" / "Annotations" / "three")
    with pytest.raises(DataError, match="1 clips have masks and no images, the first is three"):
        read_library(copied, HeldBack())


def test_two_images_of_one_name_are_refused(copied):
    image = cv2.imread(str(copied / "static" / "images" / "p3.png"))
    cv2.imwrite(str(copied / "static" / "images" / "p3.jpg"), image)
    with pytest.raises(DataError, match=r"two files are called p3: p3\.jpg and p3\.png"):
        read_library(copied, HeldBack())


def test_a_mask_of_another_size_is_refused(copied):
    write_mask(copied / "static" / "masks" / "p1.png", np.zeros((16, 48), np.uint8))
    with pytest.raises(DataError, match="the image is 48 x 32 and its mask 48 x 16 pixels"):
        read_library(copied, HeldBack())


def test_a_torn_image_is_refused(copied):
    (copied / "static" / "images" / "p1.png").write_bytes(b"\x89PNG\r\n\x1a\n torn")
    with pytest.raises(DataError, match="ends early"):
        read_library(copied, HeldBack())


def test_a_folder_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(DataError, match="no data to train on"):
        read_library(tmp_path / "nothing", HeldBack())


def test_an_empty_folder_is_refused(copied):
    for path in [*(copied / "static" / "images").iterdir(), *(copied / "static" / "masks").iterdir()]:
        path.unlink()
    with pytest.raises(DataError, match="is empty"):
        read_library(copied, HeldBack())


def test_webp_photos_are_read(copied):
    image = cv2.imread(str(copied / "static" / "images" / "p1.png"))
    (copied / "static" / "images" / "p1.png").unlink()
    cv2.imwrite(str(copied / "static" / "images" / "p1.webp"), image)
    assert 6 == len(read_library(copied, HeldBack()).photos)
