"""Whole videos against what the official tools gave: frames at zero difference, means to 1e-12."""

from __future__ import annotations

import dataclasses
import json

import numpy as np
import pytest

from vosbench.data.masks import read_mask
from vosbench.errors import ScoreError
from vosbench.metrics.protocol import find_protocol
from vosbench.metrics.spans import lvos_span, youtube_vos_span
from vosbench.metrics.summary import summarise
from vosbench.metrics.video import score_video

CLOSE = 1e-12


def _same(expected, actual):
    """Numbers to 1e-12; what is null in a golden is NaN in the tool and None here."""
    if expected is None or actual is None:
        return expected is actual
    return abs(expected - actual) <= CLOSE


def _moments(scored):
    sides = scored.j_statistics, scored.f_statistics
    return [[side.mean, side.recall, side.decay] for side in sides]


def _agrees(expected, score, summary):
    """Compares one ``davis2017_*`` entry of jf_cases."""
    frames = [scored.j.tolist() for scored in score.objects], [scored.f.tolist() for scored in score.objects]
    statistics = zip(expected["J_stats"], expected["F_stats"], strict=True)
    return (
        (expected["J"], expected["F"]) == frames
        and all(
            _same(wanted, got)
            for pair, scored in zip(statistics, score.objects, strict=True)
            for side, mine in zip(pair, _moments(scored), strict=True)
            for wanted, got in zip(side, mine, strict=True)
        )
        and all(_same(wanted, summary.value(name)) for name, wanted in expected["global"].items())
    )


@pytest.fixture(scope="module")
def cases(goldens):
    with np.load(goldens / "jf_cases" / "masks.npz") as masks:
        listed = json.loads((goldens / "jf_cases" / "expected.json").read_text())
        return [(case, masks[f"{case['id']}_pred"], masks[f"{case['id']}_gt"]) for case in listed]


@pytest.mark.parametrize(
    ("name", "key", "refused"), [("davis2017-semi", "davis2017_semi", 30), ("davis2017-unsup", "davis2017_unsup", 0)]
)
def test_davis_2017_on_all_cases(name, key, refused, cases, score_arrays):
    """With the decay of the official tool, overflow included; and it refuses exactly what the tool stops at."""
    protocol = find_protocol(name)
    differing, refusals = [], 0
    for case, prediction, truth in cases:
        expected = case.get(key)
        if expected is None:
            continue
        try:
            score = score_arrays(protocol, prediction, truth, official_decay=True)
        except ScoreError:
            refusals += 1
            agrees = "error" in expected
        else:
            agrees = "error" not in expected and _agrees(expected, score, summarise(protocol, [score]))
        if not agrees:
            differing.append(case["id"])
    assert [] == differing
    assert refused == refusals


@pytest.mark.parametrize(("frames", "key"), [("inner", "vos_benchmark_skip"), ("all", "vos_benchmark_all")])
def test_vos_benchmark_on_all_cases(frames, key, cases, score_arrays):
    protocol = dataclasses.replace(find_protocol("vos-benchmark"), frames=frames)
    differing = []
    for case, prediction, truth in cases:
        objects = score_arrays(protocol, prediction, truth).objects
        j = {str(scored.id): scored.j_statistics.mean * 100 for scored in objects}
        f = {str(scored.id): scored.f_statistics.mean * 100 for scored in objects}
        if (case[key]["iou"], case[key]["boundary_f"]) != (j, f):
            differing.append(case["id"])
    assert [] == differing


def _score_folder(protocol, predictions, truths, frames, video):
    return score_video(
        protocol,
        video=video,
        frames=frames,
        read_prediction=lambda name: read_mask(predictions / video / f"{name}.png"),
        read_truth=lambda name: read_mask(truths / video / f"{name}.png"),
        official_decay=True,
    )


def _assert_sequences(expected, protocol, predictions, truths, videos):
    scores = []
    for video in videos:
        wanted = expected["sequences"][video]
        frames = sorted(path.stem for path in (truths / video).glob("*.png"))
        score = _score_folder(protocol, predictions, truths, frames, video)
        scores.append(score)
        assert wanted["frames"] == list(score.frames)
        assert wanted["J"] == [scored.j.tolist() for scored in score.objects]
        assert wanted["F"] == [scored.f.tolist() for scored in score.objects]
        for place, scored in enumerate(score.objects):
            assert [wanted["J_MRD"][place], wanted["F_MRD"][place]] == [
                pytest.approx(side, abs=CLOSE) for side in _moments(scored)
            ]
    summary = summarise(protocol, scores)
    assert expected["global"] == {measure.name: pytest.approx(measure.value, abs=CLOSE) for measure in summary.measures}
    for wanted, row in zip(expected["per_sequence_rows"], summary.rows, strict=True):
        assert wanted == [row.label, pytest.approx(row.j_mean, abs=CLOSE), pytest.approx(row.f_mean, abs=CLOSE)]


