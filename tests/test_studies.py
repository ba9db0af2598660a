"""Studies are YAML files of strict keys; each that is bundled runs methods, suites and tables that there are."""

from __future__ import annotations

import pytest

from vosbench.config import find_places
from vosbench.data.suite import find_suite, split_times
from vosbench.errors import UsageError
from vosbench.plan import Request, make_plan
from vosbench.registry import Registry
from vosbench.report.study import study_views
from vosbench.studies import find_study, load_study, study_files

STUDY = """\
schema: 1
name: mine
title: Mine
suites: [davis2016]
tables:
- paper: xmem
  table: "7"
  rows:
  - {printed: Consolidation, run: xmem}
  - {printed: Local window, run: "xmem@window max_memory_frames=9"}
rows: [stcn, xmem]
"""


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_text(STUDY)
    return path


def test_the_rows_of_tables_and_figures_run_once_each(file):
    assert ("xmem", "xmem@window max_memory_frames=9", "stcn") == load_study(file).methods


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("title: Mine", "titel: Mine"), "titel"),
        (("schema: 1", "schema: 2"), "schema"),
        (("suites: [davis2016]", "suites: []"), "at least one row on one suite"),
        (("suites: [davis2016]", "suites: [davis2016]\noffsets: 0"), "at least one row on one suite"),
    ],
)
def test_a_mistake_in_the_file_is_refused(file, change, message):
    file.write_text(STUDY.replace(*change))
    with pytest.raises(UsageError, match=message):
        load_study(file)


def test_an_unknown_study_names_the_nearest():
    with pytest.raises(UsageError, match="there is no study 'xmem-strategy'") as caught:
        find_study("xmem-strategy")
    assert "did you mean 'xmem-strategies'" in caught.value.fix


def test_the_papers_studies_are_there():
    named = {"xmem-strategies", "xmem-prototypes", "xmem-long-term-size", "mavos-memory", "mobileinst-reuse"}
    assert named <= set(study_files())


@pytest.mark.parametrize("name", sorted(study_files()))
def test_a_bundled_study_names_what_there_is(name):
    study = find_study(name)
    assert name == study.name
    for text in study.suites:
        find_suite(split_times(text)[0])
    views = study_views((), study, Registry())
    assert [len(table.rows) for table in study.tables] == [len(view.lines) for view in views]
    for view in views:
        assert all(len(line) == len(view.head) for line in view.lines)


@pytest.mark.parametrize("name", sorted(study_files()))
def test_every_row_of_a_bundled_study_is_a_row_of_its_run(name, tiny, machine):
    study = find_study(name)
    request = Request(
        suites=(str(tiny),), methods=study.methods, weights=("random:0",), videos=("aa",), max_frames=2, offsets=1
    )
    made = make_plan(request, Registry(), find_places((str(tiny.parent),)), machine)
    assert len(study.methods) == len(made.cells)
