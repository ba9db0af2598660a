"""Synthetic stand-ins: drawn once, deterministic, complete or absent, readable by the same reader."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from vosbench.data import stand_in as stand_in_module
from vosbench.data.masks import read_mask
from vosbench.data.opening import SuiteVideos
from vosbench.data.prompts import prompt_at
from vosbench.data.stand_in import stand_in_root
from vosbench.data.suite import at_split, find_suite, load_suite, suite_files, video_names
from vosbench.data.video import open_video, read_truth, video_digest
from vosbench.data.vis import annotation_file, read_json
from vosbench.digest import digest_files
from vosbench.errors import DataError, UsageError
from vosbench.metrics.vis_ap import score_tracks
from vosbench.metrics.vis_tracks import read_results
from vosbench.metrics.vis_tracks import read_truth as read_truth_of_tracks
from vosbench.rle import area, bounds_of_text

STAND_IN = "stand_in:\n  videos: 2\n  frames: 3\n  objects: 2\n  height: 48\n  width: 64\n"


@pytest.fixture
def suite(tiny):
    tiny.write_text(tiny.read_text() + STAND_IN)
    return at_split(load_suite(tiny), "val")


def _contents(root):
    return digest_files([path for path in root.rglob("*") if path.is_file()], root)


def test_the_stand_in_is_read_by_the_reader_of_the_data_set(suite, tmp_path):
    root = stand_in_root(suite, "val", tmp_path / "cache")
    names = video_names(suite, root, "val")
    assert ("synthetic-1", "synthetic-2") == names
    for name in names:
        video = open_video(suite, root, name)
        assert (3, 48, 64, 3) == (len(video.names), video.height, video.width, len(video.masks))
        assert (1, 2) == prompt_at(video, 0, frozenset()).ids
    assert 2 == len({video_digest(open_video(suite, root, name)) for name in names})


def test_it_is_drawn_once(suite, tmp_path, monkeypatch):
    root = stand_in_root(suite, "val", tmp_path / "cache")
    monkeypatch.setattr(stand_in_module, "_draw_video", None)
    assert root == stand_in_root(suite, "val", tmp_path / "cache")


def test_it_is_the_same_wherever_it_is_drawn(suite, tmp_path):
    first, second = (stand_in_root(suite, "val", tmp_path / name) for name in ("one", "two"))
    assert first != second
    assert _contents(first) == _contents(second)


def test_another_layout_or_size_or_split_is_another_folder(suite, tiny, tmp_path):
    roots = {stand_in_root(suite, "val", tmp_path), stand_in_root(suite, "train", tmp_path)}
    for before, after in (("frames: 3", "frames: 2"), ("[Tiny]", "[Tiny, Other]")):
        tiny.write_text(tiny.read_text().replace(before, after))
        roots.add(stand_in_root(at_split(load_suite(tiny), "val"), "val", tmp_path))
    assert 4 == len(roots)


def test_a_suite_without_a_stand_in_says_so(tiny, tmp_path):
    with pytest.raises(UsageError, match="Tiny has no synthetic stand-in"):
        stand_in_root(load_suite(tiny), "val", tmp_path)


def test_what_fails_in_between_leaves_nothing(suite, tmp_path, monkeypatch):
    draw = stand_in_module._draw_video

    def fail_at_the_second(*arguments):
        if arguments[2].id == "synthetic-2":
            raise KeyboardInterrupt
        draw(*arguments)

    monkeypatch.setattr(stand_in_module, "_draw_video", fail_at_the_second)
    with pytest.raises(KeyboardInterrupt):
        stand_in_root(suite, "val", tmp_path / "cache")
    assert [] == list((tmp_path / "cache" / "synthetic").iterdir())
    monkeypatch.undo()
    assert stand_in_root(suite, "val", tmp_path / "cache").is_dir()


KILLED = """\
import os, pathlib, signal, sys
from vosbench.data import stand_in
from vosbench.data.suite import at_split, load_suite

draw = stand_in._draw_video
def kill_at_the_second(*arguments):
    if arguments[2].id == "synthetic-2":
        os.kill(os.getpid(), signal.SIGKILL)
    draw(*arguments)
