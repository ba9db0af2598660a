import json

import pytest


def test_published_numbers_are_printed_without_a_run(vosbench):
    said = vosbench("table", "--published", "--suite", "davis2017", "--methods", "xmem", "--format", "markdown")
    assert 0 == said.status
    assert "### davis2017, as published" in said.out
    assert "| xmem | 86.2 | 82.9 | 89.5 |" in said.out
    assert "not ranked" in said.out


def test_published_text_names_the_suite_and_method(vosbench):
    said = vosbench("table", "--published", "--suite", "lvos-v1", "--methods", "mavos")
    assert 0 == said.status
    assert "lvos-v1, as published" in said.out
    assert "63.3" in said.out


def test_published_csv_has_one_head_for_one_suite(vosbench):
    said = vosbench("table", "--published", "--suite", "davis2017-test-dev", "--methods", "stcn", "--format", "csv")
    assert said.out.startswith("table,method,J&F,J,F,paper,table")
    assert 3 == len(said.out.splitlines())


def test_conflicts_show_where_the_papers_disagree(vosbench):
    said = vosbench("table", "--published", "--conflicts", "--methods", "xmem", "--format", "markdown")
    assert "62.2 (MobileVOS 4); 81.3 (SAM2-Lite 1)" in said.out


def test_json_holds_every_field(vosbench):
    said = vosbench("table", "--published", "--methods", "sam2", "--suite", "davis2017", "--json")
    values = {number["metric"]: number for number in json.loads(said.out)}
    assert 86.5 == values["J&F"]["value"]
    assert "unverified by its authors' release" == values["J&F"]["reservation"]
    conflicts = json.loads(vosbench("table", "--published", "--conflicts", "--methods", "stm", "--json").out)
    assert {"method", "variant", "suite", "metric", "numbers"} <= conflicts[0].keys()


@pytest.mark.parametrize(
    ("arguments", "advice"),
    [
        (["--published", "--suite", "davis2107"], "davis2017"),
        (["--published", "--methods", "xmen"], "xmem"),
        (["--published", "--suite", "lvos-v1", "--methods", "stm"], "name fewer"),
        (["--published", "--format", "latex"], "markdown"),
        (["--conflicts"], "vosbench table --published"),
        (["--suite", "davis2017"], "vosbench table --published"),
        (["--published", "--macros"], "name RUN"),
        ([], "vosbench table RUN"),
    ],
)
def test_what_cannot_be_printed_ends_with_status_2_and_advice(vosbench, arguments, advice):
    said = vosbench("table", *arguments)
    assert 2 == said.status
    assert advice in said.err
