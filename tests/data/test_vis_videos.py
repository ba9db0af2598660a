"""Videos of an annotation file: their frames, the first masks of their instances, and what is refused."""

from __future__ import annotations

import dataclasses
import json

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from vosbench.data import vis_videos
from vosbench.data.prompts import prompt_at
from vosbench.data.suite import at_split, find_suite, load_suite, suite_files
from vosbench.data.video import open_video, video_digest
from vosbench.data.vis import read_annotations
from vosbench.data.vis_videos import AnnotatedVideos
from vosbench.errors import DataError


@pytest.fixture
def videos(things):
    """Gives back a function that reads the annotations, changed by a function where one is given."""

    def read(change=None):
        path = things.parent / "val.json"
        if change is not None:
            data = json.loads(path.read_text())
            change(data)
            path.write_text(json.dumps(data))
        return AnnotatedVideos(at_split(load_suite(things), "val"), things.parent)

    return read


def _prompted(video):
    return dataclasses.replace(video, task="vos")


def test_videos_come_in_the_order_of_the_file_with_their_frames(videos, things):
    found = videos()
    assert ("aa", "bb") == found.names
    video = found.open("bb")
    assert (6, 32, 48) == (len(video.names), video.height, video.width)
    assert things.parent / "val" / "JPEGImages" / "bb" / "00005.jpg" == video.images[-1]
    assert video.names == open_video(at_split(load_suite(things), "val"), things.parent, "bb").names


def test_a_large_file_is_read_in_a_process_of_its_own_where_memory_is_measured(videos, things, monkeypatch):
    monkeypatch.setattr(vis_videos, "LARGE_FILE", 1000)
    suite = at_split(load_suite(things), "val")
    here, apart = videos(), AnnotatedVideos(suite, things.parent, apart=True)
    assert [video_digest(here.open(name)) for name in here.names] == [video_digest(apart.open(n)) for n in apart.names]
    (things.parent / "val.json").write_text('{"videos": [], "categories": []}' + " " * 1000)
    with pytest.raises(DataError, match="no video") as caught:
        AnnotatedVideos(suite, things.parent, apart=True)
    assert "val.json" in caught.value.where


def test_a_method_that_finds_instances_learns_the_categories_and_gets_no_prompt(videos):
    video = videos().open("bb")
    assert ("vis", {1: "one", 2: "two", 3: "three"}) == (video.view.task, video.view.categories)
    assert [None] * 6 == [prompt_at(video, index, frozenset()) for index in range(6)]


def test_an_instance_prompts_with_its_first_mask_where_it_appears(videos):
    video = _prompted(videos().open("bb"))
    assert ("vos", {}) == (video.view.task, video.view.categories)
    prompts = [prompt_at(video, index, frozenset()) for index in range(6)]
    assert [(1,), None, (2,), None, None, None] == [p and p.ids for p in prompts]
    assert [1, 2] == [entrance.category for entrance in video.instances.entrances]
    expected = np.zeros((32, 48), np.uint8)
    expected[18:28, 8:20] = 2
    assert np.array_equal(expected, prompts[2].mask)


def test_of_masks_that_overlap_the_smaller_lies_in_front(videos):
    def overlap(data):
        large, small = data["annotations"][1:]
        large["segmentations"][2] = {"size": [32, 48], "counts": [0, 32 * 48]}
        large["segmentations"][:2] = [None, None]
        small["segmentations"][2] = {"size": [32, 48], "counts": [40, 8, 32 * 48 - 48]}

    prompt = prompt_at(_prompted(videos(overlap).open("bb")), 2, frozenset())
    assert (1, 2) == prompt.ids
    assert [32 * 48 - 8, 8] == np.bincount(prompt.mask.ravel(), minlength=3)[1:].tolist()


def test_crowds_and_instances_without_a_pixel_never_enter(videos):
    def change(data):
        data["annotations"][1]["iscrowd"] = 1
        data["annotations"][2]["segmentations"] = [None, {"size": [32, 48], "counts": [32 * 48]}] + [None] * 4

    assert () == videos(change).open("bb").instances.entrances


def test_polygons_are_masks_as_well(videos):
    polygon = [[10, 5, 20, 5, 20, 15, 10, 15]]
    video = _prompted(videos(lambda data: data["annotations"][0]["segmentations"].__setitem__(0, polygon)).open("aa"))
    assert 100 == np.count_nonzero(prompt_at(video, 0, frozenset()).mask)


