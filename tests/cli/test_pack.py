"""``vosbench pack``: what the servers take, and what they would refuse."""

from __future__ import annotations

import dataclasses
import json
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from vosbench.data.masks import read_mask, write_mask
from vosbench.data.suite import load_suite, suite_files
from vosbench.records import Outcome, Record
from vosbench.store.run import Run

SERVER = "layout:\n  roots: [Tiny]\n  lists: ['ImageSets/{split}.txt']\n  void: 255\n  largest_id: 254\n"


@pytest.fixture
def publish(tiny, plan_cells, write_adapter, machine):
    """Gives back a function that publishes a run whose answers are the truth; gives back its cells' folders."""

    def put(*, status="ok", change=None, name="mine", **request):
        run = Run(Path("run"))
        folders = []
        for spec in plan_cells(write_adapter(name), **request):
            spec = change(spec) if change else spec
            workspace = run.workspace(spec)
            for path in sorted((tiny.parent / "Tiny" / "Annotations" / spec.video).iterdir()):
                write_mask(workspace / "masks" / path.name, read_mask(path))
            outcome = Outcome(status=status)
            record = Record(key=spec.key, spec=spec, outcome=outcome, frames=6, machine=machine, started="now")
            folders.append(run.publish(workspace, record))
        return folders

    return put


def _zip():
    (path,) = Path("run/submissions").glob("*.zip")
    return path


def test_every_mask_lies_under_its_video_and_nothing_else_is_there(vosbench, publish, tiny):
    publish()
    said = vosbench("pack", "run")
    assert (0, "") == (said.status, said.err)
    assert "tiny, mine, 2 videos, 12 masks" in said.out
    with zipfile.ZipFile(_zip()) as archive:
        expected = [f"{video}/{index:05d}.png" for video in ("aa", "bb") for index in range(6)]
        assert expected == archive.namelist()
        archive.extractall("there")
    for name in expected:
        truth = tiny.parent / "Tiny" / "Annotations" / name
        assert np.array_equal(read_mask(truth), read_mask(Path("there") / name))
        with Image.open(Path("there") / name) as image:
            assert "P" == image.mode


def test_equal_masks_make_equal_files(vosbench, publish):
    publish()
    vosbench("pack", "run")
    first = _zip().read_bytes()
    vosbench("pack", "run", "--out", "again.zip")
    assert first == Path("again.zip").read_bytes()
    assert ["again.zip"] == [path.name for path in Path().glob("*again*")]


def test_a_server_with_a_top_folder_and_listed_frames_gets_those(vosbench, publish, tiny):
    objects = {"1": {"category": "x", "frames": ["00000", "00004"]}, "2": {"category": "y", "frames": ["00002"]}}
    meta = {"videos": {name: {"objects": objects} for name in ("aa", "bb")}}
    (tiny.parent / "Tiny" / "meta.json").write_text(json.dumps(meta))
    more = "  meta: meta.json\nsubmission: {top: Annotations, frames: meta}\n"
    tiny.write_text("schema: 1\nname: tiny\ntitle: Tiny\nprotocol: davis2017-semi\n" + SERVER + more)
    publish()
    value = json.loads(vosbench("pack", "run", "--json").out)
    assert [(2, 6)] == [(entry["videos"], entry["masks"]) for entry in value]
    with zipfile.ZipFile(_zip()) as archive:
        assert ["00000", "00002", "00004"] == [Path(name).stem for name in archive.namelist()[:3]]
        assert {"Annotations"} == {Path(name).parts[0] for name in archive.namelist()}


def test_names_of_other_lengths_are_refused_where_the_server_wants_digits(vosbench, publish, tiny):
    tiny.write_text(tiny.read_text() + "submission: {digits: 8}\n")
    publish()
    said = vosbench("pack", "run")
    assert 1 == said.status
    assert "8 digits" in said.err


