"""``vosbench score``: masks that anyone's code wrote, and runs."""

from __future__ import annotations

import csv
import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from vosbench.data.masks import read_mask, write_mask
from vosbench.store.run import MASKS_FOLDER, Run


@pytest.fixture
def masks(tiny):
    """Gives back masks as anyone's code might have written them: every object where it was at first."""
    for truth in sorted((tiny.parent / "Tiny" / "Annotations").iterdir()):
        (Path("masks") / truth.name).mkdir(parents=True)
        for path in truth.iterdir():
            shutil.copy(truth / "00000.png", Path("masks") / truth.name / path.name)
    return Path("masks")


@pytest.fixture
def run(run_tiny):
    """Gives back a run of echo, scored."""
    assert 0 == run_tiny("echo").status
    return Path("run")


@pytest.fixture
def score(vosbench, tiny):
    def call(*arguments):
        return vosbench("score", "masks", "--suite", tiny, "--data", tiny.parent, *arguments)

    return call


def test_masks_get_the_official_files_and_the_score_that_the_run_gave(score, masks, run):
    for folder, record in Run(run).records():
        shutil.copytree(folder / MASKS_FOLDER, masks / record.spec.video, dirs_exist_ok=True)
    said = score()
    assert (0, "") == (said.status, said.err)
    assert "Tiny val, 2 videos, 3 objects, protocol davis2017-semi" in said.out
    global_ = next(csv.DictReader((masks / "global_results-val.csv").read_text().splitlines()))
    row = next(csv.DictReader(Path("run/tables/tiny.csv").read_text().splitlines()))
    assert [f"{float(row[name]) / 100:.3f}" for name in global_] == list(global_.values())
    lines = (masks / "per-sequence_results-val.csv").read_text().splitlines()
    assert ["Sequence,J-Mean,F-Mean", "aa_1", "bb_1", "bb_2"] == [lines[0], *(line.split(",")[0] for line in lines[1:])]


def test_scores_are_always_computed_anew(score, masks):
    score()
    before = (masks / "global_results-val.csv").read_text()
    (masks / "global_results-val.csv").write_text("stale")
    score()
    assert before == (masks / "global_results-val.csv").read_text()


def test_perfect_masks_score_one(score, masks, tiny):
    shutil.rmtree(masks)
    shutil.copytree(tiny.parent / "Tiny" / "Annotations", masks)
    value = json.loads(score("--json").out)
    means = {measure["name"]: measure["value"] for measure in value["measures"]}
    assert (1.0, 1.0, 1.0) == (means["J&F-Mean"], means["J-Mean"], means["F-Mean"])


def test_some_videos_alone_are_said_to_be_some_and_their_files_go_where_one_says(score, masks, tiny):
    score()
    before = (masks / "per-sequence_results-val.csv").read_text()
    said = score("--videos", "bb")
    assert "1 of 2 videos, 2 objects" in said.out
    assert "no official files" in said.out
    assert before == (masks / "per-sequence_results-val.csv").read_text()
    Path("csv").mkdir()
    assert "csv/per-sequence_results-val.csv" in score("--videos", "bb", "--csv", "csv").out
    assert "aa_1" in before
    assert "aa_1" not in Path("csv/per-sequence_results-val.csv").read_text()


def test_a_part_of_the_official_videos_is_said_to_be_one(score, masks, tiny):
    assert json.loads(score("--json").out)["official_videos"] is None
    tiny.write_text(tiny.read_text() + "splits:\n  videos: {val: 20}\n")
    assert "Tiny val, 2 of 20 official videos, 3 objects" in score().out
    value = json.loads(score("--json", "--videos", "bb").out)
    assert (20, ["bb"]) == (value["official_videos"], value["videos"])


def test_ids_that_are_nowhere_in_the_truth_are_told_in_a_run_and_a_score(score, masks, run_tiny, tiny):
    """Object 2 of bb becomes object 170: by davis2017-semi 2 to 169 score 1 wherever nothing is predicted."""
    said = run_tiny("echo", "--max-frames", 3)
    assert "nowhere in the truth" not in said.out + score().out
    for folder in (tiny.parent / "Tiny" / "Annotations" / "bb", masks / "bb"):
        for path in folder.iterdir():
            labels = read_mask(path)
            write_mask(path, np.where(labels == 2, 170, labels).astype(np.uint8))
    warning = "168 of 170 objects are nowhere in the truth (video bb), and davis2017-semi scores"
    assert f"tiny: {warning}" in run_tiny("echo", "--max-frames", 3).out
    assert f"note: {warning}" in score().out
    assert [warning] == [note[: len(warning)] for note in json.loads(score("--json").out)["notes"]]
    assert "nowhere" not in score("--protocol", "vos-benchmark").out


