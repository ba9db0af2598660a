"""What a command asks for becomes cells; what cannot be is refused before anything runs."""

from __future__ import annotations

import dataclasses
from dataclasses import replace

import pytest

from vosbench.config import find_places
from vosbench.contract import Runtime
from vosbench.errors import CheckpointError, DataError, UsageError
from vosbench.plan import Request, make_plan
from vosbench.records import Mode
from vosbench.registry import Registry, source_digest


@pytest.fixture
def plan(tiny, machine):
    """Gives back a function that plans a request on the tiny suite with its data."""

    def make(methods=("echo",), *, adapters=(), data=None, suites=None, **request):
        places = find_places((str(tiny.parent),) if data is None else data)
        wish = Request(suites=suites or (str(tiny),), methods=methods, **request)
        return make_plan(wish, Registry(adapters), places, machine)

    return make


def test_a_cell_per_method_and_video_in_the_order_asked_for(plan):
    cells = plan(("null", "echo")).cells
    assert [("null", "aa"), ("null", "bb"), ("echo", "aa"), ("echo", "bb")] == [(c.method.name, c.video) for c in cells]
    assert 4 == len({cell.key for cell in cells})


def test_passes_are_interleaved_over_the_methods(plan):
    cells = plan(("null", "echo"), repeats=6).cells
    passes = [[cell.method.name for cell in cells if cell.repeat == repeat] for repeat in range(6)]
    assert sorted(cell.repeat for cell in cells) == [cell.repeat for cell in cells]
    assert {("echo", "echo", "null", "null"), ("null", "null", "echo", "echo")} == {tuple(names) for names in passes}
    assert ["aa", "bb"] * 12 == [cell.video for cell in cells]


def test_the_same_request_gives_the_same_keys(plan):
    assert [cell.key for cell in plan().cells] == [cell.key for cell in plan().cells]


def test_warm_up_is_2_frames_on_a_cpu_and_10_on_a_gpu(plan):
    assert 2 == plan().cells[0].warmup_frames
    assert 10 == plan(runtime=Runtime(device="cuda:0")).cells[0].warmup_frames
    assert 0 == plan(warmup_frames=0).cells[0].warmup_frames


def test_what_was_cut_is_said(plan):
    made = plan(videos=("bb",), max_frames=3)
    assert ["bb"] == [cell.video for cell in made.cells]
    assert 3 == made.cells[0].max_frames
    assert ("tiny: cut to 1 of 2 videos by --videos", "tiny: every video is cut to its first 3 frames") == made.notices
    assert () == plan().notices


def test_a_mode_that_the_machine_that_computes_cannot_have_is_refused(tiny, machine):
    wish = Request(suites=(str(tiny),), methods=("echo",), mode=Mode(memory_budget=1 << 30))
    elsewhere = dataclasses.replace(machine, kernel="Darwin 25.1")
    with pytest.raises(UsageError, match="--memory-budget: Darwin"):
        make_plan(wish, Registry(), find_places((str(tiny.parent),)), elsewhere)


def test_a_driver_that_failed_is_said(tiny, machine):
    broken = dataclasses.replace(machine, card_trouble="NVML cannot be asked: version mismatch")
    places = find_places((str(tiny.parent),))
    made = make_plan(Request(suites=(str(tiny),), methods=("echo",)), Registry(), places, broken)
    assert ("NVML cannot be asked: version mismatch; this run is on cpu",) == made.notices


def test_a_cut_video_has_a_digest_of_its_own(plan):
    assert plan(max_frames=3).cells[0].video_digest != plan().cells[0].video_digest


def test_a_subset_of_the_official_videos_is_said(plan, tiny):
    (tiny.parent / "official.txt").write_text("aa\nbb\ncc\n")
    tiny.write_text(tiny.read_text() + "splits:\n  official:\n    val: official.txt\n")
    made = plan()
    assert ("tiny: a subset, 2 of the 3 official videos",) == made.notices
    assert (3, "Tiny val") == (made.cells[0].suite.official_videos, made.cells[0].suite.title)


