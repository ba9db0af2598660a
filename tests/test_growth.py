"""Does memory grow? Synthetic series of bytes after each frame."""

from __future__ import annotations

import numpy as np
import pytest

from vosbench.growth import frames_until_full, measure_growth

MIB = float(1 << 20)
BASE = 500 * MIB


def _noise(frames, bytes_):
    return np.random.default_rng(4).normal(size=frames) * bytes_


def test_a_constant_bank_is_bounded():
    growth = measure_growth(np.full(300, BASE))
    assert ("bounded", 0.0, 0.0) == (growth.verdict, growth.frames_100_to_200, growth.tail.value)


def test_the_allocators_unrest_is_no_growth():
    assert "bounded" == measure_growth(BASE + _noise(300, 64 << 10)).verdict


@pytest.mark.parametrize("per_frame", [0.05, 1.0, 40.0])
def test_a_bank_that_keeps_every_frame_grows(per_frame):
    growth = measure_growth(BASE + per_frame * MIB * np.arange(300))
    assert "growing" == growth.verdict
    assert per_frame * MIB == pytest.approx(growth.frames_100_to_200)
    assert per_frame * MIB == pytest.approx(growth.per_frame)
    assert per_frame * MIB == pytest.approx(growth.tail.value)


def test_a_bank_that_takes_every_fifth_frame_grows_by_a_fifth():
    growth = measure_growth(BASE + 4 * MIB * (np.arange(300) // 5))
    assert "growing" == growth.verdict
    assert 0.8 * MIB == pytest.approx(growth.frames_100_to_200)
    assert 0.8 * MIB == pytest.approx(growth.tail.value, rel=0.05)


def test_xmems_rule_is_the_200th_frame_less_the_100th_over_100():
    memory = np.full(250, BASE)
    memory[99], memory[199] = BASE + 10 * MIB, BASE + 30 * MIB
    assert 0.2 * MIB == pytest.approx(measure_growth(memory).frames_100_to_200)


def test_xmems_rule_needs_200_frames():
    memory = BASE + MIB * np.arange(200.0)
    assert MIB == pytest.approx(measure_growth(memory).frames_100_to_200)
    short = measure_growth(memory[:199])
    assert short.frames_100_to_200 is None
    assert MIB == pytest.approx(short.per_frame)


@pytest.mark.parametrize("frames", [200, 230, 400, 1000])
@pytest.mark.parametrize("phase", [0, 13, 37])
def test_a_bank_that_fills_for_50_frames_and_is_then_cleared_is_bounded(frames, phase):
    """So does XMem's working memory: it fills up, is consolidated, and fills up again."""
    memory = BASE + 2 * MIB * ((np.arange(frames) + phase) % 50)
    assert "bounded" == measure_growth(memory + _noise(frames, 16 << 10)).verdict


def _filled_and_cleared(frames, every, least, most):
    """Gives back XMem's working memory: one frame in ``every``, from ``most`` frames down to ``least``."""
    held, series = 0, []
    for frame in range(frames):
        if frame % every == 0:
            held = held + 1 if held < most else least
        series.append(held)
    return BASE + 2 * MIB * np.array(series)


@pytest.mark.parametrize(("every", "least", "most"), [(5, 5, 10), (10, 5, 10), (5, 5, 20), (10, 5, 20), (5, 10, 30)])
def test_a_bank_with_a_long_cycle_is_bounded_however_the_video_cuts_it(every, least, most):
    first, cycle = most * every, (most - least) * every
    lengths = range(max(100, 4 * first // 3, 2 * cycle), 700, 10)
    found = {frames: measure_growth(_filled_and_cleared(frames, every, least, most)).verdict for frames in lengths}
    assert {"bounded"} == set(found.values()), found


@pytest.mark.parametrize(("frames", "every"), [(100, 25), (100, 20), (200, 50), (400, 100), (400, 80)])
def test_a_bank_that_is_seldom_written_is_not_said_to_be_bounded(frames, every):
    growth = measure_growth(BASE + 4 * MIB * (np.arange(frames) // every))
    assert growth.verdict in {"growing", "too short"}


def test_a_bank_that_is_written_once_more_for_an_object_that_enters_late_is_bounded():
    memory = np.full(400, BASE)
    memory[320:] += 30 * MIB
    assert "bounded" == measure_growth(memory).verdict


def test_a_bank_that_is_cleared_and_keeps_a_little_each_time_grows():
    steps = np.arange(400)
    memory = BASE + 2 * MIB * (steps % 50) + 5 * MIB * (steps // 50)
    assert "growing" == measure_growth(memory).verdict


def test_a_bank_that_fills_up_and_stays_full_is_bounded():
    memory = BASE + MIB * np.minimum(np.arange(400.0), 120)
    growth = measure_growth(memory)
    assert "bounded" == growth.verdict
    assert growth.frames_100_to_200 > 0


def test_a_bank_that_grows_ever_more_slowly_still_grows():
    assert "growing" == measure_growth(BASE + 20 * MIB * np.log1p(np.arange(600.0))).verdict


def test_a_slow_leak_under_noise_is_found():
    steps = np.arange(1000)
    growth = measure_growth(BASE + 16 * 1024 * steps + _noise(1000, 256 << 10))
    assert "growing" == growth.verdict
    assert growth.tail.low <= 16 * 1024 <= growth.tail.high


def test_one_spike_neither_hides_growth_nor_is_taken_for_it():
    steps = np.arange(300)
    for place in (160, 200, 240, 290):
        rising, still = BASE + 0.2 * MIB * steps, np.full(300, BASE)
        rising[place] += 100 * MIB
        still[place] += 100 * MIB
        assert ("growing", "bounded") == (measure_growth(rising).verdict, measure_growth(still).verdict)


def test_memory_that_falls_is_bounded():
    growth = measure_growth(BASE - 0.1 * MIB * np.arange(300))
    assert "bounded" == growth.verdict
    assert growth.per_frame < 0


@pytest.mark.parametrize("frames", [0, 1, 15, 99])
def test_a_short_video_has_no_verdict(frames):
    growth = measure_growth(BASE + MIB * np.arange(float(frames)))
    assert ("too short", None) == (growth.verdict, growth.frames_100_to_200)


def test_a_series_with_gaps_is_not_judged():
    memory = BASE + MIB * np.arange(300.0)
    memory[70] = np.nan
    growth = measure_growth(memory)
    assert ("too short", None, None) == (growth.verdict, growth.per_frame, growth.tail)


def test_a_minute_has_24_frames_a_second():
    growth = measure_growth(BASE + 0.5 * MIB * np.arange(300))
    assert 0.5 * 24 * 60 == pytest.approx(growth.mib_per_minute)
    assert measure_growth(np.empty(0)).mib_per_minute is None


def test_a_card_is_full_after_what_is_left_of_it_over_the_slope():
    growth = measure_growth(BASE + 2 * MIB * np.arange(300))
    assert 300 + 250 == pytest.approx(frames_until_full(growth, frames=300, held=500 * MIB, capacity=1000 * MIB))
    assert 300 == frames_until_full(growth, frames=300, held=2000 * MIB, capacity=1000 * MIB)


def test_the_latest_slope_says_when_a_card_is_full():
    memory = BASE + 20 * MIB * np.log1p(np.arange(600.0))
    growth = measure_growth(memory)
    frames = frames_until_full(growth, frames=600, held=memory[-1], capacity=memory[-1] + 10 * MIB)
    assert 600 + 10 * MIB / growth.tail.value == pytest.approx(frames)
    assert growth.tail.value < growth.frames_100_to_200


@pytest.mark.parametrize("frames", [60, 300])
def test_where_memory_is_bounded_or_the_video_short_no_card_is_said_to_fill_up(frames):
    growth = measure_growth(np.full(frames, BASE))
    assert frames_until_full(growth, frames=frames, held=BASE, capacity=2 * BASE) is None
