"""Suites: their YAML files, where their data is looked for, and which videos they have."""

from __future__ import annotations

from pathlib import Path

import pytest

from vosbench.config import Places
from vosbench.data.suite import (
    FIRST_FRAME_IDS,
    at_split,
    find_root,
    find_suite,
    load_suite,
    official_count,
    official_names,
    recorded_file,
    split_times,
    suite_files,
    suite_of,
    video_names,
)
from vosbench.errors import DataError, UsageError
from vosbench.metrics.protocol import PROTOCOLS, check_protocol
from vosbench.records import SuiteSpec


@pytest.fixture
def write(tmp_path):
    """Gives back a function that writes a suite of one protocol with more lines and loads it."""

    def load(more=""):
        path = tmp_path / "mine.yaml"
        path.write_text("schema: 1\nname: mine\ntitle: Mine\nprotocol: davis2017-semi\n" + more)
        return load_suite(path)

    return load


def _places(tmp_path, data=None, **suites):
    return Places(data=data, suite_data=suites, cache=tmp_path / "cache")


def _data_set(root, frames="JPEGImages", masks="Annotations", videos=("b", "a")):
    for name in videos:
        (root / frames / name).mkdir(parents=True)
        (root / masks / name).mkdir(parents=True)
    return root


def test_every_suite_that_comes_along_loads_under_its_own_name_with_a_known_protocol():
    files = suite_files()
    assert {"davis2016", "davis2017"} <= set(files)
    for name, path in files.items():
        suite = load_suite(path)
        assert name == suite.name
        if suite.noise is not None:
            assert suite.protocol == "none"
        else:
            check_protocol(suite.protocol, suite.task)
        assert suite.drawn or suite.source.home.startswith("https://"), name
        assert suite.source.terms, name


def test_every_official_list_is_there_and_holds_each_name_once():
    for name, path in suite_files().items():
        suite = load_suite(path)
        for split in suite.splits.official:
            names = official_names(suite, path, split)
            assert len(names) == len(set(names)) == official_count(suite, path, split) > 0, (name, split)


@pytest.mark.parametrize(
    ("suite", "split", "expected"),
    [("davis2016", "val", 20), ("davis2016", "train", 30), ("davis2017", "val", 30), ("davis2017", "train", 60)],
)
def test_davis_has_its_official_number_of_videos(suite, split, expected):
    found, path = find_suite(suite)
    assert expected == official_count(found, path, split)
    assert 0 == official_count(found, path, "no-such-split")


def test_a_suite_is_found_by_name_or_by_path(write, tmp_path):
    mine = write()
    assert (mine, tmp_path / "mine.yaml") == find_suite(str(tmp_path / "mine.yaml"))
    assert "davis2016" == find_suite("davis2016")[0].name


def test_an_unknown_suite_offers_the_nearest():
    with pytest.raises(UsageError, match="there is no suite 'davis2026'") as caught:
        find_suite("davis2026")
    assert "davis2016" in caught.value.fix


def test_a_suite_file_of_another_schema_is_refused(tmp_path):
    path = tmp_path / "new.yaml"
    path.write_text("schema: 2\nname: a\ntitle: A\nprotocol: p\n")
    with pytest.raises(UsageError, match="schema 2; this vosbench reads 1"):
        load_suite(path)


def test_objects_that_appear_later_need_a_protocol_that_scores_them(tmp_path):
    strict = {entry.name for entry in PROTOCOLS if entry.objects == "first-frame" and entry.strict_ids}
    assert strict == FIRST_FRAME_IDS
    path = tmp_path / "late.yaml"
    text = "schema: 1\nname: late\ntitle: Late\nprotocol: {}\nlayout:\n  prompt: at-first-appearance\n"
    for protocol in strict:
        path.write_text(text.format(protocol))
        with pytest.raises(UsageError, match="cannot score those that appear later") as caught:
            load_suite(path)
        assert "protocol: vos-benchmark" in caught.value.fix
    path.write_text(text.format("vos-benchmark"))
    assert "at-first-appearance" == load_suite(path).layout.prompt


@pytest.mark.parametrize("name", ["a/b", "../a", ".hidden", "", "a b", "a@3x"])
def test_a_suites_name_is_the_name_of_a_folder(tmp_path, name):
    path = tmp_path / "odd.yaml"
    path.write_text(f"schema: 1\nname: '{name}'\ntitle: A\nprotocol: p\n")
    with pytest.raises(UsageError, match="is no suite name"):
        load_suite(path)


