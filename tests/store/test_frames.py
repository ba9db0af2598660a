"""The per-frame series."""

from __future__ import annotations

import numpy as np
import pytest

from vosbench.errors import StoreError
from vosbench.store.frames import read_frames, write_frames


def test_a_series_comes_back_with_what_was_not_measured_as_nan(tmp_path):
    path = tmp_path / "frames.parquet"
    columns = {
        "seconds": [0.1, 0.2, 0.3],
        "live": [1, None, 2**53],
        "process": [None] * 3,
        "footprint.long term": [1, 2, 3],
    }
    write_frames(path, ["00000", "00001", "00007"], columns)
    series = read_frames(path)
    assert ("00000", "00001", "00007") == series.names
    assert {"seconds", "live", "process", "footprint.long term"} == set(series.columns)
    assert {np.dtype(np.float64)} == {column.dtype for column in series.columns.values()}
    np.testing.assert_array_equal([0.1, 0.2, 0.3], series.columns["seconds"])
    np.testing.assert_array_equal([1, np.nan, 2**53], series.columns["live"])
    assert np.isnan(series.columns["process"]).all()


def test_banks_are_named_without_their_prefix(tmp_path):
    path = tmp_path / "frames.parquet"
    write_frames(path, ["0"], {"seconds": [1.0], "footprint.working": [5], "trace.scale": [2.0]})
    assert {"working": [5.0]} == {name: list(values) for name, values in read_frames(path).banks().items()}


def test_a_cell_without_a_frame_has_an_empty_series(tmp_path):
    path = tmp_path / "frames.parquet"
    write_frames(path, [], {"seconds": []})
    series = read_frames(path)
    assert ((), 0) == (series.names, series.columns["seconds"].size)


def test_a_missing_or_torn_series_says_what_to_do(tmp_path):
    path = tmp_path / "frames.parquet"
    with pytest.raises(StoreError, match="the frame series cannot be read"):
        read_frames(path)
    write_frames(path, ["0"] * 50, {"seconds": [1.0] * 50})
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(StoreError, match="the frame series cannot be read") as caught:
        read_frames(path)
    assert str(path) == caught.value.where
    assert "run again" in caught.value.fix
