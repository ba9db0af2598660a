"""Names that lead out of their folder, wherever a data set may bring them along: nothing is read or written there."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vosbench.data.suite import at_split, load_suite, video_names
from vosbench.data.vis import annotation_file, read_annotations, read_json
from vosbench.data.vis_videos import AnnotatedVideos
from vosbench.errors import DataError, UsageError, VosbenchError

YAML = "schema: 1\nname: mine\ntitle: Mine\nprotocol: davis2017-semi\nlayout:\n  lists: ['{split}.txt']\n"
VIS = "schema: 1\nname: mine\ntitle: Mine\ntask: vis\nprotocol: youtube-vis\nlayout:\n  annotations: ['{split}.json']\n"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("names")
    (folder / "vos.yaml").write_text(YAML)
    (folder / "vis.yaml").write_text(VIS)
    return folder


def _listing(*files):
    videos = [{"id": i, "height": 4, "width": 5, "file_names": names} for i, names in enumerate(files, start=1)]
    return json.dumps({"videos": videos, "categories": []})


def _suite(folder, name):
    return at_split(load_suite(folder / f"{name}.yaml"), "val")


@settings(max_examples=100, deadline=None, derandomize=True, database=None)
@given(lines=st.lists(st.text(max_size=12) | st.sampled_from(["..", "../x", "/etc/passwd", "a/../b", "a\\b", "/"])))
def test_no_name_of_a_list_leads_out_of_the_folder(folder, lines):
    (folder / "val.txt").write_bytes("\n".join(lines).encode("utf-8", "surrogatepass"))
    try:
        names = video_names(_suite(folder, "vos"), folder, "val")
    except DataError as error:
        assert "val.txt" in error.where
        return
    for name in names:
        assert Path(name).parts == (name,)
        assert (folder / name).parent == folder
        assert not set(name) & {"/", "\\", "\0"}
        assert name not in ("", ".", "..")


@pytest.mark.parametrize(
    "name", ["../x/0.jpg", "/etc/x.jpg", "..\\x/0.jpg", ".hidden/0.jpg", "a\0b/0.jpg", 3, None, {}]
)
def test_no_file_name_of_annotations_leads_out_of_the_folder(folder, name):
    (folder / "val.json").write_text(_listing([name]))
    with pytest.raises(DataError) as caught:
        AnnotatedVideos(_suite(folder, "vis"), folder)
    assert "val.json" in caught.value.where


def test_names_of_annotations_are_those_of_the_folders(folder):
    (folder / "val.json").write_text(_listing(["b/0.jpg"], ["a/0.jpg"]))
    assert ("b", "a") == AnnotatedVideos(_suite(folder, "vis"), folder).names


@pytest.mark.parametrize("text", ["", "{", "[" * 100_000, "\x00\x00", '{"a": ' * 5000, "9" * 5000, b"\xff\xfe\xfd"])
def test_what_is_no_json_is_refused(folder, text):
    path = folder / "val.json"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(DataError, match="cannot be read"):
        read_json(path, "the file")


@pytest.mark.parametrize("text", ["[]", "3", "null", "{}", '{"annotations": []}', '{"annotations": null}'])
def test_annotations_without_a_track_are_refused(folder, text):
    (folder / "val.json").write_text(text)
    with pytest.raises(DataError, match="annotation"):
        read_annotations(_suite(folder, "vis"), folder)


def test_a_missing_annotation_file_is_named(folder, tmp_path):
    with pytest.raises(DataError, match="no annotation file") as caught:
        annotation_file(_suite(folder, "vis"), tmp_path)
    assert str(tmp_path / "val.json") in caught.value.where


@settings(max_examples=60, deadline=None, derandomize=True, database=None)
@given(name=st.text(max_size=12) | st.sampled_from(["../a", "..", "a/b", "", " ", "a\n"]))
def test_a_suite_whose_name_is_no_folder_is_refused(folder, name):
    path = folder / "fuzz.yaml"
    path.write_text(YAML.replace("mine", json.dumps(name)), encoding="utf-8", errors="replace")
    try:
        suite = load_suite(path)
    except UsageError:
        return
    assert Path(suite.name).parts == (suite.name,)
    assert suite.name.isprintable()


@settings(max_examples=100, deadline=None, derandomize=True, database=None)
@given(
    place=st.integers(0, len(YAML)),
    text=st.text(max_size=10) | st.sampled_from(["&a [*a]", "!!python/name:os.system", "{" * 40]),
)
def test_a_suite_file_with_something_written_into_it_is_read_or_refused(folder, place, text):
    path = folder / "fuzz.yaml"
    path.write_text(YAML[:place] + text + YAML[place:], encoding="utf-8", errors="replace")
    try:
        suite = load_suite(path)
    except VosbenchError as error:
        assert "fuzz.yaml" in error.where
    else:
        assert suite.schema == 1
