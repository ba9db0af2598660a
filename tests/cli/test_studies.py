"""Studies on the command line: listed, run, and their tables printed again."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

STUDY = """\
schema: 1
name: smallest
title: The smallest study
suites: [davis2016]
tables:
- paper: xmem
  table: "7"
  rows:
  - {printed: Consolidation, run: echo}
figures:
- {kind: fps-frames}
"""


def test_studies_are_listed_and_shown(vosbench):
    said = vosbench("studies")
    assert (0, True) == (said.status, "xmem-prototypes" in said.out)
    one = vosbench("studies", "xmem-strategies")
    assert "row: xmem@eager" in one.out
    described = json.loads(vosbench("studies", "xmem-strategies", "--json").out)
    assert (5, ["xmem 7"]) == (described["offsets"], described["tables"])


def test_a_study_runs_its_rows_and_ends_with_its_tables(vosbench, tiny):
    Path("smallest.yaml").write_text(STUDY)
    fixed = ["--suite", tiny, "--data", tiny.parent, "--threads", 1, "--warm-up", 0, "--videos", "aa"]
    said = vosbench("run", "--study", "smallest.yaml", *fixed, "--out", "run")
    assert (0, "") == (said.status, said.err)
    assert "XMem, table 7" in said.out
    names = {path.name for path in Path("run/tables").iterdir()}
    assert {"smallest-xmem-7.tex", "smallest-xmem-7.md", "smallest-xmem-7.csv"} < names
    assert Path("run/figures/fps-frames.svg").is_file()
    (table,) = json.loads(vosbench("table", "run", "--study", "smallest.yaml", "--json").out)
    assert ("echo", "89.8 ± 0.2") == (table["rows"][0]["run here"], table["rows"][0]["L1x, XMem"])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--study", "xmem-strategies", "--methods", "echo"], "a study has its rows"),
        (["--study", "xmem-strategies", "--curve"], "a study has its rows"),
        (["--study", "xmem-strategy"], "did you mean 'xmem-strategies'"),
        (["--methods", "echo"], "no suite is named"),
        (["--suite", "davis2016"], "no method is named"),
    ],
)
def test_what_cannot_be_run_as_a_study_is_refused(vosbench, arguments, message):
    said = vosbench("run", *arguments)
    assert 2 == said.status
    assert message in said.err
