"""Was the machine quiet while a cell was timed? What others took of the CPU, and the state of the card."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vosbench.meters.device import card_handle, cuda_uuid
from vosbench.records import Quiet

BUSY_SHARE = {"cpu": 0.1, "cuda": 0.5}
"""Share of all cores that others may take before a measurement counts as disturbed: a card waits for one core only."""

HOT = 85
"""Degrees Celsius from which a card is about to lower its clocks."""

_STAT = Path("/proc/stat")
_THROTTLING = {
    0x08: "hardware slowdown",
    0x20: "software thermal slowdown",
    0x40: "hardware thermal slowdown",
    0x80: "hardware power brake",
}
"""Bits of NVML's clocks event reasons (nvml.h) that say a card is slower than it was asked to be. A power cap (0x04)
is how many cards run all the time, and no disturbance."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Ticks:
    """Clock ticks since the machine started: of all cores, those not idle, and this process's with its children's."""

    all: float
    busy: float
    own: float


class QuietMeter:
    """Looks at the machine when it is made, and tells at the end what disturbed what was between.

    This process's own work is taken off, so it need not rest to be able to tell what others do.
    """

    def __init__(self, device: str, *, nvml: Any = None) -> None:
        self._device = device
        self._nvml = nvml
        self._began = _ticks()
        self._before = tuple(self._card_troubles())

    def verdict(self) -> Quiet:
        """Gives back what others did meanwhile; "unknown" where the system does not tell."""
        now = _ticks()
        if self._began is None or now is None or now.all <= self._began.all:
            return Quiet(verdict="unknown", reasons=("the system does not tell what others do",))
        foreign = max(0.0, (now.busy - self._began.busy) - (now.own - self._began.own))
        share = foreign / (now.all - self._began.all)
        reasons = list(dict.fromkeys((*self._before, *self._card_troubles())))
        if share > BUSY_SHARE[self._device.partition(":")[0]]:
            reasons.append(f"other processes took {100 * share:.0f} % of the CPU")
        return Quiet(verdict="disturbed" if reasons else "quiet", reasons=tuple(reasons), foreign_cpu=share)

    def _card_troubles(self) -> Iterator[str]:
        if not self._device.startswith("cuda"):
            return
        nvml = self._nvml
        if nvml is None:
            import pynvml

            nvml = pynvml
        try:
            nvml.nvmlInit()
            handle = card_handle(nvml, cuda_uuid(self._device))
        except nvml.NVMLError as error:
            yield f"the card does not tell its state: {error}"
            return
        yield from card_troubles(nvml, handle, computes=True)


def card_troubles(nvml: Any, handle: Any, *, computes: bool = False) -> Iterator[str]:
    """Yields what disturbs a card: processes of others, heat, lowered clocks. ``nvml`` is the module `pynvml`.

    ``computes`` says that this process is on the card. What the card does not tell is no trouble.
    """
    others = _others(nvml, handle, computes=computes)
    if others:
        yield f"{others} other {'process is' if others == 1 else 'processes are'} on the card"
    with contextlib.suppress(nvml.NVMLError):
        temperature = int(nvml.nvmlDeviceGetTemperature(handle, nvml.NVML_TEMPERATURE_GPU))
        if temperature >= HOT:
            yield f"the card is at {temperature} degrees"
    with contextlib.suppress(nvml.NVMLError):
        reasons = int(nvml.nvmlDeviceGetCurrentClocksThrottleReasons(handle))
        for bit, words in _THROTTLING.items():
            if reasons & bit:
                yield f"the card lowered its clocks: {words}"


def _others(nvml: Any, handle: Any, *, computes: bool) -> int:
    """How many other processes are on the card.

    In a container the driver may count processes by the host's numbers; then one of them is this one.
    """
    try:
        pids = [one.pid for one in nvml.nvmlDeviceGetComputeRunningProcesses(handle)]
    except nvml.NVMLError:
        return 0
    own = 1 if computes or os.getpid() in pids else 0
    return max(0, len(pids) - own)


def _ticks() -> _Ticks | None:
    """Reads the first line of ``/proc/stat``: user, nice, system, idle, iowait, irq, softirq, steal (proc(5))."""
    try:
        words = _STAT.read_text().split("\n", 1)[0].split()
    except OSError:
        return None
    if len(words) < 9 or words[0] != "cpu":
        return None
    values = [float(word) for word in words[1:9]]
    idle = values[3] + values[4]
    own = os.times()
    seconds = own.user + own.system + own.children_user + own.children_system
    return _Ticks(all=sum(values), busy=sum(values) - idle, own=seconds * os.sysconf("SC_CLK_TCK"))
