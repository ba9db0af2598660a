"""Energy counters: NVML's of a card, RAPL's of the processor packages. Never a guess from a nominal power."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

from vosbench.meters.device import card_handle, cuda_uuid
from vosbench.records import Energy

POWERCAP = Path("/sys/class/powercap")
"""Where Linux shows RAPL's counters (Documentation/power/powercap)."""

MICRO, MILLI = 1e-6, 1e-3


class EnergyMeter(Protocol):
    """Adds up what the hardware's counters say was used."""

    def begin(self) -> None:
        """Begin at zero."""

    def look(self) -> None:
        """Read the counters, so that one that wraps is read more often than it wraps."""

    def energy(self) -> Energy:
        """Gives back the energy used since it began."""


class NoMeter:
    """Says why nothing counts."""

    def __init__(self, reason: str) -> None:
        self._reason = reason

    def begin(self) -> None:
        """Do nothing."""

    def look(self) -> None:
        """Do nothing."""

    def energy(self) -> Energy:
        """Gives back no number, and the reason."""
        return Energy(reason=self._reason)


class NvmlMeter:
    """The card's total energy in millijoules since its driver was loaded (NVML, Volta and later)."""

    def __init__(self, nvml: Any, handle: Any) -> None:
        self._nvml = nvml
        self._handle = handle
        self._began = 0

    def begin(self) -> None:
        """Begin at zero."""
        self._began = self._read()

    def look(self) -> None:
        """Do nothing: 64 bits of millijoules do not wrap."""

    def energy(self) -> Energy:
        """Gives back the energy of the whole card."""
        return Energy(joules=(self._read() - self._began) * MILLI, meter="nvml")

    def _read(self) -> int:
        return int(self._nvml.nvmlDeviceGetTotalEnergyConsumption(self._handle))


class RaplMeter:
    """The packages' counters in microjoules; each begins again at zero beyond its ``max_energy_range_uj``.

    ``zones`` are folders that hold ``energy_uj``. A package of 200 W wraps after some twenty minutes, so `look` is
    called more often than that.
    """

    def __init__(self, zones: Sequence[Path]) -> None:
        self._zones = tuple(zones)
        self._ranges = tuple(_number(zone / "max_energy_range_uj") for zone in zones)
        self._last = [0] * len(self._zones)
        self._used = 0

    def begin(self) -> None:
        """Begin at zero."""
        self._last = [_number(zone / "energy_uj") for zone in self._zones]
        self._used = 0

    def look(self) -> None:
        """Add what was used since the last look."""
        now = [_number(zone / "energy_uj") for zone in self._zones]
        for value, last, wrap in zip(now, self._last, self._ranges, strict=True):
            self._used += value - last if value >= last else value + wrap - last
        self._last = now

    def energy(self) -> Energy:
        """Gives back the energy of the packages, and of the memory where it has a counter of its own."""
        self.look()
        return Energy(joules=self._used * MICRO, meter="rapl")


def open_energy_meter(device: str, *, nvml: Any = None, powercap: Path = POWERCAP) -> EnergyMeter:
    """Gives back the meter of a torch device string; one that says why where there is none.

    ``nvml`` is the module that asks the driver, pynvml where nothing is given.
    """
    return _card_meter(device, nvml) if device.startswith("cuda") else _package_meter(powercap)


def _card_meter(device: str, nvml: Any) -> EnergyMeter:
    import pynvml

    driver = pynvml if nvml is None else nvml
    try:
        driver.nvmlInit()
        meter = NvmlMeter(driver, _handle(driver, device))
        meter.begin()
    except driver.NVMLError as error:
        return NoMeter(f"this card has no energy counter: {error}")
    return meter


def _handle(nvml: Any, device: str) -> Any:
    """The card by its UUID where torch is there to tell it: CUDA may number the cards otherwise than the driver."""
    import torch

    index = int(device.partition(":")[2] or 0)
    if not torch.cuda.is_available():
        return nvml.nvmlDeviceGetHandleByIndex(index)
    return card_handle(nvml, cuda_uuid(f"cuda:{index}"))


def _package_meter(powercap: Path) -> EnergyMeter:
    zones = _zones(powercap)
    if not zones:
        return NoMeter(f"this machine shows no RAPL counter below {powercap}")
    try:
        meter = RaplMeter(zones)
        meter.begin()
    except OSError as error:
        reason = error.strerror or type(error).__name__
        return NoMeter(f"{error.filename}: {reason.lower()}; root may let it be read: chmod a+r {error.filename}")
    return meter


def _zones(powercap: Path) -> list[Path]:
    """The packages, and of their parts the memory alone: cores and graphics are counted in the package.

    The names are those of the kernel's intel_rapl driver, which serves AMD's counters as well.
    """
    found = [zone for zone in sorted(powercap.glob("intel-rapl:*")) if (zone / "energy_uj").exists()]
    return [zone for zone in found if _name(zone).split("-")[0] in ("package", "dram")]


def _name(zone: Path) -> str:
    try:
        return (zone / "name").read_text().strip()
    except OSError:
        return ""


def _number(path: Path) -> int:
    return int(path.read_text())
