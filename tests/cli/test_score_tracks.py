"""``vosbench score`` of YouTube-VIS results."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

CLOSE = 1e-12
NAMES = ("AP", "AP50", "AP75", "APs", "APm", "APl", "AR1", "AR10", "AR100", "ARs", "ARm", "ARl")


@pytest.fixture
def score(vosbench, shared):
    """Gives back a function that scores a golden as the split ``valid`` of YouTube-VIS."""

    def call(name, *arguments, target="results.json", layout="valid/instances.json"):
        golden = shared / "goldens" / "metrics" / "ytvis" / name
        truth = Path("data/YouTube-VIS/2019") / layout
        truth.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(f"{golden}_gt.json", truth)
        shutil.copy(f"{golden}_pred.json", "results.json")
        return vosbench("score", target, "--suite", "youtube-vis-2019", "--data", "data", *arguments)

    return call


@pytest.fixture(scope="module")
def expected(shared):
    return json.loads((shared / "goldens" / "metrics" / "ytvis" / "expected.json").read_text())


def _first(expected):
    return next(iter(expected))


@pytest.mark.parametrize("layout", ["valid/instances.json", "valid.json"])
def test_the_twelve_figures_are_those_of_the_official_tool(score, expected, layout):
    for name in list(expected)[:3]:
        value = json.loads(score(name, "--json", layout=layout).out)
        got = {m["name"]: -1 if m["value"] is None else m["value"] for m in value["measures"]}
        assert {key: pytest.approx(figure, abs=CLOSE) for key, figure in expected[name]["stats"].items()} == got
        assert NAMES == tuple(got)


def test_figures_are_printed_in_percent(score, expected):
    name = _first(expected)
    said = score(name)
    assert (0, "") == (said.status, said.err)
    assert "YouTube-VIS 2019 valid, protocol youtube-vis" in said.out
    lines = dict(line.split()[:2] for line in said.out.splitlines()[1:])
    wanted = {key: "-" if value < 0 else f"{100 * value:.1f}" for key, value in expected[name]["stats"].items()}
    assert wanted == lines


def test_a_folder_that_holds_the_results_is_as_good(score, expected):
    name = _first(expected)
    assert score(name).out == score(name, target=".").out


def test_the_empty_list_on_which_the_official_tool_fails_is_refused(score):
    said = score("25_empty_list")
    assert 1 == said.status
    assert "no track" in said.err


def test_annotations_without_tracks_are_those_of_a_server(vosbench, shared):
    Path("data").mkdir()
    Path("data/valid.json").write_text(json.dumps({"videos": [], "categories": []}))
    Path("results.json").write_text("[]")
    said = vosbench("score", "results.json", "--suite", "youtube-vis-2021", "--data", "data")
    assert 1 == said.status
    assert "evaluation server" in said.err


def test_results_that_are_not_there_are_named(vosbench):
    Path("data").mkdir()
    Path("data/valid.json").write_text("{}")
    said = vosbench("score", "nowhere.json", "--suite", "youtube-vis-2021", "--data", "data")
    assert 2 == said.status
    assert "nowhere.json" in said.err


@pytest.mark.parametrize("flag", [("--videos", "a"), ("--csv", "x"), ("--official-decay",), ("--protocol", "sav")])
def test_flags_of_masks_are_refused(score, expected, flag):
    said = score(_first(expected), *flag)
    assert 2 == said.status
    assert "youtube-vis-2019" in said.err


def test_suites_shows_where_annotations_are_looked_for(score, vosbench, expected, monkeypatch):
    score(_first(expected))
    said = vosbench("suites", "youtube-vis-2019", "--data", "data")
    assert "expects: valid/instances.json or valid.json" in said.out
    assert "videos in" in said.out or "lists no videos" in said.out
