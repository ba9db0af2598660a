"""What the report page shows beside tables and figures: every video, every failure, the record of the run."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from vosbench.growth import Growth
from vosbench.report.cells import Cell
from vosbench.report.rows import MethodRow
from vosbench.report.table_columns import CONSTANT, HEADLINES, headline_of
from vosbench.store.run import RECORD_FILE, Run


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """A file below the run's folder; ``href`` leads there from the page."""

    text: str
    href: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """A cell of the table of videos: what is shown, and what it is sorted by ('' where there is nothing)."""

    text: str
    sort: str


@dataclass(frozen=True, slots=True, kw_only=True)
class VideoLine:
    """One method on one video of one suite."""

    suite: str
    method: str
    video: str
    outcome: str
    fields: tuple[Field, ...]
    links: tuple[Link, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """A cell that did not go through, with all that is known of it."""

    title: str
    outcome: str
    reason: str
    detail: str
    links: tuple[Link, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """A name and what it is."""

    name: str
    text: str


VIDEO_COLUMNS = ("score", "J", "F", "FPS", "median ms", "p99 ms", "peak MiB", "MiB/frame", "constant")


def video_lines(rows: Sequence[MethodRow], run: Run, page: Path) -> list[VideoLine]:
    """Gives back a line per method and video, from rows by video, with links from ``page`` to the records."""
    return [
        VideoLine(
            suite=row.suite_title,
            method=row.label + (f" ({row.weights})" if row.weights else ""),
            video=row.video,
            outcome=_outcome(row),
            fields=tuple(_fields(row)),
            links=cell_links(row.cells, run, page),
        )
        for row in rows
    ]


def cell_links(cells: Sequence[str], run: Run, page: Path) -> tuple[Link, ...]:
    """Gives back links from ``page`` to the records of cells, which are folders below the run's."""
    return tuple(_link(run, page, cell) for cell in cells)


def failures(cells: Sequence[Cell], run: Run, page: Path) -> list[Failure]:
    """Gives back the cells that did not go through."""
    return [
        Failure(
            title=f"{cell.record.spec.method.title} on {cell.record.spec.suite.title}, {cell.record.spec.video}",
            outcome=cell.record.outcome.status
            + (f" at frame {cell.record.outcome.frame}" if cell.record.outcome.frame is not None else ""),
            reason=cell.record.outcome.reason,
            detail=cell.record.outcome.detail,
            links=(_link(run, page, "/".join(cell.folder.parts[-3:])), *_log(cell, run, page)),
        )
        for cell in cells
        if cell.record.outcome.status != "ok"
    ]


def machines(cells: Sequence[Cell]) -> list[list[Fact]]:
    """Gives back the facts of each machine that cells ran on, by fingerprint and mode."""
    found: dict[tuple[str, str], list[Fact]] = {}
    for cell in cells:
        spec, machine = cell.record.spec, cell.record.machine
        runtime = spec.runtime
        found.setdefault(
            (spec.fingerprint, str(runtime)),
            [
                Fact(name="fingerprint", text=spec.fingerprint),
                Fact(name="device", text=f"{runtime.device}, {machine.describe(runtime.device, runtime.threads)}"),
                Fact(
                    name="cards",
                    text=", ".join(machine.gpus) + f", driver {machine.driver}" if machine.gpus else "none",
                ),
                Fact(name="memory", text=f"{machine.memory_bytes / (1 << 30):.1f} GiB"),
                Fact(name="precision", text=runtime.precision + ", compiled" * runtime.compile),
                Fact(name="threads", text=str(runtime.threads)),
                Fact(name="warm-up", text=f"{spec.warmup_frames} frames"),
                Fact(name="system", text=f"{machine.kernel}, Python {machine.python}"),
                Fact(name="versions", text=", ".join(f"{k} {v}" for k, v in machine.versions.items() if v)),
            ],
        )
    return list(found.values())


def protocols(cells: Sequence[Cell]) -> list[Fact]:
    """Gives back how each suite was run and scored."""
    facts: dict[str, str] = {}
    for cell in cells:
        spec = cell.record.spec
        suite = spec.suite
        words = [f"protocol {suite.protocol}", f"split {suite.split}"]
        words += ["synthetic videos"] * suite.synthetic
        words += [f"played {suite.times} times"] * (suite.times > 1)
        words += [f"cut to {spec.max_frames} frames"] * (spec.max_frames is not None)
        words.append(f"data in {suite.root}")
        facts.setdefault(suite.title, ", ".join(words))
    return [Fact(name=name, text=text) for name, text in facts.items()]


def methods(cells: Sequence[Cell]) -> list[Fact]:
    """Gives back each method's weights, settings and source digest."""
    facts: dict[str, str] = {}
    for cell in cells:
        method = cell.record.spec.method
        weights = method.weights
        words = [
            f"weights {weights.kind}" + f" {weights.path} sha256 {weights.sha256[:16]}" * (weights.path is not None)
        ]
        words += [f"{name}={value}" for name, value in method.settings.items()]
        words.append(f"source {method.source[:12]}")
        facts.setdefault(f"{method.title} ({method.label})", ", ".join(words))
    return [Fact(name=name, text=text) for name, text in facts.items()]


def _fields(row: MethodRow) -> list[Field]:
    scores = [row.scores.get(name) for name in (headline_of(row) or HEADLINES[0], "J-Mean", "F-Mean")]
    numbers = [
        *((score, 1) for score in scores),
        (row.frames_per_second, 2),
        (row.median_ms, 1),
        (row.p99_ms, 1),
        (row.peak_mib, 0),
        (_per_frame(row.growth), 3),
    ]
    fields = [_number(value, decimals) for value, decimals in numbers]
    verdict = row.growth.verdict if row.growth is not None else ""
    return [*fields, Field(text=CONSTANT.get(verdict, "-"), sort=verdict)]


def _number(value: float | None, decimals: int) -> Field:
    if value is None:
        return Field(text="-", sort="")
    return Field(text=f"{round(value, decimals) + 0.0:.{decimals}f}", sort=repr(float(value)))


def _per_frame(growth: Growth | None) -> float | None:
    return growth.per_frame / (1 << 20) if growth is not None and growth.per_frame is not None else None


def _outcome(row: MethodRow) -> str:
    if not row.trouble:
        return "ok"
    return row.trouble[0].removeprefix(f"{row.video}: ")


def _link(run: Run, page: Path, cell: str) -> Link:
    return Link(text=cell, href=_relative(run.path / cell / RECORD_FILE, page))


def _log(cell: Cell, run: Run, page: Path) -> list[Link]:
    path = run.path / "logs" / f"{cell.folder.parent.name}.log"
    return [Link(text="log", href=_relative(path, page))] if path.is_file() else []


def _relative(path: Path, page: Path) -> str:
    from urllib.parse import quote

    return quote(Path(os.path.relpath(path, page.parent)).as_posix())