def test_roots_are_tried_in_their_order_and_then_the_folder_itself(write, tmp_path):
    suite = write("layout:\n  roots: [first, second]\n")
    itself = _data_set(tmp_path / "data")
    places = _places(tmp_path, itself)
    assert itself == find_root(suite, places)
    second = _data_set(itself / "second")
    assert second == find_root(suite, places)
    first = _data_set(itself / "first")
    assert first == find_root(suite, places)


def test_a_data_root_that_is_another_data_set_of_the_same_layout_is_not_taken_for_the_suites(tmp_path):
    suite = at_split(find_suite("mose")[0], "train")
    other = _data_set(tmp_path / "YouTube-VOS", "train/JPEGImages", "train/Annotations")
    with pytest.raises(DataError, match="MOSE is not there") as caught:
        find_root(suite, _places(tmp_path, other))
    assert "--data mose=PATH" in caught.value.fix
    assert other == find_root(suite, _places(tmp_path, mose=other))
    itself = _data_set(tmp_path / "MOSE", "train/JPEGImages", "train/Annotations")
    assert itself == find_root(suite, _places(tmp_path, itself)) == find_root(suite, _places(tmp_path, tmp_path))


def test_a_suites_own_folder_wins(write, tmp_path):
    own, other = _data_set(tmp_path / "own"), _data_set(tmp_path / "other")
    assert own == find_root(write(), _places(tmp_path, other, mine=own))


def test_without_a_data_root_there_is_none(write, tmp_path):
    assert find_root(write(), _places(tmp_path)) is None


def test_a_data_set_that_is_not_there_says_where_it_was_looked_for(write, tmp_path):
    suite = write("layout:\n  roots: [Mine]\nsource:\n  archive: mine.zip\n  home: https://example.org\n")
    (tmp_path / "data" / "JPEGImages").mkdir(parents=True)  # frames without masks are no data set
    with pytest.raises(DataError, match="Mine is not there: expected JPEGImages/VIDEO and Annotations/VIDEO") as caught:
        find_root(suite, _places(tmp_path, tmp_path / "data"))
    assert f"{tmp_path}/data/Mine, {tmp_path}/data" in caught.value.where
    assert "get mine.zip from https://example.org" in caught.value.fix
    assert "--data mine=PATH" in caught.value.fix


def test_without_a_list_every_folder_is_a_video(write, tmp_path):
    root = _data_set(tmp_path / "data", videos=("b", "a", ".cache"))
    (root / "JPEGImages" / "readme.txt").write_text("no video")
    assert ("a", "b") == video_names(write(), root, "val")


def test_an_empty_folder_of_videos_is_an_error(write, tmp_path):
    with pytest.raises(DataError, match="there is no video"):
        video_names(write(), _data_set(tmp_path / "data", videos=(".cache",)), "val")


@pytest.mark.parametrize("more", ["", "layout:\n  lists: [val.txt]\n"])
def test_data_that_is_gone_is_an_error_that_says_where_it_was(write, tmp_path, more):
    with pytest.raises(DataError, match="the data of Mine is not there") as told:
        video_names(write(more), tmp_path / "gone", "val")
    assert str(tmp_path / "gone") in told.value.where


def _recorded(file, name="davis2017", protocol="davis2017-semi"):
    return SuiteSpec(
        name=name, title="", file=file, root=Path(), split="val", protocol=protocol, synthetic=False, official_videos=0
    )


def test_a_recorded_suite_whose_file_is_gone_is_the_installed_one_of_its_name_and_protocol():
    gone = Path("gone") / "davis2017.yaml"
    assert (
        suite_files()["davis2017"] == recorded_file(_recorded(gone)) == recorded_file(_recorded(gone, "davis2017@3x"))
    )
    assert suite_of(_recorded(gone)).layout == at_split(load_suite(suite_files()["davis2017"]), "val").layout
    for other in (_recorded(gone, protocol="lvos"), _recorded(gone, "mine"), _recorded(Path("gone/mine.yaml"))):
        with pytest.raises(DataError, match="is gone"):
            recorded_file(other)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("b\na\n", ("b", "a")),
        ("b\r\n\r\na\r\nb\r\n", ("b", "a")),
        ("/JPEGImages/480p/b/00000.jpg /Annotations/480p/b/00000.png\n/JPEGImages/480p/b/00001.jpg x\n", ("b",)),
        ("  b  \n", ("b",)),
    ],
)
def test_lists_hold_names_or_pairs_of_paths(write, tmp_path, text, expected):
    suite = write('layout:\n  lists: ["absent/{split}.txt", "lists/{split}.txt"]\n')
    (tmp_path / "lists").mkdir()
    (tmp_path / "lists" / "val.txt").write_bytes(text.encode())
    assert expected == video_names(at_split(suite, "val"), tmp_path, "val")