def test_a_suite_played_several_times_is_one_of_its_own(plan, tiny):
    once, thrice = plan().cells[0], plan(suites=(f"{tiny}@3x",)).cells[0]
    assert ("tiny@3x", "Tiny (3x)", 3) == (thrice.suite.name, thrice.suite.title, thrice.suite.times)
    assert "tiny@3x" == thrice.folder.parts[0]
    assert once.video_digest != thrice.video_digest


def test_without_a_data_root_the_suite_is_synthetic_and_says_so(plan, tiny):
    tiny.write_text(tiny.read_text() + "stand_in:\n  videos: 1\n  frames: 3\n  objects: 1\n  height: 32\n  width: 48\n")
    made = plan(data=())
    assert "synthetic stand-in" in made.notices[0]
    assert ("Tiny (synthetic)", True) == (made.cells[0].suite.title, made.cells[0].suite.synthetic)
    assert made.cells[0].key != plan().cells[0].key


def test_a_data_flag_for_a_suite_that_there_is_not_is_refused(plan, tiny):
    """A typing mistake must not turn a run on real data into a synthetic one."""
    with pytest.raises(UsageError, match=r"--data tinny=.*: there is no suite 'tinny'") as caught:
        plan(data=(f"tinny={tiny.parent}",))
    assert "did you mean 'tiny'?" == caught.value.fix


def test_a_data_flag_may_name_a_suite_that_is_not_in_this_run(plan, tiny):
    assert 2 == len(plan(data=(f"tiny={tiny.parent}", f"davis2017={tiny.parent}")).cells)


def test_a_configured_root_without_the_data_set_stops_the_run(plan, tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="Tiny is not there"):
        plan(data=(str(tmp_path / "empty"),))


@pytest.mark.parametrize(
    ("request_", "message"),
    [
        ({"methods": ("ecco",)}, "there is no method 'ecco'"),
        ({"methods": ("echo@x",)}, "'echo' has no variant 'x'"),
        ({"suites": ("davis2018",)}, "there is no suite 'davis2018'"),
        ({"videos": ("cc",)}, "Tiny has no video 'cc' here"),
        ({"settings": ("echo.k=1",)}, "'echo' has no setting 'k'"),
        ({"settings": ("k=1",)}, "--set k=1: not understood"),
        ({"settings": ("echo.k",)}, "--set echo.k: not understood"),
        ({"settings": ("xmem.top_k=1",)}, "this run has no method 'xmem'"),
        ({"weights": ("xmem=random:0",)}, "this run has no method 'xmem'"),
        ({"methods": ()}, "no method is named"),
        ({"split": "test"}, "Tiny has no list of the split 'test'"),
    ],
)
def test_what_cannot_be_is_refused(plan, request_, message):
    with pytest.raises((UsageError, DataError)) as caught:
        plan(**request_)
    assert message in caught.value.what


def test_a_method_that_needs_weights_and_has_none_stops_the_run(plan, write_adapter):
    adapter = write_adapter("needy", needs_weights=True)
    with pytest.raises(CheckpointError, match="'needy' needs weights"):
        plan(("needy",), adapters=(adapter,))
    made = plan(("needy",), adapters=(adapter,), weights=("random:4",))
    assert ("random", 4) == (made.cells[0].method.weights.kind, made.cells[0].method.weights.seed)


def test_settings_reach_the_method_and_its_label(plan):
    made = plan(("stcn", "xmem"), weights=("random:0",), settings=("xmem.top_k=7",))
    by_name = {cell.method.name: cell.method for cell in made.cells}
    assert (7, "xmem top_k=7") == (by_name["xmem"].settings["top_k"], by_name["xmem"].label)
    assert (20, "stcn") == (by_name["stcn"].settings["top_k"], by_name["stcn"].label)


def test_the_versions_of_a_methods_libraries_in_its_own_python_are_in_its_cells_keys(tiny, machine):
    wish = Request(suites=(str(tiny),), methods=("sam2",), weights=("random:0",))
    places = find_places((str(tiny.parent),))
    its_own = replace(machine, versions={**machine.versions, "transformers": "0.1"})
    here = make_plan(wish, Registry(), places, machine).cells[0]
    there = make_plan(wish, Registry(), places, machine, {"sam2": its_own}.get).cells[0]
    card = Registry().card("sam2")
    assert (source_digest(card), source_digest(card, its_own.versions)) == (here.method.source, there.method.source)
    assert here.key != there.key
