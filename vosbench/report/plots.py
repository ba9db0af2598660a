"""The figures of a run: built from its records, written into its folder."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from vosbench.errors import UsageError
from vosbench.report.plots_data import NothingToDrawError, Plot, comma_separated
from vosbench.report.plots_draw import WIDTHS, render
from vosbench.report.plots_entries import Entry, read_entries
from vosbench.report.plots_frames import footprint, fps_frames, memory_frames
from vosbench.report.plots_knob import quality_knob
from vosbench.report.plots_ladder import ladder
from vosbench.report.plots_quality import quality_length, quality_time, short_long
from vosbench.report.plots_tradeoff import COSTS, memory_accuracy, pareto
from vosbench.store.atomic import write_whole
from vosbench.store.run import Run


@dataclass(frozen=True, slots=True, kw_only=True)
class PlotRequest:
    """What a figure is to show: its kind, and of a run all or some suites, methods, or one video; ``cost`` is the x
    axis of ``pareto``.
    """

    kind: str
    suites: tuple[str, ...] = ()
    methods: tuple[str, ...] = ()
    video: str = ""
    cost: str = ""


KINDS: Mapping[str, Callable[[list[Entry], PlotRequest], Plot]] = {
    "memory-accuracy": lambda entries, _: memory_accuracy(entries),
    "memory-frames": lambda entries, _: memory_frames(entries),
    "fps-frames": lambda entries, _: fps_frames(entries),
    "quality-length": lambda entries, _: quality_length(entries),
    "quality-time": lambda entries, _: quality_time(entries),
    "quality-knob": lambda entries, _: quality_knob(entries),
    "pareto": lambda entries, request: pareto(entries, request.cost or "latency"),
    "short-long": lambda entries, request: short_long(entries, request.suites),
    "footprint": lambda entries, _: footprint(entries),
    "ladder": lambda entries, _: ladder(entries),
}


def build_plot(run: Run, request: PlotRequest) -> Plot:
    """Gives back a figure of a run.

    Raises `NothingToDrawError` where the run holds nothing for it, `UsageError` for names that it does not hold.
    """
    if request.cost and request.kind != "pareto":
        raise UsageError(f"--x {request.cost}: the axes of {request.kind} are given", fix="choose x with --kind pareto")
    if request.cost and request.cost not in COSTS:
        raise UsageError(f"--x {request.cost}: not known", fix=f"choose one of {', '.join(COSTS)}")
    entries = read_entries(run, suites=request.suites, methods=request.methods, video=request.video)
    if request.kind != "ladder" and not request.video:
        entries = _without_ladders(entries)
    try:
        plot = KINDS[request.kind](entries, request)
    except NothingToDrawError as error:
        where = error.where or str(run.path)
        raise NothingToDrawError(f"no figure {request.kind}: {error.what}", where=where, fix=error.fix) from error
    chosen = [*request.suites, *request.methods, *[request.video] * bool(request.video)]
    return replace(plot, name="-".join([plot.name, *map(_slug, chosen)]))


def write_plot(plot: Plot, folder: Path, *, width: str = "single") -> list[Path]:
    """Write a figure as SVG, PDF and PNG, its data as CSV; gives back their paths. ``width`` is a key of `WIDTHS`."""
    files = {**render(plot, WIDTHS[width]), "csv": comma_separated(plot).encode()}
    written: list[Path] = []
    for suffix, data in files.items():
        path = folder / f"{plot.name}.{suffix}"
        write_whole(path, data)
        written.append(path)
    return written


def write_headline(run: Run) -> list[Path]:
    """Write ``figures/memory-accuracy.*`` into the run's folder, where a method that is no self-check has a score."""
    try:
        entries = _without_ladders(read_entries(run))
        if all(entry.score is None or entry.row.self_check for entry in entries):
            return []
        plot = memory_accuracy(entries)
    except NothingToDrawError:  # ladders only, or scores without a memory meter
        return []
    return write_plot(plot, run.path / "figures")


def _without_ladders(entries: list[Entry]) -> list[Entry]:
    """A mean over a ladder's rungs, or over random frames, says nothing: only one video at a time, or the ladder's own
    figure, shows them.
    """
    kept = [entry for entry in entries if not _apart(entry)]
    if entries and not kept:
        raise NothingToDrawError(
            "this run has suites only whose videos are no sample to average over: ladders, or random frames",
            fix="use --kind ladder, or choose one video with --video",
        )
    return kept


def _apart(entry: Entry) -> bool:
    suite = entry.cells[0].record.spec.suite
    return bool(suite.vary) or suite.noise


def _slug(text: str) -> str:
    return "-".join("".join(c if c.isalnum() else " " for c in text.lower()).split())
