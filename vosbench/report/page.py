"""The report of a run as one HTML page that needs nothing beside it and asks nobody for anything."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import jinja2

from vosbench import __version__
from vosbench.errors import StoreError
from vosbench.report import page_data
from vosbench.report.cells import Cell
from vosbench.report.files import run_origin
from vosbench.report.origins import measured
from vosbench.report.page_overlays import CONFUSED, EXTRA, MISSED, overlay_sheets
from vosbench.report.page_pictures import Choice
from vosbench.report.plots import KINDS, PlotRequest, build_plot
from vosbench.report.plots_data import NothingToDrawError, Plot
from vosbench.report.plots_draw import WIDTHS, render
from vosbench.report.rows import MethodRow, method_rows, read_cells
from vosbench.report.table import Column, Value
from vosbench.report.table_columns import headline_of
from vosbench.report.table_styles import build_tables
from vosbench.report.text import number
from vosbench.store.atomic import write_whole
from vosbench.store.run import Run

if TYPE_CHECKING:
    from vosbench.published import PublishedNumber

FILE = "report.html"

_IDS = re.compile(r'(\bid="|url\(#|href="#)')
_HEAD = re.compile(r"^.*?(?=<svg)", re.DOTALL)


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """A figure as SVG source, and what it shows in words."""

    kind: str
    title: str
    svg: str
    words: str
    footers: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PageRequest:
    """What a page is to hold: ``kinds`` of figures, pictures (``overlays`` None for none), and beside the measured
    numbers the ``published`` ones.
    """

    kinds: tuple[str, ...] = tuple(KINDS)
    overlays: Choice | None = field(default_factory=Choice)
    published: Sequence[PublishedNumber] = ()


def write_page(run: Run, request: PageRequest, path: Path | None = None) -> Path:
    """Write the page, ``report.html`` in the run's folder unless ``path`` is given; gives back where it lies."""
    target = (path or run.path / FILE).resolve()
    write_whole(target, render_page(run, request, target).encode())
    return target


def render_page(run: Run, request: PageRequest, page: Path) -> str:
    """Gives back the page's HTML; links to records are relative to ``page``.

    Raises `StoreError` for a run without a finished cell.
    """
    cells = read_cells(run)
    if not cells:
        raise StoreError("no cell of this run is finished", where=str(run.path), fix="run the command again to go on")
    rows = method_rows(cells)
    sheets, overlay_notes = overlay_sheets(cells, request.overlays) if request.overlays is not None else ([], [])
    origin = run_origin(cells)
    return _environment().get_template("report.html").render(
        title=f"vosbench report: {run.path.name}",
        run=run.path,
        origin=origin,
        measured=measured(origin.date, origin.versions),
        counts=_counts(cells),
        best=_best(rows),
        tables=build_tables(rows, origin, published=request.published),
        table_links=lambda line: page_data.cell_links(line.cells, run, page),
        figures=_figures(run, request.kinds),
        video_columns=page_data.VIDEO_COLUMNS,
        lines=page_data.video_lines(method_rows(cells, by_video=True), run, page),
        failures=page_data.failures(cells, run, page),
        sheets=sheets,
        overlay_notes=overlay_notes,
        legend=[
            (f"rgb{MISSED}", "missed: truth without an answer"),
            (f"rgb{EXTRA}", "extra: an answer without truth"),
            (f"rgb{CONFUSED}", "confused: one object for another"),
        ],
        machines=page_data.machines(cells),
        protocols=page_data.protocols(cells),
        methods=page_data.methods(cells),
        version=__version__,
    )  # fmt: skip


def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent / "templates"),
        undefined=jinja2.StrictUndefined,
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["shown"] = _shown
    return environment


def _shown(value: Value, column: Column) -> str:
    return number(column, value)


def _counts(cells: Sequence[Cell]) -> dict[str, int]:
    good = sum(cell.record.outcome.status == "ok" for cell in cells)
    suites = {cell.record.spec.suite.title for cell in cells}
    methods = {cell.record.spec.method.label for cell in cells}
    counts = {"suites": len(suites), "methods": len(methods), "cells": len(cells), "failed": len(cells) - good}
    return counts | {"frames": sum(cell.record.frames for cell in cells)}


def _best(rows: Sequence[MethodRow]) -> list[str]:
    """Which methods lead on each suite by its headline score; nothing where rows may not be ranked."""
    words: list[str] = []
    for title in dict.fromkeys(row.suite_title for row in rows if not row.video):
        ranked = [
            row for row in rows if row.suite_title == title and row.complete and not row.self_check and not row.beside
        ]
        scored = [row for row in ranked if headline_of(row)]
        alike = len({headline_of(row) for row in scored}) == 1
        if (
            alike
            and len(scored) > 1
            and len({(row.mode, row.planned, row.cut_frames, row.mini) for row in scored}) == 1
        ):
            words.append(f"{title}: {_leaders(scored)}")
    return words


def _leaders(rows: Sequence[MethodRow]) -> str:
    """Who has the highest score as tables show it; those who share it are named together."""
    name = headline_of(rows[0])
    highest = max(round(row.scores[name], 1) for row in rows)
    first = [row.label for row in rows if round(row.scores[name], 1) == highest]
    together = f"{', '.join(first[:-1])} and {first[-1]} lead" if len(first) > 1 else f"{first[0]} leads"
    return f"{together} with {name.removesuffix('-Mean')} {highest:.1f} %"


def _figures(run: Run, kinds: Sequence[str]) -> list[Figure]:
    """The figures that the run holds something for."""
    figures: list[Figure] = []
    for kind in kinds:
        try:
            plot = build_plot(run, PlotRequest(kind=kind))
        except NothingToDrawError:
            continue
        svg = render(plot, WIDTHS["double"], ("svg",))["svg"].decode()
        title = kind.replace("-", " ")
        figures.append(
            Figure(kind=kind, title=title, svg=_inline(svg, kind), words=_words(plot, title), footers=plot.footers)
        )
    return figures


def _inline(svg: str, kind: str) -> str:
    """The figure as part of a page: its ids its own, its size the page's, its name for screen readers."""
    body = _IDS.sub(lambda found: f"{found[1]}{kind}-", _HEAD.sub("", svg))
    return body.replace("<svg ", f'<svg role="img" aria-labelledby="figure-{kind}-words" ', 1)


def _words(plot: Plot, title: str) -> str:
    """What a figure shows, for those who do not see it."""
    panels = [
        f"{panel.title or title}: {panel.y.title} against {panel.x.title} of "
        + (", ".join(dict.fromkeys(series.label for series in panel.series if series.label)) or "all methods")
        for panel in plot.panels
    ]
    return ". ".join(" ".join(text.split()) for text in panels) + "."
