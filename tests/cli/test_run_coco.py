"""``vosbench run``, ``score`` and ``pack`` on a suite of images."""

from __future__ import annotations

import csv
import json
import shutil
import zipfile
from pathlib import Path

import pytest

HEADLINE = ("AP", "AP50", "AP75", "APs", "APm", "APl")


@pytest.fixture
def images(things):
    """Gives back the folder of a COCO data set: a frame of each video of `things`, with two squares on the second."""
    data = json.loads((things.parent / "val.json").read_text())
    root = things.parent / "COCO"
    (root / "val2017").mkdir(parents=True)
    (root / "annotations").mkdir()
    names = {3: "aa", 5: "bb"}
    for number, name in names.items():
        shutil.copy(things.parent / f"val/JPEGImages/{name}/00002.jpg", root / f"val2017/{number:012}.jpg")
    entries = [
        {"id": one["id"], "image_id": one["video_id"], "category_id": one["category_id"], "iscrowd": 0,
         "segmentation": one["segmentations"][2], "area": one["areas"][2]}
        for one in data["annotations"]
    ]  # fmt: skip
    listed = [{"id": n, "height": 32, "width": 48, "file_name": f"{n:012}.jpg"} for n in names]
    value = {"categories": data["categories"], "images": listed, "annotations": entries}
    (root / "annotations" / "instances_val2017.json").write_text(json.dumps(value))
    return root


def test_images_are_run_scored_and_packed_by_the_rules_of_coco(vosbench, images, write_finder):
    fixed = ["--data", f"coco-val2017={images}", "--threads", 1, "--warm-up", 0]
    methods = ["--methods", "finder,echo", "--adapter", write_finder()]
    said = vosbench("run", "--suite", "coco-val2017", *methods, *fixed, "--out", "run")
    assert (0, "") == (said.status, said.err)
    assert "a method that needs prompts is given its answer" in said.out
    table = Path("run/tables/coco-2017-val2017.csv").read_text().splitlines()
    rows = {row["method"]: row for row in csv.DictReader(table)}
    assert [pytest.approx(100)] * 4 == [float(rows["Finder"][name]) for name in HEADLINE[:4]]
    assert not {"APm", "AR1"} & {name for name in rows["Finder"] if rows["Finder"][name]}  # all squares are small
    (folder,) = Path("run/coco-val2017").glob("finder-*")
    results = json.loads((folder / "results.json").read_text())
    assert {"image_id", "category_id", "score", "segmentation"} == set(results[0])
    scored = vosbench("score", folder / "results.json", "--suite", "coco-val2017", *fixed[:2], "--json")
    assert 1.0 == pytest.approx(json.loads(scored.out)["measures"][0]["value"])
    assert "AP 100.0" in vosbench("show", folder / "000000000003.0").out
    _check_pack(vosbench, results)


def _check_pack(vosbench, results):
    said = vosbench("pack", "run", "--methods", "finder")
    assert 1 == said.status
    assert "2 of the 5000 official" in said.err
    for path in Path("run").glob("coco-val2017/*/*/record.json"):
        record = json.loads(path.read_text())
        record["spec"]["suite"]["split"] = "custom"  # of which no number of images is known
        path.write_text(json.dumps(record))
    for kind in ("instances_{}.json", "{}"):
        folder = Path("COCO/annotations") if kind.endswith("json") else Path("COCO")
        (folder / kind.format("val2017")).rename(folder / kind.format("custom"))
    said = vosbench("pack", "run", "--methods", "finder")
    assert (0, "") == (said.status, said.err)
    (path,) = Path("run/submissions").glob("*.zip")
    with zipfile.ZipFile(path) as archive:
        assert ["detections_custom_finder_results.json"] == archive.namelist()
        assert results == json.loads(archive.read("detections_custom_finder_results.json"))
