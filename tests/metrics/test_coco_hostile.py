"""Annotation and results files of COCO that somebody broke, by accident or on purpose."""

from __future__ import annotations

import copy
import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from vosbench.data.suite import at_split, find_suite
from vosbench.data.vis import read_annotations, read_json
from vosbench.data.vis_videos import AnnotatedVideos
from vosbench.errors import VosbenchError
from vosbench.metrics.ap_rules import COCO
from vosbench.metrics.vis_ap import score_tracks
from vosbench.metrics.vis_tracks import read_results, read_truth

MASK = {"size": [4, 5], "counts": "52207"}
ENTRY = {"image_id": 1, "category_id": 1, "iscrowd": 0, "area": 4.0}
TRUTH = {
    "images": [{"id": 1, "height": 4, "width": 5, "file_name": "a.jpg"}],
    "categories": [{"id": 1, "name": "thing"}],
    "annotations": [
        ENTRY | {"id": 1, "segmentation": [[0.0, 0.0, 3.0, 0.0, 3.0, 3.0]]},
        ENTRY | {"id": 2, "segmentation": {"size": [4, 5], "counts": [5, 2, 2, 2, 9]}, "iscrowd": 1},
    ],
}
RESULTS = [{"image_id": 1, "category_id": 1, "score": 0.5, "segmentation": MASK, "bbox": [1, 1, 2, 2]}] * 2

HOSTILE = st.sampled_from(
    [None, True, -1, 0, 2, 10**30, 1e308, float("inf"), float("nan"), "", "x", "52207", "../x.jpg", "é", [], {}, [None],
     {"counts": "52207"}, {"size": [1 << 40, 1 << 40], "counts": "0"}, [[1e9, -1e9, 3, 4, 5, 6]], [1, 2, 3, "x"]]
)  # fmt: skip

quick = settings(
    max_examples=150, deadline=None, derandomize=True, database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)  # fmt: skip


def _places(value, path=()):
    yield path
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        yield from _places(item, (*path, key))


def _replaced(value, path, item):
    if not path:
        return item
    value = copy.deepcopy(value)
    inner = value
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = item
    return value


@pytest.fixture
def score(tmp_path):
    """Gives back a function that scores two files, or raises nothing but an error of vosbench's own."""
    suite = at_split(find_suite("coco-val2017")[0], "val2017")
    (tmp_path / "annotations").mkdir()

    def call(truth, results):
        (tmp_path / "annotations" / "instances_val2017.json").write_text(json.dumps(truth))
        (tmp_path / "results.json").write_text(json.dumps(results))
        try:
            AnnotatedVideos(suite, tmp_path)
            annotations, path = read_annotations(suite, tmp_path)
            read = read_truth(annotations, where=str(path))
            found = read_results(read_json(tmp_path / "results.json", "results"), read, images=True)
            scored = score_tracks(read, found, COCO)
        except VosbenchError as error:
            assert error.what
            return None
        assert all(measure.value is None or 0 <= measure.value <= 1 for measure in scored.measures)
        return scored

    return call


def test_the_files_that_are_broken_here_are_whole_at_first(score):
    assert score(TRUTH, RESULTS) is not None


@quick
@given(path=st.sampled_from(list(_places(TRUTH))), item=HOSTILE)
def test_a_truth_with_any_value_replaced_is_scored_or_refused(score, path, item):
    scored = score(_replaced(TRUTH, path, item), RESULTS)
    assert scored is None or scored.measures


@quick
@given(path=st.sampled_from(list(_places(RESULTS))), item=HOSTILE)
def test_results_with_any_value_replaced_are_scored_or_refused(score, path, item):
    scored = score(TRUTH, _replaced(RESULTS, path, item))
    assert scored is None or scored.measures
