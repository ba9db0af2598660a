"""``vosbench score`` by every protocol, on the official tools' goldens written out as their data sets lie on disk."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest
import yaml

from vosbench.data.masks import write_mask
from vosbench.data.suite import suite_files

CLOSE = 1e-12


@pytest.fixture(scope="module")
def sparse(shared):
    folder = shared / "goldens" / "metrics" / "sparse"
    with np.load(folder / "masks.npz") as masks:
        return json.loads((folder / "expected.json").read_text()), dict(masks)


def _write(root, video, names, truth, prediction):
    """Write one video: frames, truth and, in the folder ``masks``, predictions."""
    for folder in (root / "JPEGImages", root / "Annotations", Path("masks")):
        (folder / video).mkdir(parents=True)
    for name, true, found in zip(names, truth, prediction, strict=True):
        cv2.imwrite(str(root / "JPEGImages" / video / f"{name}.jpg"), np.zeros((*true.shape, 3), np.uint8))
        write_mask(root / "Annotations" / video / f"{name}.png", true)
        write_mask(Path("masks") / video / f"{name}.png", found)


def _measures(said):
    assert (0, "") == (said.status, said.err)
    return {measure["name"]: measure["value"] for measure in json.loads(said.out)["measures"]}


@pytest.mark.parametrize("suite", ["lvos-v1", "lvos-v2"])
def test_lvos(vosbench, sparse, suite):
    expected, masks = sparse[0]["lvos"], sparse[1]
    root = Path("data/LVOS") / suite.removeprefix("lvos-") / "valid"
    for video in expected["meta"]["videos"]:
        truth = masks[f"lvos_{video}_gt"]
        names = [f"{1 + 5 * index:08d}" for index in range(len(truth))]
        _write(root, video, names, truth, masks[f"lvos_{video}_pred"])
    (root / "valid_meta.json").write_text(json.dumps(expected["meta"]))
    arguments = ("score", "masks", "--suite", suite, "--data", "data")
    got = _measures(vosbench(*arguments, "--json"))
    wanted = expected["scores_python_boundary"]["res"]["semi-supervised"]
    assert {name: pytest.approx(wanted[name], abs=CLOSE) for name in got} == got
    assert expected["csv_global"].split() == Path("masks/global_results-valid.csv").read_text().split()
    assert expected["csv_per_sequence"].split() == Path("masks/per-sequence_results-valid.csv").read_text().split()
    more = {"videos": {"zz": {"objects": {}}} | expected["meta"]["videos"]}
    (root / "valid_meta.json").write_text(json.dumps(more))
    said = vosbench(*arguments)
    assert f"{len(expected['meta']['videos'])} of {50 if suite == 'lvos-v1' else 140} official videos" in said.out
    assert "1 videos of valid/valid_meta.json have no folder of frames here" in said.out
    assert "the first is zz" in said.out


@pytest.mark.parametrize(
    ("protocol", "key"),
    [
        ("long-time-xmem", "davis2017_tool_as_XMem_docs(first and last excluded)"),
        ("long-time-afb-urr", "afb_urr_tool(first excluded, last kept)"),
    ],
)
def test_long_time_video(vosbench, sparse, protocol, key):
    expected, masks = sparse[0]["longvideo"], sparse[1]
    for video, names in expected["annotated_frames"].items():
        truth, found = masks[f"longvideo_{video}_gt"], masks[f"longvideo_{video}_pred"]
        _write(Path("data/long_video"), video, names, truth, found)
    arguments = ("score", "masks", "--suite", "long-time", "--data", "data", "--protocol", protocol)
    got = _measures(vosbench(*arguments, "--json"))
    assert {name: pytest.approx(expected[key][name], abs=CLOSE) for name in got} == got
    said = vosbench(*arguments)
    assert f"protocol {protocol}" in said.out
    assert f"J&F-Mean {100 * expected[key]['J&F-Mean']:8.1f}" in said.out


def test_youtube_vos(vosbench, sparse):
    expected, masks = sparse[0]["ytvos"], sparse[1]
    for video, meta in expected["meta"]["videos"].items():
        truth, found = masks[f"ytvos_{video}_gt"], masks[f"ytvos_{video}_pred"]
        _write(Path("data/train"), video, meta["frames"], truth, found)
    Path("data/train/meta.json").write_text(json.dumps(expected["meta"]))
    text = yaml.safe_load(suite_files()["youtube-vos-2019"].read_text())
    text |= {"name": "mine", "feed": "fifth", "groups": {"seen_categories": "seen.txt"}}
    Path("mine.yaml").write_text(yaml.safe_dump(text))
    Path("seen.txt").write_text("\n".join(expected["seen_categories"]))
    arguments = ("score", "masks", "--suite", "mine.yaml", "--data", "data")
    got = _measures(vosbench(*arguments, "--split", "train", "--json"))
    wanted = {name: expected["scores"][name.removesuffix("-Mean").replace("-", "_")] for name in got}
    assert {name: pytest.approx(value, abs=CLOSE) for name, value in wanted.items()} == got
    assert [] == list(Path("masks").glob("*.csv"))


def test_one_set_of_masks_by_every_protocol_that_reads_objects_from_masks(vosbench, sparse):
    """The figures of davis2017-semi, davis2017-unsup, davis2016 and vos-benchmark on perfect masks."""
    masks = sparse[1]
    truth = masks["longvideo_long0_gt"]
    _write(Path("data/long_video"), "a", [f"{index:05d}" for index in range(len(truth))], truth, truth)
    for protocol in ("davis2017-semi", "davis2017-unsup", "davis2016", "vos-benchmark"):
        arguments = ("score", "masks", "--suite", "long-time", "--data", "data", "--protocol", protocol)
        got = _measures(vosbench(*arguments, "--json"))
        assert 1.0 == got["J&F-Mean"], protocol


def test_unsupervised_davis_has_annotations_of_its_own(vosbench, write_video):
    """One object in `Annotations`, two in `Annotations_unsupervised`, where the official tool reads."""
    root = Path("data/DAVIS")
    for objects, folder in ((1, "Annotations"), (2, "Annotations_unsupervised")):
        write_video(Path("drawn") / folder, "bear", objects=objects)
        (root / folder).mkdir(parents=True)
        (Path("drawn") / folder / "Annotations").rename(root / folder / "480p")
    (root / "JPEGImages").mkdir()
    Path("drawn/Annotations/JPEGImages").rename(root / "JPEGImages" / "480p")
    (root / "ImageSets" / "2017").mkdir(parents=True)
    (root / "ImageSets" / "2017" / "val.txt").write_text("bear")
    masks = str(root / "Annotations" / "480p")
    arguments = ("score", masks, "--suite", "davis2017", "--data", "data", "--csv", "csv", "--json")
    assert 1.0 == _measures(vosbench(*arguments))["J-Mean"]
    assert 0.5 == _measures(vosbench(*arguments, "--protocol", "davis2017-unsup"))["J-Mean"]
    shutil.rmtree(root / "Annotations_unsupervised")
    said = vosbench(*arguments, "--protocol", "davis2017-unsup")
    assert 1 == said.status
    assert "Annotations_unsupervised/480p" in said.err
    assert "DAVIS-2017-Unsupervised-trainval-480p.zip" in said.err


def test_a_protocol_that_there_is_not_is_an_error_with_the_nearest(vosbench, tiny):
    Path("masks").mkdir()
    said = vosbench("score", "masks", "--suite", tiny, "--data", tiny.parent, "--protocol", "davis2017-semy")
    assert 2 == said.status
    assert "davis2017-semi" in said.err


def test_a_protocol_that_needs_a_meta_file_says_so_where_there_is_none(vosbench, tiny):
    (Path("masks") / "aa").mkdir(parents=True)
    said = vosbench("score", "masks", "--suite", tiny, "--data", tiny.parent, "--protocol", "lvos", "--videos", "aa")
    assert 1 == said.status
    assert "meta file" in said.err


def test_truth_on_a_server_is_no_truth_here(vosbench):
    Path("masks").mkdir()
    _write(Path("data/MOSE/valid"), "a", ["00000"], np.ones((1, 4, 5), np.uint8), np.ones((1, 4, 5), np.uint8))
    said = vosbench("score", "masks", "--suite", "mose", "--data", "data")
    assert 2 == said.status
    assert "evaluation server" in said.err
    assert "vosbench pack" in said.err