def test_a_cut_video_has_the_instances_of_its_frames(videos):
    video = videos().open("bb", max_frames=2)
    assert (2, 1) == (len(video.names), len(video.instances.entrances))


def test_the_digest_covers_what_prompts(videos):
    first = video_digest(videos().open("bb"))
    assert first == video_digest(videos().open("bb"))
    moved = videos(lambda data: data["annotations"][2].update(category_id=1))
    assert first != video_digest(moved.open("bb"))


def test_annotations_of_a_server_hold_no_instances(videos):
    assert videos().annotated
    bare = videos(lambda data: data.update(annotations=None))
    assert not bare.annotated
    assert () == bare.open("aa").instances.entrances


def _size(data):
    data["videos"][0]["height"] = 33
    data["annotations"] = []


def _frame(data):
    data["videos"][0]["file_names"].append("aa/00009.jpg")


@pytest.mark.parametrize(("change", "words"), [(_size, "48 x 32"), (_frame, "00009.jpg")])
def test_frames_that_do_not_fit_the_annotations_are_named(videos, change, words):
    with pytest.raises(DataError, match=words) as caught:
        videos(change).open("aa")
    assert "video aa" in caught.value.where


def test_an_unknown_video_is_refused_with_the_nearest(videos):
    with pytest.raises(DataError, match="does not list") as caught:
        videos().open("ab")
    assert "'aa'" in caught.value.fix


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("file_names", ["aa/0.jpg", "bb/1.jpg"]),
        ("file_names", ["aa/0.jpg", "aa/0.png"]),
        ("file_names", ["0.jpg"]),
        ("file_names", "aa/0.jpg"),
        ("file_names", []),
        ("id", 5),
        ("height", "tall"),
    ],
)
def test_a_listing_that_is_no_video_is_refused(videos, key, value):
    with pytest.raises(DataError, match="format of YouTube-VIS") as caught:
        videos(lambda data: data["videos"][0].update({key: value}))
    assert "val.json" in caught.value.where


HOSTILE = st.sampled_from(
    [None, -1, 1 << 70, 0.5, float("nan"), "x", "0" * 50, [], {}, [[]], [1, 2], {"size": [32, 48], "counts": "zz"},
     {"size": [1 << 40, 48], "counts": [1]}, {"size": [32, 48], "counts": [1 << 62, 1 << 62]}, [[1e300, 0, 1, 1, 2, 2]]]
)  # fmt: skip


def _places(value, path=()):
    if path:
        yield path
    for key, item in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        yield from _places(item, (*path, key))


@settings(max_examples=80, deadline=None, derandomize=True, database=None,
          suppress_health_check=[HealthCheck.function_scoped_fixture])  # fmt: skip
@given(choice=st.integers(0, 10_000), item=HOSTILE)
def test_annotations_with_any_value_replaced_are_read_or_refused(things, choice, item):
    path = things.parent / "val.json"
    before = path.read_text()
    data = json.loads(before)
    places = list(_places(data))
    place = places[choice % len(places)]
    holder = data
    for key in place[:-1]:
        holder = holder[key]
    holder[place[-1]] = item
    path.write_text(json.dumps(data))
    try:
        found = AnnotatedVideos(at_split(load_suite(things), "val"), things.parent)
        for name in found.names:
            video = _prompted(found.open(name))
            prompts = [prompt_at(video, index, frozenset()) for index in range(len(video.names))]
            assert all(p is None or p.mask.shape == (32, 48) for p in prompts)
    except DataError as error:
        assert error.where
    finally:
        path.write_text(before)


@pytest.mark.parametrize(("year", "other"), [("2019", "2021"), ("2021", "2019")])
def test_the_annotations_of_another_edition_are_refused(things, year, other):
    suite = at_split(find_suite(f"youtube-vis-{year}")[0], "val")
    root = things.parent
    data = json.loads((root / "val.json").read_text())

    def write(edition):
        file = suite_files()["youtube-vis-2019"].parent / "lists" / f"youtube-vis-{edition}-categories.txt"
        listed = [{"id": number, "name": name} for number, name in enumerate(file.read_text().split(), start=1)]
        (root / "val.json").write_text(json.dumps(data | {"categories": listed}))

    write(year)
    assert 40 == len(AnnotatedVideos(suite, root).categories)
    read_annotations(suite, root)
    write(other)
    for read in (AnnotatedVideos, read_annotations):
        with pytest.raises(DataError, match=f"the categories are those of youtube-vis-{other}, not of") as caught:
            read(suite, root)
        assert f"--data youtube-vis-{year}=PATH" in caught.value.fix
