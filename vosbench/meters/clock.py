"""The clock: host uint8 image in, host label map out, the device synchronised at both ends."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from vosbench.contract import measured_core
from vosbench.meters.device import Device

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Timed(Generic[T]):
    """A value and the seconds it took; ``core_seconds`` is the network part, None where none was marked."""

    value: T
    seconds: float
    core_seconds: float | None


class CoreClock:
    """Adds up the blocks that an adapter marks with ``contract.core()``."""

    def __init__(self, device: Device) -> None:
        self._device = device
        self._depth = 0
        self._began = 0
        self.nanoseconds: int | None = None

    def enter(self) -> None:
        """Begin a block; a block inside a block counts once."""
        self._depth += 1
        if self._depth == 1:
            self._device.synchronize()
            self._began = time.perf_counter_ns()

    def exit(self) -> None:
        """End a block."""
        self._depth -= 1
        if self._depth == 0:
            self._device.synchronize()
            self.nanoseconds = (self.nanoseconds or 0) + time.perf_counter_ns() - self._began


def timed(device: Device, work: Callable[[], T], *, core: bool) -> Timed[T]:
    """Gives back what ``work`` gives, timed.

    With ``core`` the marked network part is timed as well: that synchronises inside the step and so adds to its
    seconds on a GPU, which is why it is a choice and stands in the record.
    """
    clock = CoreClock(device) if core else None
    device.synchronize()
    began = time.perf_counter_ns()
    with measured_core(clock):
        value = work()
    device.synchronize()
    seconds = (time.perf_counter_ns() - began) / 1e9
    core_ns = clock.nanoseconds if clock is not None else None
    return Timed(value=value, seconds=seconds, core_seconds=None if core_ns is None else core_ns / 1e9)
