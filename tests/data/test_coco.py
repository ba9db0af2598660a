"""Images of COCO as videos of one frame: their files, their instances, the stand-in, and what is refused."""

from __future__ import annotations

import dataclasses
import json

import cv2
import numpy as np
import pytest

from vosbench.config import Places
from vosbench.data.opening import SuiteVideos
from vosbench.data.prompts import prompt_at
from vosbench.data.stand_in import stand_in_root
from vosbench.data.suite import at_split, expected_there, find_root, find_suite
from vosbench.data.video import read_frame
from vosbench.data.vis import annotation_file, read_annotations, read_json
from vosbench.errors import DataError
from vosbench.metrics.ap_rules import COCO
from vosbench.metrics.vis_ap import score_tracks
from vosbench.metrics.vis_tracks import read_results, read_truth

POLYGON = [[10, 5, 20, 5, 20, 15, 10, 15]]


@pytest.fixture
def suite():
    return at_split(find_suite("coco-val2017")[0], "val2017")


@pytest.fixture
def folder(tmp_path):
    """Gives back a data set of two images: a polygon and a crowd on the first, nothing on the second."""
    root = tmp_path / "COCO"
    (root / "val2017").mkdir(parents=True)
    (root / "annotations").mkdir()
    for number in (139, 285):
        cv2.imwrite(str(root / "val2017" / f"{number:012}.jpg"), np.full((32, 48, 3), number % 256, np.uint8))
    entry = {"image_id": 139, "category_id": 18, "iscrowd": 0, "segmentation": POLYGON, "area": 99.5}
    crowd = {"iscrowd": 1, "segmentation": {"size": [32, 48], "counts": [0, 32 * 48]}, "area": 1536}
    data = {
        "categories": [{"id": 18, "name": "dog"}, {"id": 90, "name": "toothbrush"}],
        "images": [{"id": n, "height": 32, "width": 48, "file_name": f"{n:012}.jpg"} for n in (285, 139)],
        "annotations": [entry | {"id": 3} | crowd, entry | {"id": 7}],
    }
    (root / "annotations" / "instances_val2017.json").write_text(json.dumps(data))
    return root


def _change(folder, change):
    path = folder / "annotations" / "instances_val2017.json"
    data = json.loads(path.read_text())
    change(data)
    path.write_text(json.dumps(data))


def test_an_image_is_a_video_of_one_frame_named_by_its_file(suite, folder):
    source = SuiteVideos(suite, folder, "val2017")
    assert ("000000000285", "000000000139") == source.names
    video = source.open("000000000139")
    assert (("000000000139",), 32, 48, "vis") == (video.names, video.height, video.width, video.task)
    assert {18: "dog", 90: "toothbrush"} == video.view.categories
    assert (32, 48, 3) == read_frame(video, 0).image.shape
    assert 139 == video.instances.video


def test_its_instances_prompt_and_its_crowds_do_not(suite, folder):
    source = SuiteVideos(suite, folder, "val2017")
    prompted = dataclasses.replace(source.open("000000000139"), task="vos")
    prompt = prompt_at(prompted, 0, frozenset())
    assert ((1,), 100) == (prompt.ids, np.count_nonzero(prompt.mask))
    assert prompt_at(dataclasses.replace(source.open("000000000285"), task="vos"), 0, frozenset()) is None


def test_the_area_in_the_truth_is_the_files_own(suite, folder):
    data, path = read_annotations(suite, folder)
    assert folder / "annotations" / "instances_val2017.json" == path
    assert [1536.0, 99.5] == [track.average_area for track in read_truth(data).tracks]


def test_a_data_root_is_found_and_a_wrong_one_says_what_was_expected(suite, folder, tmp_path):
    assert folder == find_root(suite, Places(data=folder.parent, suite_data={}, cache=tmp_path / "cache"))
    assert "annotations/instances_val2017.json" in expected_there(suite)
    assert "val2017/IMAGE.jpg" in expected_there(suite)
    with pytest.raises(DataError, match="COCO 2017 is not there"):
        find_root(suite, Places(data=tmp_path / "elsewhere", suite_data={}, cache=tmp_path / "cache"))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda data: data["images"][0].update(file_name="../x.jpg"), "no name of an image"),
        (lambda data: data["images"][0].update(file_name=".jpg"), "no name of an image"),
        (lambda data: data["images"][0].update(file_name="000000000139.jpg"), "two videos"),
        (lambda data: data.pop("images"), "format of COCO"),
        (lambda data: data["annotations"][0].pop("iscrowd"), "format of COCO: .*annotation 1 has no 'iscrowd'"),
        (lambda data: data["annotations"][1].update(segmentation=[[1, 2, 3, 4]]), "polygon"),
    ],
)
def test_a_listing_that_is_not_of_images_is_refused(suite, folder, change, words):
    _change(folder, change)
    with pytest.raises(DataError, match=words) as caught:
        SuiteVideos(suite, folder, "val2017")
    assert "instances_val2017.json" in caught.value.where


def test_a_split_of_the_server_lists_images_without_truth(suite, folder):
    there = folder / "annotations" / "instances_val2017.json"
    data = json.loads(there.read_text())
    del data["annotations"]
    (folder / "annotations" / "image_info_val2017.json").write_text(json.dumps(data))
    there.unlink()
    source = SuiteVideos(suite, folder, "val2017")
    assert (2, False) == (len(source.names), source.has_instances)
    with pytest.raises(DataError, match="no annotations"):
        read_annotations(suite, folder)


def test_the_stand_in_has_small_medium_and_large_objects_and_is_scored_by_the_rules_of_coco(suite, tmp_path):
    small = dataclasses.replace(suite, stand_in=dataclasses.replace(suite.stand_in, videos=3))
    root = stand_in_root(small, "val2017", tmp_path)
    source = SuiteVideos(small, root, "val2017")
    assert ("synthetic-1", "synthetic-2", "synthetic-3") == source.names
    assert [1] * 3 == [len(source.open(name).names) for name in source.names]
    truth = read_truth(read_annotations(small, root)[0])
    raw = read_json(annotation_file(small, root), "the annotations")["annotations"]
    results = [{"score": 1.0, **{key: one[key] for key in ("image_id", "category_id", "segmentation")}} for one in raw]
    score = score_tracks(truth, read_results(results, truth, images=True), COCO)
    assert [pytest.approx(1)] * 6 == [score.value(name) for name in COCO.headline]
