"""The clock and the marks of the network part."""

from __future__ import annotations

import itertools

import pytest

from vosbench.contract import core
from vosbench.meters.clock import timed
from vosbench.meters.device import CpuDevice, open_device


class CountingDevice(CpuDevice):
    def __init__(self):
        self.synchronisations = 0

    def synchronize(self):
        self.synchronisations += 1


@pytest.fixture
def ticking(monkeypatch):
    """Each look at the clock is a second later."""
    moments = itertools.count(0, 10**9)
    monkeypatch.setattr("vosbench.meters.clock.time.perf_counter_ns", lambda: next(moments))


def _marked():
    with core():
        pass
    with core():
        pass
    return "answer"


def test_the_device_is_synchronised_at_both_ends(ticking):
    device = CountingDevice()
    result = timed(device, _marked, core=False)
    assert ("answer", 1.0, None, 2) == (result.value, result.seconds, result.core_seconds, device.synchronisations)


def test_marked_blocks_add_up_and_synchronise_at_their_ends(ticking):
    device = CountingDevice()
    result = timed(device, _marked, core=True)
    assert (2.0, 5.0, 6) == (result.core_seconds, result.seconds, device.synchronisations)


def test_without_a_mark_the_network_part_is_not_measured(ticking):
    assert timed(CountingDevice(), lambda: None, core=True).core_seconds is None


def test_a_block_that_raises_ends(ticking):
    def work():
        with pytest.raises(ValueError, match="inside"), core():
            raise ValueError("inside")

    assert 1.0 == timed(CountingDevice(), work, core=True).core_seconds


def test_marks_outside_a_clock_do_nothing():
    with core():
        pass
    assert isinstance(open_device("cpu"), CpuDevice)
