"""Average precision of samples of videos: that of a file in which a video stands as often as it was drawn."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from vosbench.metrics.ap_rules import YOUTUBE_VIS
from vosbench.metrics.ap_samples import MEASURES, PrecisionSamples
from vosbench.metrics.vis_ap import score_tracks
from vosbench.metrics.vis_tracks import read_results, read_truth
from vosbench.rle import bounds_of_mask, text_of_bounds

VIDEOS = 6


def _code(random, place):
    mask = np.zeros((20, 30), np.bool_)
    row, column = place + random.integers(-1, 2, 2)
    mask[max(row, 0) : row + 8, max(column, 0) : column + 9] = True
    return {"size": [20, 30], "counts": text_of_bounds(bounds_of_mask(mask), mask.size)}


@pytest.fixture
def case():
    """Gives back truth and tracks of six videos: hits, misses, no equal scores; the third video shows nothing."""
    random = np.random.default_rng(11)
    annotations, results = [], []
    for video in range(1, VIDEOS + 1):
        for _ in range(0 if video == 3 else 3):
            place, category = random.integers(0, 14, 2) // [1, 1], int(random.integers(1, 4))
            entry = {"video_id": video, "category_id": category, "segmentations": [_code(random, place) for _ in "ab"]}
            annotations.append(entry | {"id": len(annotations) + 1, "iscrowd": 0, "areas": [72, 72]})
            guess = {"segmentations": [_code(random, place) for _ in "ab"], "score": float(random.random())}
            results += [entry | guess, entry | {"segmentations": [_code(random, random.integers(0, 14, 2)), None]}
                        | {"score": float(random.random())}]  # fmt: skip
    extra = {"video_id": 3, "category_id": 1, "score": 0.95, "segmentations": [_code(random, (3, 3)), None]}
    listed = [{"id": number, "height": 20, "width": 30} for number in range(1, VIDEOS + 1)]
    categories = [{"id": number, "name": str(number)} for number in range(1, 5)]
    truth = read_truth({"videos": listed, "categories": categories, "annotations": annotations})
    return truth, read_results([*results, extra], truth)


def _repeated(truth, results, counts):
    """The same files with each video as often as ``counts`` say, under ids of its own."""
    videos, tracks, found = [], [], []
    for video, count in zip(truth.videos, counts, strict=True):
        for copy in range(count):
            number = 100 * video + copy
            videos.append(number)
            tracks += [
                dataclasses.replace(t, video=number, id=1000 * copy + t.id) for t in truth.tracks if t.video == video
            ]
            found += [dataclasses.replace(track, video=number) for track in results if track.video == video]
    sides = (20,) * len(videos)
    return dataclasses.replace(truth, videos=tuple(videos), heights=sides, widths=sides, tracks=tuple(tracks)), found


@pytest.mark.parametrize("counts", [[1] * VIDEOS, [2, 0, 1, 3, 0, 0], [0, 1, 0, 0, 0, 5], [4, 1, 1, 0, 2, 2]])
def test_a_sample_scores_as_a_file_that_holds_its_videos_as_often(case, counts):
    samples = PrecisionSamples(*case, YOUTUBE_VIS)
    expected = score_tracks(*_repeated(*case, counts))
    got = {name: float(samples.sample(np.array([counts], np.float64), name)[0]) for name in MEASURES}
    assert {name: pytest.approx(expected.value(name), abs=1e-12) for name in MEASURES} == got
    assert 0 < got["AP"] < 1


def test_a_category_that_the_truth_does_not_list_counts_in_no_sample(case):
    truth, results = case
    shorter = dataclasses.replace(truth, categories=truth.categories[1:])
    assert any(track.category == 1 for track in truth.tracks)
    got = float(PrecisionSamples(shorter, results, YOUTUBE_VIS).sample(np.ones((1, VIDEOS)), "AP")[0])
    assert pytest.approx(score_tracks(shorter, results).value("AP"), abs=1e-12) == got
    assert got != float(PrecisionSamples(*case, YOUTUBE_VIS).sample(np.ones((1, VIDEOS)), "AP")[0])


def test_samples_are_independent_of_each_other(case):
    samples = PrecisionSamples(*case, YOUTUBE_VIS)
    weights = np.random.default_rng(3).multinomial(VIDEOS, [1 / VIDEOS] * VIDEOS, size=20).astype(np.float64)
    together = samples.sample(weights, "AP")
    assert together.tolist() == [float(samples.sample(row[None], "AP")[0]) for row in weights]
    assert len(set(together)) > 5


def test_a_sample_without_an_object_has_none(case):
    samples = PrecisionSamples(*case, YOUTUBE_VIS)
    assert np.isnan(samples.sample(np.array([[0.0, 0, 6, 0, 0, 0]]), "AP")).all()


def test_a_video_alone_scores_as_its_own_file(case):
    samples = PrecisionSamples(*case, YOUTUBE_VIS)
    alone = [score_tracks(*_repeated(*case, np.eye(VIDEOS, dtype=int)[place])) for place in range(VIDEOS)]
    got = samples.by_video("AP50")
    assert [one.value("AP50") for one in alone] == [None if v is None else pytest.approx(v, abs=1e-12) for v in got]
    assert got[2] is None