def test_scores_are_not_lost_where_their_files_cannot_be_written(score, masks):
    Path("full").touch()
    said = score("--csv", "full")
    assert (1, True) == (said.status, "J&F-Mean" in said.out)
    assert "with --csv FOLDER" in said.err
    said = score("--csv", "full", "--json")
    assert (1, True) == (said.status, "measures" in json.loads(said.out))


def test_a_folder_for_the_files_that_is_not_there_is_made(score, masks):
    assert 0 == score("--csv", "new/folder").status
    assert Path("new/folder/global_results-val.csv").is_file()


def test_a_missing_video_is_an_error(score, masks):
    shutil.rmtree(masks / "bb")
    said = score()
    assert 1 == said.status
    assert "there are no masks of video 'bb'" in said.err
    assert "--videos" in said.err


def test_a_missing_mask_is_an_error_that_names_video_and_frame(score, masks):
    (masks / "bb" / "00003.png").unlink()
    said = score()
    assert 1 == said.status
    assert "bb" in said.err
    assert "00003" in said.err
    assert "Traceback" not in said.err


def test_without_a_data_root_there_is_no_truth(vosbench, masks, tiny):
    said = vosbench("score", "masks", "--suite", tiny)
    assert 2 == said.status
    assert "there is no truth" in said.err


def test_a_run_is_scored_again_where_a_score_is_missing(vosbench, run):
    scores = sorted(run.rglob("scores.*.json"))
    contents = [path.read_bytes() for path in scores]
    scores[0].unlink()
    said = vosbench("score", "run", "--json")
    assert contents == [path.read_bytes() for path in scores]
    value = json.loads(said.out)
    assert (0, []) == (said.status, value["unscored"])
    assert value["tables"][0]["rows"][0]["J&F-Mean"] > 0


def test_a_torn_score_says_what_to_do(vosbench, run):
    min(run.rglob("scores.*.json")).write_text("{")
    said = vosbench("score", "run")
    assert 1 == said.status
    assert "delete the file: it is computed again" in said.err


def test_a_folder_that_is_no_run_needs_a_suite(vosbench, masks):
    said = vosbench("score", "masks")
    assert 2 == said.status
    assert "--suite NAME" in said.err


def test_stored_scores_stand_where_suite_and_data_are_elsewhere(vosbench, run, tiny):
    before = json.loads(vosbench("score", "run", "--json").out)
    (tiny.parent / "Tiny").rename(tiny.parent / "Elsewhere")
    tiny.unlink()
    assert before == json.loads(vosbench("score", "run", "--json").out)
    min(run.rglob("scores.*.json")).unlink()
    (unscored,) = json.loads(vosbench("score", "run", "--json").out)["unscored"]
    assert "the file of the suite 'tiny' is gone" in unscored["reason"]
    assert "put the file back there" in unscored["reason"]


def test_truth_that_changed_is_scored_again(vosbench, run, tiny):
    path = tiny.parent / "Tiny" / "Annotations" / "aa" / "00003.png"
    before = json.loads(vosbench("score", "run", "--json").out)["tables"][0]["rows"][0]["J-Mean"]
    shutil.copy(path.with_name("00000.png"), path)  # echo is right there now
    after = json.loads(vosbench("score", "run", "--json").out)["tables"][0]["rows"][0]["J-Mean"]
    assert after > before


def test_a_cross_check_says_what_each_tool_says(score, masks, tmp_path, monkeypatch):
    """A made-up vos-benchmark that differs: told, and the status is 1; those that are not there are named."""
    package = tmp_path / "fakes" / "vos_benchmark"
    package.mkdir(parents=True)
    (package / "__init__.py").touch()
    (package / "benchmark.py").write_text(
        "def VideoEvaluator(truth, masks):\n    return lambda video: (video, {1: 50.0}, {1: 50.0})\n"
    )
    monkeypatch.setenv("PYTHONPATH", str(package.parent))
    said = score("--cross-check")
    assert 1 == said.status
    assert "J&F-Mean" in said.out
    assert "davis2017-evaluation:\n  not installed" in said.out or "agrees with davis2017-semi" in said.out
    assert "differs from vos-benchmark on 3 of 3" in said.out
    assert "aa_1: J and F" in said.out
    assert "by design, objects: by davis2017-semi" in said.out
    value = json.loads(score("--cross-check", "--json").out)
    assert ["davis2017-evaluation", "vos-benchmark", "TrackEval"] == [entry["tool"] for entry in value["cross_check"]]
