"""Host memory of this process."""

from __future__ import annotations

import ctypes
import mmap

import numpy as np
import pytest

from vosbench.meters import host_memory
from vosbench.meters.device import CpuDevice
from vosbench.meters.host_memory import live_bytes, read_host_memory, reset_peak_resident

MIB = 1 << 20


@pytest.fixture
def _mallinfo():
    if live_bytes() is None:
        pytest.skip("this C library has no mallinfo2")


@pytest.mark.usefixtures("_mallinfo")
@pytest.mark.parametrize("size", [MIB // 64, 64 * MIB])
def test_live_bytes_rise_and_fall_with_what_is_held(size):
    before = live_bytes()
    held = np.ones(size, np.uint8)
    during = live_bytes()
    del held
    after = live_bytes()
    assert size == pytest.approx(during - before, abs=8192)
    assert size == pytest.approx(during - after, abs=8192)


def test_the_resident_set_is_below_its_peak():
    memory = read_host_memory()
    if memory.resident is None:
        pytest.skip("this system does not tell the resident set")
    assert 0 < memory.resident <= memory.peak_resident


def test_the_peak_can_begin_anew():
    # Mapped by hand: an allocator may serve and keep such a block from what others freed before.
    with mmap.mmap(-1, 64 * MIB) as held:
        held.write(bytes(64 * MIB))
    before = read_host_memory().peak_resident
    if not reset_peak_resident():
        pytest.skip("this system cannot reset the peak")
    assert before - read_host_memory().peak_resident > 32 * MIB


def test_a_system_that_does_not_tell_gives_none(monkeypatch, tmp_path):
    monkeypatch.setattr(host_memory, "_STATUS", tmp_path / "absent")
    monkeypatch.setattr(host_memory, "_CLEAR_REFS", tmp_path / "absent" / "clear_refs")
    assert (None, None) == (read_host_memory().resident, read_host_memory().peak_resident)
    assert reset_peak_resident() is False


def test_a_c_library_without_mallinfo2_gives_none(monkeypatch):
    monkeypatch.setattr(host_memory, "_mallinfo2", lambda: None)
    assert live_bytes() is None


def test_the_structure_is_that_of_glibc():
    assert 10 * ctypes.sizeof(ctypes.c_size_t) == ctypes.sizeof(host_memory._Mallinfo2)


def test_a_cpu_has_host_memory_only():
    memory = CpuDevice().read()
    assert (None, None, None) == (memory.allocated, memory.reserved, memory.process)
