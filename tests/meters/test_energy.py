"""Energy counters, on counters made of files and on a driver made of a class."""

from __future__ import annotations

import pytest

from vosbench.meters.energy import NvmlMeter, open_energy_meter


@pytest.fixture
def zone(tmp_path):
    """Gives back a function that writes a RAPL zone, or moves its counter."""

    def write(number, energy, *, name="package-0", wrap=1_000_000):
        folder = tmp_path / f"intel-rapl:{number}"
        folder.mkdir(exist_ok=True)
        (folder / "name").write_text(f"{name}\n")
        (folder / "energy_uj").write_text(f"{energy}\n")
        (folder / "max_energy_range_uj").write_text(f"{wrap}\n")

    return write


class FakeNvml:
    """A driver whose card counts; it refuses where it is told to."""

    class NVMLError(Exception):
        """The driver's own error."""

    def __init__(self, *, refuses=False):
        self.millijoules = 5000
        self.refuses = refuses

    def nvmlInit(self):
        return None

    def nvmlDeviceGetHandleByIndex(self, index):
        return index

    def nvmlDeviceGetTotalEnergyConsumption(self, _handle):
        if self.refuses:
            raise self.NVMLError("Not Supported")
        return self.millijoules


def test_packages_and_memory_are_added_up_and_what_a_package_holds_is_not_counted_twice(zone, tmp_path):
    zones = {"0": "package-0", "0:0": "core", "0:1": "dram", "1": "package-1", "2": "psys"}
    for number, name in zones.items():
        zone(number, 100, name=name)
    meter = open_energy_meter("cpu", powercap=tmp_path)
    meter.begin()
    for number, name in zones.items():
        zone(number, 1_000_100 if name == "package-0" else 500_100, name=name, wrap=9_000_000)
    assert (2.0, "rapl", "") == (meter.energy().joules, meter.energy().meter, meter.energy().reason)


def test_a_counter_that_wraps_goes_on(zone, tmp_path):
    zone(0, 900_000)
    meter = open_energy_meter("cpu", powercap=tmp_path)
    meter.begin()
    for energy in (100_000, 950_000, 50_000):
        zone(0, energy)
        meter.look()
    assert 0.2 + 0.85 + 0.1 == pytest.approx(meter.energy().joules)


def test_a_machine_without_a_counter_says_so(tmp_path):
    energy = open_energy_meter("cpu", powercap=tmp_path / "absent").energy()
    assert energy.joules is None
    assert "shows no RAPL counter" in energy.reason


def test_a_counter_that_only_root_may_read_says_how(zone, tmp_path, monkeypatch):
    zone(0, 1)

    def refuse(path):
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr("vosbench.meters.energy._number", refuse)
    energy = open_energy_meter("cpu", powercap=tmp_path).energy()
    assert energy.joules is None
    assert "permission denied; root may let it be read: chmod a+r" in energy.reason


def test_a_cards_counter_is_read_at_both_ends(monkeypatch):
    nvml = FakeNvml()
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    meter = open_energy_meter("cuda:0", nvml=nvml)
    assert isinstance(meter, NvmlMeter)
    meter.begin()
    nvml.millijoules += 2500
    meter.look()
    assert (2.5, "nvml") == (meter.energy().joules, meter.energy().meter)


def test_a_card_without_a_counter_says_so(monkeypatch):
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    energy = open_energy_meter("cuda:0", nvml=FakeNvml(refuses=True)).energy()
    assert (None, "this card has no energy counter: Not Supported") == (energy.joules, energy.reason)
