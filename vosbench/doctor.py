"""What this machine is, what makes its timings noisy, and what the harness itself costs."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from vosbench.contract import Model, Runtime, View, Weights
from vosbench.growth import Growth, measure_growth
from vosbench.meters.device import open_device
from vosbench.meters.host_memory import live_bytes, reset_peak_resident
from vosbench.registry import Registry
from vosbench.session import Ending, run_video
from vosbench.types import Frame, Prompt

FRAMES = 300
HEIGHT, WIDTH = 480, 854
BUSY = 0.25
"""Load per core from which other processes disturb a measurement."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """Something that disturbs measurements here, and what to do about it."""

    what: str
    fix: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Overhead:
    """What the harness costs per frame of 480 x 854 beside decoding and writing, in milliseconds.

    ``inside_ms`` is what the null method's own step takes inside the timed region, ``outside_ms`` everything around
    it: meters, checks of the answer. ``growth`` is the process's memory over the frames.
    """

    frames: int
    inside_ms: float
    outside_ms: float
    growth: Growth


def find_noise() -> list[Finding]:
    """Gives back what is likely to disturb timings and memory readings on this machine."""
    return [*_cpu_noise(), *_quota_noise(), *_meter_noise(), *_gpu_noise()]


def measure_overhead() -> Overhead:
    """Gives back what the harness costs, measured with the null method on frames that lie in memory."""
    model: Model = Registry().card("null").load(Runtime(), Weights(kind="none"), None)
    inside = 0.0
    live = np.full(FRAMES, np.nan)
    began = time.perf_counter()
    for row in run_video(
        model,
        View(id="overhead", height=HEIGHT, width=WIDTH),
        _frames(),
        open_device("cpu"),
        core=False,
        harness_bytes=lambda: 0,
        answer=lambda _frame, _prediction: None,
    ):
        if isinstance(row, Ending):
            continue
        live[row.index] = np.nan if row.memory.host.live is None else row.memory.host.live
        inside += row.seconds
    total = time.perf_counter() - began
    return Overhead(
        frames=FRAMES,
        inside_ms=inside / FRAMES * 1e3,
        outside_ms=(total - inside) / FRAMES * 1e3,
        growth=measure_growth(live),
    )


def _frames() -> Iterator[Frame]:
    image = np.random.default_rng(0).integers(0, 256, (HEIGHT, WIDTH, 3), np.uint8)
    mask = np.zeros((HEIGHT, WIDTH), np.uint8)
    mask[100:200, 100:200] = 1
    for index in range(FRAMES):
        prompt = Prompt(ids=(1,), mask=mask) if index == 0 else None
        yield Frame(index=index, name=f"{index:05d}", image=image, prompt=prompt)


def _cpu_noise() -> Iterator[Finding]:
    cores = os.cpu_count() or 1
    load = os.getloadavg()[0] / cores
    if load > BUSY:
        yield Finding(
            what=f"other processes keep the machine busy: load {load:.2f} per core",
            fix="stop them; use --repeats to see how much timings scatter",
        )
    governor = _read("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor")
    if governor and governor != "performance":
        yield Finding(
            what=f"the CPU changes its clock (governor {governor})",
            fix="cpupower frequency-set -g performance, as root",
        )
    turbo = (
        _read("/sys/devices/system/cpu/intel_pstate/no_turbo") == "0"
        or _read("/sys/devices/system/cpu/cpufreq/boost") == "1"
    )
    if turbo:
        yield Finding(
            what="turbo is on: clocks fall as the machine warms up", fix="turn it off for measurements that must repeat"
        )


def _quota_noise() -> Iterator[Finding]:
    words = _read("/sys/fs/cgroup/cpu.max").split()
    if len(words) == 2 and words[0] != "max":
        yield Finding(
            what=f"this container is given {int(words[0]) / int(words[1]):g} CPUs by quota: a step may be stopped in "
            "its middle",
            fix="give it whole cores (cpuset) instead of a quota",
        )


def _meter_noise() -> Iterator[Finding]:
    if live_bytes() is None:
        yield Finding(
            what="this C library does not tell live bytes (glibc 2.33 or later does)",
            fix="growth on the CPU is read from the resident set, which frees late",
        )
    if not reset_peak_resident():
        yield Finding(
            what="the peak of the resident set cannot be reset", fix="peaks on the CPU are those of the whole process"
        )


def _gpu_noise() -> Iterator[Finding]:
    import pynvml

    try:
        pynvml.nvmlInit()
    except pynvml.NVMLError:
        return
    try:
        for index in range(pynvml.nvmlDeviceGetCount()):
            handle = pynvml.nvmlDeviceGetHandleByIndex(index)
            foreign = len(pynvml.nvmlDeviceGetComputeRunningProcesses(handle))
            if foreign:
                yield Finding(
                    what=f"GPU {index} is used by {foreign} other processes", fix="wait for them, or take another card"
                )
    except pynvml.NVMLError:
        return
    finally:
        pynvml.nvmlShutdown()


def _read(path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8").strip()
    except OSError:
        return ""
