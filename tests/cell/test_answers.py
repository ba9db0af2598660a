"""Answers of suites of instances: from a method that finds them itself, and from one that is prompted."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from vosbench.cell.worker import Worker
from vosbench.config import find_places
from vosbench.contract import Runtime
from vosbench.plan import Request, make_plan
from vosbench.records import Job
from vosbench.registry import Registry
from vosbench.rle import area, bounds_of_text
from vosbench.store.run import MASKS_FOLDER, Run
from vosbench.store.tracks import read_tracks


@pytest.fixture
def answer(things, machine, tmp_path):
    """Gives back a function that lets an adapter, or a method of the harness, answer the suite of instances."""

    def run(adapter=None, method="", **request):
        chosen = method or adapter.stem
        wish = Request(suites=(str(things),), methods=(chosen,), runtime=Runtime(threads=1), warmup_frames=0, **request)
        registry = Registry(() if adapter is None else (adapter,))
        cells = make_plan(wish, registry, find_places((str(things.parent),)), machine).cells
        run = Run(tmp_path / "run")
        for spec in cells:
            Worker(Job(run=run.path, cells=(spec,)), lambda event: None).run()
        return {spec.video: (run.cell(spec), run.record(spec)) for spec in cells}

    return run


def _areas(folder):
    tracks = read_tracks(folder).tracks
    return [[text and area(bounds_of_text(text, 32 * 48)) for text in track.texts] for track in tracks]


def test_instances_become_tracks_with_a_mask_for_each_frame(answer, write_finder):
    folder, record = answer(write_finder())["bb"]
    found = read_tracks(folder)
    assert ("ok", False, 5, 32, 48) == (
        record.outcome.status,
        record.spec.prompted,
        found.video,
        found.height,
        found.width,
    )
    assert [(1, 0.9), (2, 0.8)] == [(track.category, pytest.approx(track.score)) for track in found.tracks]
    assert np.allclose([[120] * 6] * 2, _areas(folder), atol=4)
    assert ["frames.parquet", "record.json", "tracks.json"] == sorted(path.name for path in folder.iterdir())


def test_a_track_without_a_pixel_is_no_answer(answer, write_finder):
    folder, _ = answer(write_finder())["aa"]
    assert [1] == [track.category for track in read_tracks(folder).tracks]


def test_late_tracks_replace_category_and_score_and_may_answer_twice(answer, write_finder):
    folder, _ = answer(write_finder(fault="late"))["bb"]
    tracks = read_tracks(folder).tracks
    assert [(3, 0.5), (1, 0.25), (2, 0.8)] == [(track.category, pytest.approx(track.score)) for track in tracks]
    assert tracks[0].texts == tracks[1].texts


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ("twice", "track 10 stands twice on one frame"),
        ("stranger", "finish() gave track 7"),
        ("label map", "expected a tuple of instances"),
    ],
)
def test_an_answer_that_breaks_the_contract_is_recorded(answer, write_finder, fault, words):
    _, record = answer(write_finder(fault=fault))["aa"]
    assert "error" == record.outcome.status
    assert words in record.outcome.reason


def test_a_prompted_method_answers_with_the_category_of_each_prompt_and_score_1(answer):
    folder, record = answer(method="echo")["bb"]
    tracks = read_tracks(folder).tracks
    assert record.spec.prompted
    assert [(1, 1.0), (2, 1.0)] == [(track.category, track.score) for track in tracks]
    assert [[120] * 6, [None, None, 120, 120, 120, 120]] == _areas(folder)
    assert not (folder / MASKS_FOLDER).exists()


def test_a_method_that_answers_both_tasks_is_not_prompted(answer, write_finder):
    _, record = answer(write_finder(tasks=("vos", "vis")))["aa"]
    assert not record.spec.prompted
    assert "ok" == record.outcome.status


def test_equal_answers_have_equal_digests(answer, write_finder):
    first = answer(write_finder())
    again = answer(write_finder("other"))
    late = answer(write_finder("third", "late"))
    assert first["bb"][1].masks_digest == again["bb"][1].masks_digest
    assert first["bb"][1].masks_digest != late["bb"][1].masks_digest


def test_whether_a_method_is_prompted_stands_in_its_record(answer):
    _, record = answer(method="null", videos=("aa",))["aa"]
    assert dataclasses.asdict(record.spec)["prompted"] is True