@pytest.mark.parametrize(("key", "frames"), [("official_semi", "inner"), ("official_unsup", "all")])
def test_davis_2016_on_real_masks(key, frames, goldens):
    folder = goldens / "davis16"
    expected = json.loads((folder / "expected.json").read_text())[key]
    protocol = dataclasses.replace(find_protocol("davis2016"), frames=frames)
    _assert_sequences(expected, protocol, folder / "osvos", folder / "gt", list(expected["sequences"]))


@pytest.mark.parametrize(
    ("key", "name", "predictions", "truths"),
    [
        ("official_semi", "davis2017-semi", "pred_semi", "gt"),
        ("official_unsup", "davis2017-unsup", "pred_unsup", "gt_void"),
    ],
)
def test_davis_2017_on_real_masks(key, name, predictions, truths, goldens):
    folder = goldens / "multi_pseudo"
    expected = json.loads((folder / "expected.json").read_text())[key]
    _assert_sequences(expected, find_protocol(name), folder / predictions, folder / truths, list(expected["sequences"]))


@pytest.fixture(scope="module")
def sparse(goldens):
    folder = goldens / "sparse"
    with np.load(folder / "masks.npz") as masks:
        return json.loads((folder / "expected.json").read_text()), dict(masks)


def _assert_rows(expected, summary):
    for wanted, row in zip(expected["rows"], summary.rows, strict=True):
        got = [row.j_mean, row.f_mean] + ([] if row.variance is None else [row.variance])
        assert wanted == [row.label, *(pytest.approx(value, abs=CLOSE) for value in got)]


def test_lvos(sparse, score_arrays):
    expected, masks = sparse[0]["lvos"], sparse[1]
    protocol = find_protocol("lvos")
    scores = []
    for video, meta in sorted(expected["meta"]["videos"].items()):
        truth = masks[f"lvos_{video}_gt"]
        ranges = {key: found["frame_range"] for key, found in meta["objects"].items()}
        spans = [
            lvos_span(
                id=int(key),
                start=int(span["start"]),
                end=int(span["end"]),
                frame_nums=int(span["frame_nums"]),
                group="unseen" if video in expected["unseen"] else "seen",
            )
            for key, span in ranges.items()
        ]
        names = [f"{1 + 5 * index:08d}" for index in range(len(truth))]
        scores.append(score_arrays(protocol, masks[f"lvos_{video}_pred"], truth, names=names, video=video, spans=spans))
    wanted = expected["scores_python_boundary"]["res"]["semi-supervised"]
    summary = summarise(protocol, scores)
    _assert_rows(wanted, summary)
    for measure in summary.measures:
        assert pytest.approx(wanted[measure.name], abs=CLOSE) == measure.value


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("long-time-xmem", "davis2017_tool_as_XMem_docs(first and last excluded)"),
        ("long-time-afb-urr", "afb_urr_tool(first excluded, last kept)"),
    ],
)
def test_long_time_video(name, key, sparse, score_arrays):
    expected, masks = sparse[0]["longvideo"], sparse[1]
    protocol = find_protocol(name)
    scores = [
        score_arrays(
            protocol, masks[f"longvideo_{video}_pred"], masks[f"longvideo_{video}_gt"], names=names, video=video
        )
        for video, names in expected["annotated_frames"].items()
    ]
    summary = summarise(protocol, scores)
    _assert_rows(expected[key], summary)
    for measure in summary.measures:
        assert pytest.approx(expected[key][measure.name], abs=CLOSE) == measure.value


def test_youtube_vos(sparse, score_arrays):
    expected, masks = sparse[0]["ytvos"], sparse[1]
    protocol = find_protocol("youtube-vos")
    scores = []
    for video, meta in expected["meta"]["videos"].items():
        names = meta["frames"]
        spans = [
            youtube_vos_span(
                id=int(key),
                annotated=names,
                first=found["frames"][0],
                group="seen" if found["category"] in expected["seen_categories"] else "unseen",
            )
            for key, found in meta["objects"].items()
        ]
        score = score_arrays(
            protocol, masks[f"ytvos_{video}_pred"], masks[f"ytvos_{video}_gt"], names=names, video=video, spans=spans
        )
        scores.append(score)
        for scored in score.objects:
            raw = expected["raw_per_frame(null=not scored)"][video][str(scored.id)]
            for letter, values in (("J", scored.j), ("F", scored.f)):
                wanted = {name: value for name, value in zip(names, raw[letter], strict=True) if value is not None}
                assert wanted == dict(zip(score.frames_of(scored), values.tolist(), strict=True))
    summary = summarise(protocol, scores)
    for measure in summary.measures:
        wanted = expected["scores"][measure.name.removesuffix("-Mean").replace("-", "_")]
        assert pytest.approx(wanted, abs=CLOSE) == measure.value
