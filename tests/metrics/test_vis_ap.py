"""Average precision of tracks: the official tool's figures, and hand-made files."""

from __future__ import annotations

import json

import numpy as np
import pytest

from vosbench.errors import ScoreError
from vosbench.metrics.vis_ap import VisScore, overlaps, score_tracks
from vosbench.metrics.vis_tracks import read_results, read_truth


def _cases(folder):
    expected = json.loads((folder / "expected.json").read_text())
    for name, wanted in expected.items():
        files = [json.loads((folder / f"{name}_{kind}.json").read_text()) for kind in ("gt", "pred")]
        yield name, wanted, *files


def _unlike_overlaps(wanted, truth, results):
    """The (video, category) places whose overlaps differ in any bit."""
    unlike = []
    for place, expected in wanted["ious"].items():
        video, category = map(int, place.split(","))
        here = [[t for t in side if (t.video, t.category) == (video, category)] for side in (results, truth.tracks)]
        best = sorted(here[0], key=lambda track: -track.score)[:100]
        got = overlaps(best, here[1])
        if (got.tolist() if got.size else [[]] * len(best)) != (expected or []):
            unlike.append(place)
    return unlike


def test_every_file_scores_as_in_the_official_tool(goldens):
    """Overlaps, precision, recall and the twelve means at zero difference; the empty list is refused."""
    unlike, refused, compared = [], [], 0
    for name, wanted, gt, predictions in _cases(goldens / "ytvis"):
        truth = read_truth(gt)
        try:
            results = read_results(predictions, truth)
        except ScoreError:
            refused.append((name, wanted.get("error")))
            continue
        score = score_tracks(truth, results)
        compared += 1
        got = {measure.name: -1 if measure.value is None else measure.value for measure in score.measures}
        agrees = (
            wanted["stats"] == got
            and np.array_equal(wanted["precision_mean_over_R[T][K][A][M]"], score.precision)
            and np.array_equal(wanted["recall[T][K][A][M]"], score.recall)
            and wanted["catIds"] == [category.id for category in score.categories]
        )
        if not agrees or _unlike_overlaps(wanted, truth, results):
            unlike.append(name)
    assert [] == unlike
    assert [("25_empty_list", "IndexError")] == refused
    assert 25 == compared


def test_categories_score_as_in_the_official_tool(goldens):
    name, wanted, gt, predictions = next(iter(_cases(goldens / "ytvis")))
    truth = read_truth(gt)
    score = score_tracks(truth, read_results(predictions, truth))
    expected = {int(number): values["AP"] for number, values in wanted["per_category"].items()}
    got = {category.id: category.average_precision for category in score.categories}
    assert name == "00_basic"
    assert expected == {number: -1 if ap is None else ap for number, ap in got.items()}


def _square(row, column, side=10, size=(20, 30)):
    """Uncompressed run lengths of a square."""
    mask = np.zeros(size, np.int8)
    mask[row : row + side, column : column + side] = 1
    flat = mask.T.reshape(-1)
    edges = np.flatnonzero(np.diff(flat)) + 1
    lengths = np.diff(np.concatenate([[0], edges, [flat.size]])).tolist()
    return {"size": list(size), "counts": lengths if flat[0] == 0 else [0, *lengths]}


def _text(mask):
    """COCO's text of a mask's run lengths."""
    text, lengths = "", mask["counts"]
    for place, length in enumerate(lengths):
        value, more = (length - lengths[place - 2] if place > 2 else length), True
        while more:
            bits = value & 31
            value >>= 5
            more = value != (-1 if bits & 16 else 0)
            text += chr(48 + bits + (32 if more else 0))
    return {"size": mask["size"], "counts": text}


def _truth(*tracks, **changes):
    data = {
        "videos": [{"id": 1, "height": 20, "width": 30}],
        "categories": [{"id": 1, "name": "cat"}, {"id": 2, "name": "dog"}],
        "annotations": [
            {
                "id": place,
                "video_id": 1,
                "category_id": 1,
                "iscrowd": 0,
                "segmentations": masks,
                "areas": [100 if mask else None for mask in masks],
            }
            for place, masks in enumerate(tracks, start=1)
        ],
    }
    return read_truth(data | changes)


def _results(truth, *tracks):
    return read_results(
        [
            {"video_id": 1, "category_id": 1, "score": score, "segmentations": [mask and _text(mask) for mask in masks]}
            for score, masks in tracks
        ],
        truth,
    )