@pytest.mark.parametrize("text", ["..\n", "/../x.jpg\n", "a\\b\n", "/x.jpg\n", ".hidden\n"])
def test_a_list_cannot_lead_out_of_the_data_set(write, tmp_path, text):
    (tmp_path / "val.txt").write_text(text)
    with pytest.raises(DataError, match="is no video name"):
        video_names(write("layout:\n  lists: [val.txt]\n"), tmp_path, "val")


@pytest.mark.parametrize(("data", "message"), [(b" \n", "the list is empty"), (b"\xff\xfe\x00", "cannot be read")])
def test_a_list_without_names_is_an_error(write, tmp_path, data, message):
    (tmp_path / "val.txt").write_bytes(data)
    with pytest.raises(DataError, match=message):
        video_names(write("layout:\n  lists: [val.txt]\n"), tmp_path, "val")


def test_a_split_without_a_list_is_an_error_that_names_what_was_tried(write, tmp_path):
    suite = at_split(write('layout:\n  lists: ["ImageSets/{split}.txt"]\n'), "test")
    with pytest.raises(DataError, match="Mine has no list of the split 'test'") as caught:
        video_names(suite, tmp_path, "test")
    assert "ImageSets/test.txt" in caught.value.where


def test_an_official_list_that_is_missing_is_an_error(write, tmp_path):
    suite = write("splits:\n  official:\n    val: absent.txt\n")
    with pytest.raises(UsageError, match="cannot be read"):
        official_names(suite, tmp_path / "mine.yaml", "val")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("long-time", ("long-time", None)),
        ("long-time@3x", ("long-time", 3)),
        ("a@b/mine.yaml", ("a@b/mine.yaml", None)),
        ("a@b/mine.yaml@2x", ("a@b/mine.yaml", 2)),
    ],
)
def test_a_suite_may_be_played_several_times(text, expected):
    assert expected == split_times(text)


@pytest.mark.parametrize("text", ["a@", "a@3", "a@0x", "a@x", "a@-1x", "a@²x"])
def test_what_is_no_number_of_times_is_refused(text):
    with pytest.raises(UsageError, match="is not understood"):
        split_times(text)


def test_split_feed_and_times_are_filled_in(write):
    suite = at_split(
        write('layout:\n  frames: "{split}/JPEGImages"\n  roots: ["{split}"]\n'), "train", times=2, feed="fifth"
    )
    assert ("train/JPEGImages", ("train",), 2, "fifth") == (
        suite.layout.frames,
        suite.layout.roots,
        suite.times,
        suite.feed,
    )


def test_davis_and_mose_have_a_mask_for_every_frame_but_not_where_the_truth_is_on_a_server():
    splits = {"davis2016": "val", "davis2017": "train", "mose": "train", "lvos-v2": "valid", "sa-v": "val"}
    dense = {name for name, split in splits.items() if at_split(find_suite(name)[0], split).layout.dense_masks}
    assert {"davis2016", "davis2017", "mose"} == dense
    assert not at_split(find_suite("mose")[0], "valid").layout.dense_masks


def test_a_data_set_with_every_fifth_frame_only_is_said_to_be_that(write, tmp_path):
    suite = write("layout:\n  dense_frames: AllFrames\n")
    root = _data_set(tmp_path / "data")
    with pytest.raises(DataError, match="is here with every fifth frame only") as caught:
        find_root(suite, _places(tmp_path, root))
    assert "--feed fifth" in caught.value.fix
    assert root == find_root(at_split(suite, "val", feed="fifth"), _places(tmp_path, root))
    (root / "AllFrames").mkdir()
    assert root == find_root(suite, _places(tmp_path, root))
