"""Every suite that comes with vosbench, on its stand-in and on the small real data beside the checkout."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from vosbench.config import find_places
from vosbench.data.prompts import prompt_at
from vosbench.data.stand_in import stand_in_root
from vosbench.data.suite import Suite, at_split, find_root, find_suite, suite_files, video_names
from vosbench.data.video import back_and_forth, open_video, read_frame, read_truth
from vosbench.errors import DataError
from vosbench.metrics.protocol import find_protocol
from vosbench.scorer import score_masks

SUITES = sorted(
    name
    for name in suite_files()
    if (suite := find_suite(name)[0]).task == "vos" and suite.stand_in is not None and not suite.layout.object_folders
)


def small(name: str) -> Suite:
    """Gives back a suite whose stand-in is small: the layout is what matters here."""
    suite, _ = find_suite(name)
    assert suite.stand_in is not None
    frames = 5 * suite.stand_in.truth_every + 1
    stand_in = replace(suite.stand_in, videos=2, frames=frames, height=64, width=96, values=suite.stand_in.values[:2])
    return at_split(replace(suite, stand_in=stand_in), suite.splits.default)


@pytest.fixture(params=SUITES, scope="module")
def drawn(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Suite, Path]:
    suite = small(request.param)
    return suite, stand_in_root(suite, suite.splits.default, tmp_path_factory.mktemp("drawn"))


def test_the_stand_in_of_every_suite_is_read_and_scored_by_its_own_rules(drawn: tuple[Suite, Path]) -> None:
    suite, root = drawn
    names = video_names(suite, root, suite.splits.default)
    assert len(names) == 2
    for name in names:
        video = open_video(suite, root, name)
        masks = root / suite.layout.masks / name
        score = score_masks(find_protocol(suite.protocol), suite, video, masks)
        assert score.objects
        if suite.layout.objects == "many":
            assert all(np.all(entry.j == 1) for entry in score.objects if len(entry.j))


def test_every_object_of_a_stand_in_is_prompted_once(drawn: tuple[Suite, Path]) -> None:
    suite, root = drawn
    for name in video_names(suite, root, suite.splits.default):
        video = open_video(suite, root, name)
        known: frozenset[int] = frozenset()
        for index in range(len(video.names)):
            prompt = prompt_at(video, index, known)
            if prompt is not None:
                assert known.isdisjoint(prompt.ids)
                known |= set(prompt.ids)
        truth = {int(i) for mask in video.masks for i in np.unique(read_truth(video, mask))} - {0}
        expected = truth if suite.layout.prompt == "at-first-appearance" else truth & known
        assert expected == set(known)


def test_groups_of_seen_and_unseen_both_have_members(tmp_path: Path) -> None:
    for name in ("youtube-vos-2019", "lvos-v2"):
        suite = small(name)
        root = stand_in_root(suite, suite.splits.default, tmp_path)
        groups = set()
        for video_name in video_names(suite, root, suite.splits.default):
            video = open_video(suite, root, video_name)
            masks = root / suite.layout.masks / video_name
            score = score_masks(find_protocol(suite.protocol), suite, video, masks)
            groups |= {entry.group for entry in score.objects}
        assert {"seen", "unseen"} == groups


def test_a_ladder_changes_one_variable_and_names_its_videos_by_it(tmp_path: Path) -> None:
    suite = small("ladder-objects")
    root = stand_in_root(suite, suite.splits.default, tmp_path)
    names = video_names(suite, root, suite.splits.default)
    assert ("objects-00001", "objects-00002") == names
    counts = [len(np.unique(read_truth(open_video(suite, root, name), "00000"))) - 1 for name in names]
    assert [1, 2] == counts


def test_a_ladder_is_drawn_even_where_a_data_root_is_configured(tmp_path: Path) -> None:
    assert find_root(find_suite("ladder-cuts")[0], find_places((str(tmp_path),), {})) is None


def test_playing_back_and_forth_mirrors_frames_and_their_truth(tmp_path: Path) -> None:
    suite = small("long-time")
    root = stand_in_root(suite, suite.splits.default, tmp_path)
    once = open_video(suite, root, "synthetic-1")
    thrice = back_and_forth(once, 3)
    count = len(once.names)
    assert 3 * count == len(thrice.names)
    assert [*once.images, *reversed(once.images), *once.images] == list(thrice.images)
    mirrored = 2 * count - 1
    assert once.masks[once.names[0]] == thrice.masks[f"{mirrored:05d}"]
    assert np.array_equal(read_frame(once, 0).image, read_frame(thrice, mirrored).image)
    assert thrice.names == open_video(replace(suite, times=3), root, "synthetic-1").names


def test_every_fifth_frame_must_be_asked_for_where_the_others_are_missing(shared: Path) -> None:
    places = find_places((str(shared / "data"),), {})
    suite, _ = find_suite("youtube-vos-2019")
    with pytest.raises(DataError, match="every fifth frame only") as caught:
        find_root(at_split(suite, "train"), places)
    assert "--feed fifth" in caught.value.fix
    fifth = at_split(suite, "train", feed="fifth")
    root = find_root(fifth, places)
    assert root is not None
    video = open_video(fifth, root, "bull")
    assert 36 == len(video.names)
    assert "cow" in {entry.category for entry in video.objects}


def test_the_dense_frames_of_a_stand_in_are_more_than_the_given_ones(tmp_path: Path) -> None:
    suite = small("youtube-vos-2018")
    root = stand_in_root(suite, "valid", tmp_path)
    dense = open_video(suite, root, "synthetic-1")
    fifth = open_video(replace(suite, feed="fifth"), root, "synthetic-1")
    assert dense.names[::5] == fifth.names
    assert dense.masks == fifth.masks