def test_a_track_that_is_found_whole_scores_1():
    truth = _truth([_square(0, 0), _square(0, 5), None])
    score = score_tracks(truth, _results(truth, (0.9, [_square(0, 0), _square(0, 5), None])))
    assert (1.0, 1.0, 1.0) == pytest.approx((score.value("AP"), score.value("AP75"), score.value("AR1")))


def test_overlap_is_summed_over_frames_before_it_is_divided():
    truth = _truth([_square(0, 0), _square(0, 0), None])
    results = _results(truth, (0.9, [_square(0, 0), None, _square(0, 0)]))
    assert [[100 / 300]] == overlaps(results, truth.tracks).tolist()


def test_a_second_answer_for_one_object_is_a_miss():
    masks = [_square(0, 0)]
    truth = _truth(masks)
    score = score_tracks(truth, _results(truth, (0.5, masks), (0.9, [_square(10, 15)])))
    assert pytest.approx(0.5) == score.value("AP50")
    assert (0.0, 1.0) == (score.value("AR1"), score.value("AR10"))


def test_categories_without_an_object_do_not_count():
    truth = _truth([_square(0, 0)])
    score = score_tracks(truth, _results(truth, (0.9, [_square(0, 0)])))
    assert [pytest.approx(1.0), None] == [category.average_precision for category in score.categories]
    assert pytest.approx(1.0) == score.value("AP")


def test_without_an_object_of_a_size_there_is_no_score_and_the_reason():
    truth = _truth([_square(0, 0)])
    score = score_tracks(truth, _results(truth, (0.9, [_square(0, 0)])))
    large = next(measure for measure in score.measures if measure.name == "APl")
    assert large.value is None
    assert large.reason
    with pytest.raises(KeyError):
        score.value("J&F-Mean")


def test_scores_survive_their_json():
    truth = _truth([_square(0, 0)])
    score = score_tracks(truth, _results(truth, (0.9, [_square(2, 0)])))
    again = VisScore.from_json(json.loads(json.dumps(score.to_json())))
    assert score.to_json() == again.to_json()
    with pytest.raises(ScoreError, match="schema"):
        VisScore.from_json({"schema": 0})


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"video_id": 9}, "video 9"),
        ({"score": float("nan")}, "nan"),
        ({"score": None}, "format"),
        ({"segmentations": [_square(0, 0)]}, "not compressed"),
        ({"segmentations": [{"size": [20, 30], "counts": "52207"}]}, "600 pixels"),
        ({"segmentations": [{"size": [0, 30], "counts": "0"}]}, "size 0 x 30"),
        ({"segmentations": [{"size": [20, 30]}]}, "format"),
    ],
)
def test_torn_results_are_refused_by_their_place(change, message):
    truth = _truth([_square(0, 0)])
    good = {"video_id": 1, "category_id": 1, "score": 1.0, "segmentations": [_text(_square(0, 0))]}
    with pytest.raises(ScoreError, match=message) as caught:
        read_results([good, good | change], truth, where="results.json")
    assert "result" in str(caught.value)
    assert "2" in str(caught.value)


@pytest.mark.parametrize("data", [[], {}, None])
def test_results_that_are_no_list_of_tracks_are_refused(data):
    with pytest.raises(ScoreError, match="results"):
        read_results(data, _truth([_square(0, 0)]))


@pytest.mark.parametrize(
    "changes",
    [
        {"videos": []},
        {"annotations": [{}]},
        {"categories": None},
        {"videos": [{"id": 1}]},
    ],
)
def test_a_torn_truth_is_refused(changes):
    with pytest.raises(ScoreError, match="format") as caught:
        read_truth(
            {
                "videos": [{"id": 1, "height": 20, "width": 30}],
                "categories": [],
                "annotations": [
                    {
                        "id": 1,
                        "video_id": 1,
                        "category_id": 1,
                        "iscrowd": 0,
                        "segmentations": [_square(0, 0)],
                        "areas": [100],
                    }
                ],
            }
            | changes,
            where="valid.json",
        )
    assert "valid.json" in caught.value.where


def test_annotations_of_one_id_are_refused():
    truth = {"id": 1, "video_id": 1, "category_id": 1, "iscrowd": 0, "segmentations": [None], "areas": [None]}
    with pytest.raises(ScoreError, match="one id"):
        _truth(annotations=[truth, truth])