stand_in._draw_video = kill_at_the_second
stand_in.stand_in_root(at_split(load_suite(pathlib.Path(sys.argv[1])), "val"), "val", pathlib.Path(sys.argv[2]))
"""


def test_a_kill_in_between_leaves_no_folder_that_looks_complete(suite, tiny, tmp_path):
    cache = tmp_path / "cache"
    done = subprocess.run([sys.executable, "-c", KILLED, str(tiny), str(cache)], check=False, cwd=tmp_path)
    assert -signal.SIGKILL == done.returncode
    assert [] == [path.name for path in (cache / "synthetic").iterdir() if not path.name.startswith(".")]
    root = stand_in_root(suite, "val", cache)
    assert ("synthetic-1", "synthetic-2") == video_names(suite, root, "val")


def test_another_process_may_be_faster(suite, tmp_path, monkeypatch):
    """Between the look whether the folder is there and the rename, somebody else's appears."""
    rename = type(tmp_path).rename

    def overtaken(workspace, target):
        shutil.copytree(workspace, target)
        return rename(workspace, target)

    monkeypatch.setattr(type(tmp_path), "rename", overtaken)
    root = stand_in_root(suite, "val", tmp_path / "cache")
    assert ("synthetic-1", "synthetic-2") == video_names(suite, root, "val")
    assert [root] == list(root.parent.iterdir())


def test_a_cache_that_cannot_be_written_says_what_to_do(suite, tmp_path):
    (tmp_path / "cache").write_text("a file where the folder should be")
    with pytest.raises(DataError, match="cannot be written") as caught:
        stand_in_root(suite, "val", tmp_path / "cache")
    assert "VOSBENCH_CACHE" in caught.value.fix


def test_every_suite_that_comes_along_is_drawn_where_no_data_is():
    suites = [load_suite(path) for path in suite_files().values()]
    assert [] == [suite.name for suite in suites if suite.stand_in is None and suite.noise is None]
    assert {"vos", "vis"} == {suite.task for suite in suites}


def test_stand_ins_for_long_videos_are_long_enough_for_growth_and_consolidation():
    suite, _ = find_suite("long-time")
    assert suite.stand_in.videos > 1
    assert 400 <= suite.stand_in.frames


def test_objects_that_leave_are_away_for_a_sixth_of_the_time_and_come_back(suite, tmp_path):
    leaving = replace(suite, stand_in=replace(suite.stand_in, videos=1, frames=120, leaving=True))
    root = stand_in_root(leaving, "val", tmp_path)
    video = open_video(leaving, root, "synthetic-1")
    shown = np.array([[(read_truth(video, name) == number).any() for name in video.names] for number in (1, 2)])
    assert [True, True] == shown[:, 0].tolist() == shown[:, -1].tolist()
    for one in shown:
        assert 20 <= np.count_nonzero(~one) <= 40
        assert 2 == np.count_nonzero(one[1:] != one[:-1])


@pytest.mark.parametrize("name", ["youtube-vis-2019", "youtube-vis-2021"])
def test_a_stand_in_of_instances_is_read_and_scored_by_its_own_rules(name, tmp_path):
    suite = at_split(find_suite(name)[0], "valid")
    small = replace(suite, stand_in=replace(suite.stand_in, frames=6, height=64, width=96, leaving=False))
    root = stand_in_root(small, "valid", tmp_path)
    source = SuiteVideos(small, root, "valid")
    videos = [source.open(name) for name in source.names]
    counts = Counter(entrance.category for video in videos for entrance in video.instances.entrances)
    assert set(counts) <= set(videos[0].view.categories)
    assert all(count > 1 for count in counts.values())
    data = read_json(annotation_file(small, root), "the annotations")
    truth = read_truth_of_tracks(data)
    results = [
        {"video_id": track["video_id"], "category_id": track["category_id"], "score": 1.0,
         "segmentations": track["segmentations"]}
        for track in data["annotations"]
    ]  # fmt: skip
    score = score_tracks(truth, read_results(results, truth))
    assert (1.0, 1.0) == (score.value("AP"), score.value("AR10"))
    track = data["annotations"][1]
    masks = [mask and area(bounds_of_text(mask["counts"], 64 * 96)) for mask in track["segmentations"]]
    assert track["areas"] == masks


def test_a_stand_in_of_object_folders_prompts_with_all_objects_of_the_first_frame(tmp_path):
    suite = at_split(find_suite("sa-v")[0], "val")
    small = replace(suite, stand_in=replace(suite.stand_in, videos=1, frames=9, height=64, width=96))
    root = stand_in_root(small, "val", tmp_path)
    video = open_video(small, root, "synthetic-1")
    assert (9, [1, 2, 3]) == (len(video.names), list(video.folders))
    assert ["00000", "00004", "00008"] == list(video.folders[3])
    first = prompt_at(video, 0, frozenset())
    assert (1, 2, 3) == first.ids
    assert [None] * 8 == [prompt_at(video, index, frozenset(first.ids)) for index in range(1, 9)]
    for number, masks in video.folders.items():
        assert np.array_equal(read_mask(masks["00000"]) > 0, first.mask == number)
