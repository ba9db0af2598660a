"""What this machine is, what makes its timings noisy, and what the harness itself costs."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from vosbench.cell.series import Series
from vosbench.contract import Model, Runtime, View, Weights
from vosbench.data.masks import write_mask
from vosbench.digest import digest_labels
from vosbench.growth import Growth, measure_growth
from vosbench.heap import keep_freed_memory
from vosbench.meters.device import open_device
from vosbench.meters.host_memory import live_bytes, read_host_memory, reset_peak_resident
from vosbench.meters.quiet import card_troubles
from vosbench.plain import to_plain
from vosbench.records import Event
from vosbench.registry import Registry
from vosbench.session import Ending, FrameRow, run_video
from vosbench.types import Frame, Prediction, Prompt

FRAMES = 300
WARM_UP = 10
HEIGHT, WIDTH = 480, 854
KEY = "0" * 64
BUSY = 0.25
"""Load per core from which other processes disturb a measurement."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """Something that disturbs measurements here, and what to do about it."""

    what: str
    fix: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Overhead:
    """What the harness costs per frame of 480 x 854 beside decoding, in milliseconds.

    ``inside_ms`` is what the null method's own step takes inside the timed region, ``outside_ms`` everything around
    it: meters, checks and digest of the answer, its mask file (``writing_ms`` of it), the series, the event.
    ``cpu_ms`` is the CPU time of all of it, which other processes disturb less. ``growth`` is the process's memory
    over the frames.
    """

    frames: int
    inside_ms: float
    outside_ms: float
    writing_ms: float
    cpu_ms: float
    growth: Growth


def find_noise() -> list[Finding]:
    """Gives back what is likely to disturb timings and memory readings on this machine."""
    return [*_cpu_noise(), *_quota_noise(), *_meter_noise(), *_gpu_noise()]


def measure_overhead() -> Overhead:
    """Gives back what the harness costs, measured with the null method on frames that lie in memory."""
    keep_freed_memory()
    with tempfile.TemporaryDirectory() as folder:
        return _Measurement(Path(folder)).run()


class _Measurement:
    """Does for each frame what a cell does, but decode."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._series = Series(FRAMES)
        self._digest = hashlib.sha256()
        self._writing = 0.0

    def run(self) -> Overhead:
        model: Model = Registry().card("null").load(Runtime(), Weights(kind="none"), None)
        list(self._rows(model, _frames(WARM_UP)))
        self._writing = 0.0
        frames = _frames(FRAMES)
        began, cpu = time.perf_counter(), time.process_time()
        with (self._folder / "events").open("w", buffering=1) as events:
            for row in self._rows(model, frames):
                if isinstance(row, FrameRow):
                    self._series.add(row)
                    event = Event(kind="frame", key=KEY, frame=row.index, seconds=row.seconds)
                    events.write(json.dumps(to_plain(event)) + "\n")
        total, cpu = time.perf_counter() - began, time.process_time() - cpu
        inside = float(self._series.column("seconds").sum())
        return Overhead(
            frames=FRAMES,
            inside_ms=inside / FRAMES * 1e3,
            outside_ms=(total - inside) / FRAMES * 1e3,
            writing_ms=self._writing / FRAMES * 1e3,
            cpu_ms=cpu / FRAMES * 1e3,
            growth=measure_growth(self._series.column("live")),
        )

    def _rows(self, model: Model, frames: Iterator[Frame]) -> Iterator[FrameRow | Ending]:
        view = View(id="overhead", height=HEIGHT, width=WIDTH)
        device = open_device("cpu")
        return run_video(model, view, frames, device, core=False, harness_bytes=lambda: 0, answer=self._answer)

    def _answer(self, frame: Frame, prediction: Prediction) -> None:
        if isinstance(prediction, np.ndarray):
            self._digest.update(digest_labels(prediction))
            began = time.perf_counter()
            write_mask(self._folder / f"{frame.name}.png", prediction)
            self._writing += time.perf_counter() - began


def _frames(count: int) -> Iterator[Frame]:
    image = np.random.default_rng(0).integers(0, 256, (HEIGHT, WIDTH, 3), np.uint8)
    mask = np.zeros((HEIGHT, WIDTH), np.uint8)
    mask[100:200, 100:200] = 1
    for index in range(count):
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
    if read_host_memory().resident is None:
        yield Finding(
            what="this system does not tell what a process holds (Linux does, in /proc)",
            fix="memory and its growth on the CPU are not measured here; measure them on Linux",
        )
        return
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
            with contextlib.suppress(pynvml.NVMLError):
                for trouble in card_troubles(pynvml, pynvml.nvmlDeviceGetHandleByIndex(index)):
                    yield Finding(what=f"GPU {index}: {trouble}", fix="wait until that is over, or take another card")
    except pynvml.NVMLError:
        return
    finally:
        pynvml.nvmlShutdown()


def _read(path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8").strip()
    except OSError:
        return ""
