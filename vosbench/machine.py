"""What this machine is: the fingerprint that says which rows were measured on identical hardware."""

from __future__ import annotations

import importlib.metadata
import os
import platform
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from vosbench.digest import digest_json

VERSIONS_OF = ("vosbench", "torch", "numpy", "opencv-python-headless", "Pillow")


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """Hardware and system software; ``gpus`` and ``driver`` are empty without an NVIDIA card. Bytes are bytes."""

    cpu: str
    cores: int
    memory_bytes: int
    gpus: tuple[str, ...]
    driver: str
    kernel: str
    python: str
    versions: dict[str, str]

    def fingerprint(self, device: str, threads: int) -> str:
        """Gives back 12 hex digits that are equal where two rows may be ranked together.

        Hardware, torch build and threads decide; host name, kernel patch level and the other versions do not.
        """
        gpu = self.gpus[_gpu_index(device)] if device.startswith("cuda") and self.gpus else ""
        return digest_json([self.cpu, self.cores, gpu, self.versions.get("torch", ""), device[:4], threads])[:12]

    def describe(self, device: str, threads: int) -> str:
        """Gives back one line for a table's footer."""
        if device.startswith("cuda") and self.gpus:
            return f"{self.gpus[_gpu_index(device)]}, driver {self.driver}, {self.cpu}"
        return f"CPU {self.cpu}, {threads} of {self.cores} cores"


def read_machine() -> Machine:
    """Gives back this machine, without importing torch."""
    gpus, driver = _gpus()
    return Machine(
        cpu=_cpu_name(),
        cores=len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1,
        memory_bytes=_memory(),
        gpus=gpus,
        driver=driver,
        kernel=f"{platform.system()} {platform.release()}",
        python=platform.python_version(),
        versions={name: _version(name) for name in VERSIONS_OF},
    )


def default_device(machine: Machine) -> str:
    """Gives back ``cuda:0`` where there is a card and a torch build that can use it, else ``cpu``."""
    return "cuda:0" if machine.gpus and not machine.versions.get("torch", "").endswith("+cpu") else "cpu"


def _gpu_index(device: str) -> int:
    return int(device.partition(":")[2] or 0)


def _version(name: str) -> str:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return ""


def _cpu_name() -> str:
    info = Path("/proc/cpuinfo")
    if info.is_file():
        for line in info.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def _memory() -> int:
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (ValueError, OSError):
        return 0


def _gpus() -> tuple[tuple[str, ...], str]:
    """Asks NVML, which answers without a CUDA context."""
    import pynvml

    try:
        pynvml.nvmlInit()
    except pynvml.NVMLError:
        return (), ""
    try:
        count = pynvml.nvmlDeviceGetCount()
        names = tuple(_text(pynvml.nvmlDeviceGetName, pynvml.nvmlDeviceGetHandleByIndex(i)) for i in range(count))
        return names, str(pynvml.nvmlSystemGetDriverVersion())
    except pynvml.NVMLError:
        return (), ""
    finally:
        pynvml.nvmlShutdown()


def _text(read: Callable[[object], object], handle: object) -> str:
    value = read(handle)
    return value.decode() if isinstance(value, bytes) else str(value)
