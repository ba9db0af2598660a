"""Runs made by hand: records, frames and scores as a run leaves them, without running anything."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from vosbench.contract import Runtime, Weights
from vosbench.machine import Machine
from vosbench.metrics.records import ObjectScore, VideoScore
from vosbench.metrics.series import statistics
from vosbench.records import (
    CellSpec,
    Energy,
    MemorySummary,
    MethodSpec,
    Mode,
    Operations,
    Outcome,
    Record,
    SuiteSpec,
)
from vosbench.stats import summarise_seconds
from vosbench.store.frames import write_frames
from vosbench.store.run import FRAMES_FILE, Run

MIB = 1 << 20
START = 400 * MIB
CPU = Machine(
    cpu="A Processor", cores=2, memory_bytes=8 << 30, gpus=(), driver="", kernel="Linux", python="3.11",
    versions={"vosbench": "0", "torch": "2.6"},
)  # fmt: skip

Along = Callable[[np.ndarray], np.ndarray]


def _method(
    name: str,
    title: str,
    settings: Mapping[str, Any],
    chosen: Mapping[str, Any],
    weights: Weights | None,
    *,
    ranked: bool,
) -> MethodSpec:
    suffix = "".join(f" {key}={value}" for key, value in chosen.items())
    family, at, variants = name.partition("@")
    return MethodSpec(
        name=name,
        label=name + suffix,
        title=(title or family.upper() + at + variants) + suffix,
        settings={**settings, **chosen},
        weights=weights or Weights(kind="checkpoint", path=Path("w.pth"), sha256="0" * 64),
        source="s",
        ranked=ranked,
    )


class RunMaker:
    """Fills a run's folder with cells that look as if a method had run."""

    def __init__(self, path: Path) -> None:
        self.run = Run(path)

    def entries(self, **choice: Any) -> list[Any]:
        from vosbench.report.plots_entries import read_entries

        return read_entries(self.run, **choice)

    def suite(self, name: str = "tiny", title: str = "", **values: Any) -> SuiteSpec:
        place = {"file": Path("tiny.yaml"), "root": Path(), "split": "val", "protocol": "davis2017-semi"}
        plain = {"name": name, "title": title or name.capitalize(), "synthetic": False, "official_videos": 0}
        return SuiteSpec(**{**place, **plain, **values})

    def add(
        self,
        name: str,
        *,
        suite: SuiteSpec | None = None,
        title: str = "",
        video: str = "aa",
        frames: int = 20,
        memory: Along = lambda t: 0 * t + 5.0,
        seconds: Along = lambda t: 0 * t + 0.05,
        banks: Mapping[str, Along] | None = None,
        jf: float | Along | None = 80.0,
        truth_every: int = 1,
        settings: Mapping[str, Any] | None = None,
        chosen: Mapping[str, Any] | None = None,
        given: Mapping[str, Any] | None = None,
        weights: Weights | None = None,
        parameters: int | None = 2_000_000,
        macs: int | None = None,
        joules: float | None = None,
        outcome: Outcome | None = None,
        repeat: int = 0,
        offset: tuple[int, int] = (0, 1),
        swept: tuple[str, ...] = (),
        max_frames: int | None = None,
        ranked: bool = True,
        prompted: bool = False,
        precision: str = "fp32",
        mode: Mode | None = None,
        machine: Machine = CPU,
        answers: str = "",
        started: str = "2026-01-01T00:00:00+00:00",
    ) -> Path:
        """Publish one cell; ``memory`` (MiB above the start), ``seconds``, ``banks`` (MiB) and ``jf`` (percent) are
        functions of the frame, counted from 1; ``answers`` is the digest of its masks."""
        method = _method(name, title, settings or {}, chosen or {}, weights, ranked=ranked)
        method = replace(method, swept=swept)
        runtime = Runtime(threads=2, precision=precision)
        spec = CellSpec(
            suite=suite or self.suite(),
            method=method,
            runtime=runtime,
            video=video,
            video_digest="d",
            repeat=repeat,
            offset=offset[0],
            offsets=offset[1],
            max_frames=max_frames,
            given=given or {},
            prompted=prompted,
            warmup_frames=2,
            mode=mode or Mode(),
            fingerprint=machine.fingerprint("cpu", 2),
        )
        energy = Energy(joules=joules, reason="" if joules is not None else "no counter")
        measured = {"parameters": parameters, "operations": Operations(macs=macs), "energy": energy}
        measured |= {"started": started, "masks_digest": answers}
        ended = outcome or Outcome(status="ok")
        return self._publish(spec, machine, ended, frames, memory, seconds, banks or {}, jf, truth_every, measured)

    def _publish(self, spec, machine, outcome, frames, memory, seconds, banks, jf, truth_every, counted) -> Path:
        workspace = self.run.workspace(spec)
        done = outcome.frame if outcome.frame is not None else frames
        t = np.arange(1.0, done + 1)
        names = [f"{index:05d}" for index in range(done)]
        live = START + MIB * memory(t)
        took = seconds(t)
        columns = {"seconds": took, "live": live, **{f"footprint.{bank}": MIB * of(t) for bank, of in banks.items()}}
        if outcome.status not in ("killed", "timeout"):
            write_frames(workspace / FRAMES_FILE, names, {key: values.tolist() for key, values in columns.items()})
        if jf is not None and outcome.status == "ok" and spec.method.weights.trained:
            score = self._score(spec, names, jf, truth_every)
            text = json.dumps({"schema": 1, "inputs": "", "score": score.to_json()})
            (workspace / f"scores.{spec.suite.protocol}.json").write_text(text)
        peak = int(live.max()) if done else None
        summary = MemorySummary(
            series="live", before_load=None, after_load=None, peak=peak, peak_reserved=None, peak_process=None,
            peak_host=peak, before_open=START, after_close=START,
        )  # fmt: skip
        record = Record(
            key=spec.key, spec=spec, outcome=outcome, frames=done, timing=summarise_seconds(took), memory=summary,
            machine=machine, **counted,
        )  # fmt: skip
        return self.run.publish(workspace, record)

    def _score(self, spec, names, jf, truth_every) -> VideoScore:
        annotated = names[::truth_every][1:-1]
        t = np.array([int(name) + 1.0 for name in annotated])
        values = (jf(t) if callable(jf) else 0 * t + jf) / 100
        kept = statistics(values, has_recall=True)
        scored = ObjectScore(id=1, j=values, f=values, j_statistics=kept, f_statistics=kept)
        return VideoScore(protocol=spec.suite.protocol, video=spec.video, frames=tuple(annotated), objects=(scored,))
