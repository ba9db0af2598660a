"""``vosbench methods``, ``suites`` and ``table``."""

from __future__ import annotations

import json
from pathlib import Path

import pytest


@pytest.fixture
def broken_package(clean_environment, monkeypatch):
    info = clean_environment / "site" / "broken-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: broken\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[vosbench.methods]\nbroken = broken_adapter:CARD\n")
    (clean_environment / "site" / "broken_adapter.py").write_text("raise ImportError('no [/such] thing')\n")
    monkeypatch.syspath_prepend(str(clean_environment / "site"))


def test_every_method_is_a_line(vosbench):
    said = vosbench("methods")
    assert (0, "") == (said.status, said.err)
    assert all(name in said.out for name in ("echo", "null", "stcn", "xmem"))


@pytest.mark.usefixtures("broken_package")
def test_a_broken_package_is_one_line_and_no_crash(vosbench):
    said = vosbench("methods")
    assert 0 == said.status
    assert "broken: the adapter does not load: ImportError: no [/such] thing" in said.out
    assert "xmem" in said.out
    listed = json.loads(vosbench("methods", "--json").out)
    assert ["broken"] == [entry["name"] for entry in listed if "broken" in entry]


@pytest.mark.usefixtures("broken_package")
def test_a_broken_package_is_told_when_it_is_asked_for_by_name(vosbench):
    said = vosbench("methods", "broken")
    assert 1 == said.status
    assert "no [/such] thing" in said.err


def test_a_method_shows_its_settings_with_their_sources(vosbench):
    said = vosbench("methods", "xmem")
    assert 0 == said.status
    assert "max_long_term_elements" in said.out
    assert "official code" in said.out
    value = json.loads(vosbench("methods", "xmem", "--json").out)
    by_name = {entry["name"]: entry for entry in value["settings"]}
    assert (10000, True) == (by_name["max_long_term_elements"]["default"], bool(by_name["top_k"]["source"]))
    assert value["variants"]


def test_a_method_shows_the_versions_of_its_libraries(vosbench):
    said = vosbench("methods", "edgetam")
    assert "libraries: transformers " in said.out
    assert ", timm " in said.out
    assert ["transformers", "timm"] == json.loads(vosbench("methods", "edgetam", "--json").out)["libraries"]
    assert "libraries:" not in vosbench("methods", "xmem").out


def test_an_adapter_file_is_listed_with_the_others(vosbench, write_adapter):
    said = vosbench("methods", "--adapter", write_adapter())
    assert "a method of the tests" in said.out


def test_every_suite_is_a_line(vosbench):
    said = vosbench("suites")
    assert (0, "") == (said.status, said.err)
    assert "davis2016" in said.out
    assert "no data root is configured" in said.out
    listed = json.loads(vosbench("suites", "--json").out)
    assert {"davis2016", "davis2017"} <= {entry["name"] for entry in listed}


def test_a_suite_says_where_it_looks_and_what_is_there(vosbench, tiny):
    value = json.loads(vosbench("suites", tiny, "--data", tiny.parent, "--json").out)
    assert (f"2 videos in {tiny.parent}/Tiny", "davis2017-semi") == (value["state"], value["protocol"])
    assert [f"{tiny.parent}/Tiny"] == value["looked_in"]
    tiny.write_text(tiny.read_text() + "splits:\n  official: {val: names.txt, train: names.txt}\n")
    (tiny.parent / "names.txt").write_text("aa bb cc")
    said = vosbench("suites", tiny, "--data", tiny.parent)
    assert "state: 2 of 3 official videos" in said.out
    assert "missing: cc\n" in said.out
    assert "split 'train'" in vosbench("suites", tiny, "--data", tiny.parent, "--split", "train").out
    assert 2 == vosbench("suites", "--split", "train").status
    missing = vosbench("suites", "davis2016", "--data", tiny.parent)
    assert (0, True) == (missing.status, "not there: DAVIS 2016" in missing.out)
    assert "davischallenge.org" in missing.out


@pytest.mark.parametrize(
    ("form", "words"),
    [
        ("text", "J&F"),
        ("markdown", "| method | J&F |"),
        ("csv", "suite,method,J&F-Mean"),
        ("latex", r"\begin{tabular}"),
    ],
)
def test_a_table_is_printed_in_every_format(vosbench, run_tiny, form, words):
    run_tiny("echo", "--videos", "aa")
    said = vosbench("table", "run", "--format", form)
    assert (0, "") == (said.status, said.err)
    assert words in said.out
    assert "echo" in said.out


def test_a_table_as_json_has_every_number_as_measured(vosbench, run_tiny):
    run_tiny("echo", "--videos", "aa")
    (table,) = json.loads(vosbench("table", "run", "--json").out)
    assert isinstance(table["rows"][0]["frames_per_second"], float)
    assert table["rows"][0]["parameters_millions"] is None


def test_a_folder_that_is_no_run_has_no_table(vosbench):
    Path("empty").mkdir()
    said = vosbench("table", "empty")
    assert 1 == said.status
    assert "no cell of this run is finished" in said.err
