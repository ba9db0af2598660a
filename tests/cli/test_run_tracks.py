"""``vosbench run``, ``score`` and ``pack`` on suites of instances, and on masks in a folder per object."""

from __future__ import annotations

import csv
import json
import shutil
import zipfile
from pathlib import Path

import pytest

from vosbench.store.run import Run

NAMES = ("AP", "AP50", "AP75", "AR1", "AR10")


@pytest.fixture
def run_things(vosbench, things):
    """Gives back a function that runs methods on the suite of instances, without warm-up, into the folder ``run``."""

    def call(methods, *arguments, adapters=()):
        plugged = [word for path in adapters for word in ("--adapter", path)]
        fixed = ["--data", things.parent, "--threads", 1, "--warm-up", 0, "--out", "run"]
        return vosbench("run", "--suite", things, "--methods", methods, *fixed, *plugged, *arguments)

    return call


def _rows():
    return {row["method"]: row for row in csv.DictReader(Path("run/tables/things-val.csv").read_text().splitlines())}


def _folder(method):
    (folder,) = Path("run/things").glob(f"{method}-*")
    return folder


def test_methods_that_find_instances_and_prompted_ones_stand_in_one_table(run_things, write_finder, vosbench, things):
    said = run_things("finder,echo", adapters=(write_finder(),))
    assert (0, "") == (said.status, said.err)
    rows = _rows()
    assert {"Finder", "echo (prompted)"} == set(rows)
    # the second square is annotated on three of the six frames on which it is found, so it overlaps by a half: it
    # counts at one of the ten thresholds, and it is the only one of its category
    expected = {"AP": 55, "AP50": 100, "AP75": 50, "AR1": 55, "AR10": 55}
    assert expected == {name: pytest.approx(float(rows["Finder"][name])) for name in NAMES}
    assert float(rows["echo (prompted)"]["AP"]) < float(rows["Finder"]["AP"])
    assert "Prompted: given each instance's first mask" in said.out
    assert {"AP", "AP50", "AP75", "AR1", "AR10"} == {name for name in rows["Finder"] if name.startswith("A")}
    results = _folder("finder") / "results.json"
    scored = json.loads(vosbench("score", results, "--suite", things, "--data", things.parent, "--json").out)
    table = {name: pytest.approx(float(rows["Finder"][name]) / 100) for name in NAMES}
    assert table == {entry["name"]: entry["value"] for entry in scored["measures"] if entry["name"] in NAMES}
    _check_that_scores_are_kept_and_follow_the_truth(vosbench, things)
    said = vosbench("show", _folder("finder") / "aa.0")
    assert "AP 100.0" in said.out
    assert "tracks.json" in said.out
    _check_pack(vosbench)


def _check_that_scores_are_kept_and_follow_the_truth(vosbench, things):
    path = _folder("finder") / "scores.youtube-vis.json"
    before = path.stat().st_mtime_ns
    assert 0 == vosbench("score", "run").status
    assert before == path.stat().st_mtime_ns
    annotations = things.parent / "val.json"
    kept = annotations.read_text()
    data = json.loads(kept)
    data["annotations"] = data["annotations"][:1]
    annotations.write_text(json.dumps(data))
    assert 0 == vosbench("score", "run").status
    assert pytest.approx(100) == float(_rows()["Finder"]["AP"])
    annotations.write_text(kept)


def _check_pack(vosbench):
    said = vosbench("pack", "run", "--methods", "finder")
    assert (0, "") == (said.status, said.err)
    assert "things, finder, 2 videos, 3 tracks" in said.out
    (path,) = Path("run/submissions").glob("*.zip")
    with zipfile.ZipFile(path) as archive:
        assert ["results.json"] == archive.namelist()
        assert json.loads((_folder("finder") / "results.json").read_text()) == json.loads(archive.read("results.json"))
    said = vosbench("pack", "run", "--methods", "echo")
    assert 1 == said.status
    assert "prompted with the truth" in said.err
    tracks = _folder("finder") / "bb.0" / "tracks.json"
    tracks.write_text(tracks.read_text().replace('"category":2', '"category":9'))
    said = vosbench("pack", "run", "--methods", "finder", "--out", "again.zip")
    assert 1 == said.status
    assert "category 9, which the data set does not have" in said.err
    assert not Path("again.zip").exists()


def test_a_cut_run_is_scored_on_its_frames_and_videos(run_things, write_finder):
    said = run_things("finder", "--videos", "bb", "--max-frames", 2, adapters=(write_finder(),))
    assert 0 == said.status
    # on these the second square is not annotated, and a category without truth does not count
    assert [pytest.approx(100)] * 5 == [float(_rows()["Finder"][name]) for name in NAMES]
    assert ["bb"] == [record.spec.video for _, record in Run(Path("run")).records()]


def test_a_method_that_finds_nothing_has_0_and_no_submission(run_things, write_finder, vosbench):
    assert 0 == run_things("finder", adapters=(write_finder(fault="blind"),)).status
    assert {"0.0"} == {_rows()["Finder"][name] for name in NAMES}
    said = vosbench("pack", "run")
    assert 1 == said.status
    assert "no track in any video" in said.err


def test_a_suite_of_instances_by_another_protocol_is_refused(run_things, things):
    things.write_text(things.read_text().replace("protocol: youtube-vis", "protocol: davis2017-semi"))
    said = run_things("echo")
    assert 2 == said.status
    assert "youtube-vis" in said.err
    assert not Path("run").exists()


def test_label_maps_are_scored_against_a_folder_of_masks_per_object(vosbench, tiny, write_adapter):
    root = tiny.parent / "Tiny"
    for video in ("aa", "bb"):
        for path in sorted((root / "Annotations" / video).iterdir()):
            for number in ("000", "001")[: 1 + (video == "bb")]:
                target = root / "Objects" / video / number / path.name
                target.parent.mkdir(parents=True, exist_ok=True)
                if number == "000" and video == "aa":
                    shutil.copy(path, target)
                else:
                    _one_object(path, int(number) + 1, target)
    text = tiny.read_text().replace("davis2017-semi", "sav")
    tiny.write_text(text + "  masks: Objects\n  object_folders: true\n")
    fixed = ["--data", tiny.parent, "--threads", 1, "--warm-up", 0, "--out", "run"]
    said = vosbench("run", "--suite", tiny, "--methods", "echo", *fixed)
    assert 0 == said.status
    (row,) = csv.DictReader(Path("run/tables/tiny.csv").read_text().splitlines())
    assert 10 < float(row["J&F-Mean"]) < 100
    (masks,) = {folder.parent for folder, _ in Run(Path("run")).records()}
    for video, numbers in (("aa", (1,)), ("bb", (1, 2))):
        for path in sorted((masks / f"{video}.0" / "masks").iterdir()):
            for number in numbers:
                target = Path("folders") / video / f"{number - 1:03}" / path.name
                target.parent.mkdir(parents=True, exist_ok=True)
                _one_object(path, number, target)
    scored = json.loads(vosbench("score", "folders", "--suite", tiny, "--data", tiny.parent, "--json").out)
    measures = {entry["name"]: entry["value"] for entry in scored["measures"]}
    assert measures["J&F-Mean"] == pytest.approx(float(row["J&F-Mean"]) / 100)
    said = vosbench("pack", "run")
    assert 1 == said.status


def _one_object(path, number, target):
    from vosbench.data.masks import read_mask, write_mask

    write_mask(target, (read_mask(path) == number).astype("uint8"))
