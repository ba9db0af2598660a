"""The device a method computes on: waiting for it, and what it holds. Host memory only where it is a CPU."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any, Protocol

from vosbench.errors import UsageError
from vosbench.meters.host_memory import HostMemory, read_host_memory, reset_peak_resident


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """Bytes at one moment; None where not measured (no such device, or the driver does not tell).

    ``allocated`` and ``reserved`` are the caching allocator's present values, ``peak_allocated`` and
    ``peak_reserved`` its peaks since the last reset, ``process`` what the driver counts for this process.
    """

    host: HostMemory
    allocated: int | None = None
    reserved: int | None = None
    peak_allocated: int | None = None
    peak_reserved: int | None = None
    process: int | None = None


class Device(Protocol):
    """What the frame loop needs of a device."""

    def synchronize(self) -> None:
        """Wait until the device has done all it was given."""

    def reset_peaks(self) -> None:
        """Begin a new peak."""

    def release_unused(self) -> None:
        """Give back what the allocator keeps of earlier videos, so that none is counted for the next."""

    def read(self) -> Memory:
        """Gives back the memory now."""


class CpuDevice:
    """Has nothing to wait for; its memory is the host's."""

    def synchronize(self) -> None:
        """Do nothing: the CPU's work is done when the call returns."""

    def reset_peaks(self) -> None:
        """Begin a new peak of the resident set."""
        reset_peak_resident()

    def release_unused(self) -> None:
        """Do nothing: what is counted of the host is what is in use."""

    def read(self) -> Memory:
        """Gives back the host's memory."""
        return Memory(host=read_host_memory())


class CudaDevice:
    """One CUDA device: torch's allocator, and the driver's count for this process."""

    def __init__(self, name: str) -> None:
        import pynvml
        import torch

        if not torch.cuda.is_available():
            raise UsageError(
                f"--device {name}: this torch ({torch.__version__}) finds no CUDA device",
                fix="install a CUDA build of torch, or run with --device cpu",
            )
        self._cuda = torch.cuda
        self._device = torch.device(name)
        self._nvml = pynvml
        pynvml.nvmlInit()
        try:
            self._handle = card_handle(pynvml, cuda_uuid(name))
        except pynvml.NVMLError:
            self._handle = None  # then the driver's count is not measured

    def synchronize(self) -> None:
        """Wait for every stream of the device."""
        self._cuda.synchronize(self._device)

    def reset_peaks(self) -> None:
        """Begin new peaks of allocated and reserved memory and of the resident set."""
        self._cuda.reset_peak_memory_stats(self._device)
        reset_peak_resident()

    def release_unused(self) -> None:
        """Empty the caching allocator: reserved memory and the driver's count begin at what is held."""
        self._cuda.empty_cache()

    def read(self) -> Memory:
        """Gives back allocator, driver and host memory now."""
        return Memory(
            host=read_host_memory(),
            allocated=self._cuda.memory_allocated(self._device),
            reserved=self._cuda.memory_reserved(self._device),
            peak_allocated=self._cuda.max_memory_allocated(self._device),
            peak_reserved=self._cuda.max_memory_reserved(self._device),
            process=self._process(),
        )

    def _process(self) -> int | None:
        """In a container the driver may hide process ids; then this is not measured."""
        if self._handle is None:
            return None
        try:
            running = self._nvml.nvmlDeviceGetComputeRunningProcesses(self._handle)
        except self._nvml.NVMLError:
            return None
        for process in running:
            if process.pid == os.getpid() and process.usedGpuMemory is not None:
                return int(process.usedGpuMemory)
        return None


def cuda_uuid(device: str) -> str:
    """Gives back the UUID of a torch device: CUDA may number the cards otherwise than the driver."""
    import torch

    return str(torch.cuda.get_device_properties(torch.device(device)).uuid)


def card_handle(nvml: Any, uuid: str) -> Any:
    """Gives back NVML's handle of the card, or of the slice of a card (MIG), that torch calls ``uuid``.

    ``nvml`` is the module `pynvml`. Raises its ``NVMLError`` where the driver knows no such card.
    """
    if uuid.startswith(("GPU-", "MIG-")):
        return nvml.nvmlDeviceGetHandleByUUID(uuid)
    try:
        return nvml.nvmlDeviceGetHandleByUUID(f"GPU-{uuid}")
    except nvml.NVMLError:
        return nvml.nvmlDeviceGetHandleByUUID(f"MIG-{uuid}")


def open_device(name: str) -> Device:
    """Gives back the device of a torch device string. Raises `UsageError` for one that is not there."""
    return CudaDevice(name) if name.startswith("cuda") else CpuDevice()
