"""What disturbed a measurement: other processes on the CPU, and the state of the card."""

from __future__ import annotations

import os
from types import SimpleNamespace

import pytest

from vosbench.meters import quiet
from vosbench.meters.quiet import QuietMeter


class FakeNvml:
    NVML_TEMPERATURE_GPU = 0

    class NVMLError(Exception):
        pass

    def __init__(self, *, pids=(), temperature=40, reasons=0, silent=()):
        self.pids, self.temperature, self.reasons = pids, temperature, reasons
        self.silent = silent

    def _answer(self, question, value):
        if question in self.silent:
            raise self.NVMLError("Not Supported")
        return value

    def nvmlInit(self):
        pass

    def nvmlDeviceGetHandleByUUID(self, uuid):
        return uuid

    def nvmlDeviceGetComputeRunningProcesses(self, handle):
        return self._answer("pids", [SimpleNamespace(pid=pid) for pid in self.pids])

    def nvmlDeviceGetTemperature(self, handle, kind):
        return self._answer("temperature", self.temperature)

    def nvmlDeviceGetCurrentClocksThrottleReasons(self, handle):
        return self._answer("reasons", self.reasons)


@pytest.fixture
def stat(tmp_path, monkeypatch):
    """Gives back a function that sets the machine's ticks: of others, of this process and idle ones."""
    path = tmp_path / "stat"
    monkeypatch.setattr(quiet, "_STAT", path)
    tick = os.sysconf("SC_CLK_TCK")

    def write(busy, idle, own=0.0):
        path.write_text(f"cpu  {busy} 0 0 {idle} 0 0 0 0 0 0\ncpu0 1 2 3\n")
        times = SimpleNamespace(user=own / tick, system=0.0, children_user=0.0, children_system=0.0)
        monkeypatch.setattr(os, "times", lambda: times)

    return write


@pytest.mark.parametrize(
    ("busy", "own", "verdict", "share"),
    [(100, 100, "quiet", 0.0), (105, 100, "quiet", 0.025), (150, 100, "disturbed", 0.25), (90, 100, "quiet", 0.0)],
)
def test_what_others_took_of_the_cpu_decides_and_ones_own_work_does_not(stat, busy, own, verdict, share):
    stat(busy=0, idle=0)
    meter = QuietMeter("cpu")
    stat(busy=busy, idle=200 - busy, own=own)
    found = meter.verdict()
    assert (verdict, share) == (found.verdict, pytest.approx(found.foreign_cpu))
    assert (("other processes took 25 % of the CPU",) if verdict == "disturbed" else ()) == found.reasons


def test_a_system_that_does_not_tell_is_unknown(tmp_path, monkeypatch):
    monkeypatch.setattr(quiet, "_STAT", tmp_path / "absent")
    assert ("unknown", None) == (QuietMeter("cpu").verdict().verdict, QuietMeter("cpu").verdict().foreign_cpu)


@pytest.mark.parametrize(
    ("state", "reason"),
    [
        ({"pids": (os.getpid(), 1, 2)}, "2 other processes are on the card"),
        ({"pids": (1, os.getpid())}, "1 other process is on the card"),
        ({"temperature": 91}, "the card is at 91 degrees"),
        ({"reasons": 0x40}, "the card lowered its clocks: hardware thermal slowdown"),
    ],
)
def test_the_card_is_looked_at_before_and_after(stat, monkeypatch, state, reason):
    monkeypatch.setattr(quiet, "cuda_uuid", lambda device: "GPU-0")
    nvml = FakeNvml(**state)
    stat(busy=0, idle=0)
    meter = QuietMeter("cuda:0", nvml=nvml)
    nvml.pids, nvml.temperature, nvml.reasons = (), 40, 0
    stat(busy=1, idle=99, own=1)
    assert ("disturbed", (reason,)) == (meter.verdict().verdict, meter.verdict().reasons)


def test_ones_own_process_a_power_cap_and_a_cool_card_are_quiet(stat, monkeypatch):
    monkeypatch.setattr(quiet, "cuda_uuid", lambda device: "GPU-0")
    stat(busy=0, idle=0)
    meter = QuietMeter("cuda:0", nvml=FakeNvml(pids=(os.getpid(),), reasons=0x04, temperature=60))
    stat(busy=1, idle=99, own=1)
    assert ("quiet", ()) == (meter.verdict().verdict, meter.verdict().reasons)


def test_in_a_container_one_process_of_the_host_is_this_one(stat, monkeypatch):
    monkeypatch.setattr(quiet, "cuda_uuid", lambda device: "GPU-0")
    stat(busy=0, idle=0)
    nvml = FakeNvml(pids=(os.getpid() + 1,))
    meter = QuietMeter("cuda:0", nvml=nvml)
    stat(busy=1, idle=99, own=1)
    assert ("quiet", ()) == (meter.verdict().verdict, meter.verdict().reasons)
    nvml.pids = (os.getpid() + 1, os.getpid() + 2)
    assert ("1 other process is on the card",) == meter.verdict().reasons


@pytest.mark.parametrize("silent", ["pids", "temperature", "reasons"])
def test_what_a_card_does_not_tell_is_no_trouble_and_hides_none(silent):
    nvml = FakeNvml(pids=(1, 2), temperature=91, reasons=0x40)
    assert 3 == len(list(quiet.card_troubles(nvml, "GPU-0")))
    nvml.silent = (silent,)
    assert 2 == len(list(quiet.card_troubles(nvml, "GPU-0")))


def test_this_machine_tells():
    meter = QuietMeter("cpu")
    while sum(range(100_000)) and meter.verdict().verdict == "unknown":
        pass
    assert 0.0 <= meter.verdict().foreign_cpu <= 1.0
