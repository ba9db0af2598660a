"""The clock's summary, and slopes that outliers do not move."""

from __future__ import annotations

import numpy as np
import pytest

from vosbench.stats import MOST_POINTS, mean_interval, robust_slope, student_quantile, summarise_seconds


def test_frames_per_second_is_frames_over_the_sum_of_seconds():
    timing = summarise_seconds(np.array([0.1, 0.1, 0.1, 0.7]))
    assert (4, 1.0, 4.0, 100.0) == (
        timing.frames,
        pytest.approx(timing.seconds),
        pytest.approx(timing.frames_per_second),
        pytest.approx(timing.median_ms),
    )
    assert timing.median_ms <= timing.p90_ms <= timing.p99_ms <= 700.0
    assert timing.core_frames_per_second is None


def test_the_percentiles_are_those_of_the_frames():
    timing = summarise_seconds(np.arange(101) / 1000)
    assert pytest.approx([50.0, 90.0, 99.0]) == [timing.median_ms, timing.p90_ms, timing.p99_ms]


def test_the_network_part_counts_where_every_frame_marked_it():
    seconds = np.full(4, 0.5)
    assert 10.0 == pytest.approx(summarise_seconds(seconds, np.full(4, 0.1)).core_frames_per_second)
    assert summarise_seconds(seconds, np.array([0.1, np.nan, 0.1, 0.1])).core_frames_per_second is None


def test_no_frame_has_no_summary():
    assert summarise_seconds(np.empty(0)) is None


def test_a_video_that_slows_down_has_a_slope_in_milliseconds_per_frame():
    assert 0.25 == pytest.approx(summarise_seconds(0.01 + 0.00025 * np.arange(40)).slope_ms)
    assert summarise_seconds(np.full(9, 0.01)).slope_ms is None


@pytest.mark.parametrize(
    ("freedom", "expected"),
    [(1, 12.7062), (2, 4.3027), (3, 3.1824), (4, 2.7764), (9, 2.2622), (10, 2.2281), (30, 2.0423), (200, 1.9719)],
)
def test_students_quantiles_are_those_of_the_tables(freedom, expected):
    assert expected == pytest.approx(student_quantile(freedom), abs=5e-5)


def test_the_interval_of_a_mean_is_students():
    interval = mean_interval(np.array([10.0, 12.0, 14.0]))
    half = 4.30265 * 2 / np.sqrt(3)
    assert (12.0, 3) == (interval.mean, interval.count)
    assert pytest.approx((12 - half, 12 + half), abs=1e-4) == (interval.low, interval.high)


def test_one_value_has_no_interval():
    assert mean_interval(np.array([3.0])) is None
    assert mean_interval(np.empty(0)) is None


def test_the_interval_of_a_mean_holds_it_19_times_of_20():
    generator = np.random.default_rng(5)
    intervals = [mean_interval(generator.normal(3.0, 2.0, 4)) for _ in range(2000)]
    assert 0.95 == pytest.approx(np.mean([one.low <= 3.0 <= one.high for one in intervals]), abs=0.015)


def test_a_line_has_its_own_slope_and_no_width():
    slope = robust_slope(3.5 * np.arange(50) + 7)
    assert (3.5, 3.5, 3.5) == (slope.value, slope.low, slope.high)


def test_outliers_do_not_move_the_slope():
    values = 2.0 * np.arange(60)
    values[[5, 17, 40]] = 1e9
    assert 2.0 == robust_slope(values).value


def test_below_ten_values_there_is_no_slope():
    assert robust_slope(np.arange(9.0)) is None
    assert 1.0 == robust_slope(np.arange(10.0)).value


def test_sens_interval_takes_the_ranks_of_his_paper():
    """Sen 1968, section 5: of N ordered slopes the interval takes ranks (N - C) / 2 and (N + C) / 2 + 1.

    Of 10 values N = 45 and C = 1.96 sqrt(10 * 9 * 25 / 18) = 21.9: outward the 11th and the 35th smallest.
    """
    values = np.random.default_rng(0).normal(size=10)
    first, second = np.triu_indices(10, 1)
    ordered = np.sort((values[second] - values[first]) / (second - first))
    slope = robust_slope(values)
    assert (ordered[10], ordered[34]) == (slope.low, slope.high)


def test_the_interval_of_a_falling_series_mirrors_that_of_a_rising_one():
    values = np.arange(40) + np.random.default_rng(1).normal(size=40) * 5
    rising, falling = robust_slope(values), robust_slope(-values)
    assert pytest.approx([-rising.high, -rising.value, -rising.low]) == [falling.low, falling.value, falling.high]


def test_the_interval_holds_the_true_slope_19_times_of_20():
    generator = np.random.default_rng(2)
    steps = np.arange(60)
    held = 0
    for _ in range(400):
        slope = robust_slope(0.3 * steps + generator.normal(size=60) * 4)
        held += slope.low <= 0.3 <= slope.high
    assert 0.92 <= held / 400 <= 0.98


def test_a_long_series_is_thinned_to_medians_of_neighbours_and_keeps_its_slope():
    steps = np.arange(10 * MOST_POINTS + 3)
    values = 0.01 * steps + np.random.default_rng(3).normal(size=steps.size)
    slope = robust_slope(values)
    assert slope.low <= 0.01 <= slope.high
    assert slope.high - slope.low < 0.001
