"""Works through the cells of a job: claims each, loads the method once, publishes what comes out."""

from __future__ import annotations

import contextlib
import sys
import time
from dataclasses import replace
from datetime import UTC, datetime

from vosbench.cell.exclusive import exclusive
from vosbench.cell.limits import pinned_to_one_core
from vosbench.cell.recording import Loaded, Recording, Tell
from vosbench.contract import HasNetworks, Model
from vosbench.data.opening import SuiteVideos
from vosbench.data.prompts import prompt_at
from vosbench.data.suite import suite_of
from vosbench.data.video import Video
from vosbench.errors import AdapterError, UsageError, VosbenchError
from vosbench.heap import keep_freed_memory
from vosbench.machine import read_machine
from vosbench.meters.device import Device, open_device
from vosbench.meters.quiet import QuietMeter
from vosbench.records import CellSpec, Event, Job, Record
from vosbench.registry import Registry, restore_settings, source_digest
from vosbench.store.frames import settle_writer
from vosbench.store.run import FRAMES_FILE, Claim, Run


class Worker:
    """Holds what one process keeps between cells: device, model, and the shapes it has warmed up for."""

    def __init__(self, job: Job, tell: Tell) -> None:
        self._run = Run(job.run)
        self._cells = job.cells
        self._spread = job.spread
        self._tell = tell
        self._machine = read_machine()
        self._warm: set[tuple[int, ...]] = set()
        self._videos: dict[tuple[object, ...], SuiteVideos] = {}

    def run(self) -> None:
        """Run every cell that nobody else runs or has run; ends early after one that failed."""
        first = self._cells[0]
        self._check_machine(first)

        def waiting() -> None:
            self._tell(Event(kind="waiting", key=first.key))

        pinned = pinned_to_one_core() if first.mode.one_core else contextlib.nullcontext()
        with exclusive(first.runtime.device, self._machine, spread=self._spread, waiting=waiting), pinned:
            self._run_cells(first)

    def _check_machine(self, spec: CellSpec) -> None:
        """What was planned for one kind of machine must not be measured on another under its name."""
        device, threads = spec.runtime.device, spec.runtime.threads
        if device.startswith("cuda") and not self._machine.gpus:
            reason = self._machine.card_trouble or f"this machine has no card for {device}"
            raise UsageError(reason, fix="ask the cluster for machines whose cards 'nvidia-smi' shows")
        if self._machine.fingerprint(device, threads) != spec.fingerprint:
            raise UsageError(
                f"this is another machine than the run was planned for: {self._machine.describe(device, threads)}, "
                f"torch {self._machine.versions.get('torch', '')}",
                where=f"method {spec.method.name}",
                fix="run machines of different kinds with a command each; they may share one folder",
            )

    def _run_cells(self, first: CellSpec) -> None:
        settle_writer()
        keep_freed_memory()
        device = open_device(first.runtime.device)
        loaded: Loaded | None = None
        for spec in self._cells:
            claim = self._claim(spec)
            if claim is None:
                continue
            try:
                loaded = loaded or self._load(spec, device)
                if self._run_cell(spec, loaded, device).outcome.status != "ok":
                    return  # what failed may have left the process in any state: the parent starts a new one
            finally:
                claim.release()

    def _claim(self, spec: CellSpec) -> Claim | None:
        claim = self._run.claim(spec)
        if claim is None:
            self._tell(Event(kind="busy", key=spec.key))
            return None
        if self._run.record(spec) is not None:
            self._tell(Event(kind="finished", key=spec.key, text="found"))
            claim.release()
            return None
        return claim

    def _load(self, spec: CellSpec, device: Device) -> Loaded:
        self._tell(Event(kind="loading", key=spec.key))
        files = (spec.method.adapter_file,) if spec.method.adapter_file is not None else ()
        card = Registry(files).card(spec.method.name.split("@")[0])
        if source_digest(card) != spec.method.source:
            raise AdapterError(
                "the adapter's source changed while the run was going on",
                where=f"method {spec.method.name}",
                fix="run the same command again: its cells get a key of their own",
            )
        before = device.read()
        began = time.perf_counter()
        settings = restore_settings(card, {**spec.method.settings, **spec.given, **spec.shift})
        model = card.load(spec.runtime, spec.method.weights, settings)
        _set_threads(spec.runtime.threads)
        device.synchronize()
        loaded = Loaded(
            model=model,
            seconds=time.perf_counter() - began,
            before=before,
            after=device.read(),
            parameters=_count_parameters(model),
        )
        self._tell(Event(kind="loaded", key=spec.key, seconds=loaded.seconds))
        return loaded

    def _run_cell(self, spec: CellSpec, loaded: Loaded, device: Device) -> Record:
        workspace = self._run.workspace(spec)
        started = datetime.now(UTC).isoformat(timespec="seconds")
        video = self._open(spec)
        self._tell(Event(kind="video", key=spec.key, frames=len(video.names)))
        recording = Recording(spec, video, loaded, device, workspace)
        quiet = QuietMeter(spec.runtime.device)
        shape = _warm_shape(spec, video)
        outcome = recording.run(self._tell, warm=shape not in self._warm)
        self._warm.add(shape)
        recording.series.write(workspace / FRAMES_FILE)
        record = replace(recording.record(outcome, self._machine, started), quiet=quiet.verdict())
        self._run.publish(workspace, record)
        self._tell(Event(kind="finished", key=spec.key, frame=record.frames, text=outcome.status))
        return record

    def _open(self, spec: CellSpec) -> Video:
        """Gives back the cell's video as the method is asked about it; an annotation file is read once."""
        suite = spec.suite
        place = (suite.file, suite.root, suite.split, suite.feed, suite.times)
        if place not in self._videos:
            self._videos = {place: SuiteVideos(suite_of(suite), suite.root, suite.split, apart=True)}
        video = self._videos[place].open(spec.video, max_frames=spec.max_frames)
        return replace(video, task="vos") if spec.prompted else video


def _warm_shape(spec: CellSpec, video: Video) -> tuple[int, ...]:
    """What a warm-up is good for: a size, and where parts are compiled how many objects they take at once."""
    if not spec.runtime.compile:
        return (video.height, video.width)
    try:
        prompt = prompt_at(video, 0, frozenset())
    except VosbenchError:
        prompt = None  # the video itself says what is wrong with it
    return (video.height, video.width, len(prompt.ids) if prompt is not None else 0)


def _count_parameters(model: Model) -> int | None:
    if not isinstance(model, HasNetworks):
        return None
    return sum(int(parameter.numel()) for network in model.networks() for parameter in network.parameters())


def _set_threads(threads: int) -> None:
    """Only where the adapter brought torch along: a method without it needs none."""
    if "torch" in sys.modules:
        import torch

        torch.set_num_threads(threads)
