"""Average precision of masks on images: the figures of pycocotools, to the last bit."""

from __future__ import annotations

import contextlib
import copy
import dataclasses
import importlib
import io
import json
import os
from pathlib import Path

import numpy as np
import pytest

from vosbench.data.coco import videos_of_images
from vosbench.errors import DataError, ScoreError
from vosbench.metrics.ap_rules import COCO, YOUTUBE_VIS
from vosbench.metrics.vis_ap import score_tracks
from vosbench.metrics.vis_tracks import read_results, read_truth
from vosbench.rle import bounds_of_mask, bounds_of_polygons, mask_of_bounds, text_of_bounds

FOLDER = os.environ.get("VOSBENCH_TOOLS_PATH")
"""A folder with those official tools that are on PyPI, filled as `tests/official-tools.txt` says."""

GOLDENS = Path(__file__).parent / "goldens" / "coco-ap.json"
"""The twelve figures of pycocotools 2.0.11 for `_case` of each seed, in its order, -1 where undefined."""

SEEDS = range(8)


def _blob(random, height, width):
    """An ellipse, now and then empty or reaching over the border."""
    rows, columns = np.mgrid[:height, :width]
    y, x = random.uniform(0, height), random.uniform(0, width)
    a, b = random.uniform(0.5, 0.5 * height), random.uniform(0.5, 0.4 * width)
    return ((rows - y) / a) ** 2 + ((columns - x) / b) ** 2 < random.choice([0.02, 0.3, 1.0])


def _text(mask):
    return {"size": list(mask.shape), "counts": text_of_bounds(bounds_of_mask(mask), mask.size)}


def _lengths(mask):
    counts = np.diff(bounds_of_mask(mask), prepend=0, append=mask.size).tolist()
    return {"size": list(mask.shape), "counts": counts}


def _polygons(random, height, width):
    corners = random.uniform(-0.1, 1.1, (2, 5, 2)) * [width, height]
    return np.round(corners, 2).reshape(2, -1).tolist()


def _annotation(random, image, number):
    height, width = image["height"], image["width"]
    mask = _blob(random, height, width)
    crowd = int(random.random() < 0.2)
    coded = _lengths(mask) if crowd else _text(mask)
    if not crowd and random.random() < 0.5:
        coded = _polygons(random, height, width)
        mask = mask_of_bounds(bounds_of_polygons(coded, height, width), height, width)
    return {
        "id": number,
        "image_id": image["id"],
        "category_id": int(random.choice([1, 3, 7])),
        "iscrowd": crowd,
        "segmentation": coded,
        "area": float(random.choice([mask.sum() + 0.25, 1024.0, 9216.0])),
    }, mask


def _found(random, image, true, category):
    """A guess: something true moved by a few pixels, or anything."""
    sure = bool(true) and random.random() < 0.8
    if sure:
        place = int(random.integers(len(true)))
        category = true[place][0]["category_id"] if random.random() < 0.9 else category
        mask = np.roll(true[place][1], random.integers(-2, 3, 2), (0, 1))
    else:
        mask = _blob(random, image["height"], image["width"])
    score = float(np.round(random.uniform(0.4, 1.0) if sure else random.uniform(0.0, 0.6), 1))  # ties
    return {"image_id": image["id"], "category_id": category, "score": score, "segmentation": _text(mask)}


def _case(seed, images=14):
    """An annotation file and a results file: crowds, ties, empty images, unknown categories, many detections."""
    random = np.random.default_rng([2017, seed])
    truth = {"categories": [{"id": i, "name": str(i)} for i in (7, 1, 3, 90)], "images": [], "annotations": []}
    results = []
    for number in range(images):
        height, width = int(random.integers(20, 200)), int(random.integers(20, 260))
        image = {"id": 7 * (images - number), "height": height, "width": width}
        truth["images"].append(image | {"file_name": f"{image['id']:012}.jpg"})
        first = len(truth["annotations"]) + 1 - (seed == 0)  # of the first case one has the id 0
        true = [_annotation(random, image, first + k) for k in range(int(random.integers(0, 6)))]
        truth["annotations"] += [annotation for annotation, _ in true]
        count = int(random.integers(0, 12)) if number else 130
        results += [_found(random, image, true, int(random.choice([1, 3, 7, 90, 99]))) for _ in range(count)]
    return truth, [results[place] for place in random.permutation(len(results))]


def _score(truth, results):
    read = read_truth(videos_of_images(truth, "truth"))
    score = score_tracks(read, read_results(results, read, images=True), COCO)
    return [-1.0 if measure.value is None else measure.value for measure in score.measures]


