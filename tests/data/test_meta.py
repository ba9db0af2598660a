"""The meta files of YouTube-VOS and LVOS, whole and broken."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vosbench.data.meta import MetaKind, ObjectMeta, read_meta
from vosbench.errors import DataError


def meta(folder: Path, objects: Any) -> Path:
    path = folder / "meta.json"
    path.write_text(json.dumps({"videos": {"a": {"objects": objects}}}), encoding="utf-8")
    return path


def test_youtube_vos_gives_categories_and_frames_in_the_order_of_ids(tmp_path: Path) -> None:
    path = meta(
        tmp_path, {"10": {"category": "ape", "frames": ["00005"]}, "2": {"category": "cow", "frames": ["00000"]}}
    )
    expected = (
        ObjectMeta(id=2, category="cow", frames=("00000",)),
        ObjectMeta(id=10, category="ape", frames=("00005",)),
    )
    assert expected == read_meta(path, "youtube-vos", "a")


def test_lvos_gives_frame_ranges_written_as_text_or_numbers(tmp_path: Path) -> None:
    path = meta(tmp_path, {"1": {"frame_range": {"start": "6", "end": 101, "frame_nums": "20"}}})
    assert (ObjectMeta(id=1, start=6, end=101, frame_nums=20),) == read_meta(path, "lvos", "a")


def test_real_meta_files_are_read(shared: Path) -> None:
    found = read_meta(shared / "data/YouTube-VOS/train/meta.json", "youtube-vos", "0pV_HO8Om0U_1")
    assert ["ape"] * len(found) == [entry.category for entry in found]


@pytest.mark.parametrize(
    ("objects", "words"),
    [
        ([], "has no 'objects'"),
        ({"0": {"frames": ["00000"]}}, "object id '0'"),
        ({"../1": {"frames": ["00000"]}}, "object id"),
        ({"1": {"frames": []}}, "has no 'frames'"),
        ({"1": None}, "has no 'frames'"),
        ({"²": {"frames": ["00000"]}}, "object id"),
        ({"9" * 5000: {"frames": ["00000"]}}, "object id"),
        ({"1": {"frames": ["../../secret"]}}, "no frame's name"),
        ({"1": {"frames": ["..\\x"]}}, "no frame's name"),
        ({"1": {"frames": ["a\0b"]}}, "no frame's name"),
        ({"1": {"frames": [["00000"]]}}, "no frame's name"),
    ],
)
def test_a_broken_youtube_vos_file_names_video_and_object(tmp_path: Path, objects: Any, words: str) -> None:
    with pytest.raises(DataError, match=words) as caught:
        read_meta(meta(tmp_path, objects), "youtube-vos", "a")
    assert "video a" in caught.value.where


@pytest.mark.parametrize("span", [None, {}, {"start": 1, "end": 2}, {"start": "x", "end": 2, "frame_nums": 3}, 7])
def test_a_broken_lvos_range_is_refused(tmp_path: Path, span: Any) -> None:
    with pytest.raises(DataError, match="frame_range"):
        read_meta(meta(tmp_path, {"1": {"frame_range": span}}), "lvos", "a")


@pytest.mark.parametrize(
    "span",
    [
        {"start": 0, "end": 10**15, "frame_nums": 3},
        {"start": 0, "end": 6, "frame_nums": 10**15},
        {"start": -5, "end": 6, "frame_nums": 3},
        {"start": "1" * 400, "end": "2" * 400, "frame_nums": 3},
    ],
)
def test_a_range_of_more_frames_than_anybody_has_is_refused_before_it_is_spread_out(tmp_path: Path, span: Any) -> None:
    with pytest.raises(DataError, match="nobody has such a video"):
        read_meta(meta(tmp_path, {"1": {"frame_range": span}}), "lvos", "a")


@settings(max_examples=100, deadline=None, derandomize=True, database=None)
@given(st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(st.sampled_from(["1", "frames", "category", "frame_range", "start", "end", "frame_nums"]), inner),
    max_leaves=12,
), st.sampled_from(["youtube-vos", "lvos"]))  # fmt: skip
def test_whatever_stands_for_the_objects_is_read_or_refused(
    tmp_path_factory: pytest.TempPathFactory, objects: Any, kind: MetaKind
) -> None:
    path = meta(tmp_path_factory.getbasetemp(), objects)
    try:
        found = read_meta(path, kind, "a")
    except DataError as error:
        assert str(path) in error.where
    else:
        assert all(entry.id > 0 for entry in found)


@pytest.mark.parametrize("text", ["", "[1]", "{", "[" * 100_000, '{"videos": 3}', '{"videos": {"b": {}}}'])
def test_a_file_that_is_no_meta_file_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "meta.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(DataError) as caught:
        read_meta(path, "lvos", "a")
    assert str(path) in caught.value.where


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="there is no meta file"):
        read_meta(tmp_path / "meta.json", "lvos", "a")
