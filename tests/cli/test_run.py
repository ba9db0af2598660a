"""``vosbench run``: plan, execute, score, print."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from vosbench.store.run import RUNS, Run


def _table(path):
    return list(csv.DictReader(path.read_text().splitlines()))


def test_a_run_ends_with_its_table_and_its_files(run_tiny):
    said = run_tiny("echo,null")
    assert (0, "") == (said.status, said.err)
    for words in (
        "run: ",
        "[4/4] tiny null bb: ok, 6 frames",
        "J&F",
        "echo",
        "Scores in percent by protocol",
        "Clock:",
    ):
        assert words in said.out
    rows = {row["method"]: row for row in _table(Path("run/tables/tiny.csv"))}
    assert float(rows["echo"]["J&F-Mean"]) > 10
    assert "0.0" == rows["null"]["J&F-Mean"]
    assert float(rows["echo"]["frames_per_second"]) > 0
    assert "\\toprule" in Path("run/tables/tiny.tex").read_text()


def test_json_is_valid_and_the_only_thing_on_standard_output(run_tiny):
    said = run_tiny("echo", "--json")
    value = json.loads(said.out, parse_constant=lambda word: pytest.fail(f"{word} is no JSON"))
    assert (0, str(Path("run").resolve())) == (said.status, value["run"])
    (table,) = value["tables"]
    assert ["echo"] == [row["method"] for row in table["rows"]]
    assert ("Tiny", {}, []) == (table["title"], value["failures"], value["unscored"])
    assert "run: " in said.err


def test_the_same_command_again_runs_nothing_and_prints_the_same_table(run_tiny, write_adapter, steps):
    adapter = write_adapter()
    first = run_tiny("mine", adapters=(adapter,))
    count = len(steps())
    second = run_tiny("mine", adapters=(adapter,))
    assert "2 of 2 cells were finished before" in second.out
    assert count == len(steps())
    assert first.out.splitlines()[-6:] == second.out.splitlines()[-6:]


def test_a_method_can_be_added_to_a_run(run_tiny):
    run_tiny("null")
    said = run_tiny("null,echo")
    assert "2 of 4 cells were finished before" in said.out
    assert {"null", "echo"} == {row["method"] for row in _table(Path("run/tables/tiny.csv"))}


def test_without_a_folder_the_same_command_goes_on_with_what_it_left(vosbench, tiny, write_adapter, steps):
    adapter = write_adapter(fault="once")
    fixed = ["--data", tiny.parent, "--threads", 1, "--warm-up", 0, "--adapter", adapter]
    first = vosbench("run", "--suite", tiny, "--methods", "mine", *fixed)
    assert 1 == first.status
    second = vosbench("run", "--suite", tiny, "--methods", "mine", *fixed, "--retry")
    assert 0 == second.status
    assert "(going on with it)" in second.out
    assert 1 == len(list(RUNS.iterdir()))


def test_failed_cells_end_with_status_1_and_stand_in_the_table(run_tiny, write_adapter):
    said = run_tiny("mine,null", adapters=(write_adapter(fault="raises"),))
    assert 1 == said.status
    assert "[1/4] tiny mine aa: error at frame 3: ValueError: broken on purpose" in said.out
    assert "Mine [1 of 2 videos] (a)" in said.out
    assert "(a) aa: error at frame 3: ValueError: broken on purpose" in said.out
    assert "1 cells failed, 0 could not be run; logs are in" in said.err


def test_an_out_of_memory_is_a_result(run_tiny, write_adapter):
    said = run_tiny("mine", adapters=(write_adapter(fault="memory"),))
    assert 1 == said.status
    assert "aa: out of memory at frame 3" in said.out


def test_failed_cells_are_run_again_only_with_retry(run_tiny, write_adapter, steps):
    adapter = write_adapter(fault="once")
    assert 1 == run_tiny("mine", adapters=(adapter,)).status
    count = len(steps())
    assert 1 == run_tiny("mine", adapters=(adapter,)).status
    assert count == len(steps())
    assert 0 == run_tiny("mine", "--retry", adapters=(adapter,)).status
    assert ["ok", "ok"] == [record.outcome.status for _, record in Run(Path("run")).records()]


def test_a_method_that_does_not_load_is_told_and_the_others_are_in_the_table(run_tiny, write_adapter):
    said = run_tiny("mine,null", adapters=(write_adapter(fault="load raises"),))
    assert 1 == said.status
    assert "mine could not run: ValueError: broken on purpose" in said.err
    assert "0 cells failed, 2 could not be run" in said.err
    assert ["null"] == [row["method"] for row in _table(Path("run/tables/tiny.csv"))]


def test_where_nothing_could_be_run_the_reason_is_told(run_tiny, write_adapter):
    said = run_tiny("mine", adapters=(write_adapter(fault="load raises"),))
    assert 1 == said.status
    assert "nothing could be run" in said.err
    assert "ValueError: broken on purpose" in said.err


def test_random_weights_show_speed_and_no_accuracy(run_tiny, write_adapter):
    said = run_tiny("mine,echo", "--weights", "random:0", adapters=(write_adapter(needs_weights=True),))
    assert 0 == said.status
    rows = {row["method"]: row for row in _table(Path("run/tables/tiny.csv"))}
    random = rows["Mine (random weights 0)"]
    assert {""} == {value for key, value in random.items() if key.startswith(("J", "F"))}
    assert float(random["frames_per_second"]) > 0
    assert float(rows["echo"]["J&F-Mean"]) > 0
    assert "Random weights show speed and memory only" in said.out
    scored = [path.parents[1].name.split("-")[0] for path in Path("run").rglob("scores.*.json")]
    assert ["echo", "echo"] == scored


def test_weights_that_are_missing_end_with_status_1_before_anything_runs(run_tiny, write_adapter):
    said = run_tiny("mine", adapters=(write_adapter(needs_weights=True),))
    assert 1 == said.status
    assert "'mine' needs weights" in said.err
    assert not Path("run").exists()


def test_repeats_are_one_row_and_outputs_that_differ_are_told(run_tiny, write_adapter):
    said = run_tiny("mine", "--repeats", 2, "--videos", "bb", adapters=(write_adapter(fault="random"),))
    assert 0 == said.status
    assert ["Mine (a)"] == [row["method"] for row in _table(Path("run/tables/tiny.csv"))]
    assert "(a) outputs differ between repeats" in said.out


def test_a_cut_run_says_so_and_does_not_mix_with_a_whole_one(run_tiny):
    run_tiny("echo", "--videos", "aa")
    said = run_tiny("echo", "--videos", "aa", "--max-frames", 4)
    assert "every video is cut to its first 4 frames" in said.out
    assert "cut to the first 4 frames" in said.out
    assert [4, 6] == sorted(record.frames for _, record in Run(Path("run")).records())


def test_a_suite_of_an_unknown_protocol_is_refused_before_anything_runs(run_tiny, tiny):
    tiny.write_text(tiny.read_text().replace("davis2017-semi", "davis2017"))
    said = run_tiny("echo")
    assert 2 == said.status
    assert "davis2017-semi" in said.err
    assert not Path("run").exists()


def test_a_run_without_data_is_synthetic_and_says_so(vosbench, tiny):
    tiny.write_text(tiny.read_text() + "stand_in:\n  videos: 1\n  frames: 4\n  objects: 1\n  height: 48\n  width: 64\n")
    said = vosbench("run", "--suite", tiny, "--methods", "echo", "--threads", 1, "--out", "run")
    assert 0 == said.status
    assert "this is a synthetic stand-in" in said.out
    assert "Tiny (synthetic)" in said.out
    assert "not those of" in said.out


def test_an_out_that_is_a_file_is_refused(run_tiny):
    Path("run").write_text("")
    said = run_tiny("echo")
    assert 1 == said.status
    assert "error: cannot write" in said.err


def test_data_that_changed_under_a_run_is_refused(run_tiny, tiny):
    run_tiny("echo")
    frame = tiny.parent / "Tiny" / "JPEGImages" / "aa" / "00003.jpg"
    frame.write_bytes(frame.read_bytes() + b"\0")
    said = run_tiny("echo")
    assert 1 == said.status
    assert "was run on other frames or prompts" in said.err