@pytest.fixture
def official(monkeypatch):
    """Gives back a function: the twelve figures of pycocotools; skips where it is not installed."""
    if FOLDER is not None:
        monkeypatch.syspath_prepend(FOLDER)
    try:
        coco, evaluation = (importlib.import_module(f"pycocotools.{name}") for name in ("coco", "cocoeval"))
    except ModuleNotFoundError:
        pytest.skip("pycocotools is not installed: see tests/official-tools.txt")

    def call(truth, results):
        api = coco.COCO()
        with contextlib.redirect_stdout(io.StringIO()):
            api.dataset = copy.deepcopy(truth)
            api.createIndex()
            run = evaluation.COCOeval(api, api.loadRes(copy.deepcopy(results)), "segm")
            run.evaluate()
            run.accumulate()
            run.summarize()
        return run.stats.tolist()

    return call


@pytest.mark.parametrize("seed", SEEDS)
def test_the_figures_of_pycocotools_come_out_to_the_last_bit(seed):
    expected = json.loads(GOLDENS.read_text())[seed]
    assert expected == _score(*_case(seed))
    assert min(expected) < max(expected)


@pytest.mark.parametrize("seed", [*SEEDS, *range(100, 104)])
def test_pycocotools_itself_agrees(official, seed):
    truth, results = _case(seed)
    assert official(truth, results) == _score(truth, results)


def test_results_with_boxes_are_sorted_by_the_size_of_these(official):
    truth, results = _case(3)
    random = np.random.default_rng(5)
    boxed = [entry | {"bbox": random.uniform(1, 150, 4).tolist()} for entry in results]
    assert official(truth, boxed) == _score(truth, boxed)
    assert _score(truth, results)[3:6] != _score(truth, boxed)[3:6]


def _square(side, size=(120, 120)):
    mask = np.zeros(size, np.bool_)
    mask[:side, :side] = True
    return mask


def _one(side, *, crowd=0, **changes):
    entry = {"id": 1, "image_id": 5, "category_id": 1, "iscrowd": crowd, "segmentation": _text(_square(side))}
    data = {
        "images": [{"id": 5, "height": 120, "width": 120, "file_name": "5.jpg"}],
        "categories": [{"id": 1, "name": "cat"}],
        "annotations": [entry | {"area": float(side * side)} | changes],
    }
    return read_truth(videos_of_images(data, "truth"))


def _results(truth, *sides):
    entries = [
        {"image_id": 5, "category_id": 1, "score": 0.9 - place / 10, "segmentation": _text(_square(side))}
        for place, side in enumerate(sides)
    ]
    return read_results(entries, truth, images=True)


@pytest.mark.parametrize(("side", "name"), [(32, "APs"), (32, "APm"), (96, "APm"), (96, "APl"), (31, "APs")])
def test_both_ends_of_a_range_of_areas_belong_to_it(side, name):
    truth = _one(side)
    assert pytest.approx(1) == score_tracks(truth, _results(truth, side), COCO).value(name)


def test_the_area_is_that_of_the_file_and_not_of_the_mask():
    truth = _one(40, area=9217.0)
    score = score_tracks(truth, _results(truth, 40), COCO)
    assert (pytest.approx(1), None) == (score.value("APl"), score.value("APm"))


def test_whatever_lies_in_a_crowd_is_neither_hit_nor_miss():
    """Its overlap is the share of itself inside the crowd, and a crowd can be met by many."""
    crowd = _one(100, crowd=1)
    data = dataclasses.replace(crowd, tracks=(*crowd.tracks, dataclasses.replace(_one(20).tracks[0], id=2)))
    found = _results(data, 10, 11, 20)
    assert pytest.approx(1) == score_tracks(data, found, COCO).value("AP")
    assert pytest.approx(1 / 3) == score_tracks(data, found, YOUTUBE_VIS).value("AP")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"image_id": 9}, "image 9"),
        ({"segmentation": None}, "no mask"),
        ({"segmentation": [[0, 0, 5, 0, 5, 5]]}, "not compressed"),
        ({"segmentation": {"size": [120, 120], "counts": [14400]}}, "not compressed"),
        ({"bbox": [0, 0, float("inf"), 1]}, "box"),
        ({"bbox": [3]}, "format of COCO"),
    ],
)
def test_torn_results_are_refused(change, message):
    truth = _one(10)
    entry = {"image_id": 5, "category_id": 1, "score": 0.5, "segmentation": _text(_square(10))}
    with pytest.raises(ScoreError, match=message):
        read_results([entry | change], truth, images=True)


@pytest.mark.parametrize("data", [{}, {"images": []}, {"images": [{"id": 1}], "categories": []}, {"images": 3}])
def test_a_file_of_another_form_is_refused(data):
    with pytest.raises(DataError, match="format of COCO"):
        videos_of_images(data, "instances_val2017.json")
