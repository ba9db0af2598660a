"""``vosbench table RUN`` in its styles and formats, ``compare`` and ``show``."""

from __future__ import annotations

import json

import pytest

from vosbench.records import Outcome

LONG = {"name": "long-time@3x", "title": "Long-time Video (3x)", "times": 3}


@pytest.fixture
def run(made):
    """Gives back the folder of a run of two methods on a suite at 1x and 3x."""
    for suite in (made.suite("long-time", "Long-time Video"), made.suite(**LONG)):
        for video in [f"v{number}" for number in range(6)]:
            made.add("xmem", title="XMem", suite=suite, video=video, jf=80.0)
            made.add("stcn", title="STCN", suite=suite, video=video, jf=70.0 if suite.times == 3 else 75.0)
    return made.run.path


def test_every_style_and_format_is_printed(vosbench, run):
    asked = ["suite text", "methods markdown", "short-long latex", "memory csv", "speed text"]
    for style, form in (words.split() for words in asked):
        said = vosbench("table", run, "--style", style, "--format", form)
        assert (0, "") == (said.status, said.err), (style, form)
        assert "XMem" in said.out
    assert 2 == vosbench("table", run, "--style", "ablation").status


def test_choices_narrow_the_table(vosbench, run):
    said = vosbench("table", run, "--suite", "long-time", "--methods", "xmem", "--columns", "J&F", "--format", "csv")
    head, line = said.out.splitlines()
    assert "suite,method,J&F-Mean" == head
    assert line.startswith("Long-time Video,XMem,80.0")
    assert "did you mean 'xmem'" in vosbench("table", run, "--methods", "xmen").err


def test_macros_and_json_carry_the_numbers(vosbench, run):
    macros = vosbench("table", run, "--macros").out
    assert "\\newcommand{\\vosLongTimeVideoXMemJAndFMean}{80.0}" in macros
    (table, _) = json.loads(vosbench("table", run, "--json").out)
    line = next(row for row in table["rows"] if row["method"] == "XMem")
    assert 80.0 == pytest.approx(line["J&F-Mean"])
    assert 6 == len(line["cells"])
    assert line["cells"][0].startswith("long-time/xmem-")


def test_json_has_what_must_be_said_of_a_row_and_of_its_values(vosbench, run, made):
    made.add("xmem", title="XMem", suite=made.suite("long-time", "Long-time Video"), video="v9",
             outcome=Outcome(status="oom", frame=9))  # fmt: skip
    (table, _) = json.loads(vosbench("table", run, "--json").out)
    line = next(row for row in table["rows"] if row["method"].startswith("XMem"))
    assert line["note"].startswith("6 of 7 videos; (b) v9: out of memory at frame 9")
    assert "too short" in line["growth_mib_per_frame note"]
    assert f"growth_mib_per_frame: {line['growth_mib_per_frame note']}" in line["note"]


def test_siunitx_and_published_columns(vosbench, run):
    said = vosbench("table", run, "--format", "latex", "--siunitx", "--published", "--methods", "xmem")
    assert "S[table-format=2.1]" in said.out
    assert r"\multicolumn" in said.out
    assert "XMem, table" in said.out


@pytest.mark.parametrize(
    ("arguments", "advice"),
    [
        (["--siunitx"], "--format latex"),
        (["--conflicts"], "leave RUN out"),
        (["--by-video", "--style", "memory"], "leave --by-video out"),
        (["--columns", "JF"], "J&F"),
    ],
)
def test_what_cannot_be_printed_ends_with_status_2(vosbench, run, arguments, advice):
    said = vosbench("table", run, *arguments)
    assert 2 == said.status
    assert advice in said.err


def test_compare_says_what_got_worse_first(vosbench, run):
    said = vosbench("compare", run, "--methods", "xmem,stcn")
    assert 0 == said.status
    assert "worse" in said.out.splitlines()[1]
    compared = json.loads(vosbench("compare", run, "--methods", "xmem,stcn", "--json").out)["comparisons"]
    assert ("Long-time Video (3x)", "worse") == (compared[0]["suite"], compared[0]["verdict"])
    assert 2 == vosbench("compare", run).status
    same = json.loads(vosbench("compare", run, run, "--json").out)["comparisons"]
    assert {"the same"} == {one["verdict"] for one in same}


def test_show_lists_cells_and_tells_one(vosbench, run):
    assert "2 cells: name one" in vosbench("show", run, "xmem", "v1").out
    said = vosbench("show", run, "long-time", "xmem", "v1", "--why")
    assert 0 == said.status
    assert "outcome   ok" in said.out
    assert "adapter's source           CHANGED" in said.out
    assert "run again" in said.out
    told = json.loads(vosbench("show", run, "long-time", "xmem", "v1", "--json").out)
    assert "v1" == told["record"]["spec"]["video"]


def test_the_report_page_is_written_beside_the_run_or_elsewhere(vosbench, run, tmp_path):
    said = vosbench("report", run, "--kinds", "memory-accuracy", "--no-pictures", "--json")
    assert str(run / "report.html") == json.loads(said.out)["written"]
    assert "figure-memory-accuracy-words" in (run / "report.html").read_text()
    said = vosbench("report", run, "--kinds", "pareto", "--at", "0,100", "--out", tmp_path / "x.html")
    assert (0, True) == (said.status, (tmp_path / "x.html").is_file())
    assert "Pictures" in (tmp_path / "x.html").read_text()
    for flags in (["--kinds", "parato"], ["--at", "1,x"], ["--at", "101"]):
        assert 2 == vosbench("report", run, *flags).status