def test_the_suites_name_the_layout_of_their_servers():
    found = {name: load_suite(path).submission for name, path in suite_files().items()}
    tops = {name: (entry.top, entry.frames, entry.digits) for name, entry in found.items() if entry.top}
    youtube, lvos = ("Annotations", "meta", None), ("Annotations", "all", 8)
    assert {
        "youtube-vos-2018": youtube,
        "youtube-vos-2019": youtube,
        "lvos-v1": lvos,
        "lvos-v2": lvos,
    } == tops


def test_data_that_is_elsewhere_now_is_named_with_what_to_do(vosbench, publish, tiny):
    publish()
    (tiny.parent / "Tiny").rename(tiny.parent / "Elsewhere")
    said = vosbench("pack", "run")
    assert 1 == said.status
    assert "the data of Tiny is not there" in said.err
    assert str(tiny.parent / "Tiny") in said.err
    assert "put the data set back there" in said.err


def test_a_suite_that_comes_along_is_found_where_its_recorded_file_is_gone(vosbench, publish, tiny):
    names = {"name": "davis2017", "file": Path("gone/davis2017.yaml")}
    publish(change=lambda spec: dataclasses.replace(spec, suite=dataclasses.replace(spec.suite, **names)))
    (tiny.parent / "Tiny").rename(tiny.parent / "Elsewhere")
    said = vosbench("pack", "run", "--suite", "davis2017")
    assert "error: the data of DAVIS 2017 is not there" in said.err  # it knows the suite: the title is that file's


def _remove(path):
    path.unlink()


def _tear(path):
    path.write_bytes(path.read_bytes()[:-20])


def _shrink(path):
    write_mask(path, read_mask(path)[1:])


def _grey(path):
    Image.fromarray(read_mask(path)).save(path)


def _foreign(path):
    write_mask(path, read_mask(path) + np.uint8(9))


def _deep(path):
    write_mask(path, read_mask(path).astype(np.uint16) + np.uint16(300))


@pytest.mark.parametrize(
    ("harm", "words"),
    [
        (_remove, "missing or torn"),
        (_tear, "missing or torn"),
        (_shrink, "48 x 31"),
        (_grey, "palette"),
        (_foreign, "id 9"),
        (_deep, "id 300"),
    ],
)
def test_a_mask_that_a_server_would_refuse_is_named_and_nothing_is_written(vosbench, publish, harm, words):
    harm(publish()[1] / "masks" / "00003.png")
    said = vosbench("pack", "run")
    assert 1 == said.status
    assert words in said.err
    assert "video bb, frame 00003" in said.err
    assert not Path("run/submissions").exists()


def test_a_run_of_some_videos_is_refused(vosbench, publish):
    publish(videos=("bb",))
    said = vosbench("pack", "run")
    assert 1 == said.status
    assert "the first is 'aa'" in said.err


def test_a_cut_run_is_refused(vosbench, publish):
    publish(max_frames=3)
    said = vosbench("pack", "run")
    assert 1 == said.status
    assert "--max-frames" in said.err


def test_a_synthetic_run_is_refused(vosbench, publish):
    publish(change=lambda spec: dataclasses.replace(spec, suite=dataclasses.replace(spec.suite, synthetic=True)))
    said = vosbench("pack", "run")
    assert 1 == said.status
    assert "synthetic" in said.err


def test_a_run_that_failed_is_refused(vosbench, publish):
    publish(status="oom")
    said = vosbench("pack", "run")
    assert 1 == said.status
    assert "ended with oom" in said.err


def test_of_several_methods_one_is_chosen_for_one_file(vosbench, publish):
    publish()
    publish(name="other")
    assert 2 == vosbench("pack", "run", "--out", "one.zip").status
    assert 0 == vosbench("pack", "run", "--out", "one.zip", "--methods", "other").status
    assert 0 == vosbench("pack", "run").status
    assert 2 == len(list(Path("run/submissions").glob("*.zip")))
    assert 2 == vosbench("pack", "run", "--methods", "nobody").status


def test_a_video_whose_name_leads_out_of_the_folder_is_refused(vosbench, publish, tiny):
    publish()
    (tiny.parent / "Tiny" / "ImageSets" / "val.txt").write_text("..\nbb\n")
    said = vosbench("pack", "run")
    assert 1 == said.status
    assert "'..' is no video name" in said.err
