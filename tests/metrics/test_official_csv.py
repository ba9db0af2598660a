"""The files of the official tools, to the byte."""

from __future__ import annotations

import json

import numpy as np
import pytest

from vosbench.errors import StoreError
from vosbench.metrics.official_csv import global_csv, per_sequence_csv, vos_benchmark_csv, write_official_csv
from vosbench.metrics.protocol import find_protocol
from vosbench.metrics.summary import Measure, Row, Summary, summarise


def _summary(protocol="davis2017-semi", rows=(), measures=()):
    return Summary(
        protocol=protocol,
        videos=tuple(dict.fromkeys(row.video for row in rows)),
        official_decay=False,
        rows=tuple(rows),
        measures=tuple(Measure(name=name, value=value, reason="" if value else "none") for name, value in measures),
    )


ROWS = (
    Row(label="bike_1", video="bike", object_id=1, j_mean=0.12345, f_mean=2 / 3),
    Row(label="a-very-long-name_1", video="a-very-long-name", object_id=12, j_mean=1.0, f_mean=None),
)


def test_the_global_file_of_davis():
    summary = _summary(measures=[("J&F-Mean", 0.56649), ("J-Mean", 0.5), ("J-Decay", None)])
    assert "J&F-Mean,J-Mean,J-Decay\n0.566,0.500,\n" == global_csv(summary)


def test_the_sequence_file_of_davis():
    expected = "Sequence,J-Mean,F-Mean\nbike_1,0.123,0.667\na-very-long-name_1,1.000,\n"
    assert expected == per_sequence_csv(_summary(rows=ROWS))


def test_the_file_of_vos_benchmark():
    rows = (ROWS[0], Row(label="gold-fish_300", video="gold-fish", object_id=300, j_mean=1.0, f_mean=1.0))
    expected = (
        "sequence    ,obj,  J&F,    J,    F\n"
        "Global score,   , 69.8, 56.2, 83.3\n"
        "bike        ,001, 39.5, 12.3, 66.7\n"
        "gold-fish   ,300, 100.0, 100.0, 100.0\n"
    )
    assert expected == vos_benchmark_csv(_summary("vos-benchmark", rows))


def test_the_file_of_vos_benchmark_without_an_object():
    assert "nan, nan, nan" in vos_benchmark_csv(_summary("vos-benchmark"))


@pytest.mark.parametrize(
    ("name", "files"),
    [
        ("davis2017-semi", ["global_results-val.csv", "per-sequence_results-val.csv"]),
        ("vos-benchmark", ["results.csv"]),
        ("long-time-afb-urr", ["global_results.csv", "per-sequence_results.csv"]),
        ("youtube-vos", []),
    ],
)
def test_files_have_the_names_of_the_official_tool(name, files, tmp_path):
    summary = _summary(name, ROWS, [("J&F-Mean", 0.5)])
    written = write_official_csv(tmp_path, find_protocol(name), summary, subset="val")
    assert files == [path.name for path in written]
    assert files == sorted(path.name for path in tmp_path.iterdir())


def test_the_tool_of_afb_urr_calls_f_nf(tmp_path):
    summary = _summary("long-time-afb-urr", ROWS, [("J&F-Mean", 0.5), ("J-Mean", 0.25), ("F-Recall", 0.75)])
    write_official_csv(tmp_path, find_protocol("long-time-afb-urr"), summary, subset="val")
    assert "J&NF-Mean,J-Mean,NF-Recall\n0.500,0.250,0.750\n" == (tmp_path / "global_results.csv").read_text()
    assert (tmp_path / "per-sequence_results.csv").read_text().startswith("Sequence,J-Mean,NF-Mean\nbike_1,")


def test_old_files_are_overwritten(tmp_path):
    (tmp_path / "global_results-val.csv").write_text("stale")
    summary = _summary(measures=[("J-Mean", 1.0)])
    write_official_csv(tmp_path, find_protocol("davis2017-semi"), summary, subset="val")
    assert "J-Mean\n1.000\n" == (tmp_path / "global_results-val.csv").read_text()


def test_a_folder_that_does_not_exist_is_named(tmp_path):
    with pytest.raises(StoreError) as caught:
        write_official_csv(tmp_path / "nowhere", find_protocol("vos-benchmark"), _summary(), subset="val")
    assert "nowhere" in caught.value.where


def test_lvos_files_are_the_official_ones(goldens, score_arrays):
    """The text of the tool's own files, from scores that differ from its own by nothing."""
    expected = json.loads((goldens / "sparse" / "expected.json").read_text())["lvos"]
    reference = expected["scores_python_boundary"]["res"]["semi-supervised"]
    rows = [
        Row(label=label, video=label, object_id=1, j_mean=j, f_mean=f, variance=v)
        for label, j, f, v in reference["rows"]
    ]
    measures = [(name, value) for name, value in reference.items() if name != "rows"]
    summary = _summary("lvos", rows, measures)
    assert expected["csv_global"] == global_csv(summary)
    assert expected["csv_per_sequence"] == per_sequence_csv(summary)


def test_a_scored_clip_becomes_files(tmp_path, score_arrays):
    truth = np.zeros((4, 8, 8), np.uint8)
    truth[:, 2:5, 2:5] = 1
    protocol = find_protocol("davis2017-semi")
    summary = summarise(protocol, [score_arrays(protocol, truth, truth, video="clip")])
    written = write_official_csv(tmp_path, protocol, summary, subset="val")
    assert "Sequence,J-Mean,F-Mean\nclip_1,1.000,1.000\n" == written[1].read_text()
