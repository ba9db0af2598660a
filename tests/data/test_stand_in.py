"""Synthetic stand-ins: drawn once, deterministic, complete or absent, readable by the same reader."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys

import pytest

from vosbench.data import stand_in as stand_in_module
from vosbench.data.stand_in import stand_in_root
from vosbench.data.suite import at_split, load_suite, suite_files, video_names
from vosbench.data.video import open_video, prompt_at, video_digest
from vosbench.digest import digest_files
from vosbench.errors import DataError, UsageError

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


def test_every_suite_of_label_maps_that_comes_along_has_a_stand_in():
    suites = [load_suite(path) for path in suite_files().values()]
    assert [] == [
        suite.name
        for suite in suites
        if suite.task == "vos" and not suite.layout.object_folders and suite.stand_in is None
    ]
